#include "engine/runbook/mermaid.h"

#include <fmt/format.h>

#include <cctype>

#include "engine/runbook/visible.h"

namespace falsework::runbook {

namespace {

// Mermaid's own character codes (Mermaid docs, "Entity codes to escape characters"). Labels are read as Markdown and
// then as HTML, so what means something there is coded too; an underscore inside a word means nothing.
std::string escape(std::string_view raw) {
  const std::string text = make_visible(raw);
  const auto is_letter = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_');
  };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool inside = c == '_' && i > 0 && is_letter(i - 1) && is_letter(i + 1);
    if (!inside && std::string_view("\"#&<>`;\\*_").find(c) != std::string_view::npos) {
      result += fmt::format("#{};", static_cast<int>(c));
    } else {
      result += c;
    }
  }
  return result;
}

struct Shape {
  const char *open, *close;
};

Shape shape_of(StepKind kind) {
  switch (kind) {
    case StepKind::kStatement: return {"[", "]"};
    case StepKind::kConcurrent: return {"[[", "]]"};
    case StepKind::kBackfill: return {"[(", ")]"};
    case StepKind::kCheck: return {"(", ")"};
    case StepKind::kGate: return {"{{", "}}"};
    case StepKind::kNote: return {">", "]"};
  }
  return {"[", "]"};
}

std::string render(const Diagram::Node& node) {
  const Shape shape = shape_of(node.kind);
  // Not `1. x`: that would be a list, which a label cannot hold.
  return fmt::format("    s{}{}\"{}: {}\"{}\n", node.number, shape.open, node.number, escape(node.label), shape.close);
}

}  // namespace

std::string render_mermaid(const Diagram& diagram) {
  std::string result = "flowchart TD\n";
  std::string irreversible, gates;
  int group_number = 0;
  for (const Diagram::Group& group : diagram.groups) {
    result += fmt::format("  subgraph p{}[\"{}\"]\n", ++group_number, name(group.phase));
    for (const Diagram::Node& node : group.nodes) {
      result += render(node);
      if (node.irreversible) irreversible += fmt::format("{}s{}", irreversible.empty() ? "" : ",", node.number);
      if (node.kind == StepKind::kGate) gates += fmt::format("{}s{}", gates.empty() ? "" : ",", node.number);
    }
    result += "  end\n";
  }
  for (const Diagram::Edge& edge : diagram.edges) result += fmt::format("  s{} --> s{}\n", edge.from, edge.to);
  // Strokes alone, so that the picture reads on a dark page too.
  if (!gates.empty()) {
    result +=
        fmt::format("  classDef gate stroke:#9a6700,stroke-width:2px,stroke-dasharray:5 4\n  class {} gate\n", gates);
  }
  if (!irreversible.empty()) {
    result +=
        fmt::format("  classDef irreversible stroke:#cf222e,stroke-width:3px\n  class {} irreversible\n", irreversible);
  }
  return result;
}

}  // namespace falsework::runbook
