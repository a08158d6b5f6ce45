#include "executor/drift.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error_kinds.h"
#include "base/identifier.h"
#include "executor/executor.h"

namespace falsework {

namespace {

std::string array_literal(const std::vector<std::string>& values) {
  std::string text = "{";
  for (const std::string& value : values) {
    if (text.size() > 1) text += ',';
    text += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + "}";
}

template <typename Map>
std::set<std::string> keys_of(const Map& a, const Map& b) {
  std::set<std::string> keys;
  for (const auto& [key, value] : a) keys.insert(key);
  for (const auto& [key, value] : b) keys.insert(key);
  return keys;
}

// The digest of an object, or nothing when it is not there.
std::string digest_in(const Fingerprint& fingerprint, const std::string& relation, const std::string& object) {
  const auto objects = fingerprint.find(relation);
  if (objects == fingerprint.end()) return {};
  const auto digest = objects->second.find(object);
  return digest == objects->second.end() ? std::string() : digest->second;
}

template <typename Visit>
void for_each_difference(const Fingerprint& a, const Fingerprint& b, Visit visit) {
  static const std::map<std::string, std::string> kNone;
  for (const std::string& relation : keys_of(a, b)) {
    const auto in_a = a.find(relation);
    const auto in_b = b.find(relation);
    const auto& objects_a = in_a == a.end() ? kNone : in_a->second;
    const auto& objects_b = in_b == b.end() ? kNone : in_b->second;
    for (const std::string& object : keys_of(objects_a, objects_b)) {
      const std::string digest_a = digest_in(a, relation, object);
      const std::string digest_b = digest_in(b, relation, object);
      if (digest_a != digest_b) visit(relation, object, digest_a, digest_b);
    }
  }
}

void refuse_drift(const RunContext& context, const std::vector<std::string>& drift) {
  if (drift.empty()) return;
  throw Error(
      errors::kPlanStale, fmt::format("the catalog has drifted: {}", fmt::join(drift, "; ")),
      fmt::format("Nothing was changed. Undo that change, or go back with: falsework rollback {}.", context.run));
}

// Whether an object of the fingerprint is an index that the step's own statements name.
bool is_index_of(const Step& step, const std::string& object) {
  constexpr std::string_view kIndex = "index ";
  if (object.rfind(kIndex, 0) != 0) return false;
  const std::string name = object.substr(kIndex.size());
  return std::any_of(step.sql.begin(), step.sql.end(), [&](const std::string& sql) {
    return sql.find(name) != std::string::npos || sql.find(quote_identifier(name)) != std::string::npos;
  });
}

// A table that is gone takes everything of it along: that is said once.
bool is_gone(const Fingerprint& expected, const Fingerprint& actual, const std::string& relation) {
  return !digest_in(expected, relation, "table").empty() && digest_in(actual, relation, "table").empty();
}

}  // namespace

Fingerprint read_fingerprint(pg::Session& session, const Plan& plan) {
  Fingerprint fingerprint;
  if (plan.fingerprint_query.empty()) return fingerprint;
  const pg::Rows rows = session.query(plan.fingerprint_query, {array_literal(plan.relations)});
  for (std::size_t i = 0; i < rows.size(); ++i) fingerprint[rows.text(i, 0)][rows.text(i, 1)] = rows.text(i, 2);
  return fingerprint;
}

std::vector<std::string> differences(const Fingerprint& expected, const Fingerprint& actual) {
  std::vector<std::string> lines;
  for_each_difference(expected, actual, [&](const auto& relation, const auto& object, const auto& was, const auto& is) {
    if (object != "table" && is_gone(expected, actual, relation)) return;
    lines.push_back(fmt::format("{}: {} {}", relation, object, was.empty() ? "new" : is.empty() ? "gone" : "changed"));
  });
  return lines;
}

Fingerprint expected_fingerprint(pg::Session& session, const RunContext& context) {
  return Journal(session).fingerprint(context.run).value_or(context.plan.relies_on);
}

void require_no_drift(pg::Session& session, const RunContext& context) {
  if (context.plan.fingerprint_query.empty()) return;
  refuse_drift(context, differences(expected_fingerprint(session, context), read_fingerprint(session, context.plan)));
}

void require_no_drift_but_index(pg::Session& session, const RunContext& context, const Step& step) {
  if (context.plan.fingerprint_query.empty()) return;
  const Fingerprint expected = expected_fingerprint(session, context);
  Fingerprint actual = read_fingerprint(session, context.plan);
  for_each_difference(Fingerprint(expected), Fingerprint(actual),
                      [&](const auto& relation, const auto& object, const auto& was, const auto&) {
                        if (!is_index_of(step, object)) return;
                        if (was.empty()) {
                          actual[relation].erase(object);
                        } else {
                          actual[relation][object] = was;
                        }
                      });
  refuse_drift(context, differences(expected, actual));
}

void record_after_undo(pg::Session& session, const RunContext& context, const Fingerprint& expected,
                       const Fingerprint& before) {
  if (context.plan.fingerprint_query.empty()) return;
  Fingerprint after = read_fingerprint(session, context.plan);
  for_each_difference(expected, before, [&](const auto& relation, const auto& object, const auto& was, const auto&) {
    if (was.empty()) {
      after[relation].erase(object);
    } else {
      after[relation][object] = was;
    }
  });
  Journal(session).record_fingerprint(context.run, after);
}

std::vector<std::string> find_drift(pg::Session& session, const Plan& plan) {
  if (plan.fingerprint_query.empty()) return {};
  return differences(plan.relies_on, read_fingerprint(session, plan));
}

}  // namespace falsework
