// What a piece of input is refused with.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "base/error.h"

namespace falsework {

struct Refusal {
  std::string code, message, hint;
};

// Runs and returns the Error; fails the test when there is none.
template <typename Run>
Refusal refusal_of(const Run& run) {
  try {
    run();
  } catch (const Error& error) {
    return {std::string(error.code()), error.what(), error.hint()};
  }
  FAIL_CHECK("it was accepted");
  return {};
}

}  // namespace falsework
