#include "base/clock.h"

#include <doctest/doctest.h>

#include <csignal>
#include <thread>

#include "base/stop.h"

namespace falsework {

using std::chrono::system_clock;

TEST_SUITE_BEGIN("base/clock");

TEST_CASE("a time is rendered in UTC with milliseconds, also before 1970") {
  CHECK(render_time(system_clock::time_point{}) == "1970-01-01T00:00:00.000Z");
  CHECK(render_time(system_clock::time_point{std::chrono::milliseconds(1'796'094'000'250)}) ==
        "2026-12-01T03:00:00.250Z");
  CHECK(render_time(system_clock::time_point{std::chrono::milliseconds(-1)}) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("a manual clock moves only when told, both hands together") {
  ManualClock clock;
  const auto wall = clock.now();
  const auto monotonic = clock.monotonic();
  CHECK(clock.now() == wall);
  CHECK(clock.sleep(Milliseconds(1'500)));
  CHECK(clock.now() - wall == Milliseconds(1'500));
  CHECK(clock.monotonic() - monotonic == Milliseconds(1'500));
}

TEST_CASE("the system clock sleeps at least as long as it was asked to") {
  SystemClock clock;
  const auto start = clock.monotonic();
  CHECK(clock.sleep(Milliseconds(60)));
  CHECK(clock.monotonic() - start >= Milliseconds(60));
}

TEST_CASE("a stop request ends a long sleep early") {
  SystemClock clock;
  const auto start = clock.monotonic();
  std::thread stopper([] {
    std::this_thread::sleep_for(Milliseconds(30));
    set_stop_signal(SIGTERM);
  });
  const bool slept = clock.sleep(std::chrono::minutes(1));
  stopper.join();
  set_stop_signal(0);
  CHECK_FALSE(slept);
  CHECK(clock.monotonic() - start < std::chrono::seconds(5));
}

TEST_SUITE_END();

}  // namespace falsework
