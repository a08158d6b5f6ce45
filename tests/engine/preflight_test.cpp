#include "engine/preflight.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "base/error_kinds.h"
#include "tests/executor/site.h"
#include "tests/support/wait.h"

namespace falsework {
using std::chrono::milliseconds;
using Severity = PreflightFinding::Severity;

namespace {

std::vector<const Step*> all_steps(const Plan& plan) {
  std::vector<const Step*> steps;
  for (const Step& step : plan.steps) steps.push_back(&step);
  return steps;
}

PreflightQuestion question_of(const Plan& plan) {
  PreflightQuestion question;
  question.plan = plan;
  question.ahead = all_steps(plan);
  return question;
}

const PreflightFinding* find(const Preflight& preflight, const std::string& code) {
  for (const PreflightFinding& finding : preflight.findings) {
    if (finding.code == code) return &finding;
  }
  return nullptr;
}

bool is(const Preflight& preflight, const std::string& code, Severity severity) {
  const PreflightFinding* finding = find(preflight, code);
  return finding != nullptr && finding->severity == severity;
}

std::string measure(const Preflight& preflight, const std::string& name) {
  for (const Measure& measure : preflight.measures) {
    if (measure.name == name) return measure.value;
  }
  return "none of that name";
}

// Facts in which nothing is found.
PreflightFacts quiet() {
  PreflightFacts facts;
  facts.identity = {"1", "shop", "16384", "owner", false, false};
  facts.server.role = "owner";
  facts.server.sees_all_statistics = true;
  facts.server.xid_headroom = facts.server.multixact_headroom = 2000000000;
  facts.server.maintenance_work_mem = std::int64_t{64} << 20;
  facts.server.free_bytes = std::int64_t{100} << 30;
  return facts;
}

// One copy of 10 GiB and one index of 2 GiB.
Plan large_plan() {
  Step copy = test::items_copy();
  copy.estimate.bytes = std::int64_t{10} << 30;
  Step index = test::build_index("items/validate/index", "public.items", "items_b_idx", "b");
  index.estimate.bytes = std::int64_t{2} << 30;
  return test::plan_of({copy, index});
}

}  // namespace

TEST_SUITE_BEGIN("engine/preflight");

TEST_CASE("each number has its threshold, and what is accepted is a warning") {
  const Plan plan = large_plan();
  const PreflightQuestion question = question_of(plan);
  PreflightFacts facts = quiet();
  facts.server.maintenance_work_mem = std::int64_t{256} << 20;
  CHECK(judge(facts, question).findings.empty());
  CHECK(measure(judge(facts, question), "disk needed").rfind("12.0 GiB", 0) == 0);

  const struct {
    const char* code;
    Severity severity;
    void (*change)(pg::ServerFacts& server);
  } cases[] = {
      {"disk.short", Severity::kRefuse, [](auto& s) { s.free_bytes = std::int64_t{11} << 30; }},
      {"disk.tight", Severity::kWarning, [](auto& s) { s.free_bytes = std::int64_t{13} << 30; }},
      {"disk.unknown", Severity::kWarning, [](auto& s) { s.free_bytes.reset(); }},
      {"wraparound.transactions", Severity::kRefuse, [](auto& s) { s.xid_headroom = 39000000; }},
      {"wraparound.transactions", Severity::kWarning, [](auto& s) { s.xid_headroom = 400000000; }},
      {"wraparound.multixacts", Severity::kRefuse, [](auto& s) { s.multixact_headroom = 1000; }},
      {"index.temp_file_limit", Severity::kRefuse, [](auto& s) { s.temp_file_limit = std::int64_t{1} << 30; }},
      {"index.little_memory", Severity::kWarning, [](auto& s) { s.maintenance_work_mem = std::int64_t{64} << 20; }},
      {"transaction.long", Severity::kWarning,
       [](auto& s) {
         s.transactions = {{7, "app", "psql", "active", milliseconds(600000)}};
       }},
      {"transaction.prepared", Severity::kWarning,
       [](auto& s) {
         s.prepared = {{"g", "app", milliseconds(600000)}};
       }},
      {"replication.lag", Severity::kWarning,
       [](auto& s) {
         s.standbys = {{"b", "streaming", milliseconds(60000), 1000}};
       }},
      {"replication.lag", Severity::kWait,
       [](auto& s) {
         s.standbys = {{"b", "streaming", milliseconds(600000), 1000}};
       }},
      {"replication.slot_short", Severity::kRefuse,
       [](auto& s) {
         s.slots = {{"b", true, "extended", 0, std::int64_t{1} << 30}};
       }},
      {"replication.slot_lost", Severity::kWarning,
       [](auto& s) {
         s.slots = {{"b", false, "lost", 0, std::nullopt}};
       }},
      {"replication.slot_idle", Severity::kWarning,
       [](auto& s) {
         s.slots = {{"b", false, "extended", std::int64_t{20} << 30, std::nullopt}};
       }},
  };
  for (const auto& each : cases) {
    CAPTURE(each.code);
    PreflightFacts changed = facts;
    each.change(changed.server);
    const Preflight result = judge(changed, question);
    REQUIRE(result.findings.size() == 1);
    CHECK(is(result, each.code, each.severity));
    CHECK(result.findings.front().consequence.back() == '.');
    const auto go = [&](const Preflight& seen) { return test::code_of([&] { require_go(seen); }); };
    if (each.severity == Severity::kRefuse) CHECK(go(result) == errors::kPreflightRefused.code);
    if (each.severity == Severity::kWait) CHECK(go(result) == errors::kPreflightWait.code);
    PreflightQuestion accepting = question;
    accepting.accepted = {each.code};
    CHECK(go(judge(changed, accepting)) == "");
  }
  facts.server.free_bytes.reset();
  PreflightQuestion told = question;
  told.free_disk = std::int64_t{1} << 30;
  CHECK(is(judge(facts, told), "disk.short", Severity::kRefuse));
}

TEST_CASE("of a holder the age decides: one older than the budget is not waited for, unless it may be ended") {
  const Plan plan = large_plan();
  PreflightQuestion question = question_of(plan);
  question.lock_budget = milliseconds(60000);
  PreflightFacts facts = quiet();
  facts.server.maintenance_work_mem = std::int64_t{256} << 20;
  Holder holder;
  holder.pid = 7;
  holder.state = "idle in transaction";
  holder.age = milliseconds(5000);
  facts.holders = {holder};
  CHECK(is(judge(facts, question), "relation.idle_in_transaction", Severity::kWarning));
  facts.holders.front().age = milliseconds(120000);
  CHECK(is(judge(facts, question), "relation.idle_in_transaction", Severity::kWait));
  facts.holders.front().state = "active";
  CHECK(is(judge(facts, question), "relation.busy", Severity::kWait));
  question.terminate_blockers = true;
  CHECK(is(judge(facts, question), "relation.busy", Severity::kWarning));
  facts.holders.front() = {};
  facts.holders.front().gid = "left";
  CHECK(is(judge(facts, question), "relation.prepared", Severity::kWait));
}

TEST_CASE("what a role may see of a real server is told, and what it may not see is said to be unknown") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    test::TestDatabase db(test::Server::of(major));
    test::create_items(db, 100);
    const test::Site site(db);
    const Plan plan = test::items_plan(site);
    const PreflightQuestion question = question_of(plan);
    const Preflight clean = preflight({db.url()}, question);
    CHECK(clean.findings.empty());
    CHECK(measure(clean, "disk free").rfind("cannot be known: role ", 0) == 0);
    CHECK(measure(clean, "oldest transaction").find("pg_read_all_stats") != std::string::npos);
    CHECK(measure(clean, "replication lag") == "no standby");

    db.connect_as_superuser().exec("GRANT pg_monitor TO " + db.role());
    CHECK(measure(preflight({db.url()}, question), "disk free").find("iB") != std::string::npos);

    test::Client idle = db.connect();
    idle.exec("BEGIN; SELECT FROM items");
    test::Client left = db.connect();
    left.exec("BEGIN; INSERT INTO items VALUES (1000, 1); PREPARE TRANSACTION 'left_behind'");
    const Preflight busy = preflight({db.url()}, question);
    CHECK(is(busy, "relation.idle_in_transaction", Severity::kWarning));
    CHECK(is(busy, "relation.prepared", Severity::kWait));
    CHECK(find(busy, "relation.idle_in_transaction")->message.find(std::to_string(idle.pid())) != std::string::npos);
    CHECK(measure(busy, "oldest transaction").find("pid " + std::to_string(idle.pid())) != std::string::npos);
    CHECK(measure(busy, "prepared transactions") == "1");
    left.exec("ROLLBACK PREPARED 'left_behind'");
    // A copy alone waits for nobody's reads.
    PreflightQuestion copy_only = question;
    copy_only.ahead = {plan.step("items/backfill/copy")};
    CHECK(preflight({db.url()}, copy_only).findings.empty());
  }
}

TEST_CASE("a role without the rights is told which grant it lacks") {
  test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  const test::Site site(db);
  const Plan plan = test::items_plan(site);
  const std::string stranger = db.add_role("stranger");
  const Preflight seen = preflight({db.url_as(stranger)}, question_of(plan));
  CHECK(is(seen, "privilege.owner", Severity::kRefuse));
  CHECK(find(seen, "privilege.owner")->hint.find("GRANT " + db.role()) != std::string::npos);
  CHECK(is(seen, "privilege.journal", Severity::kRefuse));
  const Preflight above = preflight({db.superuser_url()}, question_of(plan));
  CHECK(is(above, "role.superuser", Severity::kRefuse));
  CHECK(find(above, "role.superuser")->hint.find("--allow-superuser") != std::string::npos);
  PreflightQuestion allowed = question_of(plan);
  allowed.allow_superuser = true;
  CHECK(preflight({db.superuser_url()}, allowed).findings.empty());
}

TEST_CASE("leftovers of an earlier run that stand in the way are refused, others told") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  const test::Site site(db);
  const std::string index = generated_name("index", {"public", "items", "x"});
  const std::string other = generated_name("index", {"public", "items", "y"});
  const Plan plan = test::plan_of({test::build_index("items/validate/index", "public.items", index, "a")});
  CHECK(preflight({db.url()}, question_of(plan)).findings.empty());
  db.exec("CREATE INDEX " + other + " ON items (a)");
  CHECK(is(preflight({db.url()}, question_of(plan)), "leftover.found", Severity::kWarning));
  db.exec("CREATE INDEX " + index + " ON items (a)");
  CHECK(is(preflight({db.url()}, question_of(plan)), "leftover.found", Severity::kRefuse));
}

TEST_CASE("a table under the name of an archive that is to be made is refused, and told where that is not yet ahead") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  const std::string archive = "falsework." + generated_name("archive", {"m", "public", "items"});
  const Plan plan = test::plan_of(
      {test::statement("items/contract/archive", {"CREATE TABLE " + archive + " AS SELECT id FROM public.items"},
                       {"DROP TABLE " + archive})});
  CHECK(preflight({db.url()}, question_of(plan)).findings.empty());
  db.exec("CREATE SCHEMA falsework; CREATE TABLE " + archive + " (id int)");
  const Preflight seen = preflight({db.url()}, question_of(plan));
  CHECK(is(seen, "archive.exists", Severity::kRefuse));
  CHECK(find(seen, "archive.exists")->message ==
        "the archive " + archive + " is there already, of no run of the journal");
  RunRecord run;
  run.run = "m-1";
  run.database_oid = db.connect().value("SELECT oid FROM pg_database WHERE datname = current_database()");
  PreflightQuestion later = question_of(plan);
  later.run = &run;
  CHECK(is(preflight({db.url()}, later), "archive.exists", Severity::kRefuse));
  later.ahead.clear();
  CHECK(is(preflight({db.url()}, later), "archive.exists", Severity::kWarning));
}

TEST_CASE("another server and another database are refused") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  const test::Site site(db);
  Plan plan = test::items_plan(site);
  plan.system_identifier = "1";
  CHECK(test::code_of([&] { require_go(preflight({db.url()}, question_of(plan))); }) == errors::kDatabaseForeign.code);
  RunRecord run;
  run.run = "r";
  run.database_oid = "1";
  const Plan own = test::items_plan(site);
  PreflightQuestion question = question_of(own);
  question.run = &run;
  CHECK(is(preflight({db.url()}, question), "server.other", Severity::kRefuse));
}

TEST_CASE("a standby is refused; its lag and its slot are seen from the primary") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  const test::Site site(db);
  const Plan plan = test::items_plan(site);
  test::Server& server = db.server();
  // Below the server's own directory, which belongs to the role that may run it.
  const std::filesystem::path copy = server.socket_directory() / "standby";
  test::Client admin = db.connect_as_superuser();
  admin.exec("SELECT pg_create_physical_replication_slot('falsework_standby', true)");
  const auto as_server = [&](std::vector<std::string> command) {
    if (geteuid() == 0) command.insert(command.begin(), {"runuser", "-u", "postgres", "--"});
    const test::ProcessResult result = test::run_process(command);
    CAPTURE(result.err);
    REQUIRE(result.status == 0);
  };
  const std::string port = std::to_string(server.port() + 200);
  as_server({server.program("pg_basebackup").string(), "-d", server.superuser_url(), "-D", copy.string(), "-R", "-S",
             "falsework_standby", "-c", "fast"});
  const std::string control = server.program("pg_ctl").string();
  as_server({control, "-D", copy.string(), "-w", "-l", (copy / "log").string(), "-o", "-p " + port, "start"});
  std::string url = db.url();
  const std::string from = std::to_string(server.port());
  url.replace(url.find(from), from.size(), port);
  const Preflight standby = preflight({url}, question_of(plan));
  CHECK(is(standby, "server.standby", Severity::kRefuse));
  CHECK(test::code_of([&] { require_go(standby); }) == errors::kDatabaseForeign.code);
  admin.exec("GRANT pg_monitor TO " + db.role());
  CHECK(measure(preflight({db.url()}, question_of(plan)), "replication lag").find("walreceiver") != std::string::npos);
  CHECK(measure(preflight({db.url()}, question_of(plan)), "replication slots").rfind("falsework_standby keeps", 0) ==
        0);
  as_server({control, "-D", copy.string(), "-w", "-m", "immediate", "stop"});
  CHECK(test::wait_until([&] { return admin.value("SELECT count(*) FROM pg_replication_slots WHERE active") == "0"; }));
  admin.exec("SELECT pg_drop_replication_slot('falsework_standby')");
}

TEST_SUITE_END();

}  // namespace falsework
