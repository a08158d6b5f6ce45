#include "engine/cli/command.h"

namespace falsework::cli {

const std::vector<Option>& common_options() {
  static const std::vector<Option> kOptions{
      {"database", 'd', "URL",
       "the database, as a libpq URL or keyword string; else DATABASE_URL, else libpq's own "
       "environment"},
      {"state", 0, "FILE", "the ledger; else FALSEWORK_STATE, else .falsework/state.db"},
      {"json", 0, "", "results, and errors, as JSON on stdout"},
      {"quiet", 'q', "", "no progress on stderr"},
      {"verbose", 'v', "", "more of what happens on stderr"},
      {"help", 'h', "", "show this help"},
  };
  return kOptions;
}

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands{
      plan_command(),     runbook_command(),      explain_command(),      apply_command(),
      advance_command(),  approve_command(),      acknowledge_command(),  rollback_command(),
      status_command(),   history_command(),      release_list_command(), release_withdraw_command(),
      snapshot_command(), drift_command(),        check_command(),        prove_command(),
      adopt_command(),    archive_drop_command(), pause_command(),        resume_command(),
      throttle_command(),
  };
  return kCommands;
}

std::vector<Option> lock_options() {
  return {
      {"lock-timeout", 0, "TIME", "how long one try may wait for a lock, over the plan's own: 500ms, 2s"},
      {"lock-budget", 0, "TIME", "how long all tries of a step may take together, over the plan's own: 10m"},
      {"build-timeout", 0, "TIME", "how long one try of a concurrent index build may take: 2h (no limit unless given)"},
      {"patience", 0, "TIME", "how long to wait for another process that holds the run (default 5s)"},
      {"take-over", 0, "", "end what an earlier engine left running, once the patience is over"},
      {"terminate-blockers", 0, "", "end sessions that have stood in the way of a step for 5 s (off unless given)"},
      {"allow-superuser", 0, "", "run although the role is a superuser"},
  };
}

}  // namespace falsework::cli
