// What a gate waits for. Conditions are facts that the database keeps (a release that is out, an approval), time that
// has passed since such a fact, and evidence that the database is asked for.
//
// One rule: a gate opens only when every one of its conditions holds at that moment; a condition that cannot be
// evaluated does not hold. How each is evaluated: executor/gates; for people: docs/gates.md.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace falsework {

// A column of the old shape, as it is called where the gate stands.
struct OldColumn {
  std::string relation;  // for SQL: `public.users`
  std::string column;    // unquoted
  std::string counter;   // for SQL: the sequence that moves when the old shape is written; empty: none
  bool operator==(const OldColumn&) const = default;
};

struct GateCondition {
  enum class Kind {
    kRelease,         // `release` is out everywhere: `advance --release NAME`
    kAdvance,         // an `advance` by a person, when the migration names no release
    kSoak,            // `period` has passed since the steps before the gate were done and its releases were out
    kApproval,        // `approvals` people have approved: `falsework approve`
    kBackup,          // a backup no older than `period` was acknowledged: `falsework acknowledge`
    kNoOldWriter,     // no write of the old shape for `period`
    kNoOldStatement,  // no call of a statement that names an old column for `period` (pg_stat_statements)
    kNoOldSession,    // no session, role or database that is set to the old shape
    kNoDependent,     // nothing in the catalog or in a function's body that names an old column
    kSql,             // `query` answers true
  };
  Kind kind = Kind::kAdvance;
  std::string release = {};         // of kRelease
  std::chrono::seconds period{0};   // of kSoak, kBackup, kNoOldWriter, kNoOldStatement
  int approvals = 0;                // of kApproval
  bool four_eyes = false;           // of kApproval: neither the author nor who started the run may give them
  std::string author = {};          // of kApproval: of the migration, as declared; may be empty
  std::string name = {};            // of kSql: as people call it
  std::string query = {};           // of kSql: answers one boolean
  std::vector<OldColumn> old = {};  // of the four that look for the old shape
  bool operator==(const GateCondition&) const = default;
};
inline constexpr GateCondition::Kind kConditionKinds[] = {
    GateCondition::Kind::kRelease,        GateCondition::Kind::kAdvance,
    GateCondition::Kind::kSoak,           GateCondition::Kind::kApproval,
    GateCondition::Kind::kBackup,         GateCondition::Kind::kNoOldWriter,
    GateCondition::Kind::kNoOldStatement, GateCondition::Kind::kNoOldSession,
    GateCondition::Kind::kNoDependent,    GateCondition::Kind::kSql};
std::string_view name(GateCondition::Kind kind);  // release, advance, soak, …
std::optional<GateCondition::Kind> parse_condition_kind(std::string_view text);

// Which fields a kind has, besides `kind`; the others are empty.
struct ConditionFields {
  bool release = false, period = false, approvals = false, query = false, old = false;
};
ConditionFields fields_of(GateCondition::Kind kind);

struct Gate {
  std::string name;  // switch, contract, not_null, …
  std::vector<GateCondition> conditions;
  bool operator==(const Gate&) const = default;
};

// A condition as it stands in status, journal and ledger: `release 2026.12`, `soak 7d`, `2 approvals`.
std::string render_condition(const GateCondition& condition);

}  // namespace falsework
