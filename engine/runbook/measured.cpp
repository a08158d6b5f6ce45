#include "engine/runbook/measured.h"

#include <fmt/format.h>

#include "engine/runbook/words.h"

namespace falsework::runbook {

namespace {

Text list_of(const std::vector<std::string>& names) {
  Text text;
  for (const std::string& name : names) append(text, {plain(text.empty() ? "" : ", "), code(name)});
  return text.empty() ? Text{plain("none")} : text;
}

void add_relations(const Measured& measured, Outline& outline) {
  Table table{{{plain("Table")},
               {plain("Rows, about")},
               {plain("Heap")},
               {plain("With indexes and TOAST")},
               {plain("Indexes")},
               {plain("Triggers")},
               {plain("What hangs on it")}},
              {}};
  for (const Measured::Relation& relation : measured.relations) {
    table.rows.push_back({{code(relation.name)},
                          {plain(relation.rows < 0 ? "not known: ANALYZE it" : render_count(relation.rows))},
                          {plain(render_bytes(relation.bytes))},
                          {plain(render_bytes(relation.total_bytes))},
                          {plain(std::to_string(relation.indexes))},
                          {plain(std::to_string(relation.triggers))},
                          list_of(relation.dependents)});
  }
  if (!table.rows.empty()) outline.push_back(std::move(table));
}

}  // namespace

void add_measured(const Measured& measured, Outline& outline) {
  outline.push_back(Heading{3, {plain("As it was measured")}, "measured"});
  outline.push_back(Paragraph{{plain("In "), code(measured.database),
                               plain(fmt::format(" at {}. These values are not the plan's, and change; the digest does "
                                                 "not cover them.",
                                                 measured.at))}});
  for (const Measured::Finding& finding : measured.findings) {
    const Callout::Kind kind = finding.severity == "warning" ? Callout::Kind::kWarning : Callout::Kind::kCaution;
    outline.push_back(Callout{kind,
                              {strong(finding.severity + ": "), code(finding.code), plain(" " + finding.message),
                               plain(fmt::format(". {} {}", finding.consequence, finding.hint))}});
  }
  add_relations(measured, outline);
  Table facts{{{}, {}}, {}};
  for (const Measured::Fact& fact : measured.facts) facts.rows.push_back({{plain(fact.name)}, {plain(fact.value)}});
  if (!facts.rows.empty()) outline.push_back(std::move(facts));
}

}  // namespace falsework::runbook
