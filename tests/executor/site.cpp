#include "tests/executor/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "executor/drift.h"

namespace falsework::test {

namespace {

// Columns, indexes and triggers: enough to see what is done to a table behind the engine's back.
constexpr const char* kFingerprint =
    "SELECT regexp_replace(w.name, '^public[.]', ''), o.object, md5(o.facts) FROM unnest($1::text[]) AS w (name), "
    "LATERAL (SELECT 'column ' || a.attname AS object, concat(format_type(a.atttypid, a.atttypmod), a.attnotnull, "
    "pg_get_expr(d.adbin, d.adrelid)) AS facts FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = "
    "a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = to_regclass(w.name) AND a.attnum > 0 AND NOT a.attisdropped "
    "UNION ALL SELECT 'index ' || (SELECT c.relname FROM pg_class AS c WHERE c.oid = i.indexrelid), "
    "concat(pg_get_indexdef(i.indexrelid), i.indisvalid) "
    "FROM pg_index AS i WHERE i.indrelid = to_regclass(w.name) "
    "UNION ALL SELECT 'trigger ' || t.tgname, concat(pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger AS t "
    "WHERE t.tgrelid = to_regclass(w.name) AND NOT t.tgisinternal) AS o ORDER BY 1, 2";

Phase phase_of(const std::string& id) {
  const std::size_t first = id.find('/');
  const auto phase = parse_phase(id.substr(first + 1, id.find('/', first + 1) - first - 1));
  if (!phase) throw std::logic_error("no phase in " + id);
  return *phase;
}

Step step_of(const std::string& id, StepKind kind) {
  Step step;
  step.id = id;
  step.phase = phase_of(id);
  step.kind = kind;
  step.title = "Do " + id;
  step.why = "For a test.";
  step.relations = {"items"};
  step.timeouts.lock = std::chrono::milliseconds(200);
  step.timeouts.budget = std::chrono::seconds(20);
  return step;
}

}  // namespace

bool RecordingObserver::saw(const std::string& line) const {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

Site::Site(const TestDatabase& where)
    : database(where), ledger_path(directory.path() / "state.db"), ledger(Ledger::open(ledger_path, true)) {}

Site::~Site() { set_stop_signal(0); }

ExecutorOptions Site::options() const {
  ExecutorOptions options;
  options.connection.conninfo = database.url();
  options.connection.application_name = "falsework";
  options.actor = "tester@here";
  options.progress_interval = std::chrono::milliseconds(0);
  return options;
}

std::unique_ptr<Engagement> Site::start(const Plan& plan) {
  return Engagement::start(plan, render_plan(plan), *ledger, clock, observer, options());
}

std::unique_ptr<Engagement> Site::take_up(const std::string& run) {
  const auto record = ledger->find_run(run);
  if (!record) throw std::logic_error("no run " + run);
  return Engagement::take_up(*record, *ledger, clock, observer, options());
}

std::vector<std::string> Site::history(const std::string& run) const {
  std::vector<std::string> lines;
  for (const Event& event : ledger->events(run)) {
    lines.push_back(std::string(name(event.kind)) + (event.step.empty() ? "" : " ") + event.step);
  }
  return lines;
}

std::unique_ptr<pg::Session> Site::session() const { return pg::connect(options().connection); }

AdvanceRequest to_the_end(std::set<std::string> releases) {
  AdvanceRequest request;
  request.target.kind = Target::Kind::kEnd;
  request.releases = std::move(releases);
  request.open_advance_gates = true;
  request.confirmed = true;
  return request;
}

AdvanceRequest one_step(const std::string& id) {
  AdvanceRequest request;
  request.target = Target{Target::Kind::kStep, Phase::kContract, id};
  return request;
}

pg::TakenLock lock_on(const std::string& relation, pg::LockMode mode) {
  return {relation, mode, pg::LockDuration::kMoment};
}

Step statement(const std::string& id, std::vector<std::string> sql, std::vector<std::string> undo) {
  Step step = step_of(id, StepKind::kStatement);
  step.sql = std::move(sql);
  step.undo = std::move(undo);
  step.locks = step.undo_locks = {lock_on("items", pg::LockMode::kAccessExclusive)};
  return step;
}

Step build_index(const std::string& id, const std::string& table, const std::string& index, const std::string& columns,
                 bool unique) {
  Step step = step_of(id, StepKind::kConcurrent);
  step.transaction = step.undo_transaction = false;
  step.sql = {fmt::format("CREATE {}INDEX CONCURRENTLY {} ON {} ({})", unique ? "UNIQUE " : "", index, table, columns)};
  step.undo = {fmt::format("DROP INDEX CONCURRENTLY public.{}", index)};
  Probe probe;
  probe.query = fmt::format(
      "SELECT CASE WHEN i.indrelid <> '{}'::regclass THEN 'foreign' WHEN i.indisvalid AND i.indisready THEN 'ready' "
      "WHEN EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid) THEN 'building' "
      "ELSE 'broken' END FROM pg_index AS i WHERE i.indexrelid = to_regclass('public.{}')",
      table, index);
  probe.cleanup = fmt::format("DROP INDEX CONCURRENTLY IF EXISTS public.{}", index);
  step.probe = probe;
  step.done_when = fmt::format("SELECT to_regclass('public.{}') IS NOT NULL", index);
  return step;
}

Step gate(const std::string& id, const GateCondition& condition) {
  Step step = step_of(id, StepKind::kGate);
  step.gate = Gate{"gate", {condition}};
  return step;
}

Step count_check(const std::string& id, const std::string& query, bool proof) {
  Step step = step_of(id, StepKind::kCheck);
  step.sql = {query};
  step.check = Check{"", false, proof, "{count} rows are wrong: {samples}", "Correct them."};
  return step;
}

Plan plan_of(std::vector<Step> steps, const Site* site) {
  Plan plan;
  plan.name = "trial";
  plan.engine_version = "0";
  plan.releases = {{"switch", "2026.12"}};
  for (std::size_t i = 1; i < steps.size(); ++i) {
    if (steps[i].needs.empty()) steps[i].needs = {steps[i - 1].id};
  }
  plan.steps = std::move(steps);
  if (site != nullptr) {
    plan.relations = {"public.items"};
    plan.fingerprint_query = kFingerprint;
    plan.relies_on = read_fingerprint(*site->session(), plan);
  }
  stamp(plan);
  return plan;
}

void create_items(const TestDatabase& database, int rows) {
  database.exec(
      fmt::format("CREATE TABLE public.items (id int PRIMARY KEY, a int NOT NULL); "
                  "INSERT INTO public.items SELECT g, g * 2 FROM generate_series(1, {}) AS g",
                  rows));
}

Step items_copy() {
  Step step = step_of("items/backfill/copy", StepKind::kBackfill);
  step.transaction = false;
  step.copy = Copy{"public.items",
                   "UPDATE ONLY public.items SET b = a WHERE ctid >= $1::tid AND ctid < $2::tid "
                   "AND (hashtid(ctid) & 2147483647) % $3::int = $4::int AND b IS NULL",
                   "SELECT count(*) FROM ONLY public.items WHERE ctid >= $1::tid AND ctid < $2::tid AND b IS NULL"};
  step.sql = {step.copy->statement};
  return step;
}

Plan items_plan(const Site& site) {
  Step column = statement(
      "items/expand/column",
      {"ALTER TABLE public.items ADD COLUMN b bigint",
       "CREATE FUNCTION public.items_b() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.b := NEW.a; RETURN NEW; END'",
       "CREATE TRIGGER items_b BEFORE INSERT OR UPDATE ON public.items FOR EACH ROW "
       "WHEN (coalesce(current_setting('falsework.copy', true), '') = '') EXECUTE FUNCTION public.items_b()"},
      {"DROP TRIGGER items_b ON public.items", "DROP FUNCTION public.items_b()",
       "ALTER TABLE public.items DROP COLUMN b"});
  column.done_when =
      "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'public.items'::regclass AND attname = 'b' AND NOT "
      "attisdropped)";
  Step proof = count_check("items/validate/proof",
                           "SELECT count(*), string_agg(id::text, ', ') FROM ONLY public.items WHERE ctid >= $1::tid "
                           "AND ctid < $2::tid AND b IS DISTINCT FROM a",
                           true);
  proof.check->by_ranges = true;
  proof.check->relation = "public.items";
  Step note = step_of("items/switch/note", StepKind::kNote);
  Step drop = statement("items/contract/drop",
                        {"DROP TRIGGER items_b ON public.items", "DROP FUNCTION public.items_b()",
                         "ALTER TABLE public.items DROP COLUMN a"},
                        {});
  drop.undo = std::nullopt;
  drop.irreversible = true;
  drop.undo_note = "the values of a are gone";
  return plan_of({column, items_copy(), proof, build_index("items/validate/index", "public.items", "items_b_idx", "b"),
                  gate("items/switch/gate", {GateCondition::Kind::kRelease, "2026.12"}),
                  statement("items/switch/default", {"ALTER TABLE public.items ALTER COLUMN b SET DEFAULT 7"},
                            {"ALTER TABLE public.items ALTER COLUMN b DROP DEFAULT"}),
                  note, gate("items/contract/gate", {GateCondition::Kind::kAdvance, ""}), drop},
                 &site);
}

Plan copy_plan(const Site& site) {
  Plan whole = items_plan(site);
  whole.steps.resize(3);
  stamp(whole);
  return whole;
}

std::string uncopied(const TestDatabase& database) {
  return database.connect().value("SELECT count(*) FROM public.items WHERE b IS DISTINCT FROM a");
}

Plan index_plan(const Site& site, bool unique) {
  return plan_of({build_index(kIndexStep, "public.items", "items_a_idx", "a", unique)}, &site);
}

std::string index_state(const TestDatabase& database) {
  return database.connect().value(
      "SELECT coalesce((SELECT CASE WHEN indisvalid THEN 'valid' ELSE 'invalid' END FROM pg_index WHERE indexrelid = "
      "to_regclass('public.items_a_idx')), 'none')");
}

std::string items_state(const TestDatabase& database) {
  Client client = database.connect();
  return client.value(
      "SELECT concat((SELECT string_agg(concat(attname, ' ', atttypid::regtype, ' ', pg_get_expr(d.adbin, d.adrelid)), "
      "', ' ORDER BY attname) FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = "
      "a.attnum WHERE a.attrelid = 'public.items'::regclass AND a.attnum > 0 AND NOT a.attisdropped), ' | ', (SELECT "
      "string_agg(concat(i.indexrelid::regclass, ' ', i.indisvalid, ' ', i.indisready), ', ' ORDER BY "
      "i.indexrelid::regclass::text) FROM pg_index AS i WHERE i.indrelid = 'public.items'::regclass), ' | ', (SELECT "
      "string_agg(tgname, ', ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'public.items'::regclass), ' | ', "
      "(SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace), ' | ', (SELECT "
      "md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) FROM public.items AS t))");
}

std::string code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return std::string(error.code());
  }
  return {};
}

Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("nothing was thrown");
}

}  // namespace falsework::test
