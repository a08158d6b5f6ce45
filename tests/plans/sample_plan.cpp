#include "tests/plans/sample_plan.h"

namespace falsework::testing {

namespace {

using pg::LockDuration;
using pg::LockMode;
using std::chrono::milliseconds;

const char* const kUsers = "public.\"Us|er`s\"";
const char* const kDisplay = "\"Us|er`s\"";

Step step(const std::string& id, Phase phase, StepKind kind, const std::string& title, const std::string& why) {
  Step result;
  result.id = id;
  result.phase = phase;
  result.kind = kind;
  result.title = title;
  result.why = why;
  result.relations = {kDisplay};
  return result;
}

Step column() {
  Step result = step("users.email_address/dual_write/trigger", Phase::kDualWrite, StepKind::kStatement,
                     "add users.email_address and keep it in agreement with email",
                     "Rows that are written from now on carry both shapes, so that the copy has an end.");
  result.sql = {std::string("ALTER TABLE ") + kUsers + " ADD COLUMN email_address text",
                "CREATE FUNCTION public._fw_sync_users() RETURNS trigger LANGUAGE plpgsql AS $fw$\nBEGIN\n  "
                "NEW.email_address := NEW.email;\n  RETURN NEW;\nEND;\n$fw$",
                std::string("CREATE TRIGGER _fw_users BEFORE INSERT ON ") + kUsers +
                    " FOR EACH ROW EXECUTE FUNCTION public._fw_sync_users()"};
  result.undo = {{std::string("ALTER TABLE ") + kUsers + " DROP COLUMN email_address"}};
  result.undo_note = "What new writers alone have written to email_address is kept in email.";
  result.undo_with = {"users.email_address/backfill/copy"};
  result.locks = {{kDisplay, LockMode::kAccessExclusive, LockDuration::kMoment}};
  result.undo_locks = {{kDisplay, LockMode::kAccessExclusive, LockDuration::kMoment}};
  result.done_when = "SELECT true";
  result.needs = {"users.email_address/expand/check"};
  result.timeouts = {milliseconds(250), milliseconds(5000), milliseconds(120000)};
  return result;
}

Step failing_values() {
  Step result = step("users.email_address/expand/check", Phase::kExpand, StepKind::kCheck,
                     "find rows whose email cannot be carried", "A value that fails would stop the copy half way.");
  result.sql = {"SELECT count(*), string_agg(id::text, ', ') FROM public.users WHERE email = ''"};
  result.check = Check{"", false, false, "{count} rows are empty: {samples}", "Fill them first."};
  result.locks = {{kDisplay, LockMode::kAccessShare, LockDuration::kScan}};
  result.scans = true;
  result.estimate = {1'250'000, 0};
  return result;
}

Step copy() {
  Step result = step("users.email_address/backfill/copy", Phase::kBackfill, StepKind::kBackfill,
                     "copy email to email_address", "Rows from before the trigger have no email_address yet.");
  result.undo_note = "The copied values go with the column.";
  result.transaction = false;
  result.copy = Copy{kUsers, "UPDATE ONLY u SET email_address = email WHERE ctid >= $1 AND ctid < $2",
                     "SELECT count(*) FROM u WHERE ctid >= $1 AND ctid < $2 AND email_address IS NULL"};
  result.locks = {{kDisplay, LockMode::kRowExclusive, LockDuration::kBatch}};
  result.scans = true;
  result.needs = {"users.email_address/dual_write/trigger"};
  result.estimate = {1'250'000, 94'371'840};
  return result;
}

Step proof() {
  Step result = step("users.email_address/validate/proof", Phase::kValidate, StepKind::kCheck,
                     "prove that email and email_address agree", "Nothing is switched before this holds.");
  result.sql = {"SELECT count(*), '' FROM u WHERE ctid >= $1 AND ctid < $2 AND email_address <> email"};
  result.check = Check{kUsers, true, true, "{count} rows disagree: {samples}", "Look at the rows that are named."};
  result.locks = {{kDisplay, LockMode::kAccessShare, LockDuration::kScan}};
  result.needs = {"users.email_address/validate/index"};
  return result;
}

Step index() {
  Step result = step("users.email_address/validate/index", Phase::kValidate, StepKind::kConcurrent,
                     "build the index of email for email_address", "Queries by the new name need it.");
  result.sql = {"CREATE INDEX CONCURRENTLY _fw_users_email ON public.users (email_address)"};
  result.undo = {{"DROP INDEX CONCURRENTLY public._fw_users_email"}};
  result.transaction = false;
  result.undo_transaction = false;
  result.locks = {{kDisplay, LockMode::kShareUpdateExclusive, LockDuration::kBuild}};
  result.undo_locks = {{kDisplay, LockMode::kShareUpdateExclusive, LockDuration::kMoment}};
  result.needs = {"users.email_address/backfill/copy"};
  result.timeouts = {milliseconds(0), milliseconds(0), milliseconds(3600000)};
  result.estimate = {1'250'000, 41'943'040};
  result.probe = Probe{"SELECT 'absent'", "DROP INDEX CONCURRENTLY IF EXISTS public._fw_users_email"};
  return result;
}

Step gate(const std::string& id, Phase phase, const std::string& name, GateCondition condition,
          const std::string& need) {
  Step result = step(id, phase, StepKind::kGate, "wait for " + name, "Clients must be ready first.");
  result.relations = {};
  result.transaction = false;
  result.gate = Gate{name, {std::move(condition)}};
  result.needs = {need};
  return result;
}

Step note() {
  Step result = step("users.email_address/switch/note", Phase::kSwitch, StepKind::kNote, "deploy release 2026.12",
                     "It reads and writes email_address.");
  result.transaction = false;
  result.needs = {"users.email_address/switch/gate"};
  return result;
}

Step drop() {
  Step result = step("users.email_address/contract/drop", Phase::kContract, StepKind::kStatement, "drop users.email",
                     "No release reads it any more.");
  result.sql = {std::string("ALTER TABLE ") + kUsers + " DROP COLUMN email"};
  result.undo = std::nullopt;
  result.irreversible = true;
  result.undo_note = "The values of email are gone with the column.";
  result.locks = {{kDisplay, LockMode::kAccessExclusive, LockDuration::kMoment},
                  {"orders", LockMode::kShareRowExclusive, LockDuration::kMoment}};
  result.rewrites = false;
  result.needs = {"users.email_address/contract/gate"};
  return result;
}

PlannedChange change() {
  PlannedChange result;
  result.kind = "rename_column";
  result.summary = "rename \"Us|er`s\".email to email_address";
  result.relation = kDisplay;
  result.strategy = "shadow_column";
  result.reason = "Old and new releases run side by side, and each has its name.";
  result.naive_sql = std::string("ALTER TABLE ") + kUsers + " RENAME COLUMN email TO email_address";
  result.naive_locks = {{kDisplay, LockMode::kAccessExclusive, LockDuration::kMoment}};
  result.naive_rewrites = true;
  result.naive_scans = true;
  result.naive_estimate = {1'250'000, 209'715'200};
  result.warnings = {"<b>audit</b> trigger audit_users runs for each copied row"};
  return result;
}

}  // namespace

Plan sample_plan() {
  Plan plan;
  plan.name = "users_email_address";
  plan.engine_version = "0.1.0";
  plan.server_version = 150004;
  plan.database = "shop";
  plan.system_identifier = "7301234567890123456";
  plan.releases = {{"contract", "2027.01"}, {"switch", "2026.12"}};
  plan.changes = {change()};
  plan.steps = {failing_values(),
                column(),
                copy(),
                index(),
                proof(),
                gate("users.email_address/switch/gate", Phase::kSwitch, "switch",
                     {GateCondition::Kind::kRelease, "2026.12"}, "users.email_address/validate/proof"),
                note(),
                gate("users.email_address/contract/gate", Phase::kContract, "contract",
                     {GateCondition::Kind::kAdvance, ""}, "users.email_address/switch/note"),
                drop()};
  plan.relies_on = {{"users", {{"column email", "0f1e"}, {"a/b~c", "2d3c"}}}, {"orders", {}}};
  plan.relations = {kUsers};
  plan.fingerprint_query = "SELECT relation, object, digest FROM fingerprints WHERE relation = ANY ($1)";
  return plan;
}

Plan sample_plan_with_every_condition() {
  Plan plan = sample_plan();
  std::vector<GateCondition>& conditions = plan.steps.at(7).gate->conditions;
  conditions.clear();
  for (const GateCondition::Kind kind : kConditionKinds) {
    const ConditionFields fields = fields_of(kind);
    GateCondition condition;
    condition.kind = kind;
    if (fields.release) condition.release = "2027.01";
    if (fields.period) condition.period = std::chrono::hours(24);
    if (fields.approvals) {
      condition.approvals = 2;
      condition.four_eyes = true;
      condition.author = "ann";
    }
    if (fields.query) {
      condition.name = "SELECT true";
      condition.query = "SELECT true";
    }
    if (fields.old) condition.old = {{kUsers, "email", "public._fw_old_writes_users"}};
    conditions.push_back(condition);
  }
  return plan;
}

}  // namespace falsework::testing
