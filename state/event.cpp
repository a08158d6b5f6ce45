#include "state/event.h"

#include <array>

#include "base/error.h"
#include "base/hash.h"

namespace falsework {

namespace {

struct KindName {
  EventKind kind;
  std::string_view name;
};

constexpr std::array kKindNames{
    KindName{EventKind::kRunCreated, "run_created"},
    KindName{EventKind::kStepIntent, "step_intent"},
    KindName{EventKind::kStepProgress, "step_progress"},
    KindName{EventKind::kStepDone, "step_done"},
    KindName{EventKind::kStepFailed, "step_failed"},
    KindName{EventKind::kStepBlocked, "step_blocked"},
    KindName{EventKind::kUndoIntent, "undo_intent"},
    KindName{EventKind::kUndoDone, "undo_done"},
    KindName{EventKind::kUndoFailed, "undo_failed"},
    KindName{EventKind::kGateOpened, "gate_opened"},
    KindName{EventKind::kGateOverridden, "gate_overridden"},
    KindName{EventKind::kGateApproved, "gate_approved"},
    KindName{EventKind::kBackupAcknowledged, "backup_acknowledged"},
    KindName{EventKind::kProofFailed, "proof_failed"},
    KindName{EventKind::kProofCleared, "proof_cleared"},
    KindName{EventKind::kArchiveIntent, "archive_intent"},
    KindName{EventKind::kArchiveDropped, "archive_dropped"},
    KindName{EventKind::kRunWaiting, "run_waiting"},
    KindName{EventKind::kRunPaused, "run_paused"},
    KindName{EventKind::kRunResumed, "run_resumed"},
    KindName{EventKind::kRunDone, "run_done"},
    KindName{EventKind::kRunReopened, "run_reopened"},
    KindName{EventKind::kRunRolledBack, "run_rolled_back"},
    KindName{EventKind::kRunAdopted, "run_adopted"},
    KindName{EventKind::kLedgerRepaired, "ledger_repaired"},
};

// The length stands before each field, so that no two different events have the same text.
void add_field(std::string& text, std::string_view field) {
  text += std::to_string(field.size());
  text += ':';
  text += field;
}

}  // namespace

std::string_view name(EventKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  FALSEWORK_CHECK(index < kKindNames.size() && kKindNames[index].kind == kind);
  return kKindNames[index].name;
}

std::optional<EventKind> parse_event_kind(std::string_view text) {
  for (const KindName& known : kKindNames) {
    if (known.name == text) return known.kind;
  }
  return std::nullopt;
}

std::string hash_of(const Event& event) {
  std::string text;
  add_field(text, event.previous_hash);
  add_field(text, std::to_string(event.serial));
  add_field(text, event.run);
  add_field(text, name(event.kind));
  add_field(text, event.step);
  add_field(text, std::to_string(event.generation));
  add_field(text, std::to_string(event.epoch));
  add_field(text, event.at);
  add_field(text, event.actor);
  add_field(text, std::to_string(event.rows));
  add_field(text, std::to_string(event.duration_ms));
  add_field(text, event.sqlstate);
  add_field(text, event.detail);
  return sha256(text);
}

}  // namespace falsework
