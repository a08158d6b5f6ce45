#include "postgres/health/health.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace falsework::pg {

std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::kNotice: return "notice";
    case Severity::kWarning: return "warning";
    case Severity::kError: return "error";
  }
  FALSEWORK_CHECK(false);
}

std::string schema_parameter(const HealthScope& scope) {
  std::string text = "{";
  for (const std::string& schema : scope.schemas) {
    if (text.size() > 1) text += ',';
    text += '"';
    for (const char c : schema) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + "}";
}

std::vector<HealthFinding> examine(Session& session, const HealthScope& scope) {
  std::vector<HealthFinding> all;
  for (const auto look : {find_objects_of_ours, find_silenced_triggers, find_index_findings, find_constraint_findings,
                          find_table_findings}) {
    std::vector<HealthFinding> found = look(session, scope);
    std::move(found.begin(), found.end(), std::back_inserter(all));
  }
  std::stable_sort(all.begin(), all.end(), [](const HealthFinding& a, const HealthFinding& b) {
    const auto rank = [](const HealthFinding& f) { return -static_cast<int>(f.severity); };
    return std::make_tuple(rank(a), a.relation, a.code, a.object) <
           std::make_tuple(rank(b), b.relation, b.code, b.object);
  });
  return all;
}

}  // namespace falsework::pg
