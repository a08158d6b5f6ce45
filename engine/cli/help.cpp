#include "engine/cli/help.h"

#include <fmt/format.h>

#include <algorithm>

namespace falsework::cli {

namespace {

constexpr std::size_t kColumns = 100;

std::string_view describe(Needs needs) {
  switch (needs) {
    case Needs::kNothing: return "nothing but its files";
    case Needs::kDatabase: return "the database";
    case Needs::kLedger: return "the ledger";
    case Needs::kLedgerCreated: return "the ledger, which is created";
  }
  return "";
}

// Breaks a text into lines, the second and later ones indented.
std::string wrap(std::string_view text, std::size_t indent) {
  std::string result;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (column > indent && column + 1 + word.size() > kColumns) {
      result += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

void add_options(std::string& text, std::string_view title, const std::vector<Option>& options) {
  if (options.empty()) return;
  std::size_t widest = 0;
  for (const Option& option : options) widest = std::max(widest, render_option(option).size());
  text += fmt::format("\n{}\n", title);
  for (const Option& option : options) {
    std::string help(option.help);
    if (option.repeats) help += " (may be given several times)";
    text += fmt::format("  {:{}}  {}\n", render_option(option), widest, wrap(help, widest + 4));
  }
}

}  // namespace

std::string render_option(const Option& option) {
  std::string text = option.letter != 0 ? fmt::format("-{}, ", option.letter) : "    ";
  text += fmt::format("--{}", option.name);
  if (!option.value.empty()) text += fmt::format(" {}", option.value);
  return text;
}

std::string render_help() {
  std::string text =
      "Falsework changes the schema of a live PostgreSQL database without stopping the applications that use it.\n"
      "\n"
      "usage: falsework COMMAND [OPTION]...\n"
      "\n"
      "commands:\n";
  std::size_t widest = 0;
  for (const Command& command : commands()) widest = std::max(widest, command.name.size());
  for (const Command& command : commands()) text += fmt::format("  {:{}}  {}\n", command.name, widest, command.summary);
  add_options(text, "options of every command:", common_options());
  text +=
      "\n"
      "a first change:\n"
      "  falsework plan rename.sql -d postgres://owner@db/shop -o plan.json\n"
      "  falsework runbook plan.json -o runbook.md\n"
      "  falsework apply plan.json -d postgres://owner@db/shop\n"
      "  falsework status\n"
      "  falsework advance --release 2026.12 -d postgres://owner@db/shop\n"
      "\n"
      "exit codes: 0 done or at a gate, 1 a bug, 2 usage or input, 3 refused, 4 and 6 with --detailed-exitcode,\n"
      "5 findings, 7 a step failed, 75 try again, 130 and 143 stopped by a signal\n"
      "\n"
      "falsework COMMAND --help tells about one command; falsework --version tells the version.\n";
  return text;
}

std::string render_help(const Command& command) {
  std::string text = fmt::format("falsework {}: {}\n\nusage: falsework {}{}{} [OPTION]...\n", command.name,
                                 command.summary, command.name, command.words.empty() ? "" : " ", command.words);
  if (!command.details.empty()) text += fmt::format("\n{}\n", wrap(command.details, 0));
  add_options(text, "options:", command.options);
  add_options(text, "options of every command:", common_options());
  text += "\nexamples:\n";
  for (const std::string_view example : command.examples) text += fmt::format("  {}\n", example);
  std::vector<std::string_view> needs;
  for (const Needs each : command.needs) needs.push_back(describe(each));
  const std::string needed =
      command.needed.empty() ? fmt::format("{}", fmt::join(needs, "; ")) : std::string(command.needed);
  text += fmt::format("\nneeds: {}\n", needed);
  return text;
}

}  // namespace falsework::cli
