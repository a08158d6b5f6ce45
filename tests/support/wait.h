// Waiting for something that another process or thread brings about.
#pragma once

#include <chrono>
#include <thread>

namespace falsework::test {

// Polls until the condition holds; false when it did not within the timeout. For REQUIRE(wait_until(...)).
template <typename Condition>
bool wait_until(Condition condition, std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace falsework::test
