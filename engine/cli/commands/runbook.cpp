#include "engine/runbook/runbook.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error_kinds.h"
#include "base/file.h"
#include "engine/cli/command.h"
#include "engine/cli/invocation.h"

namespace falsework::cli {

namespace {

RunbookFormat format_of(const std::string& text) {
  if (const auto format = parse_runbook_format(text)) return *format;
  throw Error(errors::kUsage, fmt::format("{} is no format of a runbook", text),
              "Use --format md, html, mermaid or dot.");
}

ExitCode run_runbook(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  Console& console = invocation.console();
  const std::string format = arguments.value("format").value_or("md");
  const RunbookFormat parsed = format_of(format);
  const std::string text = render_runbook(load_plan(*arguments.word(0)).plan, parsed);
  const auto output = arguments.value("output");
  if (output) write_file(*output, text);
  if (console.json()) {
    nlohmann::ordered_json json;
    json["format"] = format;
    json["file"] = output ? nlohmann::ordered_json(*output) : nlohmann::ordered_json(nullptr);
    json["text"] = text;
    console.document(json.dump(2) + "\n");
  } else if (!output) {
    console.document(text);
  } else {
    console.line(fmt::format("wrote {}", *output));
  }
  return ExitCode::kDone;
}

}  // namespace

Command runbook_command() {
  return {"runbook",
          "write the document that a reviewer reads before anything runs",
          "PLAN",
          1,
          1,
          {Needs::kNothing},
          {{"format", 0, "FORMAT",
            "md (default) or html, the whole document; mermaid or dot, the graph of its steps alone"},
           {"output", 'o', "FILE", "write to this file; else to stdout"}},
          run_runbook,
          {"falsework runbook users.plan.json -o users.md", "falsework runbook users.plan.json --format mermaid"},
          "It is made from the plan alone. A plan that was changed after it was made is refused."};
}

}  // namespace falsework::cli
