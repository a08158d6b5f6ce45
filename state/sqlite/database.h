// SQLite as the ledger uses it: one connection, statements that finalize themselves, errors in our words.
//
// One rule: every failure becomes Error(ledger.unusable) when the file itself is wrong, and Error(ledger.unreachable)
// when trying again later may help; both name the file.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace falsework::sqlite {

class Database;

// A prepared statement. Must not outlive its database.
class Statement {
 public:
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Binds the next parameter, in order.
  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);

  // Goes to the next row; false at the end.
  bool step();
  // Runs to the end, for statements without rows.
  void run();

  std::string text(int column) const;
  std::int64_t number(int column) const;

 private:
  friend class Database;
  Statement(const Database& database, std::string_view sql);

  const Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

class Database {
 public:
  // Opens an existing file. `path` must hold no symbolic link: SQLite refuses one in any of its parts.
  explicit Database(const std::filesystem::path& path, std::chrono::milliseconds busy_timeout);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Statement prepare(std::string_view sql) const { return Statement(*this, sql); }
  // Runs one statement without parameters and ignores its rows.
  void run(std::string_view sql) const;
  // The only value of the only row.
  std::string text(std::string_view sql) const;
  std::int64_t number(std::string_view sql) const;

  // False once the file that is open is no longer the one at its path.
  bool in_place() const;
  const std::filesystem::path& path() const { return path_; }

  // Translates a result code of SQLite, with the connection's own account of it.
  [[noreturn]] void fail(int code) const;

 private:
  friend class Statement;
  void check(int code) const;

  std::filesystem::path path_;
  sqlite3* connection_ = nullptr;
};

// BEGIN IMMEDIATE: the write lock is had at once or not at all, never by an upgrade that SQLite refuses without
// waiting (sqlite.org/rescode.html, SQLITE_BUSY_SNAPSHOT). Rolls back unless committed.
class WriteTransaction {
 public:
  explicit WriteTransaction(const Database& database);
  ~WriteTransaction();
  WriteTransaction(const WriteTransaction&) = delete;
  WriteTransaction& operator=(const WriteTransaction&) = delete;
  void commit();

 private:
  const Database& database_;
  bool open_ = true;
};

}  // namespace falsework::sqlite
