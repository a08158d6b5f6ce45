// What holds and what does not while a run is in flight: rules, privileges, functions, and what one could make of it.
#include <fmt/format.h>

#include <algorithm>

#include "engine/runbook/sections.h"
#include "engine/runbook/words.h"
#include "plans/bare_sql.h"

namespace falsework::runbook {

namespace {

bool has_strategy(const Plan& plan, std::string_view strategy) {
  return std::any_of(plan.changes.begin(), plan.changes.end(),
                     [&](const PlannedChange& change) { return change.strategy == strategy; });
}

bool has_change(const Plan& plan, std::string_view kind) {
  return std::any_of(plan.changes.begin(), plan.changes.end(),
                     [&](const PlannedChange& change) { return change.kind == kind && change.strategy != "nothing"; });
}

// What is promised by the declaration and not yet kept by the database, phase by phase.
struct Gap {
  std::string missing;
  Phase from, until;  // from the begin of the one to the end of the other
};

std::vector<Gap> gaps_of(const PlannedChange& change) {
  if (change.strategy == "nothing") return {};
  if (change.kind == "add_foreign_key") {
    return {{"a row may still name one that does not exist", Phase::kExpand, Phase::kExpand},
            {"new and changed rows are checked; one from before may still name a row that does not exist",
             Phase::kValidate, Phase::kValidate}};
  }
  std::vector<Gap> gaps;
  if (change.strategy == "shadow_column") {
    gaps = {{"unique, foreign key and NOT NULL hold on the old column alone; what is written to the new one is carried "
             "to the old one, and must pass there",
             Phase::kDualWrite, Phase::kBackfill},
            {"the rules of the new column are built and proven one by one; those of the old column hold all the while",
             Phase::kValidate, Phase::kValidate}};
  }
  if (change.kind == "set_not_null") {
    gaps.push_back({"a NULL may still stand in a row, and may still be read", Phase::kExpand, Phase::kValidate});
  }
  return gaps;
}

std::vector<std::vector<Text>> not_yet_enforced(const Plan& plan, Phase phase) {
  std::vector<std::vector<Text>> rows;
  for (const PlannedChange& change : plan.changes) {
    for (const Gap& gap : gaps_of(change)) {
      if (phase < gap.from || phase > gap.until) continue;
      rows.push_back({{{Span::Kind::kCode, std::string(name(phase)), anchor_of(phase)}},
                      {plain(change.summary)},
                      {plain(gap.missing)}});
    }
  }
  return rows;
}

// The first words of a statement: `CREATE FUNCTION public._fw_sync()`.
std::string first_words(const std::string& statement) {
  const std::size_t end = std::min({statement.find('\n'), statement.find(" RETURNS "), statement.find(" AS "),
                                    statement.find(" EXECUTE "), statement.size()});
  return statement.substr(0, end);
}

// The CREATE FUNCTION in a statement, which may run it from within a DO; empty when there is none.
std::string function_in(const std::string& statement) {
  const std::string bare = bare_sql(statement);
  for (const std::string_view head : {"CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"}) {
    if (bare.rfind(head, 0) == 0) return statement;
    const std::size_t at = bare.rfind("DO", 0) == 0 ? statement.find(head) : std::string::npos;
    if (at != std::string::npos) return statement.substr(at);
  }
  return "";
}

void add_functions(const Plan& plan, Outline& outline) {
  Table table{{{plain("Step")}, {plain("Creates")}, {plain("Runs as")}}, {}};
  for (const Step& step : plan.steps) {
    for (const std::string& statement : step.sql) {
      const std::string function = function_in(statement);
      if (function.empty()) continue;
      const bool definer = has_words(bare_sql(function), "SECURITY DEFINER");
      table.rows.push_back({{plain(std::to_string(number_of(plan, step)))},
                            {code(first_words(function))},
                            {plain(definer ? "its owner (SECURITY DEFINER): review it with care"
                                           : "whoever writes the row (SECURITY INVOKER): it can do nothing that the "
                                             "writer could not")}});
    }
  }
  if (table.rows.empty()) {
    outline.push_back(Paragraph{{plain("No function is created.")}});
  } else {
    outline.push_back(std::move(table));
  }
}

bool is_about_rights(const std::string& bare) {
  for (const char* const words : {"GRANT", "REVOKE", "CREATE POLICY", "ALTER POLICY", "DROP POLICY"}) {
    if (bare.rfind(words, 0) == 0) return true;
  }
  return has_words(bare, "ROW LEVEL SECURITY") || has_words(bare, "OWNER TO");
}

void add_rights(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{3, {plain("Privileges and policies")}, "rights"});
  if (has_strategy(plan, "shadow_column")) {
    outline.push_back(
        Callout{Callout::Kind::kNote,
                {plain("A shadow column holds the same data as the column that it stands beside. Whoever may "
                       "read the whole table may read it too; row policies of the table cover it as every column.")}});
  }
  if (const Text archives = archives_of(plan); !archives.empty()) {
    Text text = {plain("The archive ")};
    append(text, archives);
    append(text, {plain(" holds data of users after the run is over. Only its owner, the role that runs this, and "
                        "superusers may read it, whatever the privileges and policies of the table are.")});
    outline.push_back(Callout{Callout::Kind::kNote, std::move(text)});
  }
  Table table{{{plain("Step")}, {plain("Statement")}}, {}};
  for (const Step& step : plan.steps) {
    for (const std::string& statement : step.sql) {
      if (!is_about_rights(bare_sql(statement))) continue;
      table.rows.push_back({{step_link(plan, step)}, {code(statement)}});
    }
  }
  if (table.rows.empty()) {
    outline.push_back(Paragraph{{plain("No step changes a privilege, an owner or a policy.")}});
  } else {
    outline.push_back(std::move(table));
  }
}

void add_attacker(const Plan& plan, Outline& outline) {
  Bullets list;
  if (has_strategy(plan, "shadow_column")) {
    list.items.push_back(
        {plain("Whoever may write the column may write its new form too, or say with "), code("SET falsework.shape"),
         plain(" which of the two a write means. The other form follows it, and the rules that stand on "
               "either hold for both.")});
    list.items.push_back({plain("The trigger is silent for the copy alone. "), code("SET falsework.copy"),
                          plain(" does not silence it for a role that is not a member of the table's owner.")});
    list.items.push_back(
        {plain("A trigger function cannot be called but by its trigger, and has no more rights than "
               "whoever writes the row.")});
  }
  if (has_change(plan, "add_foreign_key") || has_change(plan, "set_not_null")) {
    list.items.push_back(
        {plain("Whoever may write the table may write rows that break a rule which is not enforced yet. "
               "They cannot slip in for good: the proof finds them, and stops the run.")});
  }
  list.items.push_back(
      {plain("Whoever may create objects in the schema may take a name before the run needs it. The run "
             "finds a foreign object, stops, and touches nothing of it.")});
  list.items.push_back(
      {plain("Whoever may open a long transaction on the tables can hold the run up, and others with it "
             "for one lock timeout per try; the run names the session.")});
  outline.push_back(Heading{3, {plain("What someone who knew of this time could do")}, "attacker"});
  outline.push_back(std::move(list));
}

}  // namespace

void add_in_between(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("Security of the time in between")}, "in-between"});
  outline.push_back(Heading{3, {plain("What is declared and not yet enforced")}, "gaps"});
  Table table{{{plain("In phase")}, {plain("Of")}, {plain("Not yet")}}, {}};
  for (const Phase phase : phases_of(plan)) {
    for (std::vector<Text>& row : not_yet_enforced(plan, phase)) table.rows.push_back(std::move(row));
  }
  if (table.rows.empty()) {
    outline.push_back(Paragraph{{plain("Nothing.")}});
  } else {
    outline.push_back(std::move(table));
    outline.push_back(Paragraph{{plain("In the other phases everything that is declared is enforced.")}});
  }
  add_rights(plan, outline);
  outline.push_back(Heading{3, {plain("Functions that exist meanwhile")}, "functions"});
  add_functions(plan, outline);
  add_attacker(plan, outline);
}

}  // namespace falsework::runbook
