#include <fmt/format.h>

#include "base/duration.h"
#include "base/error_kinds.h"
#include "engine/cli/command.h"
#include "engine/cli/copy_report.h"
#include "engine/cli/invocation.h"
#include "engine/cli/numbers.h"
#include "engine/copy_control.h"

namespace falsework::cli {

namespace {

constexpr std::int64_t kMostWorkers = 64;

[[noreturn]] void refuse(std::string_view option, const std::string& text, const std::string& what) {
  throw Error(errors::kUsage, fmt::format("--{} {} is not understood", option, text), what);
}

std::chrono::milliseconds lag_of(const std::string& text) {
  if (text == "0") return std::chrono::milliseconds(0);
  const auto lag = parse_duration(text);
  if (!lag || lag->count() <= 0) {
    refuse("max-lag", text, "Write a number and a unit, as in 500ms, 10s or 1m; 0 does not look at replicas.");
  }
  return *lag;
}

CopyLimits limits_of(const Arguments& arguments) {
  CopyLimits limits;
  if (const auto text = arguments.value("workers")) {
    const auto number = whole_number(*text);
    if (!number || *number < 1 || *number > kMostWorkers) {
      refuse("workers", *text, "Write a number from 1 to 64; to hold the copy, use: falsework pause.");
    }
    limits.workers = static_cast<int>(*number);
  }
  if (const auto text = arguments.value("wal-rate")) limits.wal_rate = wal_rate_of(*text);
  if (const auto text = arguments.value("max-lag")) limits.max_lag = lag_of(*text);
  if (const auto text = arguments.value("hold-while")) limits.hold_while = *text;
  return limits;
}

ExitCode run_throttle(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  const CopyLimits limits = limits_of(arguments);
  const auto duration = arguments.duration("for");
  if (limits.empty() && duration) {
    throw Error(errors::kUsage, "--for is given without a limit",
                "Say what holds for that time: --workers, --wal-rate, --max-lag or --hold-while.");
  }
  const auto word = arguments.word(0);
  const RunView run = word ? find_run(invocation.ledger(), *word) : only_active_run(invocation.ledger());
  if (!limits.empty()) {
    set_copy_limits(run.record, invocation.connection(), limits, duration, invocation.executor_options().actor);
  }
  const CopyControl control = copy_control(run.record, invocation.connection());
  Console& console = invocation.console();
  if (console.json()) {
    console.document(control_json(run.record.run, control));
  } else {
    console.line(describe_control(run.record.run, control));
  }
  return ExitCode::kDone;
}

}  // namespace

Command throttle_command() {
  return {"throttle",
          "set how fast the copy of a run may go, while it runs or beforehand; alone it shows what is set",
          "[RUN]",
          0,
          1,
          {Needs::kDatabase, Needs::kLedger},
          {
              {"workers", 0, "N", "sessions that copy, 1 to 64"},
              {"wal-rate", 0, "RATE", "WAL per second that the copy may write: 500kB, 16MB; 0: without limit"},
              {"max-lag", 0, "TIME", "hold while a replica is further behind: 10s; 0: do not look at replicas"},
              {"hold-while", 0, "SQL", "hold while this query answers true or a number above 0; empty: no condition"},
              {"for", 0, "TIME", "what is given holds for so long: 2h; then what held before"},
          },
          run_throttle,
          {"falsework throttle users --workers 1 --wal-rate 8MB --for 2h", "falsework throttle users --wal-rate 0",
           "falsework throttle users --hold-while \"SELECT count(*) > 100 FROM jobs WHERE state = 'late'\"",
           "falsework throttle users --json"},
          "It acts within one batch and is kept in the database, so it survives a restart. Without RUN the only run "
          "under way is meant."};
}

}  // namespace falsework::cli
