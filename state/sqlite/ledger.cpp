#include "state/ledger.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/error_kinds.h"
#include "base/hash.h"
#include "state/sqlite/database.h"
#include "state/sqlite/ledger_file.h"
#include "state/sqlite/schema.h"

namespace falsework {

namespace {

// Long enough for another engine's append, far too short to look like a hang.
constexpr std::chrono::milliseconds kBusyTimeout{5000};

constexpr std::string_view kSelectEvents =
    "SELECT serial, run, kind, step, generation, epoch, at, actor, rows, duration_ms, sqlstate, detail, previous_hash, "
    "hash FROM event";

constexpr std::string_view kSelectRuns =
    "SELECT run, name, plan_digest, plan_text, database, system_identifier, database_oid, incarnation, created_at, "
    "created_by FROM run";

Event read_event(const sqlite::Database& database, const sqlite::Statement& row) {
  Event event;
  event.serial = row.number(0);
  event.run = row.text(1);
  const std::optional<EventKind> kind = parse_event_kind(row.text(2));
  if (!kind) {
    throw Error(errors::kLedgerUnusable,
                fmt::format("the ledger {} holds an event of unknown kind {}", database.path().string(), row.text(2)),
                "Use the newer version of Falsework that wrote it.");
  }
  event.kind = *kind;
  event.step = row.text(3);
  event.generation = static_cast<int>(row.number(4));
  event.epoch = static_cast<std::uint64_t>(row.number(5));
  event.at = row.text(6);
  event.actor = row.text(7);
  event.rows = row.number(8);
  event.duration_ms = row.number(9);
  event.sqlstate = row.text(10);
  event.detail = row.text(11);
  event.previous_hash = row.text(12);
  event.hash = row.text(13);
  return event;
}

RunRecord read_run(const sqlite::Statement& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4),
          row.text(5), row.text(6), row.text(7), row.text(8), row.text(9)};
}

void create_file(const std::filesystem::path& path) {
  sqlite::create_whole(path, [](const std::filesystem::path& temporary) {
    const sqlite::Database database(temporary, kBusyTimeout);
    sqlite::pin_settings(database);
    sqlite::create_schema(database, random_uuid(), render_time(SystemClock().now()));
  });
}

}  // namespace

struct Ledger::Store {
  Store(std::filesystem::path given, const std::filesystem::path& file)
      : path(std::move(given)), database(file, kBusyTimeout) {
    sqlite::verify_schema(database);
    sqlite::pin_settings(database);
    identity = sqlite::identity_of(file);
    check_in_place();
    lineage = database.text("SELECT lineage FROM ledger");
  }

  // The file that SQLite has open must be the one at the path: events that go into a file without a name are lost.
  void check_in_place() const {
    if (identity != sqlite::FileIdentity{} && sqlite::identity_of(database.path()) == identity && database.in_place()) {
      return;
    }
    throw Error(errors::kLedgerUnusable,
                fmt::format("the ledger {} was moved, replaced or removed while it was open", database.path().string()),
                "Put the file back, or restore it from a backup; then run the command again.");
  }

  bool has_run(const std::string& run) const {
    sqlite::Statement found = database.prepare("SELECT 1 FROM run WHERE run = ?");
    return found.bind(run).step();
  }

  // The chain starts at the lineage, so that events of one ledger do not fit into another.
  std::string first_hash() const { return sha256(lineage); }

  void insert_run(const RunRecord& run) const {
    if (has_run(run.run)) {
      throw Error(errors::kObjectExists, fmt::format("run {} is in the ledger already", run.run),
                  "See what it has done with `falsework history`.");
    }
    database
        .prepare(
            "INSERT INTO run (run, name, plan_digest, plan_text, database, system_identifier, database_oid, "
            "incarnation, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(run.run)
        .bind(run.name)
        .bind(run.plan_digest)
        .bind(run.plan_text)
        .bind(run.database)
        .bind(run.system_identifier)
        .bind(run.database_oid)
        .bind(run.incarnation)
        .bind(run.created_at)
        .bind(run.created_by)
        .run();
  }

  Event insert(Event event) const {
    sqlite::Statement last = database.prepare("SELECT serial, hash FROM event ORDER BY serial DESC LIMIT 1");
    const bool any = last.step();
    event.serial = any ? last.number(0) + 1 : 1;
    event.previous_hash = any ? last.text(1) : first_hash();
    event.hash = hash_of(event);
    database
        .prepare(
            "INSERT INTO event (serial, run, kind, step, generation, epoch, at, actor, rows, duration_ms, "
            "sqlstate, detail, previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(event.serial)
        .bind(event.run)
        .bind(name(event.kind))
        .bind(event.step)
        .bind(static_cast<std::int64_t>(event.generation))
        .bind(static_cast<std::int64_t>(event.epoch))
        .bind(event.at)
        .bind(event.actor)
        .bind(event.rows)
        .bind(event.duration_ms)
        .bind(event.sqlstate)
        .bind(event.detail)
        .bind(event.previous_hash)
        .bind(event.hash)
        .run();
    return event;
  }

  const std::filesystem::path path;  // as given
  const sqlite::Database database;
  sqlite::FileIdentity identity;
  std::string lineage;
};

std::unique_ptr<Ledger> Ledger::open(const std::filesystem::path& path, bool create) {
  const std::filesystem::path file = sqlite::resolve(path, create);
  if (!sqlite::exists(file)) {
    if (!create) {
      throw Error(errors::kFileUnreadable, fmt::format("there is no ledger at {}", path.string()),
                  "Start a run with `falsework apply`, or name the ledger's file with --state.");
    }
    create_file(file);
  }
  sqlite::inspect(file);
  return std::unique_ptr<Ledger>(new Ledger(std::make_unique<Store>(path, file)));
}

Ledger::Ledger(std::unique_ptr<Store> store) : store_(std::move(store)) {}

Ledger::~Ledger() = default;

const std::string& Ledger::lineage() const { return store_->lineage; }

const std::filesystem::path& Ledger::path() const { return store_->path; }

std::int64_t Ledger::serial() const {
  store_->check_in_place();
  return store_->database.number("SELECT coalesce(max(serial), 0) FROM event");
}

LedgerMark Ledger::mark() const {
  store_->check_in_place();
  sqlite::Statement last = store_->database.prepare("SELECT serial, hash FROM event ORDER BY serial DESC LIMIT 1");
  if (!last.step()) return {};
  return {last.number(0), last.text(1)};
}

bool Ledger::has(const LedgerMark& mark) const {
  store_->check_in_place();
  if (mark.serial == 0) return true;
  sqlite::Statement event = store_->database.prepare("SELECT hash FROM event WHERE serial = ?");
  return event.bind(mark.serial).step() && event.text(0) == mark.hash;
}

void Ledger::create_run(const RunRecord& run, Event created) { import_run(run, {std::move(created)}); }

void Ledger::import_run(const RunRecord& run, std::vector<Event> events) {
  FALSEWORK_CHECK(!events.empty() && events.front().kind == EventKind::kRunCreated);
  store_->check_in_place();
  sqlite::WriteTransaction transaction(store_->database);
  store_->insert_run(run);
  for (Event& event : events) {
    FALSEWORK_CHECK(event.run == run.run);
    store_->insert(std::move(event));
  }
  transaction.commit();
}

std::vector<RunRecord> Ledger::runs() const {
  store_->check_in_place();
  std::vector<RunRecord> runs;
  sqlite::Statement rows = store_->database.prepare(fmt::format("{} ORDER BY position", kSelectRuns));
  while (rows.step()) runs.push_back(read_run(rows));
  return runs;
}

std::optional<RunRecord> Ledger::find_run(const std::string& run) const {
  store_->check_in_place();
  sqlite::Statement row = store_->database.prepare(fmt::format("{} WHERE run = ?", kSelectRuns));
  if (!row.bind(run).step()) return std::nullopt;
  return read_run(row);
}

Event Ledger::append(Event event) {
  store_->check_in_place();
  sqlite::WriteTransaction transaction(store_->database);
  if (!store_->has_run(event.run)) {
    throw Error(errors::kRunUnknown, fmt::format("the ledger has no run {}", event.run),
                "List the runs with `falsework status`.");
  }
  Event stored = store_->insert(std::move(event));
  transaction.commit();
  return stored;
}

std::vector<Event> Ledger::events(const std::string& run) const {
  store_->check_in_place();
  std::vector<Event> events;
  sqlite::Statement rows = store_->database.prepare(fmt::format("{} WHERE run = ? ORDER BY serial", kSelectEvents));
  rows.bind(run);
  while (rows.step()) events.push_back(read_event(store_->database, rows));
  return events;
}

std::vector<std::string> Ledger::verify_chain() const {
  store_->check_in_place();
  std::vector<std::string> problems;
  std::int64_t serial = 0;
  std::string previous = store_->first_hash();
  sqlite::Statement rows = store_->database.prepare(fmt::format("{} ORDER BY serial", kSelectEvents));
  while (rows.step()) {
    const Event event = read_event(store_->database, rows);
    ++serial;
    if (event.serial != serial) {
      problems.push_back(fmt::format("events {} to {} are missing", serial, event.serial - 1));
      serial = event.serial;
    }
    if (event.previous_hash != previous) {
      problems.push_back(fmt::format("event {} does not follow the one before it", event.serial));
    }
    if (hash_of(event) != event.hash) problems.push_back(fmt::format("event {} was changed", event.serial));
    previous = event.hash;
  }
  return problems;
}

}  // namespace falsework
