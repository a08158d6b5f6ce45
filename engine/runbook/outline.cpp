#include "engine/runbook/outline.h"

#include "engine/runbook/account.h"
#include "engine/runbook/measured.h"
#include "engine/runbook/sections.h"

namespace falsework::runbook {

Outline outline(const Plan& plan, const Known& known) {
  Outline result;
  add_summary(plan, known, result);
  add_time_line(plan, result);
  if (known.account != nullptr) add_account(plan, *known.account, result);
  add_identity(plan, result);
  add_changes(plan, result);
  add_who_is_affected(plan, result);
  add_graph_and_phases(plan, result);
  add_preflight(plan, result);
  if (known.measured != nullptr) add_measured(*known.measured, result);
  add_steps(plan, known, result);
  add_in_between(plan, result);
  add_rollback(plan, result);
  add_developers(plan, result);
  add_abort_criteria(plan, result);
  add_sign_off(plan, result);
  if (known.account != nullptr) add_record(plan, *known.account, result);
  return result;
}

}  // namespace falsework::runbook
