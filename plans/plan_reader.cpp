#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error_kinds.h"
#include "plans/plan.h"

namespace falsework {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;
constexpr const char* kHint = "Make the plan anew with `falsework plan`; plan files are not edited by hand.";

std::string escape_pointer(std::string_view key) {  // RFC 6901
  std::string result;
  for (const char c : key) {
    if (c == '~') {
      result += "~0";
    } else if (c == '/') {
      result += "~1";
    } else {
      result += c;
    }
  }
  return result;
}

// A value and where it stands.
struct Node {
  const Json& value;
  std::string file, path;

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(errors::kPlanInvalid, fmt::format("{}: {} {}", file, path.empty() ? "/" : path, what), kHint);
  }
  Node child(std::string_view key, const Json& of) const {
    return {of, file, fmt::format("{}/{}", path, escape_pointer(key))};
  }
  void expect(bool right, std::string_view type) const {
    if (!right) fail(fmt::format("must be {}, not {}", type, value.type_name()));
  }
};

// An object of exactly these keys.
class Object {
 public:
  Object(const Node& node, const std::set<std::string_view>& keys) : node_(node) {
    node_.expect(node_.value.is_object(), "an object");
    for (const auto& [key, value] : node_.value.items()) {
      if (keys.count(key) == 0) node_.child(key, value).fail("is not a key that a plan has there");
    }
  }
  bool has(const char* key) const { return node_.value.contains(key); }
  Node at(const char* key) const {
    const auto found = node_.value.find(key);
    if (found == node_.value.end()) node_.child(key, node_.value).fail("is missing");
    return node_.child(key, *found);
  }

 private:
  Node node_;
};

void read(const Node& node, std::string& to) {
  node.expect(node.value.is_string(), "a string");
  to = node.value.get<std::string>();
  // libpq ends a string at a NUL byte: the statement that runs would not be the one that was reviewed.
  if (to.find('\0') != std::string::npos) node.fail("holds a NUL character");
}

void read(const Node& node, bool& to) {
  node.expect(node.value.is_boolean(), "a boolean");
  to = node.value.get<bool>();
}

void read(const Node& node, std::int64_t& to) {
  node.expect(node.value.is_number_integer(), "an integer");
  const auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (node.value.is_number_unsigned() && node.value.get<std::uint64_t>() > largest) node.fail("is too large");
  to = node.value.get<std::int64_t>();
}

void read(const Node& node, int& to) {
  std::int64_t wide = 0;
  read(node, wide);
  if (wide < 0 || wide > std::numeric_limits<int>::max()) node.fail("is out of range");
  to = static_cast<int>(wide);
}

void read(const Node& node, std::chrono::milliseconds& to) {
  std::int64_t count = 0;
  read(node, count);
  to = std::chrono::milliseconds(count);
}

// A word of a closed set.
template <typename Enum, typename Parse>
void read_word(const Node& node, Enum& to, Parse parse, std::string_view what) {
  std::string text;
  read(node, text);
  const std::optional<Enum> value = parse(text);
  if (!value) node.fail(fmt::format("is \"{}\", which is no {}", text, what));
  to = *value;
}

template <typename Value>
void read(const Node& node, std::vector<Value>& to) {
  node.expect(node.value.is_array(), "an array");
  to.clear();
  for (std::size_t i = 0; i < node.value.size(); ++i) {
    read(node.child(std::to_string(i), node.value[i]), to.emplace_back());
  }
}

template <typename Value>
void read(const Node& node, std::optional<Value>& to) {
  to.reset();
  if (!node.value.is_null()) read(node, to.emplace());
}

template <typename Value>
void read(const Node& node, std::map<std::string, Value>& to) {
  node.expect(node.value.is_object(), "an object");
  to.clear();
  for (const auto& [key, value] : node.value.items()) read(node.child(key, value), to[key]);
}

void read(const Node& node, pg::TakenLock& to) {
  const Object object(node, {"relation", "mode", "duration"});
  read(object.at("relation"), to.relation);
  read_word(object.at("mode"), to.mode, pg::parse_lock_mode, "lock mode");
  read_word(object.at("duration"), to.duration, pg::parse_lock_duration, "lock duration");
}

void read(const Node& node, std::chrono::seconds& to) {
  std::int64_t count = 0;
  read(node, count);
  if (count < 0) node.fail("is out of range");
  to = std::chrono::seconds(count);
}

void read(const Node& node, OldColumn& to) {
  const Object object(node, {"relation", "column", "counter"});
  read(object.at("relation"), to.relation);
  read(object.at("column"), to.column);
  read(object.at("counter"), to.counter);
}

void read(const Node& node, GateCondition& to) {
  const Object any(node, {"kind", "release", "period_s", "approvals", "four_eyes", "author", "name", "query", "old"});
  read_word(any.at("kind"), to.kind, parse_condition_kind, "kind of condition");
  const ConditionFields fields = fields_of(to.kind);
  std::set<std::string_view> keys{"kind"};
  if (fields.release) keys.insert("release");
  if (fields.period) keys.insert("period_s");
  if (fields.approvals) keys.insert({"approvals", "four_eyes", "author"});
  if (fields.query) keys.insert({"name", "query"});
  if (fields.old) keys.insert("old");
  const Object object(node, keys);
  if (fields.release) read(object.at("release"), to.release);
  if (fields.period) read(object.at("period_s"), to.period);
  if (fields.approvals) {
    read(object.at("approvals"), to.approvals);
    read(object.at("four_eyes"), to.four_eyes);
    read(object.at("author"), to.author);
  }
  if (fields.query) {
    read(object.at("name"), to.name);
    read(object.at("query"), to.query);
  }
  if (fields.old) read(object.at("old"), to.old);
}

void read(const Node& node, Gate& to) {
  const Object object(node, {"name", "conditions"});
  read(object.at("name"), to.name);
  read(object.at("conditions"), to.conditions);
}

void read(const Node& node, Copy& to) {
  const Object object(node, {"relation", "statement", "remaining"});
  read(object.at("relation"), to.relation);
  read(object.at("statement"), to.statement);
  read(object.at("remaining"), to.remaining);
}

void read(const Node& node, Check& to) {
  const Object object(node, {"relation", "by_ranges", "proof", "message", "hint"});
  read(object.at("relation"), to.relation);
  read(object.at("by_ranges"), to.by_ranges);
  read(object.at("proof"), to.proof);
  read(object.at("message"), to.message);
  read(object.at("hint"), to.hint);
}

void read(const Node& node, Probe& to) {
  const Object object(node, {"query", "cleanup"});
  read(object.at("query"), to.query);
  read(object.at("cleanup"), to.cleanup);
}

void read(const Node& node, Timeouts& to) {
  const Object object(node, {"lock_ms", "statement_ms", "budget_ms"});
  read(object.at("lock_ms"), to.lock);
  read(object.at("statement_ms"), to.statement);
  read(object.at("budget_ms"), to.budget);
}

void read(const Node& node, Estimate& to) {
  const Object object(node, {"rows", "bytes"});
  read(object.at("rows"), to.rows);
  read(object.at("bytes"), to.bytes);
}

void read(const Node& node, Step& to) {
  const Object object(
      node, {"id",         "phase",     "kind",      "title",        "why",         "relations",        "sql",
             "undo",       "undo_note", "undo_with", "irreversible", "transaction", "undo_transaction", "locks",
             "undo_locks", "rewrites",  "scans",     "done_when",    "needs",       "timeouts",         "estimate",
             "gate",       "copy",      "check",     "probe",        "archives"});
  read(object.at("id"), to.id);
  read_word(object.at("phase"), to.phase, parse_phase, "phase");
  read_word(object.at("kind"), to.kind, parse_step_kind, "kind of step");
  read(object.at("title"), to.title);
  read(object.at("why"), to.why);
  read(object.at("relations"), to.relations);
  read(object.at("sql"), to.sql);
  read(object.at("undo"), to.undo);
  read(object.at("undo_note"), to.undo_note);
  read(object.at("undo_with"), to.undo_with);
  read(object.at("irreversible"), to.irreversible);
  read(object.at("transaction"), to.transaction);
  read(object.at("undo_transaction"), to.undo_transaction);
  read(object.at("locks"), to.locks);
  read(object.at("undo_locks"), to.undo_locks);
  read(object.at("rewrites"), to.rewrites);
  read(object.at("scans"), to.scans);
  read(object.at("done_when"), to.done_when);
  read(object.at("needs"), to.needs);
  read(object.at("timeouts"), to.timeouts);
  read(object.at("estimate"), to.estimate);
  read(object.at("gate"), to.gate);
  read(object.at("copy"), to.copy);
  read(object.at("check"), to.check);
  read(object.at("probe"), to.probe);
  if (object.has("archives")) read(object.at("archives"), to.archives);
}

void read(const Node& node, PlannedChange& to) {
  const Object object(node, {"kind", "summary", "relation", "strategy", "reason", "naive_sql", "naive_locks",
                             "naive_rewrites", "naive_scans", "naive_estimate", "warnings"});
  read(object.at("kind"), to.kind);
  read(object.at("summary"), to.summary);
  read(object.at("relation"), to.relation);
  read(object.at("strategy"), to.strategy);
  read(object.at("reason"), to.reason);
  read(object.at("naive_sql"), to.naive_sql);
  read(object.at("naive_locks"), to.naive_locks);
  read(object.at("naive_rewrites"), to.naive_rewrites);
  read(object.at("naive_scans"), to.naive_scans);
  read(object.at("naive_estimate"), to.naive_estimate);
  read(object.at("warnings"), to.warnings);
}

struct PhaseEntry {
  Phase phase = Phase::kExpand;
  std::vector<std::string> steps;
};

void read(const Node& node, PhaseEntry& to) {
  const Object object(node, {"name", "steps"});
  read_word(object.at("name"), to.phase, parse_phase, "phase");
  read(object.at("steps"), to.steps);
}

// `phases` repeats what the steps say: two answers to one question must not differ.
void read_phases(const Node& node, const Plan& plan) {
  std::vector<PhaseEntry> entries;
  read(node, entries);
  std::size_t next = 0;
  for (const Phase phase : kPhases) {
    std::vector<std::string> ids;
    for (const Step& step : plan.steps) {
      if (step.phase == phase) ids.push_back(step.id);
    }
    if (ids.empty()) continue;
    const bool same = next < entries.size() && entries[next].phase == phase && entries[next].steps == ids;
    if (!same) node.fail(fmt::format("does not list the steps of {} as /steps has them", name(phase)));
    ++next;
  }
  if (next != entries.size()) node.fail("lists a phase that no step belongs to");
}

Plan read_plan(const Node& node) {
  const Object object(
      node, {"format_version", "name", "digest", "engine_version", "server_version", "database", "system_identifier",
             "releases", "changes", "phases", "steps", "relies_on", "relations", "fingerprint_query"});
  Plan plan;
  read(object.at("name"), plan.name);
  read(object.at("digest"), plan.digest);
  read(object.at("engine_version"), plan.engine_version);
  read(object.at("server_version"), plan.server_version);
  read(object.at("database"), plan.database);
  read(object.at("system_identifier"), plan.system_identifier);
  read(object.at("releases"), plan.releases);
  read(object.at("changes"), plan.changes);
  read(object.at("steps"), plan.steps);
  read_phases(object.at("phases"), plan);
  read(object.at("relies_on"), plan.relies_on);
  read(object.at("relations"), plan.relations);
  read(object.at("fingerprint_query"), plan.fingerprint_query);
  return plan;
}

// A newer format may have keys that this one does not know, so it is told first.
void check_format(const Node& node) {
  node.expect(node.value.is_object(), "an object");
  const auto found = node.value.find("format_version");
  if (found == node.value.end()) node.child("format_version", node.value).fail("is missing");
  const Node version = node.child("format_version", *found);
  int number = 0;
  read(version, number);
  if (number == kFormatVersion) return;
  throw Error(errors::kPlanInvalid,
              fmt::format("{}: {} is {}, and this Falsework reads {}", node.file, version.path, number, kFormatVersion),
              "Use the Falsework that made the plan, or plan again with this one.");
}

// Parses JSON and refuses a key that stands twice in one object: the last one would win in silence.
Json parse_json(const std::string& text, const std::string& file) {
  std::vector<std::set<std::string>> open;
  std::string twice;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) {
      open.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      open.pop_back();
    } else if (event == Json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second) {
      twice = parsed.get<std::string>();
    }
    return true;
  };
  try {
    Json json = Json::parse(text, watch);
    if (twice.empty()) return json;
  } catch (const Json::parse_error& error) {
    throw Error(errors::kPlanInvalid, fmt::format("{}: not JSON (byte {})", file, error.byte),
                "A declaration becomes a plan with `falsework plan`; plan files are not edited by hand.");
  } catch (const Json::out_of_range&) {
    throw Error(errors::kPlanInvalid, fmt::format("{}: a number in it is too large", file), kHint);
  }
  throw Error(errors::kPlanInvalid, fmt::format("{}: the key \"{}\" stands twice in one object", file, twice), kHint);
}

}  // namespace

Plan parse_plan(const std::string& text, const std::string& file) {
  const Json json = parse_json(text, file);
  const Node root{json, file, ""};
  check_format(root);
  Plan plan = read_plan(root);
  if (plan.digest != digest_of(plan)) {
    throw Error(errors::kPlanDigest, fmt::format("{}: the plan of {} does not match its digest", file, plan.name),
                "It was changed after it was made. Plan again, and have the new plan reviewed.");
  }
  return plan;
}

}  // namespace falsework
