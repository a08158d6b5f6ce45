#include "engine/runbook/layout.h"

#include <fmt/format.h>
#include <gvc.h>

#include <memory>
#include <string>

#include "base/error.h"

namespace falsework::runbook {

namespace {

constexpr double kPointsPerInch = 72;
constexpr const char* kGroupMargin = "24";  // points; room for the name of the phase

// Kept for the life of the process: making one reads Graphviz's list of plug-ins.
GVC_t* context() {
  static GVC_t* const kept = gvContext();
  FALSEWORK_CHECK(kept != nullptr);
  return kept;
}

// Graphviz takes names as `char *` and changes none of them (Graphviz docs, cgraph library manual).
void set(void* object, const char* name, const std::string& value) {
  std::string key = name, text = value, none;
  agsafeset(object, key.data(), text.data(), none.data());
}

struct CloseGraph {
  void operator()(Agraph_t* graph) const {
    gvFreeLayout(context(), graph);
    agclose(graph);
  }
};
using Graph = std::unique_ptr<Agraph_t, CloseGraph>;

struct Drawing {
  Graph graph;
  std::map<int, Agnode_t*> nodes;
  std::vector<Agraph_t*> groups;
  std::vector<Agedge_t*> edges;
};

Agnode_t* add_node(Agraph_t* graph, int number, const Size& size) {
  std::string name = std::to_string(number);
  Agnode_t* const node = agnode(graph, name.data(), 1);
  set(node, "label", "");
  set(node, "shape", "box");
  set(node, "fixedsize", "true");
  set(node, "width", fmt::format("{:.4f}", size.width / kPointsPerInch));
  set(node, "height", fmt::format("{:.4f}", size.height / kPointsPerInch));
  return node;
}

Drawing draw(const Diagram& diagram, const std::map<int, Size>& sizes) {
  std::string name = "plan";
  Drawing drawing{Graph(agopen(name.data(), Agdirected, nullptr)), {}, {}, {}};
  FALSEWORK_CHECK(drawing.graph != nullptr);
  set(drawing.graph.get(), "nodesep", "0.2");
  set(drawing.graph.get(), "ranksep", "0.35");
  for (const Diagram::Group& group : diagram.groups) {
    std::string cluster = fmt::format("cluster_{}", drawing.groups.size());
    Agraph_t* const box = agsubg(drawing.graph.get(), cluster.data(), 1);
    set(box, "margin", kGroupMargin);
    for (const Diagram::Node& node : group.nodes) {
      drawing.nodes[node.number] = add_node(drawing.graph.get(), node.number, sizes.at(node.number));
      agsubnode(box, drawing.nodes[node.number], 1);
    }
    drawing.groups.push_back(box);
  }
  for (const Diagram::Edge& edge : diagram.edges) {
    drawing.edges.push_back(
        agedge(drawing.graph.get(), drawing.nodes.at(edge.from), drawing.nodes.at(edge.to), nullptr, 1));
  }
  return drawing;
}

}  // namespace

Layout lay_out(const Diagram& diagram, const std::map<int, Size>& sizes) {
  const Drawing drawing = draw(diagram, sizes);
  FALSEWORK_CHECK(gvLayout(context(), drawing.graph.get(), "dot") == 0);
  const boxf bounds = GD_bb(drawing.graph.get());
  // Graphviz counts from the lower left.
  const auto at = [&](const pointf& point) { return Point{point.x - bounds.LL.x, bounds.UR.y - point.y}; };
  Layout layout;
  layout.size = {bounds.UR.x - bounds.LL.x, bounds.UR.y - bounds.LL.y};
  for (const auto& [number, node] : drawing.nodes) {
    const Point center = at(ND_coord(node));
    const Size size = sizes.at(number);
    layout.nodes[number] = {center.x - size.width / 2, center.y - size.height / 2, size.width, size.height};
  }
  for (Agraph_t* const group : drawing.groups) {
    const boxf box = GD_bb(group);
    const Point corner = at({box.LL.x, box.UR.y});
    layout.groups.push_back({corner.x, corner.y, box.UR.x - box.LL.x, box.UR.y - box.LL.y});
  }
  for (std::size_t i = 0; i < diagram.edges.size(); ++i) {
    const splines* const spline = ED_spl(drawing.edges[i]);
    FALSEWORK_CHECK(spline != nullptr && spline->size > 0);
    const bezier& curve = spline->list[0];
    Layout::Line line{diagram.edges[i].from, diagram.edges[i].to, {}, {}};
    for (int k = 0; k < static_cast<int>(curve.size); ++k) line.curve.push_back(at(curve.list[k]));
    line.tip = curve.eflag != 0 ? at(curve.ep) : line.curve.back();
    layout.lines.push_back(std::move(line));
  }
  return layout;
}

}  // namespace falsework::runbook
