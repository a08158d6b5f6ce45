#include "tests/faults/trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "executor/reconcile.h"
#include "state/ledger.h"
#include "state/run_state.h"
#include "tests/postgres/session/proxy.h"
#include "tests/support/wait.h"

namespace falsework::test {

namespace {

constexpr int kKilled = 128 + 9;
constexpr int kAttempts = 8;
constexpr const char* kNotReached = "the fault was not reached";
constexpr std::size_t kTraces = 3;
constexpr std::chrono::seconds kSoon{20};

bool is_wire(FaultKind fault) { return fault == FaultKind::kRequestLost || fault == FaultKind::kAnswerLost; }
bool is_ledger(FaultKind fault) { return fault == FaultKind::kLedgerOnce || fault == FaultKind::kLedgerForGood; }

// What a command may end with when it was in the way of a fault, or of another engine: try again.
bool is_passing(const EngineEnd& end) {
  return end.code == "run.held" || end.code == "lock.budget_exhausted" || end.code == "database.unreachable";
}

std::string told(const char* what, const EngineEnd& end) {
  return fmt::format("{} ended with {} {} {}", what, end.status, end.code, end.message);
}

std::string joined(const std::vector<std::string>& lines) { return fmt::format("{}", fmt::join(lines, "; ")); }

std::unique_ptr<pg::Session> session_for(const TestDatabase& database) {
  pg::ConnectionSettings settings;
  settings.conninfo = database.url();
  settings.application_name = "falsework test";
  return pg::connect(settings);
}

// Ledger and journal tell of the same, for every run.
std::string ledger_differs(const Ground& ground, const TestDatabase& database, const std::filesystem::path& file) {
  const auto ledger = Ledger::open(file, false);
  if (const auto broken = ledger->verify_chain(); !broken.empty()) return "the ledger's chain: " + joined(broken);
  const auto session = session_for(database);
  Journal journal(*session);
  for (const RunRecord& run : ledger->runs()) {
    const Reconciliation result =
        reconcile(ground.plan(), fold(ground.plan(), ledger->events(run.run)), journal.steps(run.run));
    if (!result.ahead.empty()) return fmt::format("the ledger is ahead in {}", joined(result.ahead));
    if (!result.repairs.empty()) return fmt::format("the ledger lacks {}", result.repairs.front().step);
  }
  return "";
}

// What must be true of sessions, locks, indexes and epochs, whatever happened.
std::string server_differs(const TestDatabase& database) {
  Client client = database.connect_as_superuser();
  const auto backends = [&] {
    return client.value(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'falsework%' AND datname = "
        "current_database()");
  };
  if (!wait_until([&] { return backends() == "0"; })) return "a session of the engine is left";
  struct Question {
    const char *what, *query;
  };
  const Question questions[] = {
      {"advisory locks are left",
       "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE "
       "datname = current_database())"},
      {"prepared transactions are left", "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"},
      {"indexes are not valid", "SELECT count(*) FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive)"},
      {"constraints are not validated", "SELECT count(*) FROM pg_constraint WHERE NOT convalidated"},
      {"epochs go back",
       "SELECT count(*) FROM (SELECT epoch < lag(epoch) OVER (PARTITION BY run ORDER BY serial) AS back FROM "
       "falsework.history WHERE event = 'fenced') AS s WHERE back"},
      {"generations go back",
       "SELECT count(*) FROM (SELECT generation < lag(generation) OVER (PARTITION BY run, step ORDER BY serial) AS "
       "back "
       "FROM falsework.history WHERE step <> '') AS s WHERE back"},
      {"cursors are left of what is undone",
       "SELECT count(*) FROM falsework.journal WHERE state = 'undone' AND cursor IS NOT NULL"}};
  for (const Question& question : questions) {
    if (client.value(question.query) != "0") return question.what;
  }
  client.exec("CREATE EXTENSION IF NOT EXISTS amcheck");
  client.exec(
      "SELECT bt_index_check(i.indexrelid, true) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN "
      "pg_am AS a ON a.oid = c.relam WHERE a.amname = 'btree' AND i.indrelid IN ('public.papers'::regclass, "
      "'public.bystander'::regclass)");
  return "";
}

}  // namespace

struct Trial::Scene {
  Scene(const Ground& ground, Environment the_environment, const std::filesystem::path& directory, int number)
      : database(ground.original().clone()),
        environment(the_environment),
        ledger(directory / fmt::format("state{}.db", number)),
        trace(directory / fmt::format("trace{}", number)),
        report(directory / fmt::format("report{}", number)),
        around(std::make_unique<Surroundings>(database, environment)) {}
  ~Scene() {
    around.reset();
    for (const auto& file : {ledger, trace, report}) std::filesystem::remove(file);
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  const TestDatabase database;
  const Environment environment;
  const std::filesystem::path ledger, trace, report;
  std::unique_ptr<Surroundings> around;
};

Trial::Trial(Ground& ground, const std::filesystem::path& directory) : ground_(ground), directory_(directory) {}

EngineEnd Trial::run(Scene& scene, Way way, const std::string& fail) {
  EngineOrder order;
  order.way = way;
  order.conninfo = scene.database.url();
  order.ledger = scene.ledger;
  order.fail = fail;
  return Engine(ground_.plan(), ground_.plan_text(), order, scene.report).wait();
}

// As a person would: the command again, while it says that trying again helps.
std::string Trial::bring(Scene& scene, Way way) {
  EngineEnd end;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    end = run(scene, way);
    if (end.status == 0) return "";
    if (!is_passing(end)) break;
  }
  return told(name(way), end);
}

std::filesystem::path Trial::trace_once(Way way) {
  Scene scene(ground_, Environment::kQuiet, directory_, ++scenes_);
  if (way == Way::kBack) {
    if (const std::string problem = bring(scene, Way::kGate); !problem.empty()) throw std::runtime_error(problem);
  }
  const std::filesystem::path trace = directory_ / fmt::format("places{}", scenes_);
  const Proxy proxy(scene.database, Fault::kNone, 0, [&] {
    std::ofstream(trace, std::ios::app) << "wire\n";
    return true;
  });
  EngineOrder order{way, proxy.url(), scene.ledger, "", trace};
  const EngineEnd end = Engine(ground_.plan(), ground_.plan_text(), order, scene.report).wait();
  if (end.status != 0) throw std::runtime_error(told("a run without a fault", end));
  if (way == Way::kEnd) ground_.set_end(state_of(scene.database));
  return trace;
}

std::vector<Place> Trial::trace(Way way) {
  std::vector<std::filesystem::path> traces;
  while (traces.size() < kTraces) traces.push_back(trace_once(way));
  return places_of(traces);
}

std::vector<Place> Trial::trace_forward() { return trace(Way::kEnd); }
std::vector<Place> Trial::trace_backward() { return trace(Way::kBack); }

std::string Trial::strike_server(Scene& scene, const Cell& cell, Engine& engine) {
  if (!engine.wait_stopped()) return kNotReached;
  if (cell.fault == FaultKind::kRestart) {
    scene.database.server().restart_immediately();
    engine.resume();
    return "";
  }
  Client client = scene.database.connect_as_superuser();
  if (cell.fault == FaultKind::kTerminate) {
    const std::string ended = client.value(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name IN ('falsework', "
        "'falsework/copy') "
        "AND datname = current_database()");
    engine.resume();
    return ended == "0" ? kNotReached : "";
  }
  // The next write of the journal waits for this lock, and is cancelled while it does.
  Client holder = scene.database.connect_as_superuser();
  holder.send("BEGIN; LOCK TABLE falsework.journal IN SHARE MODE");
  // Had, or next in the queue behind the engine.
  wait_until(
      [&] {
        return client.value(
                   "SELECT count(*) FROM pg_locks WHERE relation = 'falsework.journal'::regclass AND mode = "
                   "'ShareLock' AND pid = " +
                   std::to_string(holder.pid())) != "0";
      },
      kSoon);
  engine.resume();
  bool cancelled = false;
  const auto over = [&] {
    cancelled =
        client.value(
            "SELECT count(pg_cancel_backend(l.pid)) FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = "
            "l.pid WHERE NOT l.granted AND l.relation = 'falsework.journal'::regclass AND a.application_name IN "
            "('falsework', 'falsework/copy')") != "0";
    return cancelled || !engine.running();
  };
  wait_until(over, kSoon);
  holder.receive();
  holder.exec("ROLLBACK");
  return cancelled ? "" : kNotReached;
}

std::string Trial::strike(Scene& scene, const Cell& cell) {
  if (cell.backward) {
    if (const std::string problem = bring(scene, Way::kGate); !problem.empty()) return problem;
  }
  EngineOrder order;
  order.way = cell.backward ? Way::kBack : stops_at_gate(cell) ? Way::kGate : Way::kEnd;
  order.ledger = scene.ledger;
  order.trace = scene.trace;
  order.conninfo = scene.database.url();
  std::unique_ptr<Proxy> proxy;
  if (is_wire(cell.fault)) {
    const auto kind = cell.fault == FaultKind::kRequestLost ? Fault::kLosesAnyRequest : Fault::kLosesAnyAnswer;
    proxy = std::make_unique<Proxy>(scene.database, kind, cell.place.nth,
                                    [&] { return marks(scene.trace) == cell.place.mark; });
    order.conninfo = proxy->url();
  } else if (is_ledger(cell.fault)) {
    order.failing_write = cell.place.nth;
    order.failing_behind = cell.place.mark;
    order.failing_for_good = cell.fault == FaultKind::kLedgerForGood;
  } else {
    const bool own = cell.fault == FaultKind::kKill || cell.fault == FaultKind::kTerm;
    const char* action = !own ? "stop" : cell.fault == FaultKind::kKill ? "kill" : "term";
    order.fail = fmt::format("{}@{}={}", cell.place.point, cell.place.nth, action);
  }
  Engine engine(ground_.plan(), ground_.plan_text(), order, scene.report);
  if (!order.fail.empty() && order.fail.ends_with("=stop")) {
    if (const std::string problem = strike_server(scene, cell, engine); !problem.empty()) {
      const EngineEnd missed = engine.wait();
      return missed.status == 0 ? problem : told("the engine, which had not reached the fault,", missed);
    }
  }
  const EngineEnd end = engine.wait();
  const bool reached = cell.fault == FaultKind::kKill ? end.status == kKilled
                       : proxy                        ? proxy->struck()
                                                      : passages(scene.trace, cell.place) >= cell.place.nth;
  if (!reached && end.status != 0) return told("the engine, which had not reached the fault,", end);
  if (!reached) return told(fmt::format("{}: the engine", kNotReached).c_str(), end);
  const bool died =
      end.status == 1 || end.status == -1 || (end.status >= 128 && end.status != kKilled && end.status != 143);
  return died ? told("the engine", end) : "";
}

std::string Trial::go_on(Scene& scene, const Cell& cell, bool& at_end) {
  at_end = cell.next != Next::kRollback;
  if (cell.next == Next::kSecondFault) {
    // Early enough that there always is such a point, unless the run is over.
    const EngineEnd end = run(scene, Way::kEnd, fmt::format("*@{}=kill", 1 + cell.place.nth % 3));
    if (end.status != kKilled && end.status != 0) return told("the engine before its second fault", end);
  }
  if (cell.next == Next::kRollbackAndResume) {
    const EngineEnd end = run(scene, Way::kBack, fmt::format("undo.done@{}=kill", 1 + cell.place.nth % 2));
    if (end.status != kKilled && end.status != 0 && end.code != "step.irreversible") return told("back", end);
  }
  if (cell.next == Next::kRollback) {
    std::string problem = bring(scene, Way::kBack);
    if (problem.find("step.irreversible") != std::string::npos) {
      if (!cell.place.past_gate) return "it cannot go back: " + problem;
      at_end = true;
      return bring(scene, Way::kEnd);
    }
    return problem;
  }
  if (scene.environment == Environment::kSecondEngine) {
    EngineOrder order{Way::kEnd, scene.database.url(), scene.ledger, "", ""};
    Engine other(ground_.plan(), ground_.plan_text(), order, scene.report.string() + "-other");
    const EngineEnd one = run(scene, Way::kEnd);
    const EngineEnd two = other.wait();
    std::filesystem::remove(scene.report.string() + "-other");
    for (const EngineEnd& end : {one, two}) {
      if (end.status != 0 && !is_passing(end)) return told("one of two engines", end);
    }
  }
  return bring(scene, Way::kEnd);
}

std::string Trial::state_differs(Scene& scene, bool at_end) {
  const DatabaseState found = state_of(scene.database);
  DatabaseState wanted = at_end ? ground_.end() : ground_.before();
  if (scene.environment != Environment::kWriters) return difference(wanted, found);
  // What the clients wrote is judged by what they were told.
  Client client = scene.database.connect();
  std::map<int, std::string> lists;
  for (const Row& row : client.exec(fmt::format("SELECT id, {} FROM papers", at_end ? "title" : "label"))) {
    lists[std::stoi(*row[0])] = row[1].value_or("");
  }
  if (const auto wrong = scene.around->tokens().judge(lists); !wrong.empty()) return joined(wrong);
  const std::string kept = client.value(
      fmt::format("SELECT count(*) FROM papers WHERE {} LIKE 'paper ' || id || '%' AND note = repeat('x', 400)",
                  at_end ? "title" : "label"));
  if (kept != "60") return "rows were changed by nobody";
  wanted.rows["public.papers"] = {};
  DatabaseState others = found;
  for (auto& [table, rows] : others.rows) {
    if (table == "public.papers") rows.clear();
  }
  return difference(wanted, others);
}

std::string Trial::invariants(Scene& scene, bool at_end) {
  scene.around->stop();
  if (std::string problem = state_differs(scene, at_end); !problem.empty()) return problem;
  if (std::string problem = ledger_differs(ground_, scene.database, scene.ledger); !problem.empty()) return problem;
  // Once more is nothing: no transaction that writes.
  Client client = scene.database.connect();
  const std::string history = "SELECT count(*) FROM falsework.history";
  const std::string before = client.value(history);
  if (at_end) {
    if (std::string problem = bring(scene, Way::kEnd); !problem.empty()) return "done already: " + problem;
    if (client.value(history) != before) return "what is done was done again";
  }
  return server_differs(scene.database);
}

std::string Trial::attempt(const Cell& cell) {
  std::string problem = attempt_at(cell);
  // A step that came to its end with fewer messages, writes or batches than in the traces is struck at an earlier one.
  const bool depends_on_time = is_wire(cell.fault) || is_ledger(cell.fault) || !cell.place.steady;
  Cell earlier = cell;
  while (problem.rfind(kNotReached, 0) == 0 && depends_on_time && earlier.place.nth > 1) {
    earlier.place.nth /= 2;
    fmt::print("{}: not reached, struck at {} instead\n", describe(cell), earlier.place.nth);
    problem = attempt_at(earlier);
  }
  return problem;
}

std::string Trial::attempt_at(const Cell& cell) {
  Scene scene(ground_, cell.environment, directory_, ++scenes_);
  std::string problem = strike(scene, cell);
  bool at_end = true;
  if (problem.empty()) problem = go_on(scene, cell, at_end);
  if (problem.empty()) problem = invariants(scene, at_end);
  return problem;
}

}  // namespace falsework::test
