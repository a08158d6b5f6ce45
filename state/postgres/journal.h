// The journal: tables in schema `falsework` of the target database, written in the same transaction as a step. It
// decides what happened.
//
// One rule: what is read after fence() is final for every older engine; nothing that an older engine sends can commit
// any more. The argument: docs/exactly-once.md. Schema: docs/reference/journal.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "postgres/session/session.h"
#include "state/ledger.h"

namespace falsework {

using Fingerprint = std::map<std::string, std::map<std::string, std::string>>;  // relation -> object -> digest

struct JournalRun {
  std::string run, name, plan_digest, plan_text, lineage;
  std::vector<std::string> relations;  // display names that it touches
  std::string state;                   // active, done, rolled_back
  std::uint64_t epoch = 0;
  std::string holder, held_since;  // user@host (pid) of the last engine
  bool past_no_return = false;
  LedgerMark mark;           // the newest event of the ledger, when the run was last written to
  std::int64_t entries = 0;  // of its history
  std::string head;          // hash of the newest of them
  std::string created_at;
};

enum class JournalState { kIntent, kDone, kUndoIntent, kUndone, kProofFailed };

struct JournalStep {
  std::string step;
  JournalState state = JournalState::kIntent;
  int generation = 1;
  std::uint64_t epoch = 0;
  std::string cursor;  // JSON of a copy, as jsonb renders it; cleared by a new generation
  std::int64_t rows = 0;
  std::string at;  // given by the server
  // For the history, where the state changes; not read back.
  std::int64_t duration_ms = -1;
  std::string detail;
};

// One entry of a run's history.
struct JournalEntry {
  std::int64_t entry = 0;  // 1, 2, … in the run
  std::string step, event;
  int generation = 0;
  std::uint64_t epoch = 0;
  std::int64_t rows = 0, duration_ms = -1;
  std::string sqlstate, detail;
  std::string actor;  // user@host (pid) of the engine
  std::string role;   // that it was connected as
  int pid = 0;        // of the server process
  std::string at;     // given by the server
};

struct JournalGate {
  std::string step, condition, actor, at;
};

// All methods run on the session given; those that say «in a transaction» expect one to be open.
class Journal {
 public:
  explicit Journal(pg::Session& session) : session_(session) {}

  // Creates the schema and its tables if they are absent, in a transaction of its own; nothing for PUBLIC.
  // Throws Error(privilege.missing) with the GRANT that is needed, Error(object.foreign) for a schema of that name
  // which is not ours, Error(ledger.unusable) for a journal of a newer version.
  void install();
  // The UUID that this journal was created with; nullopt when there is no journal. Throws as install() does.
  std::optional<std::string> incarnation();
  // Drops the schema when no run is left in it that is active; false when one is, or there is no journal.
  // In the open transaction or in one of its own.
  bool uninstall_if_empty();

  // Inserts a run, in the open transaction or in one of its own, and holds it for this session where it names a holder.
  // Throws Error(plan.conflict) that names an active run which touches one of its relations, Error(run.held) when an
  // engine is at work on that one, Error(object.exists) for a run that is there.
  void create_run(const JournalRun& run);
  std::vector<JournalRun> runs();
  std::optional<JournalRun> find_run(const std::string& run);

  // The fence: polls pg_try_advisory_lock for at most `patience` (never blocks in the server; throws Error(run.held)
  // with who and since when, unless `take_over` says to end what an engine of this run has registered), raises the
  // epoch and commits, ends the backends of older epochs, waits until they are gone. Returns the new epoch; the
  // advisory lock is held until the session ends.
  std::uint64_t fence(const std::string& run, const std::string& holder, Clock& clock,
                      std::chrono::milliseconds patience, bool take_over = false);
  // Registers this backend (or another session of the same engine) under the epoch.
  void register_backend(const std::string& run, std::uint64_t epoch, int pid);

  // The server processes that engines of any run have registered and that still live.
  std::vector<int> live_backends();

  // In a transaction: locks the run's row with our epoch. Throws Error(run.held) when we have been overtaken.
  // `shared` for batches, so that workers do not wait for each other.
  void hold_epoch(const std::string& run, std::uint64_t epoch, bool shared);

  std::map<std::string, JournalStep> steps(const std::string& run);
  // In a transaction, or alone for steps that cannot run in one; holds the epoch (shared) by itself. An empty cursor
  // leaves that of the same generation as it is. Throws Error(run.held) when we have been overtaken,
  // Error(proof.failed) for an intent or a result of a generation whose proof failed (an undo, which begins a new one,
  // is how a person clears it), Error(plan.digest_mismatch).
  void record(const std::string& run, const std::string& plan_digest, const JournalStep& step);

  // Remembers up to where the ledger of the run has been written, so that an older copy of it is noticed. In a
  // transaction that holds the epoch.
  void mark_ledger(const std::string& run, const LedgerMark& mark);
  // Says that the run is kept in another ledger from now on. In a transaction that holds the epoch, if the run is
  // active.
  void adopt(const std::string& run, const std::string& lineage, const std::string& detail);

  // Adds an entry that changes no state: of these fields step, event, generation, rows, duration_ms, sqlstate and
  // detail. Throws Error(run.held) when we have been overtaken.
  void note(const std::string& run, std::uint64_t epoch, const JournalEntry& entry);
  std::vector<JournalEntry> history(const std::string& run);
  // Checks the chain of each run; returns what is wrong, in words, the first broken entry of a run first.
  std::vector<std::string> verify_history();

  // The catalog as the last finished step left it.
  void record_fingerprint(const std::string& run, const Fingerprint& fingerprint);
  std::optional<Fingerprint> fingerprint(const std::string& run);

  void open_gate(const std::string& run, const JournalGate& gate);
  std::vector<JournalGate> gates(const std::string& run);
  // Forgets what opened a gate, when it is undone: it must open anew. In a transaction.
  void close_gate(const std::string& run, const std::string& step);

  void mark_no_return(const std::string& run);  // in the step's transaction, before the statement
  void finish_run(const std::string& run, const std::string& state);
  // Makes a run that is done active again, to be rolled back. In a transaction that holds the epoch; locks out the
  // creation of runs until its end. Throws Error(plan.conflict) and Error(run.held) as create_run() does.
  void reopen_run(const std::string& run);

 private:
  void verify_history(const JournalRun& run, std::vector<std::string>& problems);
  void take_lock(const std::string& run, const std::string& holder, Clock& clock, std::chrono::milliseconds patience,
                 bool take_over);
  std::uint64_t raise_epoch(const std::string& run, const std::string& holder, Clock& clock,
                            std::chrono::milliseconds patience);

  pg::Session& session_;
};

}  // namespace falsework
