#include "engine/runbook/runbook.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/file.h"
#include "tests/plans/sample_plan.h"

namespace falsework {

namespace {

Plan stamped() {
  Plan plan = testing::sample_plan();
  stamp(plan);
  return plan;
}

std::string markdown(const Plan& plan) { return render_runbook(plan, RunbookFormat::kMarkdown); }

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The part of the runbook that is about one step, or one section: from its heading to the next of its level or above.
std::string section(const std::string& text, const std::string& heading) {
  const std::size_t start = text.find("\n" + heading);
  REQUIRE_MESSAGE(start != std::string::npos, heading);
  const std::size_t level = heading.find(' ');
  std::size_t end = start + 1;
  do {
    end = text.find("\n#", end + 1);
    if (end == std::string::npos) return text.substr(start);
  } while (text.find(' ', end) - end - 1 > level);
  return text.substr(start, end - start);
}

std::string step_section(const std::string& text, std::size_t number) {
  return section(text, fmt::format("#### Step {}: ", number));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The lines outside of fences.
std::vector<std::string> prose_of(const std::string& text) {
  std::vector<std::string> prose;
  std::string fence;
  for (const std::string& line : lines_of(text)) {
    if (line.rfind("```", 0) == 0) {
      const std::string ticks = line.substr(0, line.find_first_not_of('`'));
      if (fence.empty()) {
        fence = ticks;
      } else if (line == fence) {
        fence.clear();
      }
    } else if (fence.empty()) {
      prose.push_back(line);
    }
  }
  CHECK(fence.empty());
  return prose;
}

// Cells of a table row: pipes that no backslash precedes, less the outer ones.
std::size_t cells_of(const std::string& line) {
  std::size_t pipes = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '|' && (i == 0 || line[i - 1] != '\\')) ++pipes;
  }
  return pipes - 1;
}

}  // namespace

TEST_SUITE("engine/runbook/runbook") {
  TEST_CASE("formats are known by the names of the command line") {
    CHECK(parse_runbook_format("md") == RunbookFormat::kMarkdown);
    CHECK(parse_runbook_format("html") == RunbookFormat::kHtml);
    CHECK(parse_runbook_format("mermaid") == RunbookFormat::kMermaid);
    CHECK(parse_runbook_format("dot") == RunbookFormat::kDot);
    CHECK_FALSE(parse_runbook_format("pdf").has_value());
    CHECK_FALSE(parse_runbook_format("").has_value());
  }

  TEST_CASE("equal plans give equal runbooks") {
    for (const RunbookFormat format :
         {RunbookFormat::kMarkdown, RunbookFormat::kHtml, RunbookFormat::kMermaid, RunbookFormat::kDot}) {
      CHECK(render_runbook(stamped(), format) == render_runbook(stamped(), format));
    }
  }

  TEST_CASE("every statement of a step stands in its section, to the letter") {
    const Plan plan = stamped();
    const std::string text = markdown(plan);
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      const Step& step = plan.steps[i];
      const std::string about = step_section(text, i + 1);
      std::vector<std::string> statements = step.sql;
      if (step.undo) statements.insert(statements.end(), step.undo->begin(), step.undo->end());
      if (step.copy) statements.insert(statements.end(), {step.copy->statement, step.copy->remaining});
      if (step.probe) statements.insert(statements.end(), {step.probe->query, step.probe->cleanup});
      if (!step.done_when.empty()) statements.push_back(step.done_when);
      for (const std::string& statement : statements) {
        CAPTURE(statement);
        CHECK(holds(about, "\n" + statement + ";\n"));
      }
      CHECK(holds(about, "`" + step.id + "`"));
    }
  }

  TEST_CASE("every lock of a step stands in its section, with what it blocks") {
    const Plan plan = stamped();
    const std::string text = markdown(plan);
    int locks = 0;
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      const Step& step = plan.steps[i];
      const std::string about = step_section(text, i + 1);
      std::vector<pg::TakenLock> all = step.locks;
      all.insert(all.end(), step.undo_locks.begin(), step.undo_locks.end());
      for (const pg::TakenLock& lock : all) {
        const std::string relation = lock.relation == "orders" ? "`orders`" : "``\"Us\\|er`s\"``";
        CAPTURE(lock.relation);
        CHECK(holds(about, fmt::format("| {} | {} | {} |", relation, pg::sql(lock.mode), pg::blocks(lock.mode))));
        ++locks;
      }
    }
    CHECK(locks == 9);
  }

  TEST_CASE("a step without an undo says why, and the page says where the point of no return lies") {
    const std::string text = markdown(stamped());
    CHECK(holds(step_section(text, 9), "> **Cannot be undone.** The values of email are gone with the column."));
    CHECK(holds(
        text,
        "| Until when it can be undone | Until step 9 (`users.email_address/contract/drop`): drop users.email. It "
        "runs when gate `contract` is open, that is when a person says so. Before it `falsework rollback RUN` "
        "takes the whole run back, and no value is lost. From there on the run can only go forward. The values of "
        "email "
        "are gone"));
    Plan plan = stamped();
    plan.steps.pop_back();
    CHECK(holds(markdown(plan), "| Until when it can be undone | Always. Every step can be undone"));
    CHECK(holds(step_section(text, 2), "Undone with it: step 3 (`users.email_address/backfill/copy`)"));
    CHECK(holds(step_section(text, 2), "kept in email."));
    CHECK(holds(step_section(text, 1), "nothing has to be done"));
  }

  TEST_CASE("where what is dropped is archived, the page says until when, and what going back costs then") {
    Plan plan = stamped();
    Step& drop = plan.steps.back();
    drop.irreversible = false;
    drop.undo = {"ALTER TABLE users ADD COLUMN email text"};
    drop.undo_locks = {{"orders", pg::LockMode::kAccessExclusive, pg::LockDuration::kRewrite}};
    drop.archives = {"falsework._fw_archive_users"};
    const std::string text = markdown(plan);
    CHECK(
        holds(text,
              "| Until when it can be undone | As long as the archive is kept, also after the end. Until step 9 "
              "(`users.email_address/contract/drop`) runs, `falsework rollback RUN` takes the whole run back with "
              "short locks. From then on it takes the old values from `falsework._fw_archive_users`, and rewrites the "
              "table under a lock that blocks everyone."));
    CHECK(holds(text, "everything can be undone while the archive is kept."));
    CHECK(holds(section(text, "## Releases and gates"), "| can be rolled back while the archive is kept |"));
    CHECK(holds(section(text, "## Phases"), "| while the archive is kept |"));
    CHECK(holds(section(text, "### Privileges and policies"), "The archive `falsework._fw_archive_users` holds data"));
    CHECK_FALSE(holds(text, "Confirms the point of no return"));
    CHECK(holds(render_runbook(plan, RunbookFormat::kHtml), ">Can be undone while archived</span>"));
  }

  TEST_CASE("the risk is that of the worst step") {
    Plan plan = stamped();
    CHECK(holds(markdown(plan),
                "**Risk: Medium.** 2 steps block writes for a moment; a lock that is not had within 500 "
                "ms is given up and tried again; 1,250,000 rows are copied in batches; about 130.0 MiB "
                "are added to the disk; 1 step cannot be undone."));
    plan.steps[1].locks[0].duration = pg::LockDuration::kScan;
    CHECK(holds(markdown(plan), "**Risk: High.** 1 step blocks writes for longer than a moment; "));
    plan = stamped();
    plan.steps[1].rewrites = true;
    CHECK(holds(markdown(plan), "**Risk: High.** 1 step rewrites a table; "));
    plan.steps = {testing::sample_plan().steps[0]};
    CHECK(holds(markdown(plan), "**Risk: Low.** no step blocks writes; everything can be undone."));
  }

  TEST_CASE("what the plain statement would have done is told with its locks") {
    const Plan plan = stamped();
    const std::string about = section(markdown(plan), "## What changes");
    CHECK(holds(about, "\n" + plan.changes[0].naive_sql + ";\n"));
    CHECK(holds(about, "It would take ACCESS EXCLUSIVE on "));
    CHECK(holds(about, "which blocks reads, writes, DDL"));
    CHECK(holds(about, "It would rewrite every row of the table: about 1,250,000 rows, 200.0 MiB."));
    CHECK(holds(about, plan.changes[0].reason));
    CHECK(holds(about, "> [!WARNING]\n> &lt;b&gt;audit&lt;/b&gt; trigger audit_users runs"));
  }

  TEST_CASE("each gate stands on the time line with the command that opens it") {
    const std::string about = section(markdown(stamped()), "## Releases and gates");
    CHECK(holds(about, "| 1 | 5 steps of `expand`, `dual_write`, `backfill`, `validate`: adds what is new beside"));
    CHECK(holds(about, "| `falsework apply PLAN` | can be rolled back |"));
    CHECK(holds(about,
                "| 2 | gate `switch` opens when release `2026.12` is out everywhere | nobody waits | "
                "`falsework advance RUN --release 2026.12` |"));
    CHECK(holds(about,
                "| 4 | gate `contract` opens when a person says so | nobody waits | "
                "`falsework advance RUN --confirm users_email_address` |"));
    CHECK(holds(about, "| 5 | 1 step of `contract`: removes the old shape | reads and writes of "));
    CHECK(holds(about,
                "| none: they follow by themselves | not to the end: the point of no return lies here, at step 9 |"));
    Plan plan = stamped();
    plan.name = "it's; rm";
    CHECK(holds(markdown(plan), "--confirm 'it'\\''s; rm'"));
  }

  TEST_CASE("each phase can be gone back to, and it says what is undone, in which order, and what is lost") {
    const std::string text = section(markdown(stamped()), "## Rollback");
    const std::string to_expand = section(text, "### Back to the end of `expand`");
    CHECK(holds(to_expand, "\nfalsework rollback RUN --to-phase expand\n"));
    CHECK(holds(to_expand, "**Undoes:** step 5, then 4, then 3, then 2\n"));
    CHECK(holds(to_expand, " ACCESS EXCLUSIVE: blocks reads, writes, DDL"));
    CHECK(holds(to_expand, "**To know:** The copied values go with the column. (step 3) What new writers alone"));
    CHECK(holds(to_expand, "**Refused** once step 9 (`users.email_address/contract/drop`) has run"));
    const std::string to_switch = section(text, "### Back to the end of `switch`");
    CHECK(holds(to_switch, "**Undoes:** no step; gates close again\n"));
    CHECK(holds(to_switch, "**Is lost:** nothing\n"));
    const std::string all = section(text, "### Back to the beginning");
    CHECK(holds(all, "\nfalsework rollback RUN\n"));
    CHECK(holds(all, "step 5, then 4, then 3, then 2, then 1\n"));
    CHECK_FALSE(holds(text, "--to-phase contract"));
  }

  TEST_CASE("each step says what applications meet, how to verify it and how to abort it") {
    const std::string text = markdown(stamped());
    const std::string trigger = step_section(text, 2);
    CHECK(holds(trigger, "**Applications:** reads and writes of ``\"Us|er`s\"`` wait for a try of at most 250ms"));
    CHECK(holds(trigger, "**Verify:** it is done when this answers true:"));
    CHECK(holds(trigger, "**Abort:** Ctrl-C, or `pg_cancel_backend`: the transaction leaves nothing behind."));
    const std::string copying = step_section(text, 3);
    CHECK(holds(copying, "**Applications:** reads and writes go on. A write to a row that is being copied waits"));
    CHECK(holds(copying, "**Verify:** a range is done when this counts 0:"));
    const std::string building = step_section(text, 4);
    CHECK(holds(building, "Keep no transaction open for long: the step waits for those that are older than it."));
    CHECK(holds(building, "Run no DDL, VACUUM or ANALYZE on it by hand."));
    CHECK(holds(building, "must say `ready` in the end:"));
    CHECK(holds(step_section(text, 5), "**Verify:** it passes when it counts 0."));
    CHECK_FALSE(holds(step_section(text, 6), "**Applications:**"));
  }

  TEST_CASE(
      "the security of the time in between names gaps by phase, rights, functions and what an attacker could do") {
    Plan plan = stamped();
    plan.steps[1].sql.push_back("GRANT SELECT (email_address) ON users TO reader");
    const std::string text = section(markdown(plan), "## Security of the time in between");
    CHECK(holds(text, "| `dual_write` | rename "));
    CHECK(holds(text, "| `validate` | rename "));
    CHECK_FALSE(holds(text, "| `switch` | rename "));
    CHECK(holds(text, "| 2 | `GRANT SELECT (email_address) ON users TO reader` |"));
    CHECK(holds(text, "| 2 | `CREATE FUNCTION public._fw_sync_users()` | whoever writes the row"));
    CHECK(holds(text, "`SET falsework.copy` does not silence it"));
    plan.steps[1].sql = {
        "DO $a$BEGIN EXECUTE replace($b$CREATE FUNCTION public._fw_counts() RETURNS trigger AS ''$b$); END$a$"};
    CHECK(holds(markdown(plan), "| 2 | `CREATE FUNCTION public._fw_counts()` | whoever writes the row"));
    CHECK(holds(markdown(stamped()), "No step changes a privilege, an owner or a policy."));
  }

  TEST_CASE("developers are told what each kind of change asks of them") {
    struct Case {
      std::string kind, strategy, said;
    };
    const Case cases[] = {
        {"rename_column", "shadow_column", "release `2026.12` may go out. It reads and writes the new name alone"},
        {"change_type", "shadow_column", "Either type must do for release `2026.12`"},
        {"change_type", "in_place", "No release has to be deployed with it."},
        {"set_not_null", "validate_in_place", "must write a value in every INSERT and UPDATE"},
        {"add_foreign_key", "validate_in_place", "fails with SQLSTATE 23503"},
        {"rename_column", "nothing", "the catalog is as declared already"},
        {"paint_it_green", "by_hand", "See the steps"},
    };
    for (const Case& c : cases) {
      Plan plan = stamped();
      plan.changes[0].kind = c.kind;
      plan.changes[0].strategy = c.strategy;
      CAPTURE(c.kind);
      CHECK(holds(section(markdown(plan), "## For application developers"), c.said));
    }
    Plan plan = stamped();
    plan.releases.clear();
    CHECK(holds(markdown(plan), "the next release may go out"));
  }

  TEST_CASE("the digest stands at the top and at the sign-off, beside what each person signs for") {
    const Plan plan = stamped();
    const std::string text = markdown(plan);
    CHECK(holds(text, "| Plan digest | `" + plan.digest + "` |"));
    const std::string sign_off = section(text, "## Sign-off");
    CHECK(holds(sign_off, plan.digest));
    CHECK(holds(sign_off, "| Opens gate `switch` |"));
    CHECK(holds(sign_off, "| Confirms the point of no return |"));
  }

  TEST_CASE("every table is a table: each row has as many cells as its header") {
    std::size_t width = 0, rows = 0;
    for (const std::string& line : prose_of(markdown(stamped()))) {
      if (line.empty() || line[0] != '|') {
        width = 0;
        continue;
      }
      CAPTURE(line);
      if (width == 0) width = cells_of(line);
      CHECK(cells_of(line) == width);
      ++rows;
    }
    CHECK(rows > 50);
  }

  TEST_CASE("names cannot become markup") {
    Plan plan = stamped();
    const std::string evil = "<script>x</script> | `code` *bold* _em_ [a](b) ![i](j) #1 ~~s~~ & \\ $m$\n# head";
    plan.name = evil;
    plan.changes[0].summary = evil;
    plan.changes[0].warnings = {evil};
    plan.steps[0].title = evil;
    plan.steps[0].why = evil;
    plan.steps[0].id = evil;
    plan.steps[0].needs = {};
    plan.steps[1].needs = {};
    plan.steps[0].locks[0].relation = evil;
    const std::string text = markdown(plan);
    const std::string escaped =
        "&lt;script&gt;x&lt;/script&gt; \\| \\`code\\` \\*bold\\* \\_em\\_ \\[a\\](b) "
        "\\!\\[i\\](j) \\#1 \\~\\~s\\~\\~ &amp; \\\\ \\$m\\$ \\# head";
    CHECK(holds(text, "# Runbook: " + escaped + "\n"));
    CHECK(holds(text, "#### Step 1: " + escaped + "\n"));
    CHECK(holds(text, "\n" + escaped + "\n"));
    for (const std::string& line : prose_of(text)) {
      CAPTURE(line);
      CHECK(line.rfind("# head", 0) != 0);
      // In code spans alone, where it is text.
      const std::size_t tag = line.find("<script>");
      if (tag != std::string::npos) CHECK(line.rfind("``", tag) != std::string::npos);
    }
  }

  TEST_CASE("text that would begin a list or a rule at the start of a block does not") {
    Plan plan = stamped();
    for (const auto& each : std::vector<std::pair<std::string, std::string>>{
             {"- a", "\\- a"}, {"1. a", "1\\. a"}, {"12) a", "12\\) a"}, {"+ a", "\\+ a"}, {"---", "\\---"}}) {
      plan.steps[0].why = each.first;
      CAPTURE(each.first);
      CHECK(holds(markdown(plan), "\n\n" + each.second + "\n\n"));
    }
  }

  TEST_CASE("SQL with a fence in it stays in its own fence") {
    Plan plan = stamped();
    plan.steps[0].sql = {"SELECT '\n```\n# not a heading\n````\n'"};
    CHECK(holds(markdown(plan), "\n`````sql\nSELECT '\n```\n# not a heading\n````\n';\n`````\n"));
    for (const std::string& line : prose_of(markdown(plan))) CHECK(line != "# not a heading");
  }

  TEST_CASE("a statement that ends in a comment still ends") {
    Plan plan = stamped();
    plan.steps[0].sql = {"SELECT 1 -- one"};
    CHECK(holds(step_section(markdown(plan), 1), "\nSELECT 1 -- one\n;\n"));
  }

  TEST_CASE("characters that cannot be seen are shown, in names and beside SQL") {
    Plan plan = stamped();
    plan.steps[0].title =
        "drop \xE2\x80\xAE"
        "resu";
    plan.steps[0].sql = {
        "SELECT 'a\xE2\x80\x8B\xE2\x80\xAE"
        "b'"};
    const std::string about = step_section(markdown(plan), 1);
    CHECK(holds(about, "drop &lt;U+202E&gt;resu"));
    CHECK(holds(about,
                "> [!CAUTION]\n> This SQL holds characters that cannot be seen, and may read as something else: "
                "`U+200B` `U+202E`"));
    CHECK(holds(about, plan.steps[0].sql[0]));
    CHECK_FALSE(holds(step_section(markdown(stamped()), 1), "cannot be seen"));
  }

  TEST_CASE("a plan without anything still has a runbook") {
    Plan plan;
    plan.name = "empty";
    CHECK(holds(markdown(plan), "# Runbook: empty"));
    CHECK(render_runbook(plan, RunbookFormat::kMermaid) == "flowchart TD\n");
  }
}

}  // namespace falsework
