#include <fmt/format.h>

#include <algorithm>

#include "engine/runbook/sections.h"
#include "engine/runbook/words.h"

namespace falsework::runbook {

namespace {

// The release of a gate, as the text calls it.
Text release_of(const Plan& plan, const std::string& gate, const char* otherwise) {
  const auto found = plan.releases.find(gate);
  if (found == plan.releases.end()) return {plain(otherwise)};
  return {plain("release "), code(found->second)};
}

Text next_release(const Plan& plan) { return release_of(plan, "switch", "the next release"); }

Text last_release(const Plan& plan) { return release_of(plan, "contract", "the release after it"); }

// One sentence of three parts, the middle one a release.
Text sentence(const std::string& before, const Text& release, const std::string& after) {
  Text result = {plain(before)};
  append(result, release);
  append(result, {plain(after)});
  return result;
}

std::vector<Text> for_rename_column(const Plan& plan) {
  return {
      {plain("Until phase "), code("validate"), plain(" is done, every release reads and writes the old name alone.")},
      sentence("After that, and not before, ", next_release(plan),
               " may go out. It reads and writes the new name alone; nobody has to write both, for the trigger keeps "
               "them in agreement in both directions while old and new releases run side by side."),
      {plain("Never write both names in one statement with different values: the new one wins.")},
      sentence("Before the contract gate is opened, nothing may name the old column: no session of an older release, "
               "no report, no job, no function body. The first that may count on that is ",
               last_release(plan), "."),
      {plain("The table has both columns for a while: list columns in INSERT and SELECT. "), code("SELECT *"),
       plain(" gives one more column, and a prepared "), code("SELECT *"),
       plain(" fails once with \"cached plan must not change result type\" (SQLSTATE 0A000): prepare it again.")},
  };
}

std::vector<Text> for_shadow_type(const Plan& plan) {
  return {
      {plain("The column keeps its name. Up to phase "), code("switch"),
       plain(" it has the old type, after it the new one.")},
      sentence("Either type must do for ", next_release(plan),
               ", for the type changes while it runs: bind parameters without a fixed type, and read into the wider "
               "type of your language."),
      {plain(
          "Until contract, write only values that the old type can hold too: rollback keeps every value only then.")},
      {plain("Prepared statements that return the column fail once with \"cached plan must not change result type\" "
             "(SQLSTATE 0A000) after the switch: let the driver prepare them again, or reconnect.")},
      sentence("Check what keeps a copy of the type: ORM models, serialized forms, columns of other databases, and "
               "functions with parameters of that type. What was there for the old one may go with ",
               last_release(plan), "."),
  };
}

std::vector<Text> for_type_in_place() {
  return {
      {plain("The type changes in one short step; every value stays as it is. No release has to be deployed with it.")},
      {plain("Prepared statements that return the column fail once with \"cached plan must not change result type\" "
             "(SQLSTATE 0A000): let the driver prepare them again, or reconnect.")},
      {plain("Deploy code that writes values which only the new type can hold after that step, and not before.")}};
}

std::vector<Text> for_set_not_null(const Plan& plan) {
  return {
      {plain("Find every write that leaves the column null, by omission or on purpose, and give a value. The steps "
             "below say "
             "from when on the database refuses one (SQLSTATE 23502 or 23514), or fills it in.")},
      sentence("Where a gate stands before that step, ", next_release(plan),
               " must write a value in every INSERT and UPDATE, and be out everywhere, before the gate is opened."),
      {plain("Code that reads NULL may go only after the last step: until then old rows may hold one.")},
  };
}

std::vector<Text> for_add_foreign_key() {
  return {
      {plain("From the step that adds the constraint NOT VALID on, every new or changed row is checked, those of old "
             "releases "
             "too: a row that names a missing one fails with SQLSTATE 23503.")},
      {plain(
          "Write the referenced row first, in the same transaction or before. Deleting a referenced row does what the "
          "constraint says (refuse, cascade, set null), also for rows that are not validated yet.")},
      {plain("Rows from before are proven by VALIDATE, which blocks neither reads nor writes.")},
  };
}

std::vector<Text> advice(const PlannedChange& change, const Plan& plan) {
  if (change.strategy == "nothing") return {{plain("Nothing: the catalog is as declared already.")}};
  if (change.kind == "rename_column") return for_rename_column(plan);
  if (change.kind == "change_type" && change.strategy == "shadow_column") return for_shadow_type(plan);
  if (change.kind == "change_type") return for_type_in_place();
  if (change.kind == "set_not_null") return for_set_not_null(plan);
  if (change.kind == "add_foreign_key") return for_add_foreign_key();
  return {{plain("See the steps, and what each lock blocks.")}};
}

}  // namespace

void add_developers(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("For application developers")}, "developers"});
  for (const PlannedChange& change : plan.changes) {
    outline.push_back(Heading{3, {plain("To " + change.summary)}});
    outline.push_back(Bullets{advice(change, plan), false});
  }
  const bool both = std::any_of(plan.changes.begin(), plan.changes.end(),
                                [](const PlannedChange& change) { return change.strategy == "shadow_column"; });
  if (both) {
    outline.push_back(Heading{3, {plain("Prepared statements, cached plans and ORMs")}, "orms"});
    outline.push_back(Bullets{
        {{plain(
             "The server makes the plans of prepared statements anew by itself after each DDL; only a statement whose "
             "result changes its columns or types fails, once, with SQLSTATE 0A000. Poolers and drivers that keep "
             "statements must prepare it again, or close the session.")},
         {plain("An ORM that names its columns does not see the second column. One that reads the table's columns when "
                "it starts does see it: let it ignore "),
          code("_fw_"), plain(" columns, and start it anew after the switch.")},
         {plain("An ORM that writes all columns of a row writes both forms: of an UPDATE the form that changed counts, "
                "and where both changed, the new one.")},
         {code("INSERT INTO … VALUES"),
          plain(" without a list of columns goes on, for the second column is the last and may be left out. "),
          code("COPY … FROM"), plain(" without a list fails, for it expects every column: name the columns in both.")}},
        false});
  }
  outline.push_back(
      Paragraph{{plain("While the run is in flight, no other change to these tables: it would be drift, and the "
                       "run would stop at it.")}});
}

}  // namespace falsework::runbook
