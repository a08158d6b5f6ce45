#include "executor/drift.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
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

void refuse_drift(const RunContext& context, const std::vector<std::string>& drift) {
  if (drift.empty()) return;
  throw Error(
      errors::kPlanStale, fmt::format("the catalog has drifted: {}", fmt::join(drift, "; ")),
      fmt::format("Nothing was changed. Undo that change, or go back with: falsework rollback {}.", context.run));
}

bool is_of_a_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || c == '"' || (c & 0x80) != 0;
}

// Whether the name stands in the text by itself, and not as a part of a longer one.
bool holds_name(const std::string& text, const std::string& name) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    const bool begins = at == 0 || !is_of_a_name(text[at - 1]);
    if (begins && (end == text.size() || !is_of_a_name(text[end]))) return true;
  }
  return false;
}

// Whether an object of the fingerprint is an index that the step's own statements name.
bool is_index_of(const Step& step, const std::string& object) {
  if (object.rfind("index ", 0) != 0) return false;
  return std::any_of(step.sql.begin(), step.sql.end(),
                     [&](const std::string& sql) { return names_object(sql, object); });
}

// With everything of a table that is gone.
std::vector<Drift> all_drift(const Fingerprint& expected, const Fingerprint& actual) {
  static const std::map<std::string, std::string> kNone;
  std::vector<Drift> found;
  for (const std::string& relation : keys_of(expected, actual)) {
    const auto was = expected.find(relation);
    const auto is = actual.find(relation);
    const auto keys = keys_of(was == expected.end() ? kNone : was->second, is == actual.end() ? kNone : is->second);
    for (const std::string& object : keys) {
      Drift drift{relation, object, digest_in(expected, relation, object), digest_in(actual, relation, object)};
      if (drift.was != drift.is) found.push_back(std::move(drift));
    }
  }
  return found;
}

// What stays expected goes into `fingerprint` as it was.
void keep_expected(Fingerprint& fingerprint, const Drift& drift) {
  if (drift.is_new()) {
    fingerprint[drift.relation].erase(drift.object);
  } else {
    fingerprint[drift.relation][drift.object] = drift.was;
  }
}

// By one plan for any tables: planning it for these would be done anew each time.
pg::Rows ask_fingerprint(pg::Session& session, const Plan& plan, const std::vector<std::string>& relations) {
  if (session.in_transaction()) {
    session.query("SELECT pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)");
  }
  return session.query_prepared(plan.fingerprint_query, {array_literal(relations)});
}

// A table that is gone takes everything of it along: that is said once.
bool is_gone(const Fingerprint& expected, const Fingerprint& actual, const std::string& relation) {
  return !digest_in(expected, relation, "table").empty() && digest_in(actual, relation, "table").empty();
}

}  // namespace

void plan_fingerprint(pg::Session& session, const Plan& plan) {
  if (plan.fingerprint_query.empty()) return;
  pg::Transaction transaction(session);
  ask_fingerprint(session, plan, {});
  transaction.commit();
}

Fingerprint read_fingerprint(pg::Session& session, const Plan& plan) {
  Fingerprint fingerprint;
  if (plan.fingerprint_query.empty()) return fingerprint;
  const pg::Rows rows = ask_fingerprint(session, plan, plan.relations);
  for (std::size_t i = 0; i < rows.size(); ++i) fingerprint[rows.text(i, 0)][rows.text(i, 1)] = rows.text(i, 2);
  return fingerprint;
}

std::string Drift::line() const {
  return fmt::format("{}: {} {}", relation, object, is_new() ? "new" : is_gone() ? "gone" : "changed");
}

std::vector<Drift> drift_between(const Fingerprint& expected, const Fingerprint& actual) {
  std::vector<Drift> found = all_drift(expected, actual);
  std::erase_if(
      found, [&](const Drift& drift) { return drift.object != "table" && is_gone(expected, actual, drift.relation); });
  return found;
}

std::vector<std::string> differences(const Fingerprint& expected, const Fingerprint& actual) {
  std::vector<std::string> lines;
  for (const Drift& drift : drift_between(expected, actual)) lines.push_back(drift.line());
  return lines;
}

bool names_object(const std::string& sql, const std::string& object) {
  const std::size_t space = object.find(' ');
  if (space == std::string::npos) return false;
  const std::string name = object.substr(space + 1);
  return holds_name(sql, name) || holds_name(sql, quote_identifier(name));
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
  for (const Drift& drift : all_drift(expected, actual)) {
    if (is_index_of(step, drift.object)) keep_expected(actual, drift);
  }
  refuse_drift(context, differences(expected, actual));
}

void record_after_undo(pg::Session& session, const RunContext& context, const Fingerprint& expected,
                       const Fingerprint& before, const std::vector<std::string>& passed_over) {
  if (context.plan.fingerprint_query.empty()) return;
  Fingerprint after = read_fingerprint(session, context.plan);
  for (const Drift& drift : all_drift(expected, before)) {
    const bool found_gone =
        drift.is_gone() && std::any_of(passed_over.begin(), passed_over.end(),
                                       [&](const auto& sql) { return names_object(sql, drift.object); });
    if (!found_gone) keep_expected(after, drift);
  }
  Journal(session).record_fingerprint(context.run, after);
}

std::vector<std::string> find_drift(pg::Session& session, const Plan& plan) {
  if (plan.fingerprint_query.empty()) return {};
  return differences(plan.relies_on, read_fingerprint(session, plan));
}

}  // namespace falsework
