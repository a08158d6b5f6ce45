#include "plans/graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/depth_first_search.hpp>
#include <boost/graph/reverse_graph.hpp>
#include <set>
#include <unordered_map>

#include "base/error_kinds.h"

namespace falsework {

namespace {

// Vertices are positions in the plan; an edge leads from what is needed to what needs it.
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS>;
using Vertex = boost::graph_traits<Graph>::vertex_descriptor;
using Edge = boost::graph_traits<Graph>::edge_descriptor;

constexpr const char* kHint = "This is a bug in what made the plan: please report it with this message.";

std::unordered_map<std::string, Vertex> positions(const std::vector<Step>& steps) {
  std::unordered_map<std::string, Vertex> result;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!result.emplace(steps[i].id, i).second) {
      throw Error(errors::kPlanInvalid, fmt::format("two steps have the id {}", steps[i].id), kHint);
    }
  }
  return result;
}

Graph build(const std::vector<Step>& steps) {
  const std::unordered_map<std::string, Vertex> position = positions(steps);
  Graph graph(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const std::string& need : steps[i].needs) {
      const auto found = position.find(need);
      if (found == position.end()) {
        throw Error(errors::kPlanInvalid, fmt::format("step {} needs {}, which is not in the plan", steps[i].id, need),
                    kHint);
      }
      boost::add_edge(found->second, i, graph);
    }
  }
  return graph;
}

// Notes the path to each vertex and, at the first edge that leads back, the cycle that it closes.
struct CycleFinder : boost::default_dfs_visitor {
  std::vector<Vertex>* parent;
  std::vector<Vertex>* cycle;

  CycleFinder(std::vector<Vertex>& parents, std::vector<Vertex>& found) : parent(&parents), cycle(&found) {}

  void tree_edge(Edge edge, const Graph& graph) const {
    (*parent)[boost::target(edge, graph)] = boost::source(edge, graph);
  }
  void back_edge(Edge edge, const Graph& graph) const {
    if (!cycle->empty()) return;
    const Vertex first = boost::target(edge, graph);
    for (Vertex at = boost::source(edge, graph); at != first; at = (*parent)[at]) cycle->push_back(at);
    cycle->push_back(first);
  }
};

void refuse_cycle(const std::vector<Step>& steps, const Graph& graph) {
  std::vector<Vertex> parent(steps.size(), 0);
  std::vector<Vertex> cycle;
  boost::depth_first_search(graph, boost::visitor(CycleFinder(parent, cycle)));
  if (cycle.empty()) return;
  // The walk went against the edges, from what needs to what is needed; it starts at the step that comes first.
  std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
  std::vector<std::string> ids;
  for (const Vertex vertex : cycle) ids.push_back(steps[vertex].id);
  ids.push_back(ids.front());
  throw Error(errors::kPlanInvalid, fmt::format("steps need each other in a circle: {}", fmt::join(ids, " needs ")),
              kHint);
}

void refuse_later_phases(const std::vector<Step>& steps, const Graph& graph) {
  const auto [first, last] = boost::edges(graph);
  for (auto edge = first; edge != last; ++edge) {
    const Step& needed = steps[boost::source(*edge, graph)];
    const Step& step = steps[boost::target(*edge, graph)];
    if (needed.phase > step.phase) {
      throw Error(
          errors::kPlanInvalid,
          fmt::format("step {} needs {}, which belongs to the later phase {}", step.id, needed.id, name(needed.phase)),
          kHint);
    }
  }
}

template <typename AnyGraph>
std::vector<std::string> reachable(const Plan& plan, const AnyGraph& graph, const std::string& id) {
  const std::unordered_map<std::string, Vertex> position = positions(plan.steps);
  const auto start = position.find(id);
  if (start == position.end()) {
    throw Error(errors::kStepUnknown, fmt::format("the plan of {} has no step {}", plan.name, id),
                "List the steps of a plan with: falsework explain PLAN.");
  }
  std::vector<boost::default_color_type> color(plan.steps.size(), boost::white_color);
  boost::breadth_first_search(
      graph, start->second,
      boost::color_map(boost::make_iterator_property_map(color.begin(), boost::get(boost::vertex_index, graph))));
  std::vector<std::string> result;
  for (std::size_t i = 0; i < color.size(); ++i) {
    if (color[i] != boost::white_color && i != start->second) result.push_back(plan.steps[i].id);
  }
  return result;
}

}  // namespace

std::vector<std::string> order_steps(const std::vector<Step>& steps) {
  const Graph graph = build(steps);
  refuse_cycle(steps, graph);
  refuse_later_phases(steps, graph);
  // Kahn's algorithm, for boost::topological_sort does not keep the given order where `needs` leave it open.
  std::vector<std::size_t> missing(steps.size());
  std::set<std::pair<Phase, Vertex>> ready;
  for (Vertex vertex = 0; vertex < steps.size(); ++vertex) {
    missing[vertex] = boost::in_degree(vertex, graph);
    if (missing[vertex] == 0) ready.emplace(steps[vertex].phase, vertex);
  }
  std::vector<std::string> order;
  while (!ready.empty()) {
    const Vertex next = ready.begin()->second;
    ready.erase(ready.begin());
    order.push_back(steps[next].id);
    const auto [first, last] = boost::adjacent_vertices(next, graph);
    for (auto dependent = first; dependent != last; ++dependent) {
      if (--missing[*dependent] == 0) ready.emplace(steps[*dependent].phase, *dependent);
    }
  }
  FALSEWORK_CHECK(order.size() == steps.size());
  return order;
}

std::vector<std::string> upstream(const Plan& plan, const std::string& id) {
  const Graph graph = build(plan.steps);
  return reachable(plan, boost::make_reverse_graph(graph), id);
}

std::vector<std::string> downstream(const Plan& plan, const std::string& id) {
  return reachable(plan, build(plan.steps), id);
}

std::vector<std::string> direct_needs(const Plan& plan, const Step& step) {
  std::set<std::string> direct(step.needs.begin(), step.needs.end());
  for (const std::string& need : step.needs) {
    for (const std::string& implied : upstream(plan, need)) direct.erase(implied);
  }
  return {direct.begin(), direct.end()};
}

}  // namespace falsework
