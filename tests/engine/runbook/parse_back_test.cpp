// Every statement, lock and number that a runbook gives of a step is the plan's: the runbooks of all examples are read
// back and compared.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <regex>

#include "base/file.h"
#include "engine/runbook/runbook.h"
#include "tests/engine/runbook/reading.h"
#include "tests/plans/sample_plan.h"

namespace falsework {
using testing::ReadRunbook;
using testing::ReadSection;

namespace {

struct Book {
  std::string name;
  Plan plan;
  ReadRunbook read;
};

std::vector<Plan> plans() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(FALSEWORK_SOURCE) + "/plans/examples")) {
    if (entry.is_directory()) paths.push_back(entry.path() / "plan.json");
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Plan> all{testing::sample_plan()};
  for (const auto& path : paths) all.push_back(parse_plan(read_file(path), path.string()));
  return all;
}

const std::vector<Book>& books() {
  static const std::vector<Book> all = [] {
    std::vector<Book> made;
    for (const Plan& plan : plans()) {
      made.push_back({plan.name + " md", plan, testing::read_markdown(render_runbook(plan, RunbookFormat::kMarkdown))});
      made.push_back({plan.name + " html", plan, testing::read_html(render_runbook(plan, RunbookFormat::kHtml))});
    }
    return made;
  }();
  return all;
}

// Statements as a listing holds them.
std::string listing(const std::vector<std::string>& statements) {
  std::string text;
  for (const std::string& statement : statements) {
    const bool comment =
        statement.substr(statement.rfind('\n') == std::string::npos ? 0 : statement.rfind('\n')).find("--") !=
        std::string::npos;
    text += statement + (comment ? "\n;\n" : ";\n");
  }
  return text;
}

// All that a step must list, in order.
std::vector<std::string> listings_of(const Step& step) {
  std::vector<std::string> all;
  const auto add = [&](const std::vector<std::string>& statements) {
    if (!statements.empty()) all.push_back(listing(statements));
  };
  const bool runs = step.kind != StepKind::kGate && step.kind != StepKind::kNote;
  add(step.sql);
  if (step.copy && step.sql != std::vector<std::string>{step.copy->statement}) add({step.copy->statement});
  if (step.copy) add({step.copy->remaining});
  if (!runs) return all;
  if (step.probe) add({step.probe->query});
  if (step.probe && !step.probe->cleanup.empty()) add({step.probe->cleanup});
  if (!step.done_when.empty()) add({step.done_when});
  if (!step.irreversible && step.undo) add(*step.undo);
  return all;
}

struct ReadLock {
  std::string relation, mode, blocks, duration;
  bool operator==(const ReadLock&) const = default;
};

std::vector<ReadLock> locks_of(const std::vector<std::vector<std::string>>& table) {
  std::vector<ReadLock> locks;
  for (std::size_t i = 1; i < table.size(); ++i) {
    REQUIRE(table[i].size() == 4);
    locks.push_back({table[i][0], table[i][1], table[i][2], table[i][3]});
  }
  return locks;
}

std::vector<ReadLock> expected(const std::vector<pg::TakenLock>& locks) {
  const auto duration = [](pg::LockDuration of) {
    switch (of) {
      case pg::LockDuration::kMoment: return "a moment (catalog only)";
      case pg::LockDuration::kScan: return "as long as it takes to read the table once";
      case pg::LockDuration::kBuild: return "as long as the index build takes";
      case pg::LockDuration::kRewrite: return "as long as it takes to rewrite the table";
      case pg::LockDuration::kBatch: return "one batch at a time";
    }
    return "";
  };
  std::vector<ReadLock> result;
  for (const pg::TakenLock& lock : locks) {
    result.push_back(
        {lock.relation, std::string(pg::sql(lock.mode)), std::string(pg::blocks(lock.mode)), duration(lock.duration)});
  }
  return result;
}

// The tables of locks of a step: those of its statements, then those of its undo.
std::vector<std::vector<ReadLock>> lock_tables(const ReadSection& section) {
  std::vector<std::vector<ReadLock>> all;
  for (const auto& table : section.tables) {
    if (!table.empty() && table[0].size() == 4 && table[0][1] == "Lock") all.push_back(locks_of(table));
  }
  return all;
}

std::string paragraph(const ReadSection& section, const std::string& beginning) {
  for (const std::string& each : section.paragraphs) {
    if (each.rfind(beginning, 0) == 0) return each;
  }
  return "";
}

std::int64_t number_before(const std::string& text, const std::string& unit) {
  std::smatch match;
  if (!std::regex_search(text, match, std::regex("([0-9][0-9,]*) " + unit))) return 0;
  return std::stoll(std::regex_replace(match[1].str(), std::regex(","), ""));
}

// `about 89.5 KiB more on disk` as bytes, and how much the last digit stands for.
std::pair<double, double> bytes_before(const std::string& text, const std::string& word) {
  std::smatch match;
  if (!std::regex_search(text, match, std::regex("([0-9.]+) (bytes|KiB|MiB|GiB|TiB) " + word))) return {0, 0};
  const double scale = std::pow(1024, std::string("bKMGT").find(match[2].str()[0]));
  return {std::stod(match[1]) * scale, match[2] == "bytes" ? 0 : 0.051 * scale};
}

}  // namespace

TEST_SUITE("engine/runbook/parse_back") {
  TEST_CASE("every statement is the plan's, in both documents, and no other statement is listed") {
    for (const Book& book : books()) {
      CAPTURE(book.name);
      REQUIRE(book.read.steps.size() == book.plan.steps.size());
      for (std::size_t i = 0; i < book.plan.steps.size(); ++i) {
        CAPTURE(book.plan.steps[i].id);
        CHECK(book.read.steps.at(static_cast<int>(i) + 1).listings == listings_of(book.plan.steps[i]));
      }
    }
  }

  TEST_CASE("every lock is the plan's, with what it blocks and for how long") {
    for (const Book& book : books()) {
      CAPTURE(book.name);
      for (std::size_t i = 0; i < book.plan.steps.size(); ++i) {
        const Step& step = book.plan.steps[i];
        CAPTURE(step.id);
        std::vector<std::vector<ReadLock>> wanted;
        const bool undoes = !step.irreversible && step.undo && !step.undo->empty();
        if (!step.locks.empty()) wanted.push_back(expected(step.locks));
        if (undoes && !step.undo_locks.empty()) wanted.push_back(expected(step.undo_locks));
        CHECK(lock_tables(book.read.steps.at(static_cast<int>(i) + 1)) == wanted);
      }
    }
  }

  TEST_CASE("every number of a step is the plan's") {
    int numbers = 0;
    for (const Book& book : books()) {
      CAPTURE(book.name);
      for (std::size_t i = 0; i < book.plan.steps.size(); ++i) {
        const Step& step = book.plan.steps[i];
        if (step.kind == StepKind::kGate || step.kind == StepKind::kNote) continue;
        CAPTURE(step.id);
        const ReadSection& section = book.read.steps.at(static_cast<int>(i) + 1);
        const std::string cost = paragraph(section, "Cost: ");
        CHECK(number_before(cost, "rows?") == step.estimate.rows);
        const auto [bytes, tolerance] = bytes_before(cost, "more on disk");
        CHECK(std::abs(bytes - static_cast<double>(step.estimate.bytes)) <= tolerance);
        CHECK((cost.find("rewrites the table") != std::string::npos) == step.rewrites);
        CHECK((cost.find("reads the whole table") != std::string::npos) == step.scans);
        numbers += (step.estimate.rows > 0 ? 1 : 0) + (step.estimate.bytes > 0 ? 1 : 0);
      }
    }
    CHECK(numbers > 100);
  }

  TEST_CASE("both documents have the same sections and the same text") {
    for (std::size_t i = 0; i + 1 < books().size(); i += 2) {
      const ReadRunbook& markdown = books()[i].read;
      const ReadRunbook& html = books()[i + 1].read;
      CAPTURE(books()[i].name);
      for (const auto& each : markdown.steps) {
        const auto& number = each.first;
        const auto& step = each.second;
        CAPTURE(number);
        CHECK(html.steps.at(number).title == step.title);
        CHECK(html.steps.at(number).tables == step.tables);
        CHECK(html.steps.at(number).paragraphs == step.paragraphs);
      }
      for (const auto& each : markdown.sections) {
        const auto& title = each.first;
        const auto& section = each.second;
        CAPTURE(title);
        REQUIRE(html.sections.count(title) == 1);
        CHECK(html.sections.at(title).listings == section.listings);
        if (title == "Releases and gates" || title.rfind("Runbook: ", 0) == 0) continue;  // laid out otherwise
        CHECK(html.sections.at(title).tables == section.tables);
        CHECK(html.sections.at(title).paragraphs == section.paragraphs);
      }
    }
  }

  TEST_CASE("the first page counts what the plan holds") {
    for (const Book& book : books()) {
      CAPTURE(book.name);
      std::size_t stalls = 0, irreversible = 0;
      std::int64_t copied = 0, bytes = 0;
      for (const Step& step : book.plan.steps) {
        stalls += std::any_of(step.locks.begin(), step.locks.end(), [](const auto& lock) {
          return pg::blocks(lock.mode).find("writes") != std::string_view::npos;
        });
        irreversible += step.irreversible ? 1 : 0;
        if (step.kind == StepKind::kBackfill) copied += step.estimate.rows;
        bytes += step.estimate.bytes;
      }
      const ReadSection& first = book.read.sections.at("Runbook: " + book.plan.name);
      const std::string risk = paragraph(first, "Risk: ");
      CHECK(number_before(risk, "steps? blocks? writes for a moment") == static_cast<std::int64_t>(stalls));
      CHECK(number_before(risk, "rows? are copied") == copied);
      CHECK(number_before(risk, "steps? cannot be undone") == static_cast<std::int64_t>(irreversible));
      const auto [shown, tolerance] = bytes_before(risk, "are added");
      CHECK(std::abs(shown - static_cast<double>(bytes)) <= tolerance);
      const auto& facts = first.tables.at(0);
      const auto fact = [&](const std::string& label) {
        const auto row = std::find_if(facts.begin(), facts.end(), [&](const auto& each) { return each[0] == label; });
        return row == facts.end() ? std::string() : row->at(1);
      };
      const auto last = std::find_if(book.plan.steps.begin(), book.plan.steps.end(),
                                     [](const Step& step) { return step.irreversible; });
      const std::string until = fact("Until when it can be undone");
      const bool archived = std::any_of(book.plan.steps.begin(), book.plan.steps.end(),
                                        [](const Step& step) { return !step.archives.empty(); });
      if (archived) {
        CHECK(until.rfind("As long as the archive is kept, also after the end. ", 0) == 0);
      } else if (last == book.plan.steps.end()) {
        CHECK(until.rfind("Always.", 0) == 0);
      } else {
        CHECK(until.rfind("Until step " + std::to_string(last - book.plan.steps.begin() + 1) + " (" + last->id, 0) ==
              0);
      }
      for (const PlannedChange& change : book.plan.changes) {
        CHECK(fact("What one plain statement would do instead").find(change.naive_sql) != std::string::npos);
      }
    }
  }
}

}  // namespace falsework
