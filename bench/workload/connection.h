// One client of the demonstration's shop, on plain libpq: it shares nothing with the product that it watches.
//
// One rule: every round trip is timed, also one that fails.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

namespace falsework::bench {

using Value = std::optional<std::string>;  // nullopt: NULL
using Rows = std::vector<std::vector<Value>>;

// What the server answered instead of a result; sqlstate is empty when the connection itself broke.
class Refused : public std::runtime_error {
 public:
  Refused(std::string sqlstate, const std::string& message, std::string statement)
      : std::runtime_error(message), sqlstate_(std::move(sqlstate)), statement_(std::move(statement)) {}
  const std::string& sqlstate() const { return sqlstate_; }
  const std::string& statement() const { return statement_; }

 private:
  std::string sqlstate_;
  std::string statement_;
};

struct Answer {
  Rows rows;
  long affected = 0;
};

class Connection {
 public:
  using Timed = std::function<void(std::chrono::microseconds, const std::string& statement)>;

  // Throws Refused when there is no connection to be had.
  Connection(const std::string& url, Timed timed);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs one statement that is planned anew each time. Throws Refused.
  Answer query(const std::string& sql, const std::vector<Value>& parameters = {});
  // Runs one statement that is prepared once and kept, as drivers do. Not for results whose type changes. Throws
  // Refused.
  Answer prepared(const std::string& sql, const std::vector<Value>& parameters);
  // COPY … FROM STDIN in text format. Throws Refused.
  Answer copy_in(const std::string& sql, const std::string& data);

  bool alive() const;
  // Whether a transaction block is open, failed or not.
  bool in_transaction() const;

 private:
  Answer finish(pg_result* result, const std::string& sql) const;
  template <typename Send>
  Answer timed(const std::string& sql, Send send);

  Timed timed_;
  pg_conn* connection_;
  std::map<std::string, std::string> prepared_;  // statement -> its name
};

}  // namespace falsework::bench
