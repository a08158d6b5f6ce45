// The tables of the ledger's file, and what makes a file a ledger. Described in docs/reference/ledger.md.
//
// One rule: rows of every table are written once; triggers refuse to change or delete them.
#pragma once

#include <cstdint>
#include <string>

#include "state/sqlite/database.h"

namespace falsework::sqlite {

inline constexpr std::int64_t kApplicationId = 0x46574C47;  // "FWLG"
inline constexpr std::int64_t kUserVersion = 1;

// Creates everything in an empty file, in one transaction.
void create_schema(const Database& database, const std::string& lineage, const std::string& created_at);

// Throws Error(ledger.unusable) when the file is not a sound ledger of this version: application_id, user_version,
// PRAGMA quick_check, and the schema itself, word for word (the triggers are what keeps events as they are).
void verify_schema(const Database& database);

// Sets what holds for a connection only: journal_mode, synchronous, … Throws when SQLite does not comply.
void pin_settings(const Database& database);

}  // namespace falsework::sqlite
