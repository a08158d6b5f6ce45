#include "engine/cli/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>

#include "base/duration.h"
#include "base/error_kinds.h"
#include "base/suggest.h"

namespace falsework::cli {

namespace {

namespace po = boost::program_options;

using Values = std::vector<std::string>;

constexpr const char* kWords = "words";

std::string see_help(const Command& command) { return fmt::format("See: falsework {} --help.", command.name); }

void add_options(po::options_description& description, const std::vector<Option>& options) {
  for (const Option& option : options) {
    std::string name(option.name);
    if (option.letter != 0) name += fmt::format(",{}", option.letter);
    if (option.value.empty()) {
      description.add_options()(name.c_str(), "");
    } else {
      description.add_options()(name.c_str(), po::value<Values>()->composing(), "");
    }
  }
}

[[noreturn]] void refuse_unknown(const Command& command, const std::string& typed) {
  std::vector<std::string> known;
  for (const auto* options : {&common_options(), &command.options}) {
    for (const Option& option : *options) known.push_back(fmt::format("--{}", option.name));
  }
  const std::optional<std::string> near = nearest(typed, known);
  throw Error(errors::kUsage, fmt::format("falsework {} has no option {}", command.name, typed),
              near ? fmt::format("Did you mean \"{}\"?", *near) : see_help(command));
}

po::parsed_options parse(const Command& command, const std::vector<std::string>& arguments,
                         const po::options_description& description) {
  po::positional_options_description words;
  words.add(kWords, -1);
  const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  try {
    return po::command_line_parser(arguments).options(description).positional(words).style(style).run();
  } catch (const po::unknown_option& error) {
    refuse_unknown(command, error.get_option_name());
  } catch (const po::error& error) {
    throw Error(errors::kUsage, fmt::format("falsework {}: {}", command.name, error.what()), see_help(command));
  }
}

const Option* find(const std::vector<Option>& options, const std::string& name) {
  const auto found =
      std::find_if(options.begin(), options.end(), [&](const Option& each) { return each.name == name; });
  return found == options.end() ? nullptr : &*found;
}

}  // namespace

Arguments::Arguments(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description description;
  add_options(description, common_options());
  add_options(description, command.options);
  description.add_options()(kWords, po::value<Values>()->composing(), "");
  for (const po::option& option : parse(command, arguments, description).options) {
    if (option.string_key == kWords) {
      // `--words` itself is no option, only the name that the parser gives to what is none.
      if (option.position_key < 0) refuse_unknown(command, "--words");
      words_.insert(words_.end(), option.value.begin(), option.value.end());
      continue;
    }
    Values& values = options_[option.string_key];
    if (option.value.empty()) {
      values.emplace_back();
    } else {
      values.insert(values.end(), option.value.begin(), option.value.end());
    }
  }
  check(command);
}

void Arguments::check(const Command& command) const {
  for (const auto& [name, values] : options_) {
    const Option* option = find(command.options, name);
    if (option == nullptr) option = find(common_options(), name);
    if (option == nullptr || option->repeats || option->value.empty() || values.size() < 2) continue;
    throw Error(errors::kUsage, fmt::format("--{} is given {} times", name, values.size()),
                "Give it once; nothing of it was used.");
  }
  if (has("help")) return;
  if (words_.size() < command.least_words) {
    throw Error(errors::kUsage, fmt::format("falsework {} needs {}", command.name, command.words), see_help(command));
  }
  if (words_.size() > command.most_words) {
    throw Error(errors::kUsage,
                fmt::format("falsework {} does not know what to do with {}", command.name, words_[command.most_words]),
                see_help(command));
  }
}

bool Arguments::has(std::string_view option) const { return options_.find(option) != options_.end(); }

std::optional<std::string> Arguments::value(std::string_view option) const {
  const auto found = options_.find(option);
  if (found == options_.end()) return std::nullopt;
  return found->second.front();
}

std::vector<std::string> Arguments::values(std::string_view option) const {
  const auto found = options_.find(option);
  return found == options_.end() ? Values{} : found->second;
}

std::optional<std::chrono::milliseconds> Arguments::duration(std::string_view option) const {
  const std::optional<std::string> text = value(option);
  if (!text) return std::nullopt;
  const auto parsed = parse_duration(*text);
  if (!parsed || parsed->count() <= 0) {
    throw Error(errors::kUsage, fmt::format("--{} {} is no duration", option, *text),
                "Write a number and a unit, as in 250ms, 5s, 3m or 2h.");
  }
  return parsed;
}

std::optional<std::string> Arguments::word(std::size_t index) const {
  if (index >= words_.size()) return std::nullopt;
  return words_[index];
}

}  // namespace falsework::cli
