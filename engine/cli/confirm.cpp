#include "engine/cli/confirm.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"

namespace falsework::cli {

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(errors::kConfirmationMissing, message, "Nothing was changed. See what it would do with --dry-run.");
}

void require_terminal(const Invocation& invocation) {
  if (invocation.arguments().has("yes") || Console::can_ask()) return;
  throw Error(
      errors::kUsage, "there is no terminal to ask on, and --yes is not given",
      fmt::format("See what it would do with: falsework {} … --dry-run; then give --yes.", invocation.command().name));
}

void require_yes(Console& console, const std::string& refusal) {
  const std::string answer = console.ask("Go on? [y/N]");
  if (answer != "y" && answer != "Y" && answer != "yes") refuse(refusal);
}

}  // namespace

bool confirm(Invocation& invocation, const Intention& intention, bool irreversible) {
  Console& console = invocation.console();
  const bool yes = invocation.arguments().has("yes");
  const std::vector<std::string> names = invocation.arguments().values("confirm");
  const bool named = std::find(names.begin(), names.end(), intention.name) != names.end();
  require_terminal(invocation);
  if (!yes || !invocation.arguments().has("quiet")) console.note(describe_intention(intention));
  if (irreversible && !named && yes) {
    throw Error(
        errors::kConfirmationMissing, fmt::format("a step of {} that lies ahead cannot be undone", intention.name),
        fmt::format("Nothing was changed. Add --confirm {} to go past the point of no return.", intention.name));
  }
  if (yes) return named;
  if (irreversible && !named) {
    const std::string answer = console.ask(
        fmt::format("Some of this cannot be undone. Type the migration's name to go on ({}):", intention.name));
    if (answer != intention.name) refuse(fmt::format("{} was not confirmed", intention.name));
    return true;
  }
  require_yes(console, fmt::format("{} was not agreed to", intention.name));
  return named;
}

void agree(Invocation& invocation, const std::string& what) {
  require_terminal(invocation);
  const bool yes = invocation.arguments().has("yes");
  if (!yes || !invocation.arguments().has("quiet")) invocation.console().note(what);
  if (!yes) require_yes(invocation.console(), fmt::format("{} was not agreed to", invocation.command().name));
}

}  // namespace falsework::cli
