// The health of a database's schema: what is broken, unproven, left over or missing.
//
// One rule: it only reads the catalog, as any role may: no row of a table, and no lock that anybody waits for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/identifier.h"
#include "postgres/session/session.h"

namespace falsework::pg {

enum class Severity { kNotice, kWarning, kError };
std::string_view name(Severity severity);  // notice, warning, error

struct HealthFinding {
  std::string code;  // index.invalid, …: docs/reference/check.md lists them
  Severity severity = Severity::kWarning;
  QualifiedName relation;        // the table; of a function or a type: that
  std::string object;            // the name of what is found, as in the catalog; empty: the relation itself
  std::string message;           // index users_email_idx of users is invalid
  std::string consequence;       // what it costs, a full sentence
  std::string hint;              // what to type, a full sentence
  bool ours = false;             // it bears a name that only Falsework gives
  std::vector<std::string> fix;  // statements that remove it; only where it is ours and holds nobody's values
  bool fix_alone = false;        // they cannot run in a transaction
  bool fix_locks = false;        // they lock `relation` ACCESS EXCLUSIVE for a moment
};

struct HealthScope {
  std::vector<std::string> schemas;  // empty: all but the system's and the journal's
};

// Looks at everything; sorted by severity (errors first), relation and object.
std::vector<HealthFinding> examine(Session& session, const HealthScope& scope);

// Only objects that bear a name of ours, in the order in which they must be removed.
std::vector<HealthFinding> find_objects_of_ours(Session& session, const HealthScope& scope);

// Those that find_objects_of_ours would list whose triggers do not fire as they should.
std::vector<HealthFinding> find_silenced_triggers(Session& session, const HealthScope& scope);

std::vector<HealthFinding> find_index_findings(Session& session, const HealthScope& scope);
std::vector<HealthFinding> find_constraint_findings(Session& session, const HealthScope& scope);
std::vector<HealthFinding> find_table_findings(Session& session, const HealthScope& scope);

// The part of a WHERE clause that keeps a namespace `n` within the scope; $1 is schema_parameter().
inline constexpr std::string_view kInScope =
    "n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'falsework') "
    "AND ($1::text[] = '{}' OR n.nspname = ANY ($1::text[]))";
std::string schema_parameter(const HealthScope& scope);

}  // namespace falsework::pg
