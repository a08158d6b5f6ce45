#include "tests/faults/ground.h"

#include <algorithm>

#include "planner/declare/declare.h"
#include "planner/planner.h"
#include "postgres/catalog/introspect.h"

namespace falsework::test {

namespace {

// Some pages of rows, so that the copy has several batches.
constexpr const char* kSchema =
    "CREATE TABLE papers (id int PRIMARY KEY, label text NOT NULL, note text);"
    "CREATE INDEX papers_label ON papers (label);"
    "COMMENT ON COLUMN papers.label IS 'what it is called';"
    "INSERT INTO papers SELECT g, 'paper ' || g, repeat('x', 400) FROM generate_series(1, 60) AS g;"
    "CREATE TABLE bystander (id int PRIMARY KEY); INSERT INTO bystander VALUES (1)";

constexpr const char* kDeclaration =
    "-- falsework: name=papers_title switch=2026.12 contract=2027.01\n"
    "ALTER TABLE papers RENAME COLUMN label TO title;\n";

// No change needs a note yet; the executor has the kind, so it is tried with the others.
void add_note(Plan& plan) {
  Step note;
  note.id = "papers.title/switch/note";
  note.phase = Phase::kSwitch;
  note.kind = StepKind::kNote;
  note.title = "Tell the people of the archive";
  note.why = "So that all six kinds of steps are tried.";
  const auto behind =
      std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& s) { return s.phase == Phase::kContract; });
  note.needs = {std::prev(behind)->id};
  plan.steps.insert(behind, note);
  stamp(plan);
}

}  // namespace

Ground::Ground(Server& server) : original_(server) {
  original_.exec(kSchema);
  {
    pg::ConnectionSettings settings;
    settings.conninfo = original_.url();
    settings.application_name = "falsework test";
    const auto session = pg::connect(settings);
    const Migration migration = read_declaration(kDeclaration, "papers.sql");
    plan_ = make_plan(migration, pg::introspect(*session, {tables_of(migration)}));
  }
  add_note(plan_);
  text_ = render_plan(plan_);
  before_ = state_of(original_);
}

}  // namespace falsework::test
