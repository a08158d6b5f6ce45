// Runs the shell lines of docs/pipelines/, job by job, as the pipelines would.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "tests/support/process.h"
#include "tests/support/server.h"

namespace falsework::test {
namespace {

using Json = nlohmann::json;

const std::string kPipelines = std::string(FALSEWORK_SOURCE) + "/docs/pipelines/";

Json jobs_of(const std::string& file) {
  const ProcessResult result = run_process(
      {FALSEWORK_PYTHON, std::string(FALSEWORK_SOURCE) + "/tests/docs/pipeline_lines.py", kPipelines + file});
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  return Json::parse(result.out);
}

// A checkout of an application with a declaration, a server, and the program on the path.
class Checkout {
 public:
  Checkout() : database_(Server::any()) {
    database_.exec(
        "CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL);"
        "INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 50) AS i");
    write_file(directory_.path() / "declaration.sql",
               "-- falsework: name=users_email_address switch=2026.12 contract=2027.01\n"
               "ALTER TABLE users RENAME COLUMN email TO email_address;\n");
  }

  ProcessResult run(std::string script, const Json& environment = Json::object()) const {
    ProcessOptions options;
    options.directory = directory_.path();
    for (const auto& [key, value] : environment.items()) options.environment[key] = value;
    // What the place where the pipeline runs gives: a volume, a mounted plan, a secret, a file for the summary.
    std::string& state = options.environment["FALSEWORK_STATE"];
    if (state.empty() || state[0] == '/') state = "ledger/state.db";
    for (std::size_t at = script.find("/etc/falsework/"); at != std::string::npos;
         at = script.find("/etc/falsework/")) {
      script.erase(at, std::string("/etc/falsework/").size());
    }
    options.environment["DECLARATION"] = "declaration.sql";
    options.environment["DATABASE_URL"] = database_.url();
    options.environment["GITHUB_STEP_SUMMARY"] = "summary.md";
    options.environment["PATH"] =
        std::filesystem::path(FALSEWORK_PROGRAM).parent_path().string() + ":/usr/local/bin:/usr/bin:/bin";
    return Process({"/bin/bash", "-e", "-o", "pipefail", "-c", script}, options).wait();
  }
  bool has(const std::string& file) const { return std::filesystem::exists(directory_.path() / file); }
  std::string columns() const {
    return database_.connect().value(
        "SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'users'::regclass AND "
        "attnum > 0 AND NOT attisdropped");
  }

 private:
  TemporaryDirectory directory_;
  TestDatabase database_;
};

}  // namespace

TEST_SUITE("docs/pipelines") {
  TEST_CASE("each pipeline takes a plan through its gates, one human gate for each promotion") {
    for (const std::string file : {"github-actions.yml", "gitlab-ci.yml", "kubernetes-jobs.yaml"}) {
      CAPTURE(file);
      const Checkout checkout;
      if (file[0] == 'k') REQUIRE(checkout.run("falsework plan declaration.sql -o plan.json").status == 0);
      std::size_t human = 0;
      for (const Json& job : jobs_of(file)) {
        const std::string script = job.at("script");
        CAPTURE(script);
        const ProcessResult result = checkout.run(script, job.at("environment"));
        CAPTURE(result.out);
        CAPTURE(result.err);
        CHECK(result.status == 0);
        human += job.at("human") && script.find(" plan ") == std::string::npos ? 1 : 0;
        const std::string name = job.at("name");
        if (name.find("expand") != std::string::npos || name.find("switch") != std::string::npos) {
          CHECK(checkout.columns() == "email,email_address,id");
        }
      }
      CHECK(human == 3);
      CHECK(checkout.columns() == "email_address,id");
      if (file[0] != 'k') CHECK(checkout.has("runbook.html"));
      if (file[0] != 'k') CHECK(checkout.has("record.html"));
    }
  }

  TEST_CASE("a pipeline tries again what is temporary, and nothing that a person has to look at") {
    const std::set<int> temporary{75, 130, 143};
    for (const std::string file : {"github-actions.yml", "gitlab-ci.yml", "kubernetes-jobs.yaml"}) {
      CAPTURE(file);
      for (const Json& job : jobs_of(file)) {
        const std::set<int> again = job.at("again_on"), stops = job.at("stops_on");
        for (const int code : again) CHECK(temporary.count(code) == 1);
        for (const int code : stops) CHECK(temporary.count(code) == 0);
        if (job.at("script").get<std::string>().find(" --yes") != std::string::npos) CHECK(again.count(75) == 1);
        if (file[0] == 'k') CHECK(stops == std::set<int>{1, 2, 3, 5, 7});
      }
    }
  }

  TEST_CASE("a job that meets a lock comes to its end when the lock is gone, and one that fails stops") {
    const Checkout checkout;
    const Json jobs = jobs_of("github-actions.yml");
    REQUIRE(checkout.run(jobs.at(0).at("script"), jobs.at(0).at("environment")).status == 0);
    // The run is held by another process for a while.
    const std::string loop = jobs.at(1).at("script");
    const std::string once =
        "calls=0; falsework() { calls=$((calls + 1)); [ $calls -gt 1 ] || return 75; command falsework \"$@\"; };"
        "sleep() { :; };";
    CHECK(checkout.run(once + loop, jobs.at(1).at("environment")).status == 0);
    CHECK(checkout.run("falsework() { return 7; };" + loop, jobs.at(1).at("environment")).status == 7);
  }
}

}  // namespace falsework::test
