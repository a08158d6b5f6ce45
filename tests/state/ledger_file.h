// What the tests of the ledger share: a file to spoil, a run to record, and the error that an act ends in.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "state/ledger.h"

namespace falsework::test {

struct Failure {
  std::string code, message, hint;
};

// The Error that `act` throws; fails the test when it throws none.
template <typename Act>
Failure failure_of(Act act) {
  try {
    act();
  } catch (const Error& error) {
    return {std::string(error.code()), error.what(), error.hint()};
  }
  FAIL("nothing was thrown");
  return {};
}

inline RunRecord sample_run(const std::string& run = "users_email-1a2b3c4d") {
  return {run,
          "users_email",
          "digest",
          "{\"plan\": 1}",
          "ann@db:5432/shop",
          "7",
          "16384",
          "incarnation",
          "2026-12-01T03:00:00.000Z",
          "ann@host (42)"};
}

inline Event event_of(const std::string& run, EventKind kind, const std::string& detail = {}) {
  Event event;
  event.run = run;
  event.kind = kind;
  event.at = "2026-12-01T03:00:00.000Z";
  event.actor = "ann@host (42)";
  event.detail = detail;
  return event;
}

inline void create_sample_run(Ledger& ledger, const std::string& run = "users_email-1a2b3c4d") {
  ledger.create_run(sample_run(run), event_of(run, EventKind::kRunCreated, "users_email"));
}

// Overwrites bytes of a file in place.
inline void overwrite(const std::filesystem::path& path, off_t offset, std::string_view bytes) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(file >= 0);
  const ssize_t written = pwrite(file, bytes.data(), bytes.size(), offset);
  close(file);
  REQUIRE(written == static_cast<ssize_t>(bytes.size()));
}

}  // namespace falsework::test
