#include "state/sqlite/schema.h"

#include <fmt/format.h>

#include <set>
#include <string_view>

#include "base/error_kinds.h"

namespace falsework::sqlite {

namespace {

constexpr const char* kHintRestore =
    "Move it away, then rebuild it from the journal in the database with: falsework adopt.";

// SQLite keeps these words as they are, and verify_schema() compares them.
constexpr std::string_view kSchema[] = {
    R"(CREATE TABLE ledger (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  lineage TEXT NOT NULL,
  created_at TEXT NOT NULL,
  engine_version TEXT NOT NULL
) STRICT)",
    R"(CREATE TABLE run (
  position INTEGER PRIMARY KEY,
  run TEXT NOT NULL UNIQUE CHECK (run <> ''),
  name TEXT NOT NULL,
  plan_digest TEXT NOT NULL,
  plan_text TEXT NOT NULL,
  database TEXT NOT NULL,
  system_identifier TEXT NOT NULL,
  database_oid TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL
) STRICT)",
    R"(CREATE TABLE event (
  serial INTEGER PRIMARY KEY,
  run TEXT NOT NULL REFERENCES run (run),
  kind TEXT NOT NULL,
  step TEXT NOT NULL,
  generation INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  rows INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  sqlstate TEXT NOT NULL,
  detail TEXT NOT NULL,
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT)",
    "CREATE INDEX event_of_run ON event (run, serial)",
    // INSERT OR REPLACE deletes without firing DELETE triggers, so what is inserted is checked too.
    R"(CREATE TRIGGER event_insert BEFORE INSERT ON event
WHEN NEW.serial <> (SELECT coalesce(max(serial), 0) + 1 FROM event)
BEGIN SELECT RAISE(ABORT, 'an event is appended, never replaced'); END)",
    R"(CREATE TRIGGER event_update BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END)",
    R"(CREATE TRIGGER event_delete BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END)",
    R"(CREATE TRIGGER run_insert BEFORE INSERT ON run
WHEN EXISTS (SELECT 1 FROM run WHERE run = NEW.run OR position = NEW.position)
BEGIN SELECT RAISE(ABORT, 'a run is recorded once'); END)",
    R"(CREATE TRIGGER run_update BEFORE UPDATE ON run
BEGIN SELECT RAISE(ABORT, 'a run is never changed'); END)",
    R"(CREATE TRIGGER run_delete BEFORE DELETE ON run
BEGIN SELECT RAISE(ABORT, 'a run is never deleted'); END)",
    R"(CREATE TRIGGER ledger_insert BEFORE INSERT ON ledger
WHEN EXISTS (SELECT 1 FROM ledger)
BEGIN SELECT RAISE(ABORT, 'a ledger has one lineage'); END)",
    R"(CREATE TRIGGER ledger_update BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the lineage is never changed'); END)",
    R"(CREATE TRIGGER ledger_delete BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the lineage is never deleted'); END)",
};

[[noreturn]] void refuse(const Database& database, const std::string& what, const char* hint = kHintRestore) {
  throw Error(errors::kLedgerUnusable, fmt::format("the ledger {} {}", database.path().string(), what), hint);
}

std::multiset<std::string> declared_schema() {
  std::multiset<std::string> all;
  for (const std::string_view sql : kSchema) all.emplace(sql);
  return all;
}

// Indexes that SQLite makes by itself have no text.
std::multiset<std::string> found_schema(const Database& database) {
  std::multiset<std::string> all;
  Statement statement = database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL");
  while (statement.step()) all.insert(statement.text(0));
  return all;
}

}  // namespace

void create_schema(const Database& database, const std::string& lineage, const std::string& created_at) {
  WriteTransaction transaction(database);
  database.run(fmt::format("PRAGMA application_id = {}", kApplicationId));
  database.run(fmt::format("PRAGMA user_version = {}", kUserVersion));
  for (const std::string_view sql : kSchema) database.run(sql);
  database.prepare("INSERT INTO ledger (one, lineage, created_at, engine_version) VALUES (1, ?, ?, ?)")
      .bind(lineage)
      .bind(created_at)
      .bind(std::string_view(FALSEWORK_VERSION))
      .run();
  transaction.commit();
}

void verify_schema(const Database& database) {
  if (database.number("PRAGMA application_id") != kApplicationId) {
    refuse(database, "is not a ledger: it is a SQLite file of another program",
           "Name another file with --state, or set FALSEWORK_STATE.");
  }
  const std::int64_t version = database.number("PRAGMA user_version");
  if (version > kUserVersion) {
    refuse(
        database,
        fmt::format("was written by a newer version: its format is {}, this program knows {}", version, kUserVersion),
        "Use the newer version of Falsework that wrote it.");
  }
  if (version != kUserVersion) refuse(database, fmt::format("has format {}, which never was", version));
  const std::string health = database.text("PRAGMA quick_check(1)");
  if (health != "ok") refuse(database, fmt::format("is corrupt: {}", health));
  if (found_schema(database) != declared_schema()) refuse(database, "was altered: its tables or triggers are not ours");
  if (database.number("SELECT count(*) FROM ledger") != 1) refuse(database, "has no lineage");
}

void pin_settings(const Database& database) {
  // A WAL keeps answering "ok" for a file that was unlinked or replaced; a rollback journal notices
  // (SQLITE_READONLY_DBMOVED).
  const std::string mode = database.text("PRAGMA journal_mode = DELETE");
  if (mode != "delete") refuse(database, fmt::format("cannot leave journal mode {}", mode));
  database.run("PRAGMA synchronous = FULL");
  database.run("PRAGMA foreign_keys = ON");
  database.run("PRAGMA trusted_schema = OFF");
  FALSEWORK_CHECK(database.number("PRAGMA synchronous") == 2);
  FALSEWORK_CHECK(database.number("PRAGMA foreign_keys") == 1);
  FALSEWORK_CHECK(database.number("PRAGMA trusted_schema") == 0);
}

}  // namespace falsework::sqlite
