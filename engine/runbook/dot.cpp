#include "engine/runbook/dot.h"

#include <fmt/format.h>

#include "engine/runbook/visible.h"

namespace falsework::runbook {

namespace {

// In a quoted string a backslash begins an escape and an ampersand an entity (Graphviz docs, "The DOT Language",
// "escString").
std::string quote(std::string_view raw) {
  std::string result = "\"";
  for (const char c : make_visible(raw)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c == '&' ? std::string("&amp;") : std::string(1, c);
  }
  return result + "\"";
}

std::string_view shape_of(StepKind kind) {
  switch (kind) {
    case StepKind::kStatement: return "shape=box";
    case StepKind::kConcurrent: return "shape=box, peripheries=2";
    case StepKind::kBackfill: return "shape=cylinder";
    case StepKind::kCheck: return "shape=box, style=rounded";
    case StepKind::kGate: return "shape=hexagon, style=dashed";
    case StepKind::kNote: return "shape=note";
  }
  return "shape=box";
}

}  // namespace

std::string render_dot(const Diagram& diagram) {
  std::string result = "digraph plan {\n  rankdir=TB;\n  node [fontname=\"Helvetica\", fontsize=11];\n";
  int group_number = 0;
  for (const Diagram::Group& group : diagram.groups) {
    result += fmt::format("  subgraph cluster_{} {{\n    label={};\n", ++group_number, quote(name(group.phase)));
    for (const Diagram::Node& node : group.nodes) {
      result +=
          fmt::format("    s{} [label={}, {}{}];\n", node.number, quote(fmt::format("{}: {}", node.number, node.label)),
                      shape_of(node.kind), node.irreversible ? ", color=\"#cf222e\", penwidth=3" : "");
    }
    result += "  }\n";
  }
  for (const Diagram::Edge& edge : diagram.edges) result += fmt::format("  s{} -> s{};\n", edge.from, edge.to);
  return result + "}\n";
}

}  // namespace falsework::runbook
