#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error_kinds.h"
#include "engine/cli/command.h"
#include "engine/cli/invocation.h"
#include "engine/cli/releases.h"
#include "engine/gates.h"

namespace falsework::cli {

namespace {

std::string describe(const ReleaseGate& gate, const std::vector<RunView>& runs) {
  if (gate.state != "open") return fmt::format("run {}, gate {}: waits for it again", gate.run, gate.step);
  for (const RunView& run : runs) {
    if (run.record.run != gate.run || is_over(run.state)) continue;
    return fmt::format("run {}, gate {}: was passed and stays open; go back with: falsework rollback {} --step {}",
                       gate.run, gate.step, gate.run, gate.step);
  }
  return fmt::format("run {}, gate {}: was passed, and the run is over", gate.run, gate.step);
}

ExitCode run_release_withdraw(Invocation& invocation) {
  Console& console = invocation.console();
  const std::string release = *invocation.arguments().word(0);
  const std::string reason = invocation.arguments().value("reason").value_or("");
  const SystemClock clock;
  const std::vector<RunView> runs = all_runs(invocation.ledger());
  withdraw_release({invocation.ledger(), clock, invocation.connection(), invocation.actor_here()}, runs, release,
                   reason);
  const std::vector<ReleaseGate> gates = gates_of_releases(runs)[release];
  if (console.json()) {
    nlohmann::ordered_json json;
    json["release"] = release;
    json["recorded"] = "withdrawn";
    json["gates"] = render_gates(gates);
    console.document(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    return ExitCode::kDone;
  }
  console.line(fmt::format("release {} is withdrawn: it counts as not out", release));
  for (const ReleaseGate& gate : gates) console.line(describe(gate, runs));
  return ExitCode::kDone;
}

}  // namespace

Command release_withdraw_command() {
  return {"release withdraw",
          "take back that a release is out, as after a slip of the pen",
          "NAME",
          1,
          1,
          {Needs::kDatabase, Needs::kLedger},
          {{"reason", 0, "TEXT", "why; kept with it"}},
          run_release_withdraw,
          {"falsework release withdraw 2026.21 --reason \"2026.12 was meant\""},
          "Gates that no run has passed yet wait for the release again, and a soak that began with it begins anew when "
          "it is out again. A gate that was passed stays open: only a rollback goes back through it. What was said "
          "stays on record, and so does the withdrawal."};
}

}  // namespace falsework::cli
