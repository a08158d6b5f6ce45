// The journal's tables in the target database. Described in docs/reference/journal.md.
//
// One rule: nobody but the owner of the schema reads or writes them, whatever default privileges say: who can write the
// journal can make the engine believe anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "postgres/session/session.h"

namespace falsework::journal {

inline constexpr int kFormatVersion = 1;

// The format of to_char() that renders as base/clock.h does; sessions have TimeZone=UTC.
inline constexpr std::string_view kTimeFormat = R"('YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')";

// The incarnation of the journal, if there is one. Throws Error(object.foreign), Error(privilege.missing),
// Error(ledger.unusable) for a newer format.
std::optional<std::string> find(pg::Session& session);

// Creates schema and tables; in a transaction. Throws Error(privilege.missing), Error(object.foreign), and SqlError
// when another session creates them at the same time.
void create(pg::Session& session);

// Drops them; in a transaction. Throws Error(object.foreign) when the schema holds what is not the journal's.
void drop(pg::Session& session);

}  // namespace falsework::journal
