// The pages on ledger and journal name every table and column that there is, and none that is not.
#include <doctest/doctest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "base/file.h"
#include "state/event.h"
#include "state/ledger.h"
#include "state/postgres/copy_journal.h"
#include "state/sqlite/database.h"
#include "tests/state/postgres/engine.h"
#include "tests/support/process.h"

namespace falsework {

TEST_SUITE_BEGIN("docs/state");

namespace {

using Tables = std::map<std::string, std::set<std::string>>;

std::string page(const std::string& name) {
  return read_file(std::string(FALSEWORK_SOURCE) + "/docs/reference/" + name);
}

// What stands in the first cells of a table, as code.
std::set<std::string> first_cells(const std::string& table) {
  std::set<std::string> cells;
  const std::regex cell("\\| `([a-z_]+)` \\|");
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_search(line, match, cell, std::regex_constants::match_continuous)) cells.insert(match[1]);
  }
  return cells;
}

// The first cells of the tables headed `column`, by the `### table` above them.
Tables described(const std::string& text) {
  Tables tables;
  std::string table;
  bool columns = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("### ", 0) == 0) {
      table = line.substr(4);
      columns = false;
    } else if (line.rfind("| column |", 0) == 0) {
      columns = true;
    } else if (line.empty() || line[0] != '|') {
      columns = false;
    } else if (columns) {
      tables[table].merge(first_cells(line));
    }
  }
  return tables;
}

// The rows of the section below a heading.
std::string section(const std::string& text, const std::string& heading) {
  const auto begin = text.find("\n" + heading + "\n");
  REQUIRE(begin != std::string::npos);
  return text.substr(begin + 1, text.find("\n#", begin + 2) - begin);
}

}  // namespace

TEST_CASE("the page on the ledger describes each table and column of it") {
  const test::TemporaryDirectory directory;
  Ledger::open(directory.path() / "state.db", true);
  const sqlite::Database database(directory.path() / "state.db", std::chrono::milliseconds(1000));
  Tables there;
  auto rows = database.prepare(
      "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'");
  while (rows.step()) there[rows.text(0)].insert(rows.text(1));
  CHECK(there.size() == 3);
  CHECK(described(page("ledger.md")) == there);
}

TEST_CASE("the page on the ledger describes each kind of event") {
  std::set<std::string> kinds;
  for (int i = 0; i <= static_cast<int>(EventKind::kLedgerRepaired); ++i) {
    kinds.emplace(name(static_cast<EventKind>(i)));
  }
  CHECK(first_cells(section(page("ledger.md"), "### Kinds of events")) == kinds);
}

TEST_CASE("the page on the ledger names the format that is written") {
  const test::TemporaryDirectory directory;
  Ledger::open(directory.path() / "state.db", true);
  const sqlite::Database database(directory.path() / "state.db", std::chrono::milliseconds(1000));
  CHECK(database.number("PRAGMA application_id") == 0x46574C47);
  CHECK(page("ledger.md").find("| `application_id` | `0x46574C47` (`FWLG`) |") != std::string::npos);
  CHECK(page("ledger.md").find("| `user_version` | `" + database.text("PRAGMA user_version") + "` |") !=
        std::string::npos);
}

TEST_CASE("the page on the journal describes each table and column of it") {
  const test::TestDatabase database(test::Server::any());
  test::Engine(database.url()).journal.install();
  Tables there;
  for (const auto& row : database.connect().exec(
           "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
           "WHERE c.relnamespace = 'falsework'::regnamespace AND c.relkind = 'r' AND a.attnum > 0")) {
    there[row[0].value()].insert(row[1].value());
  }
  CHECK(there.size() == 11);
  CHECK(described(page("journal.md")) == there);
}

TEST_CASE("the page on the journal describes each event of a run in its history, and no other") {
  const test::TestDatabase database(test::Server::any());
  test::Engine engine(database.url());
  engine.journal.install();
  engine.journal.create_run(test::journal_run("a-1"));
  engine.fence("a-1");
  engine.journal.open_gate("a-1", {"users/switch/gate", "advance", "ann@host", ""});
  pg::Transaction transaction(*engine.session);
  engine.journal.close_gate("a-1", "users/switch/gate");
  engine.journal.mark_no_return("a-1");
  engine.journal.adopt("a-1", "another", "from ledger x");
  for (const char* event : {"failed", "undo_failed", "proof_cleared", "archive_dropped"}) {
    JournalEntry entry;
    entry.event = event;
    engine.journal.note("a-1", engine.epoch, entry);
  }
  transaction.commit();
  CopyJournal copy(*engine.session, "a-1");
  copy.set_paused(true, "ann@host");
  copy.set_paused(false, "ann@host");
  copy.set_limits({1, std::nullopt, std::nullopt, std::nullopt}, std::nullopt, "ann@host");
  engine.journal.finish_run("a-1", "done");
  {
    pg::Transaction reopening(*engine.session);
    engine.journal.reopen_run("a-1");
    reopening.commit();
  }
  engine.journal.finish_run("a-1", "rolled_back");

  std::set<std::string> written;
  for (const auto& row : database.connect().exec("SELECT DISTINCT event FROM falsework.history")) {
    written.insert(row[0].value());
  }
  const std::string history = section(page("journal.md"), "### history");
  CHECK(first_cells(history.substr(history.find("| event |"))) == written);
}

TEST_SUITE_END();

}  // namespace falsework
