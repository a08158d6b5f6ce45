// Secrets that are easy to find again, and every place where they must not turn up.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <map>

#include "tests/engine/cli/workspace.h"

namespace falsework::test {

namespace {

constexpr const char* kPassword = "canary-7d1f9e";
constexpr const char* kValue = "canary-row-5be2";

std::string contents(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Everything that is written down: files of the workspace, tables of the journal, and what sessions are called.
std::map<std::string, std::string> everything_written(const Workspace& place) {
  std::map<std::string, std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(place.path("."))) {
    if (entry.is_regular_file()) found[entry.path().string()] = contents(entry.path());
  }
  Client client = place.database().connect_as_superuser();
  for (const Row& row : client.exec("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'falsework'")) {
    found["falsework." + *row[0]] = client.value(
        fmt::format("SELECT coalesce(string_agg(to_jsonb(t)::text, ' '), '') FROM falsework.{} AS t", *row[0]));
  }
  found["comments"] = client.value("SELECT coalesce(string_agg(description, ' '), '') FROM pg_description");
  return found;
}

struct Way {
  const char* what;
  std::vector<std::string> arguments;  // that name the database
  std::map<std::string, std::string> environment;
};

std::vector<Way> ways(const Workspace& place) {
  std::string with_password = place.url();
  with_password.insert(with_password.find('@'), std::string(":") + kPassword);
  return {{"in the URL", {"-d", with_password}, {}},
          {"in PGPASSWORD", {"-d", place.url()}, {{"PGPASSWORD", kPassword}}},
          {"in DATABASE_URL", {}, {{"DATABASE_URL", with_password}}}};
}

}  // namespace

TEST_SUITE_BEGIN("security/canary");

TEST_CASE("a password is in no answer of any command, no file, no journal and no log, however it is given") {
  const Workspace origin;
  for (std::size_t i = 0; i < ways(origin).size(); ++i) {
    const Workspace place;
    const Way way = ways(place)[i];
    CAPTURE(way.what);
    place.make_users();
    place.write("rename.sql", kRename);
    std::string said;
    const auto run = [&](std::vector<std::string> arguments, int status) {
      const std::string command = arguments.front();
      for (const bool json : {true, false}) {
        std::vector<std::string> line = arguments;
        if (json) line.push_back("--json");
        line.insert(line.end(), way.arguments.begin(), way.arguments.end());
        const ProcessResult result = place.start(line, way.environment)->wait();
        CAPTURE(command);
        CAPTURE(result.err);
        CHECK(result.status == status);
        CHECK(result.out.find(kPassword) == std::string::npos);
        CHECK(result.err.find(kPassword) == std::string::npos);
        said += result.out + result.err;
      }
    };
    run({"plan", "rename.sql", "-o", "plan.json"}, 0);
    run({"snapshot", "users"}, 0);
    run({"runbook", "plan.json"}, 0);
    run({"explain", "plan.json", "users.email_address/dual_write/trigger"}, 0);
    run({"apply", "plan.json", "--yes", "-v"}, 0);
    run({"status"}, 0);
    run({"history", "users_email"}, 0);
    run({"drift", "users_email"}, 0);
    run({"release", "list"}, 0);
    run({"advance", "--release", "2026.12", "--yes", "-v"}, 0);
    run({"rollback", "nobody", "--yes"}, 2);
    run({"rollback", "users_email", "--yes", "-v"}, 0);
    CHECK_FALSE(said.empty());
    const auto written = everything_written(place);
    CHECK(written.size() >= 8);
    for (const auto& each : written) {
      CAPTURE(each.first);
      CHECK(each.second.find(kPassword) == std::string::npos);
    }
    CHECK(place.database().server().log().find(kPassword) == std::string::npos);
  }
}

TEST_CASE("a value of a row that makes a step fail is in no answer, file or journal") {
  const Workspace place;
  place.database().exec(fmt::format(
      "CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL); INSERT INTO users SELECT g, g::text FROM "
      "generate_series(1, 50) AS g; INSERT INTO users VALUES (51, '{}')",
      kValue));
  place.plan(
      "-- falsework: name=users_email switch=2026.12 contract=2027.01\n"
      "ALTER TABLE users ALTER COLUMN email TYPE integer USING email::integer;  -- falsework: down=(email::text)\n");
  std::string said;
  for (const char* form : {"--json", "-v"}) {
    const ProcessResult failed = place.run({"apply", "plan.json", "--yes", form, "-d", place.url()});
    CHECK(failed.status == 7);
    said += failed.out + failed.err;
  }
  for (const char* command : {"status", "history"}) said += place.run({command, "--json", "-d", place.url()}).out;
  CHECK(said.find("1 rows do not convert") != std::string::npos);
  CHECK(said.find(kValue) == std::string::npos);
  for (const auto& each : everything_written(place)) {
    CAPTURE(each.first);
    CHECK(each.second.find(kValue) == std::string::npos);
  }
}

TEST_SUITE_END();

}  // namespace falsework::test
