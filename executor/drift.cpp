#include "executor/drift.h"

#include <fmt/format.h>

#include <set>

#include "base/error_kinds.h"
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
    lines.push_back(fmt::format("{}: {} {}", relation, object, was.empty() ? "new" : is.empty() ? "gone" : "changed"));
  });
  return lines;
}

Fingerprint expected_fingerprint(pg::Session& session, const RunContext& context) {
  return Journal(session).fingerprint(context.run).value_or(context.plan.relies_on);
}

void require_no_drift(pg::Session& session, const RunContext& context) {
  if (context.plan.fingerprint_query.empty()) return;
  const auto drift = differences(expected_fingerprint(session, context), read_fingerprint(session, context.plan));
  if (drift.empty()) return;
  throw Error(
      errors::kPlanStale, fmt::format("the catalog has drifted: {}", fmt::join(drift, "; ")),
      fmt::format("Nothing was changed. Undo that change, or go back with: falsework rollback {}.", context.run));
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
