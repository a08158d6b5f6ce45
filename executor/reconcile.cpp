#include "executor/reconcile.h"

#include <fmt/format.h>

#include "executor/schedule.h"

namespace falsework {

namespace {

std::string conditions_of(const Step& step) {
  std::vector<std::string> conditions;
  for (const GateCondition& condition : step.gate->conditions) conditions.push_back(render_condition(condition));
  return fmt::format("{}", fmt::join(conditions, ", "));
}

Repair missing_done(const Step& step) {
  if (step.kind == StepKind::kGate) return {EventKind::kGateOpened, step.id, conditions_of(step)};
  return {EventKind::kStepDone, step.id, {}};
}

class Comparison {
 public:
  Comparison(const Step& step, const RunState& ledger, const JournalStep* row) : step_(step), row_(row) {
    if (const auto found = ledger.steps.find(step.id); found != ledger.steps.end()) status_ = found->second;
    done_ = !status_.undoing && (status_.state == StepState::kDone || ledger.open_gates.contains(step.id));
  }

  void judge(Reconciliation& result) const {
    const bool undone = status_.state == StepState::kUndone;
    if (row_ == nullptr || row_->state == JournalState::kIntent) {
      // A proof that failed would be asked again and again by an engine that its ledger does not let go on.
      if (done_ || status_.proof_failed) result.ahead.push_back(step_.id);
      return;
    }
    switch (row_->state) {
      case JournalState::kIntent: break;
      case JournalState::kDone:
        if (undone) {
          result.ahead.push_back(step_.id);
        } else if (!done_) {
          result.repairs.push_back(missing_done(step_));
        }
        break;
      case JournalState::kUndoIntent:
        if (undone) {
          result.ahead.push_back(step_.id);
        } else if (!status_.undoing) {
          result.repairs.push_back({EventKind::kUndoIntent, step_.id, {}});
        }
        break;
      case JournalState::kUndone: judge_undone(result); break;
      case JournalState::kProofFailed:
        if (!status_.proof_failed) result.repairs.push_back({EventKind::kProofFailed, step_.id, {}});
        break;
    }
  }

 private:
  void judge_undone(Reconciliation& result) const {
    if (status_.undoing) {
      result.repairs.push_back({EventKind::kUndoDone, step_.id, {}});
    } else if (status_.proof_failed) {
      result.repairs.push_back({EventKind::kProofCleared, step_.id, {}});
    } else if (done_) {
      result.ahead.push_back(step_.id);
    }
  }

  const Step& step_;
  const JournalStep* row_;
  StepStatus status_;
  bool done_ = false;
};

}  // namespace

Reconciliation reconcile(const Plan& plan, const RunState& ledger, const std::map<std::string, JournalStep>& journal) {
  Reconciliation result;
  for (const Step& step : plan.steps) {
    const auto row = journal.find(step.id);
    Comparison(step, ledger, row == journal.end() ? nullptr : &row->second).judge(result);
  }
  return result;
}

}  // namespace falsework
