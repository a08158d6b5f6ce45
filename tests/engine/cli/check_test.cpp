#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "tests/engine/cli/workspace.h"

namespace falsework::test {

namespace {

std::vector<std::string> codes(const Json& report) {
  std::vector<std::string> result;
  for (const Json& finding : report.at("findings")) result.push_back(finding.at("code"));
  std::sort(result.begin(), result.end());
  return result;
}

const Json& finding(const Json& report, const std::string& code) {
  for (const Json& each : report.at("findings")) {
    if (each.at("code") == code) return each;
  }
  FAIL("no finding " << code);
  return report;
}

}  // namespace

TEST_SUITE("engine/cli/commands/check") {
  TEST_CASE("a run leaves nothing to find, neither under way nor done, unless its trigger is disabled") {
    const Workspace place;
    place.make_users();
    place.database().exec("ANALYZE users");
    place.plan();
    CHECK(place.json({"check"}).at("findings").empty());
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    CHECK(place.json({"check"}).at("findings").empty());

    const std::string trigger = place.database().connect().value(
        "SELECT quote_ident(tgname) FROM pg_trigger WHERE tgname ~ '^~_fw_insert' AND NOT tgisinternal");
    place.database().exec("ALTER TABLE users DISABLE TRIGGER " + trigger);
    const Json report = place.json({"check", "--fix", "--yes"}, 5);
    CHECK(codes(report) == std::vector<std::string>{"trigger.disabled"});
    CHECK(finding(report, "trigger.disabled").at("run") == place.only_run());
    CHECK(finding(report, "trigger.disabled").at("fixable") == false);
    place.database().exec("ALTER TABLE users ENABLE ALWAYS TRIGGER " + trigger);

    REQUIRE(place.run({"advance", "--release", "2026.12", "--yes", "-d", place.url()}).status == 0);
    REQUIRE(
        place.run({"advance", "--release", "2027.01", "--confirm", "users_email", "--yes", "-d", place.url()}).status ==
        0);
    place.database().exec("ANALYZE users");
    const ProcessResult clean = place.run({"check", "-d", place.url()});
    CHECK(clean.status == 0);
    CHECK(clean.out.rfind("nothing was found in ", 0) == 0);
  }

  TEST_CASE("what a run left is shown, and removed only when asked, agreed to, and used by no run") {
    const Workspace place;
    place.make_users();
    place.database().exec("ANALYZE users");
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    // The journal is gone; the ledger still knows the run.
    place.database().exec("DROP SCHEMA falsework CASCADE");
    CHECK(place.json({"check"}).at("findings").empty());
    // With the ledger gone as well, nobody knows it.
    std::filesystem::remove_all(place.path(".falsework"));
    const Json found = place.json({"check"}, 5);
    CHECK(codes(found) ==
          std::vector<std::string>{"leftover.function", "leftover.function", "leftover.trigger", "leftover.trigger"});
    CHECK(finding(found, "leftover.trigger").at("fixable") == true);
    CHECK(finding(found, "leftover.trigger").at("severity") == "error");
    CHECK(place.run({"check", "--fix", "-d", place.url()}).status == 2);
    CHECK(place.run({"check", "--yes", "-d", place.url()}).status == 2);
    const ProcessResult dry = place.run({"check", "--fix", "--dry-run", "-d", place.url()});
    CHECK(dry.status == 5);
    CHECK(dry.err.find("would run: DROP FUNCTION") != std::string::npos);
    CHECK(codes(place.json({"check"}, 5)).size() == 4);

    // A reader is waited for, and named.
    Client reader = place.database().connect();
    reader.exec("BEGIN; SELECT FROM users");
    const Json blocked = place.json({"check", "--fix", "--yes", "--lock-budget", "1s"}, 5);
    CHECK(finding(blocked, "leftover.trigger").at("fixed") == false);
    const std::string why = finding(blocked, "leftover.trigger").at("failure");
    CHECK(why.find("pid " + std::to_string(reader.pid())) != std::string::npos);
    reader.exec("ROLLBACK");

    const Json fixed = place.json({"check", "--fix", "--yes"});
    CHECK(finding(fixed, "leftover.trigger").at("fixed") == true);
    CHECK(place.json({"check"}).at("findings").empty());
  }

  TEST_CASE("a run whose tables are gone is found and closed") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    place.database().exec("DROP TABLE users CASCADE");
    const Json found = place.json({"check"}, 5);
    CHECK(finding(found, "run.orphaned").at("object") == place.only_run());
    CHECK(codes(found) == std::vector<std::string>{"leftover.function", "leftover.function", "run.orphaned"});
    const Json fixed = place.json({"check", "--fix", "--yes"});
    CHECK(finding(fixed, "run.orphaned").at("fixed") == true);
    CHECK(finding(fixed, "leftover.function").at("fixed") == true);
    CHECK(place.database().connect().value("SELECT state FROM falsework.run") == "rolled_back");
  }

  TEST_CASE("findings below the level that is asked for are not told") {
    const Workspace place;
    place.database().exec("CREATE TABLE t (a int, b int); CREATE INDEX t_a ON t (a); CREATE INDEX t_ab ON t (a, b)");
    CHECK(codes(place.json({"check"}, 5)) == std::vector<std::string>{"index.prefix"});
    CHECK(place.json({"check", "--level", "warning"}).at("findings").empty());
    CHECK(place.json({"check", "--schema", "elsewhere"}).at("findings").empty());
    CHECK(place.run({"check", "--level", "mild", "-d", place.url()}).status == 2);
  }

  TEST_CASE("where the journal cannot be read, nothing is called removable") {
    Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    std::filesystem::remove_all(place.path(".falsework"));
    const std::string stranger = place.database().add_role("stranger");
    const ProcessResult result =
        place.run({"check", "--json", "-d", place.database().url_as(stranger), "--level", "warning"});
    CHECK(result.status == 5);
    const Json report = Json::parse(result.out);
    CHECK(report.at("journal_unread").is_string());
    for (const Json& each : report.at("findings")) CHECK(each.at("fixable") == false);
  }
}

}  // namespace falsework::test
