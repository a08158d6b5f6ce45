#include "engine/runbook/svg.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <vector>

#include "engine/runbook/html_text.h"
#include "engine/runbook/layout.h"
#include "engine/runbook/visible.h"

namespace falsework::runbook {

namespace {

constexpr double kNodeWidth = 196, kLineHeight = 14, kPadding = 12;
constexpr double kMargin = 6;           // around the picture, so that thick strokes are whole
constexpr std::size_t kLineUnits = 30;  // of the font at 11px, with room to spare

// How wide a character is, in halves of a wide one: East Asian and pictographic characters take two (UAX 11).
std::size_t units_of(std::string_view character) {
  return character.size() >= 3 && static_cast<unsigned char>(character[0]) >= 0xE2U ? 2 : 1;
}

std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> characters;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) ++length;
    characters.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return characters;
}

// Breaks at spaces, and within a word that is longer than a line.
std::vector<std::string> wrap(std::string_view text) {
  std::vector<std::string> lines;
  std::string line, word;
  std::size_t line_units = 0, word_units = 0;
  const auto end_line = [&] {
    if (!line.empty()) lines.push_back(line);
    line.clear();
    line_units = 0;
  };
  const auto end_word = [&] {
    if (word.empty()) return;
    if (line_units > 0 && line_units + 1 + word_units > kLineUnits) end_line();
    line += (line.empty() ? "" : " ") + word;
    line_units += word_units + (line_units > 0 ? 1 : 0);
    word.clear();
    word_units = 0;
  };
  for (const std::string_view character : characters_of(text)) {
    if (character == " ") {
      end_word();
      continue;
    }
    if (word_units + units_of(character) > kLineUnits) {
      end_word();
      end_line();
    }
    word += character;
    word_units += units_of(character);
  }
  end_word();
  end_line();
  return lines;
}

// One decimal, without a negative zero.
std::string number(double value) { return fmt::format("{:.1f}", std::round(value * 10) / 10 + 0.0); }

std::string at(const Point& point) { return number(point.x) + "," + number(point.y); }

std::string rectangle(const Box& box, double radius, const char* css = "shape") {
  return fmt::format(R"(<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="{}"/>)", css, number(box.left),
                     number(box.top), number(box.width), number(box.height), number(radius));
}

std::string path(const std::string& commands, const char* css = "shape") {
  return fmt::format(R"(<path class="{}" d="{}"/>)", css, commands);
}

std::string bars(const Box& box) {
  const double right = box.left + box.width, bottom = box.top + box.height;
  return path(fmt::format("M{}V{}M{}V{}", at({box.left + 5, box.top}), number(bottom), at({right - 5, box.top}),
                          number(bottom)),
              "line");
}

std::string cylinder(const Box& box) {
  const double right = box.left + box.width, bottom = box.top + box.height, lid = 5;
  const std::string arc = fmt::format("A{} {} 0 0 ", number(box.width / 2), number(lid));
  return path(fmt::format("M{}{}1 {}V{}{}1 {}Z", at({box.left, box.top + lid}), arc, at({right, box.top + lid}),
                          number(bottom - lid), arc, at({box.left, bottom - lid}))) +
         path(fmt::format("M{}{}0 {}", at({box.left, box.top + lid}), arc, at({right, box.top + lid})), "line");
}

std::string hexagon(const Box& box) {
  const double right = box.left + box.width, bottom = box.top + box.height, middle = box.top + box.height / 2;
  return path(fmt::format("M{}L{}L{}L{}L{}L{}Z", at({box.left, middle}), at({box.left + 10, box.top}),
                          at({right - 10, box.top}), at({right, middle}), at({right - 10, bottom}),
                          at({box.left + 10, bottom})));
}

std::string note(const Box& box) {
  const double right = box.left + box.width, bottom = box.top + box.height;
  return path(fmt::format("M{}H{}L{}V{}H{}Z", at({box.left, box.top}), number(right - 10), at({right, box.top + 10}),
                          number(bottom), number(box.left)));
}

std::string shape_of(StepKind kind, const Box& box) {
  switch (kind) {
    case StepKind::kStatement: return rectangle(box, 2);
    case StepKind::kConcurrent: return rectangle(box, 2) + bars(box);
    case StepKind::kBackfill: return cylinder(box);
    case StepKind::kCheck: return rectangle(box, 14);
    case StepKind::kGate: return hexagon(box);
    case StepKind::kNote: return note(box);
  }
  return rectangle(box, 2);
}

std::string render(const Diagram::Node& node, const std::vector<std::string>& lines, const Box& box) {
  std::string text;
  const double lid = node.kind == StepKind::kBackfill ? 6 : 0;  // the text stands below it
  double y =
      box.top + lid + (box.height - lid - kLineHeight * static_cast<double>(lines.size())) / 2 + kLineHeight * 0.78;
  for (const std::string& line : lines) {
    text += fmt::format(R"(<tspan x="{}" y="{}">{}</tspan>)", number(box.left + box.width / 2), number(y),
                        escape_html(line) + (&line == &lines.back() ? "" : " "));
    y += kLineHeight;
  }
  return fmt::format("<a class=\"node {}{}\" href=\"#step-{}\">{}<text>{}</text></a>\n", name(node.kind),
                     node.irreversible ? " irreversible" : "", node.number, shape_of(node.kind, box), text);
}

std::string render(const Layout::Line& line) {
  std::string commands = "M" + at(line.curve.front());
  for (std::size_t i = 1; i + 2 < line.curve.size(); i += 3) {
    commands += fmt::format("C{} {} {}", at(line.curve[i]), at(line.curve[i + 1]), at(line.curve[i + 2]));
  }
  const Point& end = line.curve.back();
  const double dx = line.tip.x - end.x, dy = line.tip.y - end.y, length = std::hypot(dx, dy);
  std::string arrow;
  if (length > 0) {
    const Point side{-dy / length * 3.5, dx / length * 3.5};
    arrow = path(fmt::format("M{}L{}L{}Z", at(line.tip), at({end.x + side.x, end.y + side.y}),
                             at({end.x - side.x, end.y - side.y})),
                 "arrow");
  }
  return path(commands, "edge") + arrow + "\n";
}

}  // namespace

Svg render_svg(const Diagram& diagram) {
  std::map<int, std::vector<std::string>> labels;
  std::map<int, Size> sizes;
  for (const Diagram::Group& group : diagram.groups) {
    for (const Diagram::Node& node : group.nodes) {
      labels[node.number] = wrap(make_visible(fmt::format("{}: {}", node.number, node.label)));
      sizes[node.number] = {kNodeWidth, kLineHeight * static_cast<double>(labels[node.number].size()) + kPadding +
                                            (node.kind == StepKind::kBackfill ? 8 : 0)};
    }
  }
  const Layout layout = lay_out(diagram, sizes);
  const double width = layout.size.width + 2 * kMargin, height = layout.size.height + 2 * kMargin;
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"group\" aria-label=\"The steps, and what each needs\" "
      "width=\"{0}\" height=\"{1}\" viewBox=\"{2} {2} {0} {1}\">\n",
      number(width), number(height), number(-kMargin));
  for (std::size_t i = 0; i < diagram.groups.size(); ++i) {
    const Box& box = layout.groups[i];
    text += fmt::format("{}<text class=\"phase\" x=\"{}\" y=\"{}\">{}</text>\n", rectangle(box, 6, "group"),
                        number(box.left + 10), number(box.top + 16), html_text(name(diagram.groups[i].phase)));
  }
  for (const Layout::Line& line : layout.lines) text += render(line);
  for (const Diagram::Group& group : diagram.groups) {
    for (const Diagram::Node& node : group.nodes)
      text += render(node, labels.at(node.number), layout.nodes.at(node.number));
  }
  return {text + "</svg>\n", static_cast<int>(std::ceil(width))};
}

}  // namespace falsework::runbook
