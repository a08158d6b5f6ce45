#include "state/sqlite/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <system_error>
#include <utility>

#include "base/error_kinds.h"

namespace falsework::sqlite {

namespace {

constexpr const char* kHintLocked = "Wait until the other process has ended, then try again.";
constexpr const char* kHintFull = "Free some space, then try again: what was done so far is in the journal.";
constexpr const char* kHintDenied = "Check the permissions of the file and of its directory, then try again.";
constexpr const char* kHintDisk =
    "Check the disk and its quota, then try again: what was done so far is in the journal.";
constexpr const char* kHintCorrupt =
    "Move it away, then rebuild it from the journal in the database with: falsework adopt.";
constexpr const char* kHintMoved = "Put the file back, or restore it from a backup; then run the command again.";

std::string system_reason(int number) {
  return number == 0 ? std::string() : fmt::format(": {}", std::generic_category().message(number));
}

}  // namespace

Statement::Statement(const Database& database, std::string_view sql) : database_(database) {
  database.check(
      sqlite3_prepare_v2(database.connection_, sql.data(), static_cast<int>(sql.size()), &statement_, nullptr));
}

// The result of finalizing repeats the last step's failure, which was reported then.
Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(std::string_view text) {
  database_.check(sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  database_.check(sqlite3_bind_int64(statement_, ++bound_, number));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail(code);
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }

Database::Database(const std::filesystem::path& path, std::chrono::milliseconds busy_timeout) : path_(path) {
  const int code = sqlite3_open_v2(path.c_str(), &connection_,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, nullptr);
  try {
    check(code);
    check(sqlite3_busy_timeout(connection_, static_cast<int>(busy_timeout.count())));
    // What stands in a file that was planted or damaged must not run code or corrupt memory
    // (sqlite.org/security.html).
    for (const auto& [option, value] :
         {std::pair{SQLITE_DBCONFIG_DEFENSIVE, 1}, std::pair{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
          std::pair{SQLITE_DBCONFIG_ENABLE_FKEY, 1}, std::pair{SQLITE_DBCONFIG_ENABLE_TRIGGER, 1},
          std::pair{SQLITE_DBCONFIG_DQS_DDL, 0}, std::pair{SQLITE_DBCONFIG_DQS_DML, 0}}) {
      check(sqlite3_db_config(connection_, option, value, nullptr));
    }
    // Deeper than the default: a row that does not fit its table's declaration is found as well.
    run("PRAGMA cell_size_check = ON");
  } catch (...) {
    sqlite3_close(connection_);
    throw;
  }
}

Database::~Database() { sqlite3_close(connection_); }

void Database::run(std::string_view sql) const { prepare(sql).run(); }

std::string Database::text(std::string_view sql) const {
  Statement statement = prepare(sql);
  FALSEWORK_CHECK(statement.step());
  return statement.text(0);
}

std::int64_t Database::number(std::string_view sql) const {
  Statement statement = prepare(sql);
  FALSEWORK_CHECK(statement.step());
  return statement.number(0);
}

bool Database::in_place() const {
  int moved = 0;
  check(sqlite3_file_control(connection_, "main", SQLITE_FCNTL_HAS_MOVED, &moved));
  return moved == 0 && sqlite3_db_readonly(connection_, "main") == 0;
}

void Database::check(int code) const {
  if (code != SQLITE_OK) fail(code);
}

void Database::fail(int code) const {
  const std::string file = path_.string();
  if (connection_ == nullptr) {
    throw Error(errors::kLedgerUnreachable, fmt::format("the ledger {} cannot be opened: out of memory", file), "");
  }
  if (code == SQLITE_READONLY_DBMOVED) {
    throw Error(errors::kLedgerUnusable,
                fmt::format("the ledger {} was moved, replaced or removed while it was open", file), kHintMoved);
  }
  const std::string reason = system_reason(sqlite3_system_errno(connection_));
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Error(errors::kLedgerUnreachable, fmt::format("the ledger {} is locked by another process", file),
                  kHintLocked);
    case SQLITE_FULL:
      throw Error(errors::kLedgerUnreachable, fmt::format("the ledger {} cannot grow: the disk is full", file),
                  kHintFull);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      throw Error(errors::kLedgerUnreachable, fmt::format("the ledger {} cannot be written{}", file, reason),
                  kHintDenied);
    case SQLITE_IOERR:
      throw Error(errors::kLedgerUnreachable, fmt::format("the ledger {} cannot be read or written{}", file, reason),
                  kHintDisk);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      throw Error(errors::kLedgerUnusable,
                  fmt::format("the ledger {} is corrupt: {}", file, sqlite3_errmsg(connection_)), kHintCorrupt);
    default:
      throw Error(errors::kLedgerUnusable, fmt::format("the ledger {}: {}", file, sqlite3_errmsg(connection_)),
                  kHintCorrupt);
  }
}

WriteTransaction::WriteTransaction(const Database& database) : database_(database) { database_.run("BEGIN IMMEDIATE"); }

WriteTransaction::~WriteTransaction() {
  if (!open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const Error&) {
    // SQLite rolls back by itself after FULL, IOERR and the like, and then says that no transaction is open.
    open_ = false;
  }
}

void WriteTransaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace falsework::sqlite
