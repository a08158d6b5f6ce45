#include "engine/runbook/html.h"

#include <fmt/format.h>

#include <array>

#include "base/hash.h"
#include "engine/runbook/html_assets.h"
#include "engine/runbook/html_text.h"
#include "engine/runbook/svg.h"

namespace falsework::runbook {

namespace {

// The digest as a content security policy wants it (W3C CSP 3, hash-source): base64 of the bytes.
std::string policy_digest(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string hex = sha256(text);
  std::string result;
  for (std::size_t i = 0; i < hex.size(); i += 6) {  // three bytes are four digits
    const std::string part = hex.substr(i, 6);
    const std::size_t bytes = part.size() / 2;
    const unsigned long bits = std::stoul(part, nullptr, 16) << (8 * (3 - bytes));
    for (std::size_t digit = 0; digit < 4; ++digit) {
      result += digit <= bytes ? kDigits[(bits >> (6 * (3 - digit))) & 0x3FU] : '=';
    }
  }
  return "'sha256-" + result + "'";
}

std::string plain_text(const Text& text) {
  std::string result;
  for (const Span& span : text) result += span.text;
  return result;
}

std::string render(const Text& text) {
  std::string result;
  for (const Span& span : text) {
    std::string part = html_text(span.text);
    if (span.kind == Span::Kind::kCode && !part.empty()) part = "<code>" + part + "</code>";
    if (span.kind == Span::Kind::kStrong) part = "<strong>" + part + "</strong>";
    if (!span.to.empty()) part = fmt::format("<a href=\"#{}\">{}</a>", escape_html(span.to), part);
    result += part;
  }
  return result;
}

std::string_view css(Badge::Tone tone) {
  constexpr std::array<std::string_view, 5> kNames{"quiet", "lock", "gate", "danger", "good"};
  return kNames.at(static_cast<std::size_t>(tone));
}

std::string render(const std::vector<Badge>& badges) {
  std::string result;
  for (const Badge& badge : badges) {
    result += fmt::format("{}<span class=\"badge {}\">{}</span>", result.empty() ? "" : " ", css(badge.tone),
                          html_text(badge.text));
  }
  return result;
}

bool has_header(const Table& table) {
  for (const Text& cell : table.header) {
    if (!plain_text(cell).empty()) return true;
  }
  return false;
}

// The roles are those that the elements have anyway; a narrow screen shows rows as blocks, which would end them.
std::string render_head(const Table& table) {
  std::string result = "<thead role=\"rowgroup\"><tr role=\"row\">";
  for (const Text& cell : table.header) {
    result += fmt::format("<th role=\"columnheader\" scope=\"col\">{}</th>", render(cell));
  }
  return result + "</tr></thead>\n";
}

std::string render_row(const Table& table, const std::vector<Text>& cells, bool headed) {
  std::string result = "<tr role=\"row\">";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!headed && i == 0) {
      result += fmt::format("<th role=\"rowheader\" scope=\"row\">{}</th>", render(cells[i]));
    } else {
      const std::string label = headed ? html_text(plain_text(table.header.at(i))) : "";
      result += fmt::format("<td role=\"cell\" data-label=\"{}\">{}</td>", label, render(cells[i]));
    }
  }
  return result + "</tr>\n";
}

// Writes blocks in order and keeps the sections that are open.
class Writer {
 public:
  void operator()(const Heading& block) {
    close_to(block.level);
    const std::string id = block.anchor.empty() ? "" : fmt::format(" id=\"{}\"", escape_html(block.anchor));
    if (block.level >= 4) {
      body_ += fmt::format(
          "<details class=\"step\"{} open>\n<summary><h4>{}</h4><span class=\"badges\">{}</span></summary>\n", id,
          render(block.text), render(block.badges));
      in_step_ = true;
      return;
    }
    if (block.level == 2) {
      body_ += fmt::format("<section{}>\n", id);
      in_section_ = true;
    }
    body_ += fmt::format("<h{0}{1}>{2}</h{0}>\n", block.level, block.level == 2 ? "" : id, render(block.text));
    if (!block.badges.empty()) body_ += fmt::format("<p class=\"badges\">{}</p>\n", render(block.badges));
    if (block.level == 2 && block.anchor == "steps") body_ += tools();
    if (block.level == 2 || block.anchor.rfind("phase-", 0) == 0) add_contents(block);
  }
  void operator()(const Paragraph& block) { body_ += fmt::format("<p>{}</p>\n", render(block.text)); }
  void operator()(const Bullets& block) {
    body_ += block.checklist ? "<ul class=\"check\">\n" : "<ul>\n";
    for (const Text& item : block.items) {
      const std::string text = render(item);
      body_ += block.checklist ? fmt::format("<li><label><input type=\"checkbox\"><span>{}</span></label></li>\n", text)
                               : fmt::format("<li>{}</li>\n", text);
    }
    body_ += "</ul>\n";
  }
  void operator()(const Table& block) {
    const bool headed = has_header(block);
    body_ += "<table role=\"table\">\n";
    if (headed) body_ += render_head(block);
    body_ += "<tbody role=\"rowgroup\">\n";
    for (const std::vector<Text>& cells : block.rows) body_ += render_row(block, cells, headed);
    body_ += "</tbody>\n</table>\n";
  }
  void operator()(const Listing& block) {
    body_ +=
        fmt::format("<pre class=\"{}\"><code>{}</code></pre>\n", escape_html(block.language), escape_html(block.text));
  }
  void operator()(const Callout& block) {
    const char* const kind = block.kind == Callout::Kind::kNote      ? "note"
                             : block.kind == Callout::Kind::kWarning ? "warning"
                                                                     : "caution";
    body_ += fmt::format("<p class=\"callout {}\">{}</p>\n", kind, render(block.text));
  }
  void operator()(const Picture& block) {
    const Svg svg = render_svg(block.diagram);
    graph_style_ += fmt::format(".graph svg{{max-width:{}px;min-width:{}px}}\n", svg.width, svg.width * 85 / 100);
    body_ += fmt::format("<div class=\"graph\" tabindex=\"0\" role=\"region\" aria-label=\"The graph\">\n{}</div>\n",
                         svg.text);
  }
  void operator()(const TimeLine& block) {
    body_ += "<ol class=\"time\">\n";
    for (const TimeLine::Entry& entry : block.entries) {
      const bool gate = entry.kind == TimeLine::Entry::Kind::kGate;
      const bool last = entry.kind == TimeLine::Entry::Kind::kPointOfNoReturn;
      body_ += fmt::format("<li class=\"{}\"><p class=\"what\">{}</p>\n",
                           gate   ? "gate"
                           : last ? "last"
                                  : "work",
                           render(entry.what));
      if (!entry.why.empty()) body_ += fmt::format("<p>{}</p>\n", html_text(entry.why));
      body_ += fmt::format("<p class=\"more\">{}{}<span class=\"undo\">{}</span></p>\n", render(entry.waits),
                           entry.waits.empty() || entry.undo.empty() ? "" : " · ", render(entry.undo));
      if (!entry.command.empty()) body_ += fmt::format("<p class=\"more\">Command: {}</p>\n", render(entry.command));
      body_ += "</li>\n";
    }
    body_ += "</ol>\n";
  }

  std::string finish(const std::string& title) {
    close_to(1);
    const std::string style = std::string(page_style()) + graph_style_;
    const std::string script(page_script());
    return fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}; script-src {}; "
        "img-src data:; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n"
        "<a class=\"skip\" href=\"#content\">Skip the contents</a>\n<div class=\"page\">\n"
        "<nav aria-label=\"Contents\"><details open><summary>Contents</summary>\n<ol>\n{}</ol>\n</details></nav>\n"
        "<main id=\"content\">\n{}</main>\n</div>\n<script>{}</script>\n</body>\n</html>\n",
        policy_digest(style), policy_digest(script), html_text(title), style, contents_, body_, script);
  }

 private:
  void close_to(int level) {
    if (in_step_) body_ += "</details>\n";
    in_step_ = false;
    if (level > 2 || !in_section_) return;
    body_ += "</section>\n";
    in_section_ = false;
  }
  void add_contents(const Heading& block) {
    const std::string link =
        fmt::format("<a href=\"#{}\">{}</a>", escape_html(block.anchor), html_text(plain_text(block.text)));
    contents_ +=
        block.level == 2 ? fmt::format("<li>{}</li>\n", link) : fmt::format("<li class=\"sub\">{}</li>\n", link);
  }
  static const char* tools() {
    return "<p class=\"tools\" hidden><button type=\"button\">Unfold all steps</button> "
           "<button type=\"button\">Fold all steps</button></p>\n";
  }

  std::string body_, contents_, graph_style_;
  bool in_section_ = false, in_step_ = false;
};

}  // namespace

std::string render_html(const Outline& outline) {
  Writer writer;
  std::string title = "Runbook";
  for (const Block& block : outline) {
    if (const auto* heading = std::get_if<Heading>(&block); heading != nullptr && heading->level == 1) {
      title = plain_text(heading->text);
    }
    std::visit(writer, block);
  }
  return writer.finish(title);
}

}  // namespace falsework::runbook
