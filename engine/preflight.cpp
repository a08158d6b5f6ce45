#include "engine/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error_kinds.h"
#include "engine/health.h"
#include "postgres/session/session.h"
#include "state/postgres/journal.h"

namespace falsework {

namespace {

std::vector<std::string> relations_of(const std::vector<const Step*>& steps) {
  std::set<std::string> relations;
  for (const Step* step : steps) {
    relations.insert(step->relations.begin(), step->relations.end());
    for (const pg::TakenLock& lock : step->locks) relations.insert(lock.relation);
  }
  return {relations.begin(), relations.end()};
}

std::vector<std::string> in_sql(const std::vector<std::string>& relations) {
  std::vector<std::string> names;
  for (const std::string& relation : relations) names.push_back(sql_name(relation));
  return names;
}

// What the steps wait for. A concurrent build waits for every writer of its table, whose locks do not conflict with its
// own (PG docs, sql-createindex).
std::vector<pg::TakenLock> awaited_locks(const std::vector<const Step*>& steps) {
  std::vector<pg::TakenLock> locks;
  for (const Step* step : steps) {
    for (pg::TakenLock lock : step->locks) {
      if (step->kind == StepKind::kConcurrent) lock.mode = pg::LockMode::kShare;
      const bool known = std::any_of(locks.begin(), locks.end(), [&](const pg::TakenLock& each) {
        return each.relation == lock.relation && each.mode == lock.mode;
      });
      if (!known) locks.push_back(std::move(lock));
    }
  }
  return locks;
}

// A session that holds several locks counts once.
std::vector<Holder> without_repetitions(std::vector<Holder> holders) {
  std::set<std::pair<int, std::string>> seen;
  std::erase_if(holders, [&](const Holder& holder) { return !seen.emplace(holder.pid, holder.gid).second; });
  return holders;
}

// An engine at work is no blocker to report: the fence deals with it, and says who it is.
void leave_out_engines(pg::Session& session, std::vector<Holder>& holders) {
  const bool readable =
      session
          .query(
              "SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
              "WHERE n.nspname = 'falsework' AND c.relname = 'backend' AND has_schema_privilege(n.oid, 'USAGE') "
              "AND has_table_privilege(c.oid, 'SELECT'))")
          .boolean(0, 0);
  if (!readable) return;
  for (const int pid : Journal(session).live_backends()) {
    std::erase_if(holders, [pid](const Holder& holder) { return holder.pid == pid; });
  }
}

}  // namespace

PreflightFacts read_preflight_facts(pg::Session& session, const PreflightQuestion& question) {
  PreflightFacts facts;
  facts.identity = pg::identify(session);
  const std::vector<std::string> relations = relations_of(question.ahead);
  facts.server = pg::read_server_facts(session, in_sql(relations));
  if (facts.server.in_recovery) return facts;
  facts.relations = pg::read_relation_facts(session, in_sql(relations));
  facts.holders = without_repetitions(find_holders(session, awaited_locks(question.ahead)));
  if (!facts.holders.empty()) leave_out_engines(session, facts.holders);
  facts.leftovers = find_leftovers(session, question.ledger, relations);
  facts.archives = find_archives(session);
  const pg::Rows journal = session.query(
      "SELECT EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = 'falsework'), "
      "has_database_privilege(current_database(), 'CREATE')");
  facts.has_journal = journal.boolean(0, 0);
  facts.may_create_schema = journal.boolean(0, 1);
  return facts;
}

Preflight preflight(const Connection& connection, const PreflightQuestion& question) {
  pg::ConnectionSettings settings;
  settings.conninfo = connection.conninfo;
  settings.application_name = connection.application_name;
  settings.settings["default_transaction_read_only"] = "on";
  const std::unique_ptr<pg::Session> session = pg::connect(settings);
  return judge(read_preflight_facts(*session, question), question);
}

void require_go(const Preflight& preflight) {
  if (preflight.findings.empty()) return;
  const PreflightFinding& first = preflight.findings.front();
  if (first.severity == PreflightFinding::Severity::kWarning) return;
  const bool refuse = first.severity == PreflightFinding::Severity::kRefuse;
  const ErrorKind& usual = refuse ? errors::kPreflightRefused : errors::kPreflightWait;
  const ErrorKind& kind = first.kind != nullptr ? *first.kind : usual;
  std::string hint = first.hint;
  if (first.acceptable) hint += fmt::format(" To go on nevertheless, add --accept {}.", first.code);
  // A kind of its own says what it means; of the others the code is told.
  const std::string message = first.kind != nullptr ? first.message : fmt::format("{}: {}", first.code, first.message);
  throw Error(kind, message, hint);
}

}  // namespace falsework
