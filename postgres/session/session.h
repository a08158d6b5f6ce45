// A connection to the server, and what it answered.
//
// One rule: every session starts with the same pinned settings, given as startup options, so that no connection lacks
// them: search_path=pg_catalog, row_security=off, client_encoding=UTF8, TimeZone=UTC, DateStyle=ISO, IntervalStyle,
// extra_float_digits, lock_timeout (5s unless asked) and statement_timeout (0 unless asked), idle timeouts 0,
// default_transaction_isolation=read committed, standard_conforming_strings=on; all of them in settings.cpp. They are
// read back after connecting.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

namespace falsework::pg {

using Value = std::optional<std::string>;  // text as the server sent it; nullopt is NULL

struct Rows {
  std::vector<std::string> columns;
  std::vector<std::vector<Value>> rows;
  std::uint64_t affected = 0;  // as in the command tag

  bool empty() const { return rows.empty(); }
  std::size_t size() const { return rows.size(); }
  // The value at a place; throws Error(internal) when it is NULL or there is no such place.
  const std::string& text(std::size_t row, std::size_t column) const;
  std::int64_t number(std::size_t row, std::size_t column) const;
  bool boolean(std::size_t row, std::size_t column) const;  // t or f
};

// The server refused a statement; the session lives on (its transaction, if any, is aborted).
// `message` carries neither DETAIL nor literal values of rows.
class SqlError : public Error {
 public:
  // `hint` as the server gave it.
  SqlError(std::string sqlstate, const std::string& message, std::string detail = {}, std::string hint = {});
  const std::string& sqlstate() const noexcept { return sqlstate_; }
  // May hold row values: never log it by default.
  const std::string& detail() const noexcept { return detail_; }

 private:
  std::string sqlstate_;
  std::string detail_;
};

// The connection is gone. When `in_doubt`, COMMIT had been sent and its answer was lost: nobody knows but the journal.
class ConnectionLost : public Error {
 public:
  ConnectionLost(const std::string& message, bool in_doubt);
  bool in_doubt() const noexcept { return in_doubt_; }

 private:
  bool in_doubt_;
};

// What a SQLSTATE means to a caller that may try again.
enum class SqlClass {
  kLockTimeout,
  kDeadlock,
  kSerialization,
  kCanceled,
  kStatementTimeout,
  kUniqueViolation,
  kCheckViolation,
  kForeignKeyViolation,
  kNotNullViolation,
  kInsufficientPrivilege,
  kDataException,
  kAdminShutdown,
  kOther
};
// 57014 is kCanceled here: the SQLSTATE alone does not tell a cancel request from statement_timeout.
SqlClass classify_sqlstate(std::string_view sqlstate);
// As above, and tells kStatementTimeout by the message (as far as the server speaks English).
SqlClass classify(const SqlError& error);

struct ConnectionSettings {
  std::string conninfo;          // libpq URL or keyword string; empty: libpq's own environment
  std::string application_name;  // visible to every user: never a secret
  std::chrono::milliseconds connect_timeout{10000};
  // Settings of the server for this session, over the pinned ones.
  std::map<std::string, std::string> settings;
};

// Not thread-safe: one thread at a time. `cancel` alone may be called from another thread.
class Session {
 public:
  virtual ~Session() = default;

  // Runs one statement with text parameters ($1 …); a text of several statements is refused by the server (42601), so
  // that no two of them share an implied transaction. Throws SqlError or ConnectionLost.
  virtual Rows query(std::string_view sql, const std::vector<Value>& parameters = {}) = 0;

  // As query, prepared under its text on first use: for statements that run many times.
  virtual Rows query_prepared(const std::string& sql, const std::vector<Value>& parameters) = 0;

  // Transactions. COMMIT that is answered by ROLLBACK throws SqlError; a lost answer throws ConnectionLost(in_doubt).
  virtual void begin() = 0;
  virtual void commit() = 0;
  // Never throws; a lost connection has rolled back already.
  virtual void rollback() noexcept = 0;
  virtual bool in_transaction() const noexcept = 0;

  // Asks the server to cancel the running statement. Thread-safe.
  virtual void cancel() noexcept = 0;

  virtual int backend_pid() const = 0;
  virtual int server_version() const = 0;  // 150020 for 15.20
  int server_major() const { return server_version() / 10000; }
  virtual bool is_open() const noexcept = 0;
};

// Connects. Throws Error(usage) for a malformed conninfo, Error(database.unreachable) with the reason, never with a
// password in it; Error(server.unsupported) outside 14–18; Error(connection.pooled) when the pinned settings do not
// reach the server or another backend answers than the one that was connected to.
std::unique_ptr<Session> connect(const ConnectionSettings& settings);

// A transaction that aborts unless it is committed.
class Transaction {
 public:
  explicit Transaction(Session& session) : session_(session) { session_.begin(); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (!done_) session_.rollback();
  }
  void commit() {
    done_ = true;
    session_.commit();
  }

 private:
  Session& session_;
  bool done_ = false;
};

// Where a session is connected to, as the server says it; the address is in describe() (conninfo.h).
struct DatabaseIdentity {
  std::string system_identifier;  // of the cluster; empty when the role may not ask
  std::string database;
  std::string database_oid;
  std::string user;
  bool superuser = false;
  bool in_recovery = false;
};
DatabaseIdentity identify(Session& session);

}  // namespace falsework::pg
