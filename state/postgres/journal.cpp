#include "state/postgres/journal.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/error_kinds.h"
#include "state/postgres/history.h"
#include "state/postgres/overtaken.h"
#include "state/postgres/schema.h"

namespace falsework {

namespace {

constexpr std::array<std::string_view, 5> kStateNames{"intent", "done", "undo_intent", "undone", "proof_failed"};

std::string_view name_of(JournalState state) {
  const auto index = static_cast<std::size_t>(state);
  FALSEWORK_CHECK(index < kStateNames.size());
  return kStateNames[index];
}

JournalState parse_state(std::string_view text) {
  for (std::size_t i = 0; i < kStateNames.size(); ++i) {
    if (kStateNames[i] == text) return static_cast<JournalState>(i);
  }
  FALSEWORK_CHECK(false);  // the table's own CHECK lets no other in
}

// Another transaction unless one is open; commit() ends only what it began.
class Scope {
 public:
  explicit Scope(pg::Session& session) {
    if (!session.in_transaction()) own_.emplace(session);
  }
  void commit() {
    if (own_) own_->commit();
  }

 private:
  std::optional<pg::Transaction> own_;
};

// Adds an entry to the history that is no change of a step's state. `epoch` and `generation` are those of the moment.
void log_event(pg::Session& session, const std::string& run, const std::string& step, std::string_view event,
               const std::string& detail) {
  static const std::string kLog = fmt::format(
      "WITH {} SELECT 1",
      journal::append_entries(
          "SELECT r.run, $2::text AS step, $3::text AS event, coalesce(j.generation, 0) AS generation, r.epoch, "
          "coalesce(j.rows, 0) AS rows, -1::bigint AS duration_ms, ''::text AS sqlstate, $4::text AS detail "
          "FROM falsework.run AS r LEFT JOIN falsework.journal AS j ON j.run = r.run AND j.step = $2 "
          "WHERE r.run = $1"));
  session.query(kLog, {run, step, std::string(event), detail});
}

[[noreturn]] void fail_unknown(const std::string& run) {
  throw Error(errors::kRunUnknown, fmt::format("the journal has no run {}", run),
              "List the runs with `falsework status`.");
}

std::string select_runs(std::string_view tail) {
  return fmt::format(
      "SELECT run, name, plan_digest, plan_text, lineage, pg_catalog.to_jsonb(relations), state, epoch, holder, "
      "coalesce(pg_catalog.to_char(held_since, {0}), ''), past_no_return, ledger_serial, ledger_hash, entries, head, "
      "pg_catalog.to_char(created_at, {0}) FROM falsework.run {1}",
      journal::kTimeFormat, tail);
}

JournalRun read_run(const pg::Rows& rows, std::size_t i) {
  JournalRun run;
  run.run = rows.text(i, 0);
  run.name = rows.text(i, 1);
  run.plan_digest = rows.text(i, 2);
  run.plan_text = rows.text(i, 3);
  run.lineage = rows.text(i, 4);
  run.relations = nlohmann::json::parse(rows.text(i, 5)).get<std::vector<std::string>>();
  run.state = rows.text(i, 6);
  run.epoch = static_cast<std::uint64_t>(rows.number(i, 7));
  run.holder = rows.text(i, 8);
  run.held_since = rows.text(i, 9);
  run.past_no_return = rows.boolean(i, 10);
  run.mark = {rows.number(i, 11), rows.text(i, 12)};
  run.entries = rows.number(i, 13);
  run.head = rows.text(i, 14);
  run.created_at = rows.text(i, 15);
  return run;
}

// A relation belongs to another run: for as long as an engine works on it, trying again may help; after that a person
// must finish it.
[[noreturn]] void refuse_conflict(pg::Session& session, const std::string& run, const std::string& other,
                                  const std::string& relation) {
  const pg::Rows rows = session.query(select_runs("WHERE run = $1"), {other});
  const JournalRun entry = read_run(rows, 0);
  const std::string pid = journal::lock_owner(session, other);
  const std::string hint = fmt::format("Finish run {0} first (`falsework advance {0}`) or roll it back.", other);
  if (pid.empty()) {
    throw Error(errors::kPlanConflict,
                fmt::format("run {} touches {}, as run {} does, which is in flight", run, relation, other), hint);
  }
  throw Error(errors::kRunHeld,
              fmt::format("run {} touches {}, as run {} does, which is held by {} since {}, server process {}", run,
                          relation, other, entry.holder, entry.held_since, pid),
              hint);
}

// Throws when an active run other than `run` touches one of `relations`, a JSON array. Only for as long as the caller
// holds the row of falsework.meta is what it found still so.
void require_free(pg::Session& session, const std::string& run, const std::string& relations) {
  const pg::Rows conflict = session.query(
      "SELECT r.run, shared.relation FROM falsework.run AS r, LATERAL pg_catalog.unnest(r.relations) AS shared "
      "(relation) WHERE r.state = 'active' AND r.run <> $2 "
      "AND shared.relation IN (SELECT pg_catalog.jsonb_array_elements_text($1::jsonb)) "
      "ORDER BY r.created_at, r.run, shared.relation LIMIT 1",
      {relations, run});
  if (!conflict.empty()) refuse_conflict(session, run, conflict.text(0, 0), conflict.text(0, 1));
}

// Why nothing was written by record().
[[noreturn]] void fail_record(pg::Session& session, const std::string& run, const std::string& plan_digest,
                              const JournalStep& step) {
  journal::fail_if_overtaken(session, run, step.epoch);
  const pg::Rows runs = session.query("SELECT plan_digest FROM falsework.run WHERE run = $1", {run});
  if (runs.text(0, 0) != plan_digest) {
    throw Error(errors::kPlanDigest,
                fmt::format("run {} was started with plan {}, not with {}", run, runs.text(0, 0), plan_digest),
                "Use the plan that the run was started with: the ledger and the journal keep it.");
  }
  const pg::Rows rows =
      session.query("SELECT state, generation FROM falsework.journal WHERE run = $1 AND step = $2", {run, step.step});
  // A newer generation can only come from an engine that overtook us, or from a bug.
  FALSEWORK_CHECK(rows.size() == 1 && rows.text(0, 0) == name_of(JournalState::kProofFailed) &&
                  rows.number(0, 1) == step.generation);
  throw Error(errors::kProofFailed, fmt::format("the proof of step {} has failed and nobody has cleared it", step.step),
              "Look at the rows in disagreement; then roll the copy back, or clear the proof with a reason.");
}

}  // namespace

void Journal::install() {
  FALSEWORK_CHECK(!session_.in_transaction());
  // The second round finds what another engine has created in the meantime.
  for (int round = 0; !journal::find(session_); ++round) {
    try {
      pg::Transaction transaction(session_);
      journal::create(session_);
      transaction.commit();
    } catch (const pg::SqlError& failure) {
      const std::string& state = failure.sqlstate();
      const bool raced = state == "23505" || state == "42P06" || state == "42P07";
      if (!raced || round > 0) throw;
    } catch (const Error& failure) {
      // Between looking and creating, the other engine's schema was there already.
      if (failure.code() != errors::kObjectForeign.code || round > 0) throw;
    }
  }
}

std::optional<std::string> Journal::incarnation() { return journal::find(session_); }

bool Journal::uninstall_if_empty() {
  if (!journal::find(session_)) return false;
  Scope scope(session_);
  session_.query("SELECT 1 FROM falsework.meta FOR UPDATE");
  const pg::Rows active = session_.query("SELECT EXISTS (SELECT FROM falsework.run WHERE state = 'active')");
  if (active.boolean(0, 0)) return false;
  journal::drop(session_);
  scope.commit();
  return true;
}

void Journal::create_run(const JournalRun& run) {
  Scope scope(session_);
  // One at a time, so that two runs on one relation cannot both find it free.
  session_.query("SELECT 1 FROM falsework.meta FOR UPDATE");
  if (find_run(run.run)) {
    throw Error(errors::kObjectExists, fmt::format("run {} is in the journal already", run.run),
                "Go on with it: `falsework advance`.");
  }
  const std::string relations = nlohmann::json(run.relations).dump();
  require_free(session_, run.run, relations);
  session_.query(
      "INSERT INTO falsework.run (run, name, plan_digest, plan_text, lineage, relations, state, epoch, holder, "
      "held_since, past_no_return) SELECT $1, $2, $3, $4, $5, "
      "ARRAY(SELECT pg_catalog.jsonb_array_elements_text($6::jsonb)), 'active', 0, $7, "
      "CASE WHEN $7 <> '' THEN pg_catalog.clock_timestamp() END, false",
      {run.run, run.name, run.plan_digest, run.plan_text, run.lineage, relations, run.holder});
  log_event(session_, run.run, "", "run_created", run.plan_digest);
  // Before anybody else can see the run, so that there is no moment in which it seems to be nobody's.
  if (!run.holder.empty()) journal::try_lock(session_, run.run);
  scope.commit();
}

std::vector<JournalRun> Journal::runs() {
  const pg::Rows rows = session_.query(select_runs("ORDER BY created_at, run"));
  std::vector<JournalRun> runs;
  for (std::size_t i = 0; i < rows.size(); ++i) runs.push_back(read_run(rows, i));
  return runs;
}

std::optional<JournalRun> Journal::find_run(const std::string& run) {
  const pg::Rows rows = session_.query(select_runs("WHERE run = $1"), {run});
  if (rows.empty()) return std::nullopt;
  return read_run(rows, 0);
}

std::map<std::string, JournalStep> Journal::steps(const std::string& run) {
  const pg::Rows rows = session_.query(
      fmt::format("SELECT step, state, generation, epoch, coalesce(cursor::text, ''), rows + coalesce((SELECT "
                  "pg_catalog.sum(s.rows) FROM falsework.copy_slot AS s WHERE s.run = j.run AND s.step = j.step AND "
                  "s.generation = j.generation), 0)::bigint, pg_catalog.to_char(at, {}) "
                  "FROM falsework.journal AS j WHERE run = $1",
                  journal::kTimeFormat),
      {run});
  std::map<std::string, JournalStep> steps;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    JournalStep step;
    step.step = rows.text(i, 0);
    step.state = parse_state(rows.text(i, 1));
    step.generation = static_cast<int>(rows.number(i, 2));
    step.epoch = static_cast<std::uint64_t>(rows.number(i, 3));
    step.cursor = rows.text(i, 4);
    step.rows = rows.number(i, 5);
    step.at = rows.text(i, 6);
    steps.emplace(step.step, std::move(step));
  }
  return steps;
}

// One statement, so that it is whole outside a transaction too. It locks the run's row by itself: an engine that was
// overtaken writes nothing, whichever way it comes here. Only changes of state go into the history, not every batch.
void Journal::record(const std::string& run, const std::string& plan_digest, const JournalStep& step) {
  static const std::string kRecord =
      "WITH held AS MATERIALIZED (SELECT run FROM falsework.run WHERE run = $1 AND epoch = $5::bigint "
      "AND plan_digest = $6 FOR SHARE), "
      "before AS MATERIALIZED (SELECT state, generation FROM falsework.journal WHERE run = $1 AND step = $2), "
      "written AS (INSERT INTO falsework.journal AS j (run, step, state, generation, epoch, plan_digest, cursor, rows, "
      "at) SELECT held.run, $2, $3, $4::integer, $5::bigint, $6, $7::jsonb, $8::bigint, pg_catalog.clock_timestamp() "
      "FROM held ON CONFLICT (run, step) DO UPDATE SET state = excluded.state, generation = excluded.generation, "
      "epoch = excluded.epoch, plan_digest = excluded.plan_digest, rows = excluded.rows, at = excluded.at, "
      "cursor = CASE WHEN excluded.generation > j.generation THEN excluded.cursor "
      "ELSE coalesce(excluded.cursor, j.cursor) END "
      "WHERE j.generation <= excluded.generation AND NOT (j.state = 'proof_failed' "
      "AND j.generation = excluded.generation AND excluded.state IN ('intent', 'done')) "
      "RETURNING j.run, j.step, j.state, j.generation, j.epoch, j.rows), " +
      journal::append_entries(
          "SELECT w.run, w.step, w.state AS event, w.generation, w.epoch, w.rows, $9::bigint AS duration_ms, "
          "''::text AS sqlstate, $10::text AS detail FROM written AS w WHERE NOT EXISTS "
          "(SELECT FROM before AS b WHERE b.state = w.state AND b.generation = w.generation)") +
      " SELECT count(*) FROM written";
  const pg::Value cursor = step.cursor.empty() ? pg::Value() : pg::Value(step.cursor);
  const pg::Rows rows = session_.query_prepared(
      kRecord,
      {run, step.step, std::string(name_of(step.state)), std::to_string(step.generation), std::to_string(step.epoch),
       plan_digest, cursor, std::to_string(step.rows), std::to_string(step.duration_ms), step.detail});
  if (rows.number(0, 0) == 0) fail_record(session_, run, plan_digest, step);
}

void Journal::mark_ledger(const std::string& run, const LedgerMark& mark) {
  FALSEWORK_CHECK(session_.in_transaction());
  static const std::string kMark =
      "UPDATE falsework.run SET ledger_serial = $2::bigint, ledger_hash = $3 WHERE run = $1";
  session_.query_prepared(kMark, {run, std::to_string(mark.serial), mark.hash});
}

void Journal::adopt(const std::string& run, const std::string& lineage, const std::string& detail) {
  FALSEWORK_CHECK(session_.in_transaction());
  if (session_.query("UPDATE falsework.run SET lineage = $2 WHERE run = $1", {run, lineage}).affected == 0) {
    fail_unknown(run);
  }
  log_event(session_, run, "", "adopted", detail);
}

void Journal::note(const std::string& run, std::uint64_t epoch, const JournalEntry& entry) {
  static const std::string kNote = fmt::format(
      "WITH {} SELECT count(*) FROM hashed",
      journal::append_entries(
          "SELECT h.run, $2::text AS step, $3::text AS event, $4::integer AS generation, h.epoch, $5::bigint AS rows, "
          "$6::bigint AS duration_ms, $7::text AS sqlstate, $8::text AS detail FROM falsework.run AS h "
          "WHERE h.run = $1 AND h.epoch = $9::bigint"));
  Scope scope(session_);
  hold_epoch(run, epoch, false);
  session_.query(kNote, {run, entry.step, entry.event, std::to_string(entry.generation), std::to_string(entry.rows),
                         std::to_string(entry.duration_ms), entry.sqlstate, entry.detail, std::to_string(epoch)});
  scope.commit();
}

void Journal::record_fingerprint(const std::string& run, const Fingerprint& fingerprint) {
  session_.query(
      "INSERT INTO falsework.fingerprint (run, fingerprint) VALUES ($1, $2::jsonb) "
      "ON CONFLICT (run) DO UPDATE SET fingerprint = excluded.fingerprint, at = pg_catalog.clock_timestamp()",
      {run, nlohmann::json(fingerprint).dump()});
}

std::optional<Fingerprint> Journal::fingerprint(const std::string& run) {
  const pg::Rows rows = session_.query("SELECT fingerprint FROM falsework.fingerprint WHERE run = $1", {run});
  if (rows.empty()) return std::nullopt;
  return nlohmann::json::parse(rows.text(0, 0)).get<Fingerprint>();
}

void Journal::open_gate(const std::string& run, const JournalGate& gate) {
  Scope scope(session_);
  const pg::Rows inserted = session_.query(
      "INSERT INTO falsework.gate (run, step, condition, actor) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
      {run, gate.step, gate.condition, gate.actor});
  if (inserted.affected == 1) {
    log_event(session_, run, gate.step, "gate_opened", fmt::format("{}: {}", gate.actor, gate.condition));
  }
  scope.commit();
}

std::vector<JournalGate> Journal::gates(const std::string& run) {
  const pg::Rows rows = session_.query(
      fmt::format("SELECT step, condition, actor, pg_catalog.to_char(at, {}) FROM falsework.gate WHERE run = $1 "
                  "ORDER BY at, step, condition",
                  journal::kTimeFormat),
      {run});
  std::vector<JournalGate> gates;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    gates.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2), rows.text(i, 3)});
  }
  return gates;
}

void Journal::close_gate(const std::string& run, const std::string& step) {
  FALSEWORK_CHECK(session_.in_transaction());
  const pg::Rows closed = session_.query("DELETE FROM falsework.gate WHERE run = $1 AND step = $2", {run, step});
  if (closed.affected > 0) log_event(session_, run, step, "gate_closed", "");
}

void Journal::mark_no_return(const std::string& run) {
  FALSEWORK_CHECK(session_.in_transaction());
  const pg::Rows marked =
      session_.query("UPDATE falsework.run SET past_no_return = true WHERE run = $1 AND NOT past_no_return", {run});
  if (marked.affected > 0) {
    log_event(session_, run, "", "past_no_return", "");
  } else if (!find_run(run)) {
    fail_unknown(run);
  }
}

void Journal::finish_run(const std::string& run, const std::string& state) {
  FALSEWORK_CHECK(state == "done" || state == "rolled_back");
  Scope scope(session_);
  const pg::Rows finished =
      session_.query("UPDATE falsework.run SET state = $2 WHERE run = $1 AND state <> $2", {run, state});
  if (finished.affected > 0) {
    log_event(session_, run, "", state == "done" ? "run_done" : "run_rolled_back", "");
  } else if (!find_run(run)) {
    fail_unknown(run);
  }
  scope.commit();
}

void Journal::reopen_run(const std::string& run) {
  FALSEWORK_CHECK(session_.in_transaction());
  // As when a run is created: two runs cannot both find a relation free.
  session_.query("SELECT 1 FROM falsework.meta FOR UPDATE");
  const std::optional<JournalRun> entry = find_run(run);
  if (!entry) fail_unknown(run);
  if (entry->state == "active") return;
  require_free(session_, run, nlohmann::json(entry->relations).dump());
  session_.query("UPDATE falsework.run SET state = 'active' WHERE run = $1", {run});
  log_event(session_, run, "", "run_reopened", "");
}

}  // namespace falsework
