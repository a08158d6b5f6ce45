#include <doctest/doctest.h>

#include "base/error_kinds.h"
#include "state/run_state.h"

namespace falsework {

TEST_SUITE_BEGIN("state/progress");

TEST_CASE("progress is rendered as one line of JSON and read back as it was") {
  Progress progress;
  progress.rows = 120000;
  progress.total = 200000;
  progress.blocks = 800;
  progress.total_blocks = 1334;
  progress.rate = 15321.5;
  progress.eta_s = 5.25;
  progress.wal_rate = 1048576;
  progress.hot_share = 0.82;
  progress.workers = 2;
  progress.throttled_by = {"replica lag 12s", "a \"quoted\" name"};
  progress.signals = {{"replica_lag", "s", "holds", "2026-12-01T03:00:00.000Z", "standby1", 12.5, 10}};

  const std::string text = render_progress(progress);

  CHECK(text.find('\n') == std::string::npos);
  CHECK(parse_progress(text) == progress);
}

TEST_CASE("the names of progress are those of status --json") {
  CHECK(render_progress(Progress{}) ==
        R"({"rows":0,"total":0,"blocks":0,"total_blocks":0,"rate":0.0,"eta_s":-1.0,"wal_rate":0.0,"hot_share":-1.0,)"
        R"("workers":0,"throttled_by":[],"signals":[]})");
}

TEST_CASE("progress that is malformed, incomplete or of the wrong type is refused") {
  for (const char* text : {"", "{", "[]", "{}", R"({"rows":"many"})"}) {
    CAPTURE(text);
    try {
      parse_progress(text);
      FAIL("it was taken for progress");
    } catch (const Error& error) {
      CHECK(error.code() == errors::kLedgerUnusable.code);
      CHECK(std::string(error.what()).find("progress is not understood: ") == 0);
    }
  }
}

TEST_SUITE_END();

}  // namespace falsework
