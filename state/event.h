// What happened in a run, as events: the ledger is a list of them, and a run's state is their fold.
//
// One rule: an event is written once and never changed; each carries the hash of the one before.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace falsework {

enum class EventKind {
  kRunCreated,    // detail: name
  kStepIntent,    // about to run a step
  kStepProgress,  // detail: JSON of Progress; rows so far
  kStepDone,
  kStepFailed,   // detail: message; sqlstate
  kStepBlocked,  // a lock try that failed; detail: blockers
  kUndoIntent,
  kUndoDone,
  kUndoFailed,
  kGateOpened,          // detail: the condition: `release 2026.12`, `advance`
  kGateOverridden,      // by a person, in spite of what is missing; detail: the reason, and what was missing
  kGateApproved,        // detail: who, and the comment
  kBackupAcknowledged,  // detail: its reference and when it was taken
  kProofFailed,         // sticky
  kProofCleared,        // by a person, with a reason
  kArchiveIntent,       // about to drop the archives of a done run; detail: which
  kArchiveDropped,
  kRunWaiting,  // at a closed gate
  kRunPaused,   // stopped at a safe point; detail: signal; or, with a step, held by `pause`; detail: by whom
  kRunResumed,  // what `pause` held goes on
  kRunDone,
  kRunReopened,  // was done, and is about to be rolled back
  kRunRolledBack,
  kRunAdopted,      // by this ledger; detail: from which, and why
  kLedgerRepaired,  // the journal was ahead: detail says of what; the events that make up for it follow
};
std::string_view name(EventKind kind);  // run_created, …
std::optional<EventKind> parse_event_kind(std::string_view text);

struct Event {
  std::int64_t serial = 0;  // 1, 2, … in the whole ledger; given by the store
  std::string run;
  EventKind kind = EventKind::kRunCreated;
  std::string step;  // empty for events of the run
  int generation = 0;
  std::uint64_t epoch = 0;
  std::string at;     // RFC 3339
  std::string actor;  // user@host (pid)
  std::int64_t rows = -1;
  std::int64_t duration_ms = -1;
  std::string sqlstate;
  std::string detail;
  std::string previous_hash, hash;  // given by the store
  bool operator==(const Event&) const = default;
};

// The hash of an event, over the previous one and every field but `hash`.
std::string hash_of(const Event& event);

}  // namespace falsework
