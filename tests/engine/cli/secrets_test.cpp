#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "tests/engine/cli/workspace.h"
#include "tests/support/wait.h"

namespace falsework::test {

namespace {

constexpr const char* kSecret = "hunter2-9f3c";

// The database's URL with a password in it, which the test server does not ask for.
std::string with_password(std::string url, const std::string& password) {
  return url.insert(url.find('@'), ":" + password);
}

std::string contents(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool leaks(const std::string& text) { return text.find(kSecret) != std::string::npos; }

}  // namespace

TEST_SUITE("engine/cli/secrets") {
  TEST_CASE("a password reaches no output, no file and no process list") {
    const Workspace place;
    place.make_users();
    place.write("rename.sql", kRename);
    const std::string url = with_password(place.url(), kSecret);
    const std::string keywords = "host=" + place.database().server().socket_directory().string() +
                                 " port=" + std::to_string(place.database().server().port()) +
                                 " dbname=" + place.database().name() + " user=" + place.database().role() +
                                 " password=" + kSecret;
    std::string said;
    const auto run = [&](std::vector<std::string> arguments, int status) {
      const ProcessResult result = place.run(std::move(arguments));
      CAPTURE(result.err);
      CHECK(result.status == status);
      said += result.out + result.err;
    };
    run({"plan", "rename.sql", "-d", url, "-o", "plan.json"}, 0);
    run({"plan", "rename.sql", "-d", keywords}, 0);
    run({"snapshot", "-d", url, "-o", "snapshot.json"}, 0);
    run({"runbook", "plan.json", "-o", "plan.md"}, 0);
    run({"apply", "plan.json", "--yes", "-v", "-d", url}, 0);
    run({"status", "-d", url}, 0);
    run({"history", "--json", "-d", url}, 0);
    // What stands in the wrong place is not repeated either.
    run({"plan", url}, 2);
    run({"status", "--databsae=" + url}, 2);
    run({"stauts", "-d", url}, 2);
    run({"plan", "rename.sql", "-d", std::string("postgresql://owner:") + kSecret + "@127.0.0.1:1/shop"}, 75);
    run({"plan", "rename.sql", "-d", std::string("postgresql://owner:") + kSecret + "@127.0.0.1:port/shop"}, 2);
    CHECK(!said.empty());
    CHECK(!leaks(said));
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place.path("."))) {
      if (!entry.is_regular_file()) continue;
      CAPTURE(entry.path().string());
      CHECK(!leaks(contents(entry.path())));
      ++files;
    }
    CHECK(files >= 5);
  }

  TEST_CASE("the process list shows no password, however it was given") {
    const Workspace place;
    place.make_users();
    place.plan();
    Client blocker = place.database().connect();
    blocker.exec("BEGIN; LOCK TABLE users IN ROW EXCLUSIVE MODE");
    const std::string url = with_password(place.url(), kSecret);
    const std::string query = place.url() + "&password=" + kSecret;
    for (const std::vector<std::string>& given :
         {std::vector<std::string>{"-d", url}, {"-d" + url}, {"--database=" + url}, {"--database", query}}) {
      std::vector<std::string> arguments{"apply", "plan.json", "--yes"};
      arguments.insert(arguments.end(), given.begin(), given.end());
      const auto process = place.start(arguments);
      REQUIRE(wait_until([&] { return process->err().find("waits for a lock") != std::string::npos; }));
      const std::string shown = contents("/proc/" + std::to_string(process->pid()) + "/cmdline");
      CAPTURE(shown);
      CHECK(shown.find("apply") != std::string::npos);
      CHECK(shown.find("***") != std::string::npos);
      CHECK(!leaks(shown));
      process->signal(15);
      CHECK(process->wait().status == 143);
    }
  }

  TEST_CASE("files that are made are for their owner alone") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    using std::filesystem::perms;
    for (const char* file : {"plan.json", ".falsework", ".falsework/state.db"}) {
      CAPTURE(file);
      CHECK((std::filesystem::status(place.path(file)).permissions() & (perms::group_all | perms::others_all)) ==
            perms::none);
    }
  }

  TEST_CASE("a name with control characters cannot steer the terminal") {
    const Workspace place;
    place.database().exec("CREATE TABLE users (id int, \"e\x1b[2Jmail\" text)");
    place.plan("ALTER TABLE users RENAME COLUMN \"e\x1b[2Jmail\" TO email;\n");
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"plan", "declaration.sql", "-o", "again.json", "-d", place.url()},
          {"apply", "plan.json", "--dry-run", "-d", place.url()},
          {"apply", "plan.json", "--yes", "-d", place.url()},
          {"status", "declaration"}}) {
      CAPTURE(arguments.front());
      const ProcessResult result = place.run(arguments);
      CHECK(result.status == 0);
      CHECK((result.out + result.err).find('\x1b') == std::string::npos);
    }
    CHECK(place.run({"status", "declaration"}).out.find("users") != std::string::npos);
  }
}

}  // namespace falsework::test
