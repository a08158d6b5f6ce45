// The ledger: the store of runs and events (SQLite). It holds intent, history and measurements; the journal in the
// target database alone decides what happened.
//
// One rule: an intent that cannot be written stops the step before anything is sent to the database.
// Settings and their reasons: rollback journal, synchronous=FULL, BEGIN IMMEDIATE, STRICT tables, application_id,
// user_version, file 0600 in a directory 0700, identity of the file checked before each write. Schema:
// docs/reference/ledger.md.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "state/event.h"

namespace falsework {

struct RunRecord {
  std::string run;   // id: <name>-<8 hex>
  std::string name;  // of the migration
  std::string plan_digest;
  std::string plan_text;
  std::string database;  // user@host:port/database, without secret
  std::string system_identifier;
  std::string database_oid;
  std::string incarnation;  // of the journal
  std::string created_at, created_by;
  bool operator==(const RunRecord&) const = default;
};

// A place in the chain of events: the serial of an event and its hash. A copy of a ledger that does not have it is
// older, or went another way.
struct LedgerMark {
  std::int64_t serial = 0;
  std::string hash;
  bool operator==(const LedgerMark&) const = default;
};

class Ledger {
 public:
  // Opens or creates. Throws Error(ledger.unusable) for a file that is corrupt, empty, foreign, a symbolic link, or
  // newer; Error(ledger.unreachable) for one that is locked, read-only or on a full disk; Error(file.unreadable) when
  // there is none and `create` is false.
  static std::unique_ptr<Ledger> open(const std::filesystem::path& path, bool create);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // A UUID given at creation; the journal remembers which ledger a run belongs to.
  const std::string& lineage() const;
  // The serial of the last event.
  std::int64_t serial() const;
  // The last event's place in the chain; serial 0 when there is none.
  LedgerMark mark() const;
  // Whether the event of that serial is there, with that hash.
  bool has(const LedgerMark& mark) const;

  // Stores the run and its first event in one transaction. Throws Error(object.exists) for a run that it has.
  void create_run(const RunRecord& run, Event created);
  // Stores a run and all of its events, given in order, in one transaction. Throws Error(object.exists).
  void import_run(const RunRecord& run, std::vector<Event> events);
  std::vector<RunRecord> runs() const;  // oldest first
  std::optional<RunRecord> find_run(const std::string& run) const;

  // Appends one event, durably, and returns it as stored (serial, hashes). Throws Error(run.unknown), and as open()
  // does; then nothing was stored.
  Event append(Event event);
  std::vector<Event> events(const std::string& run) const;  // by serial

  // Checks the hash chain; returns what is wrong, in words.
  std::vector<std::string> verify_chain() const;

  const std::filesystem::path& path() const;

 private:
  struct Store;
  explicit Ledger(std::unique_ptr<Store> store);
  std::unique_ptr<Store> store_;
};

}  // namespace falsework
