#include "tests/faults/walk.h"

#include <fmt/format.h>

#include "planner/declare/declare.h"
#include "planner/planner.h"
#include "postgres/catalog/introspect.h"
#include "state/ledger.h"
#include "tests/faults/surroundings.h"
#include "tests/oracle/catalog_oracle.h"
#include "tests/support/wait.h"

namespace falsework::test {

namespace {

constexpr int kAttempts = 10;
constexpr int kKilled = 128 + 9;

constexpr const char* kSchema =
    "CREATE TABLE papers (id int PRIMARY KEY, label text, note text);"
    "CREATE INDEX papers_label ON papers (label);"
    "INSERT INTO papers SELECT g, 'paper ' || g, repeat('x', 300) FROM generate_series(1, 60) AS g;"
    "CREATE TABLE bystander (id int PRIMARY KEY)";

bool is_passing(const std::string& code) {
  return code == "run.held" || code == "lock.budget_exhausted" || code == "database.unreachable";
}

std::string told(const char* what, const EngineEnd& end) {
  return fmt::format("{} ended with {} {} {}", what, end.status, end.code, end.message);
}

}  // namespace

Walk::Walk(Server& server, std::uint32_t seed, const std::filesystem::path& directory)
    : server_(server), directory_(directory), database_(server), random_(seed) {
  database_.exec(kSchema);
}

int Walk::below(int bound) { return static_cast<int>(random_() % static_cast<std::uint32_t>(bound)); }

void Walk::decide(const std::string& what) { decisions_.push_back(what); }

std::string Walk::declare() {
  next_column_ = column_;
  next_bounded_ = bounded_;
  const std::string head =
      fmt::format("-- falsework: name=walk_{} switch=2026.12 contract=2027.01\nALTER TABLE papers ", counts_.changes);
  if (below(2) == 0) {
    next_column_ = column_ == "label" ? "title" : "label";
    return head + fmt::format("RENAME COLUMN {} TO {};\n", column_, next_column_);
  }
  next_bounded_ = !bounded_;
  return head + fmt::format("ALTER COLUMN {} TYPE {};  -- falsework: accept=data_loss\n", column_,
                            next_bounded_ ? "varchar(900)" : "text");
}

void Walk::plan(const std::string& declaration) {
  pg::ConnectionSettings settings;
  settings.conninfo = database_.url();
  settings.application_name = "falsework test";
  const auto session = pg::connect(settings);
  const Migration migration = read_declaration(declaration, "walk.sql");
  plan_ = make_plan(migration, pg::introspect(*session, {tables_of(migration)}));
  plan_text_ = render_plan(plan_);
}

EngineEnd Walk::run(const EngineOrder& order, bool restart) {
  Engine engine(plan_, plan_text_, order, directory_ / "report");
  if (order.fail.ends_with("=stop") && engine.wait_stopped()) {
    if (restart) {
      server_.restart_immediately();
      ++counts_.crashes;
    } else {
      database_.connect_as_superuser().exec(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('falsework', "
          "'falsework/copy') AND datname = current_database()");
      ++counts_.terminations;
    }
    engine.resume();
  }
  return engine.wait();
}

EngineEnd Walk::struck(Way way) {
  EngineOrder order;
  order.way = way;
  order.conninfo = database_.url();
  order.ledger = directory_ / "state.db";
  const int fault = below(10);
  const int at = 1 + below(60);
  if (fault < 5) order.fail = fmt::format("*@{}=kill", at);
  if (fault >= 5 && fault < 8) order.fail = fmt::format("*@{}=stop", at);
  if (fault >= 8) order.failing_write = 1 + below(200);
  order.failing_for_good = fault == 9;
  if (fault >= 8) ++counts_.ledger_faults;
  decide(fmt::format("{} with fault {} at {}", name(way), fault, fault >= 8 ? order.failing_write : at));
  const EngineEnd end = run(order, fault == 7);
  if (end.status == kKilled) ++counts_.kills;
  return end;
}

std::string Walk::bring(Way way) {
  EngineOrder order;
  order.way = way;
  order.conninfo = database_.url();
  order.ledger = directory_ / "state.db";
  EngineEnd end;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    end = run(order, false);
    if (end.status == 0) return "";
    if (!is_passing(end.code)) break;
  }
  return told(name(way), end);
}

// What holds at the end of any change, done or undone.
std::string Walk::look() {
  const auto ledger = Ledger::open(directory_ / "state.db", false);
  if (!ledger->verify_chain().empty()) return "the ledger's chain is broken";
  Client client = database_.connect_as_superuser();
  const bool gone = wait_until([&] {
    return client.value(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('falsework', 'falsework/copy') AND "
               "datname = current_database()") == "0";
  });
  if (!gone) return "a session of the engine is left";
  // What a crash of the server leaves in a temporary schema, the server's next user of that schema removes.
  const std::string left = client.value(
      "SELECT coalesce(string_agg(o, ', '), '') FROM (SELECT relname AS o FROM pg_class UNION ALL SELECT attname FROM "
      "pg_attribute WHERE NOT attisdropped AND attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r') UNION ALL "
      "SELECT proname FROM pg_proc WHERE pronamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_temp') "
      "UNION ALL SELECT tgname FROM pg_trigger UNION ALL SELECT conname FROM pg_constraint) AS all_names "
      "WHERE o ~ '^~?_fw_'");
  if (!left.empty()) return "these are left: " + left;
  if (client.value("SELECT count(*) FROM pg_index WHERE NOT (indisvalid AND indisready)") != "0") {
    return "an index is not valid";
  }
  return "";
}

std::string Walk::step() {
  const std::string declaration = declare();
  decide(declaration.substr(declaration.find('\n') + 1));
  ++counts_.changes;
  plan(declaration);
  Client client = database_.connect();
  const std::vector<std::string> before = catalog_rows(client);
  client.close();
  auto around = std::make_unique<Surroundings>(database_, Environment::kWriters);
  for (int faults = 1 + below(3); faults > 0; --faults) {
    const int where = below(10);
    const EngineEnd end = struck(where < 5 ? Way::kEnd : where < 8 ? Way::kGate : Way::kBack);
    if (end.status == 1 || end.status == -1) return told("an engine", end);
  }
  bool at_end = below(2) == 0;
  decide(at_end ? "to the end" : "back");
  std::string problem = bring(at_end ? Way::kEnd : Way::kBack);
  if (problem.find("step.irreversible") != std::string::npos) {
    // Past the point of no return there is the way on alone.
    at_end = true;
    problem = bring(Way::kEnd);
  }
  around->stop();
  counts_.acknowledged += around->tokens().acknowledged();
  if (!problem.empty()) return problem;
  // A run that had been done before it was asked to go back has nothing to undo and stays done.
  Client after = database_.connect();
  const std::vector<std::string> found = catalog_rows(after);
  if (!at_end && found != before) {
    return fmt::format("after the rollback the catalog differs: {}", fmt::join(row_differences(before, found), "; "));
  }
  if (at_end) {
    column_ = next_column_;
    bounded_ = next_bounded_;
  } else {
    ++counts_.rollbacks;
  }
  std::map<int, std::string> lists;
  for (const Row& row : after.exec(fmt::format("SELECT id, {} FROM papers", column_))) {
    lists[std::stoi(*row[0])] = row[1].value_or("");
  }
  const auto wrong = around->tokens().judge(lists);
  if (!wrong.empty()) return fmt::format("{}", fmt::join(wrong, "; "));
  after.exec(fmt::format("UPDATE papers SET {} = 'paper ' || id", column_));
  return look();
}

}  // namespace falsework::test
