#include "tests/examples/example.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "base/file.h"
#include "planner/declare/declare.h"
#include "planner/planner.h"
#include "postgres/catalog/introspect.h"

namespace falsework::test {
namespace {

std::vector<std::string> selection() {
  std::vector<std::string> prefixes;
  if (const char* wanted = std::getenv("FALSEWORK_TEST_EXAMPLES")) {
    std::stringstream list(wanted);
    for (std::string prefix; std::getline(list, prefix, ',');) prefixes.push_back(prefix);
  }
  return prefixes;
}

bool selected(const std::string& name) {
  static const std::vector<std::string> prefixes = selection();
  return prefixes.empty() || std::any_of(prefixes.begin(), prefixes.end(),
                                         [&](const std::string& prefix) { return name.rfind(prefix, 0) == 0; });
}

Example load(const std::filesystem::path& directory) {
  Example example;
  example.name = directory.filename().string();
  example.directory = directory;
  for (const char* form : {"declaration.sql", "declaration.json"}) {
    if (std::filesystem::exists(directory / form)) example.declaration = directory / form;
  }
  example.before = read_file(directory / "before.sql");
  return example;
}

std::filesystem::path root() { return std::filesystem::path(FALSEWORK_SOURCE) / "plans" / "examples"; }

Migration migration_of(const Example& example) {
  return read_declaration(read_file(example.declaration), example.declaration.filename().string());
}

}  // namespace

std::string Example::file(const std::string& which) const {
  return std::filesystem::exists(directory / which) ? read_file(directory / which) : "";
}

std::vector<Example> examples() {
  std::vector<Example> found;
  for (const auto& entry : std::filesystem::directory_iterator(root())) {
    if (entry.is_directory() && selected(entry.path().filename().string())) found.push_back(load(entry.path()));
  }
  std::sort(found.begin(), found.end(), [](const Example& a, const Example& b) { return a.name < b.name; });
  return found;
}

Example example(const std::string& name) { return load(root() / name); }

std::string naive_of(const Example& example, const Plan& plan) {
  if (const std::string naive = example.file("naive.sql"); !naive.empty()) return naive;
  std::string naive;
  for (const PlannedChange& change : plan.changes) naive += change.naive_sql + ";\n";
  return naive;
}

pg::Snapshot snapshot_of(const Example& example, const std::string& url) {
  pg::ConnectionSettings settings;
  settings.conninfo = url;
  settings.application_name = "falsework test";
  const auto session = pg::connect(settings);
  return pg::introspect(*session, {tables_of(migration_of(example))});
}

Plan plan_of(const Example& example, const pg::Snapshot& snapshot) {
  return make_plan(migration_of(example), snapshot);
}

std::optional<Plan> archiving_plan_of(const Example& example, const pg::Snapshot& snapshot) {
  Migration migration = migration_of(example);
  migration.archive = true;
  try {
    return make_plan(migration, snapshot);
  } catch (const Error& error) {
    if (std::string(error.what()).find("archive") == std::string::npos) throw;
    return std::nullopt;
  }
}

Run::Run(const TestDatabase& database, Plan plan)
    : plan_(std::move(plan)), text_(render_plan(plan_)), url_(database.url()) {
  ledger_ = Ledger::open(directory_.path() / "state.db", true);
}

std::unique_ptr<Engagement> Run::open() {
  ExecutorOptions options;
  options.connection.conninfo = url_;
  options.connection.application_name = "falsework";
  options.actor = "test@localhost";
  return Engagement::start(plan_, text_, *ledger_, clock_, observer_, options);
}

Outcome Run::advance(const Target& target) {
  AdvanceRequest request;
  request.target = target;
  for (const auto& [key, release] : plan_.releases) request.releases.insert(release);
  request.open_advance_gates = true;
  request.confirmed = true;
  const auto engagement = open();
  Outcome outcome = engagement->advance(request);
  // A gate of kind `advance` is opened one at a time.
  for (int gates = 0; outcome == Outcome::kAtGate && gates < 5; ++gates) outcome = engagement->advance(request);
  return outcome;
}

Outcome Run::advance_to(Phase phase) {
  Target target;
  target.kind = Target::Kind::kPhase;
  target.phase = phase;
  return advance(target);
}

Outcome Run::advance_to_step(const std::string& step) {
  Target target;
  target.kind = Target::Kind::kStep;
  target.step = step;
  return advance(target);
}

Outcome Run::advance_to_end() {
  Target target;
  target.kind = Target::Kind::kEnd;
  return advance(target);
}

Outcome Run::rollback(const RollbackRequest& request) { return open()->rollback(request); }

RunState Run::state() { return open()->state(); }

}  // namespace falsework::test
