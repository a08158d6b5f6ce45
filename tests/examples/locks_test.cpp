// What a plan says of its steps, against what the server shows: locks, new files, scans.
//
// One rule: the executor has no part in it; the steps are run by a plain client, so that nothing but their own SQL
// takes a lock.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/file.h"
#include "tests/examples/example.h"

namespace falsework::test {
namespace {

using Taken = std::map<std::string, pg::LockMode>;

constexpr const char* kSettings =
    "SET search_path = pg_catalog; SET row_security = off; SET TimeZone = 'UTC'; SET falsework.copy = ''";
constexpr const char* kFirstTid = "(0,0)";
constexpr const char* kLastTid = "(4294967295,65535)";

std::string text_of(const Taken& taken) {
  std::string text;
  for (const auto& [relation, mode] : taken) text += "\n  " + relation + " " + std::string(pg::name(mode));
  return text.empty() ? "\n  nothing" : text;
}

Taken declared(const std::vector<pg::TakenLock>& locks) {
  Taken taken;
  for (const pg::TakenLock& lock : locks) taken[lock.relation] = lock.mode;
  return taken;
}

// The strongest mode per relation that a backend holds, of the relations that `observer` can see.
void add_locks(Client& observer, int pid, Taken& taken) {
  for (const Row& row : observer.query(
           "SELECT n.nspname, c.relname, l.mode FROM pg_catalog.pg_locks l "
           "JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
           "WHERE l.locktype = 'relation' AND l.granted AND l.pid = $1 AND l.database = (SELECT oid FROM "
           "pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) AND c.relkind IN ('r', 'p', 'v', "
           "'m', "
           "'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'falsework')",
           {std::to_string(pid)})) {
    pg::LockMode& mode = taken[QualifiedName{*row[0], *row[1]}.display()];
    mode = std::max(mode, *pg::parse_lock_mode(*row[2]));
  }
}

// The files of all tables ('r'), or of all indexes ('i').
std::set<std::string> files_of(Client& client, const std::string& kind) {
  std::set<std::string> files;
  for (const Row& row : client.query(
           "SELECT pg_catalog.pg_relation_filenode(c.oid) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "
           "n.oid = c.relnamespace WHERE c.relkind = $1::pg_catalog.\"char\" AND n.nspname NOT IN ('pg_catalog', "
           "'information_schema', 'pg_toast', 'falsework')",
           {kind})) {
    files.insert(*row[0]);
  }
  return files;
}

bool any_new(const std::set<std::string>& before, const std::set<std::string>& after) {
  return !std::includes(before.begin(), before.end(), after.begin(), after.end());
}

// How often this transaction has begun to read a table from its first row.
std::string scans_of(Client& client) {
  return client.value(
      "SELECT pg_catalog.sum(pg_catalog.pg_stat_get_xact_numscans(c.oid)) FROM pg_catalog.pg_class c JOIN "
      "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', "
      "'information_schema', 'falsework')");
}

struct Seen {
  Taken locks;
  bool new_tables = false, new_indexes = false, scanned = false;
};

// Runs the steps of a plan one after the other, by a client of its own, and looks on through a second one.
class Bystander {
 public:
  explicit Bystander(const TestDatabase& database) : client_(database.connect()), outsider_(database.connect()) {
    client_.exec(kSettings);
    client_.exec("CREATE SCHEMA falsework");
  }

  Seen forward(const Step& step) {
    if (step.kind == StepKind::kGate || step.kind == StepKind::kNote) return {};
    if (!step.transaction && step.kind == StepKind::kConcurrent) return outside(step.sql);
    return inside([&] {
      if (step.copy) {
        client_.exec("SET LOCAL falsework.copy = 'a test'");
        client_.query(step.copy->statement, {kFirstTid, kLastTid, "1", "0"});
        client_.query(step.copy->remaining, {kFirstTid, kLastTid});
        return;
      }
      for (std::size_t i = 0; i < step.sql.size(); ++i) {
        const bool by_range = step.check && step.check->by_ranges && i + 1 == step.sql.size();
        client_.query(step.sql[i], by_range ? std::vector<Value>{kFirstTid, kLastTid} : std::vector<Value>{});
      }
    });
  }

  // What one would type; nullopt when the server refuses it.
  std::optional<Seen> naive(const std::string& sql) {
    client_.exec("RESET search_path");
    try {
      return inside([&] { client_.exec(sql); });
    } catch (const SqlFailure&) {
      client_.exec("ROLLBACK");
      return std::nullopt;
    }
  }

  Seen back(const Step& step) {
    if (!step.undo_transaction) return outside(*step.undo);
    return inside([&] {
      for (const std::string& sql : *step.undo) client_.query(sql);
    });
  }

 private:
  template <typename Work>
  Seen inside(Work work) {
    const auto tables = files_of(client_, "r");
    const auto indexes = files_of(client_, "i");
    Seen seen;
    client_.exec("BEGIN");
    const std::string scans = scans_of(client_);
    work();
    // The backend itself knows of what it has created, and an outsider still of what it has dropped.
    add_locks(client_, client_.pid(), seen.locks);
    add_locks(outsider_, client_.pid(), seen.locks);
    seen.scanned = scans_of(client_) != scans;
    client_.exec("COMMIT");
    seen.new_tables = any_new(tables, files_of(client_, "r"));
    seen.new_indexes = any_new(indexes, files_of(client_, "i"));
    return seen;
  }

  // Its locks are those of one statement, which tests/postgres/locks looks at while it waits.
  Seen outside(const std::vector<std::string>& statements) {
    for (const std::string& sql : statements) client_.query(sql);
    return {};
  }

  Client client_, outsider_;
};

struct Observation {
  int major = 0;
  std::string example;
  Step step;
  bool undo = false;
  Seen seen;
};

// A schema and a change that the examples do not have.
struct Extra {
  const char* name;
  const char* before;
  const char* declaration;
};

constexpr Extra kExtras[] = {
    {"wider key in place",
     "CREATE TABLE code (code varchar(10) PRIMARY KEY, better varchar(10) REFERENCES code);"
     "CREATE TABLE used (id int PRIMARY KEY, code varchar(10) NOT NULL REFERENCES code, other int REFERENCES used);"
     "CREATE TABLE mixed (code text REFERENCES code (code));"
     "CREATE INDEX ON used (code);"
     "INSERT INTO code VALUES ('a', 'a'), ('b', 'a'); INSERT INTO used VALUES (1, 'a', 1), (2, 'b', 1);"
     "INSERT INTO mixed VALUES ('a')",
     "ALTER TABLE code ALTER COLUMN code TYPE varchar(40)"},
    {"text instead of a referencing varchar",
     "CREATE TABLE code (code varchar(10) PRIMARY KEY); CREATE TABLE used (code varchar(10) REFERENCES code);"
     "INSERT INTO code VALUES ('a'); INSERT INTO used VALUES ('a')",
     "ALTER TABLE used ALTER COLUMN code TYPE text"},
};

Example write_extra(const Extra& extra, const TemporaryDirectory& directory) {
  write_file(directory.path() / "declaration.sql",
             std::string("-- falsework: name=extra\n") + extra.declaration + ";\n");
  return {extra.name, directory.path(), directory.path() / "declaration.sql", extra.before};
}

// There as far as it can be undone, back, and there to the end.
void observe(int major, const Example& example, std::vector<Observation>& observations) {
  const TestDatabase database(Server::of(major));
  database.exec(example.before);
  const Plan plan = plan_of(example, snapshot_of(example, database.url()));
  Bystander bystander(database);
  const auto forward = [&](const Step& step) {
    observations.push_back({major, example.name, step, false, bystander.forward(step)});
  };
  const auto irreversible =
      std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) { return step.irreversible; });
  std::for_each(plan.steps.begin(), irreversible, forward);
  for (auto step = irreversible; step != plan.steps.begin();) {
    --step;
    observations.push_back({major, example.name, *step, true, bystander.back(*step)});
  }
  std::for_each(plan.steps.begin(), plan.steps.end(), forward);
}

const std::vector<Observation>& observations() {
  static const std::vector<Observation> all = [] {
    std::vector<Observation> made;
    for (const int major : Server::majors()) {
      for (const Example& each : examples()) observe(major, each, made);
      for (const Extra& extra : kExtras) {
        const TemporaryDirectory directory;
        observe(major, write_extra(extra, directory), made);
      }
    }
    return made;
  }();
  return all;
}

template <typename Judge>
void judge_all(bool undo, Judge judge) {
  int judged = 0;
  for (const Observation& each : observations()) {
    if (each.undo != undo || !(undo ? each.step.undo_transaction : each.step.transaction)) continue;
    CAPTURE(each.major);
    CAPTURE(each.example);
    CAPTURE(each.step.id);
    judge(each.step, each.seen);
    ++judged;
  }
  CHECK(judged > 0);
}

void check_locks(const Taken& said, const Taken& seen) {
  CHECK_MESSAGE(said == seen, "declared:", text_of(said), "\ntaken:", text_of(seen));
}

bool says_rewrite(const std::vector<pg::TakenLock>& locks) {
  return std::any_of(locks.begin(), locks.end(),
                     [](const pg::TakenLock& lock) { return lock.duration == pg::LockDuration::kRewrite; });
}

}  // namespace

TEST_SUITE("tests/examples") {
  TEST_CASE("every step takes the locks that it declares, and no other") {
    judge_all(false, [](const Step& step, const Seen& seen) { check_locks(declared(step.locks), seen.locks); });
  }

  TEST_CASE("undoing a step takes the locks that it declares, and no other") {
    judge_all(true, [](const Step& step, const Seen& seen) { check_locks(declared(step.undo_locks), seen.locks); });
  }

  TEST_CASE("a step gives a table a new file, or reads it all, when and only when it says so") {
    judge_all(false, [](const Step& step, const Seen& seen) {
      CHECK(seen.new_tables == step.rewrites);
      CHECK(says_rewrite(step.locks) == step.rewrites);
      if (step.kind != StepKind::kStatement) return;
      CHECK(seen.scanned == step.scans);
      CHECK_FALSE(seen.new_indexes);
    });
  }

  TEST_CASE("what the naive DDL would have cost is what the server makes of it") {
    for (const int major : Server::majors()) {
      for (const Example& each : examples()) {
        const TestDatabase database(Server::of(major));
        database.exec(each.before);
        const Plan plan = plan_of(each, snapshot_of(each, database.url()));
        Bystander bystander(database);
        for (const PlannedChange& change : plan.changes) {
          CAPTURE(major);
          CAPTURE(each.name);
          CAPTURE(change.naive_sql);
          const auto seen = bystander.naive(change.naive_sql);
          if (!seen) continue;
          check_locks(declared(change.naive_locks), seen->locks);
          // Between timestamp and timestamptz the session's TimeZone decides, and the plan says the worse.
          CHECK((change.naive_rewrites || !seen->new_tables));
          CHECK(seen->scanned == change.naive_scans);
        }
      }
    }
  }

  TEST_CASE("undoing a step gives a table a new file only when its locks say that they last so long") {
    judge_all(true,
              [](const Step& step, const Seen& seen) { CHECK((!seen.new_tables || says_rewrite(step.undo_locks))); });
  }
}

}  // namespace falsework::test
