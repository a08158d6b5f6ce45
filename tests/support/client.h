// A client application, on plain libpq: independent of the product's own session code, so that it can judge it.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

namespace falsework::test {

using Value = std::optional<std::string>;  // nullopt: NULL
using Row = std::vector<Value>;
using Rows = std::vector<Row>;

// What the server answered instead of a result; sqlstate() is empty when the connection itself broke.
class SqlFailure : public std::runtime_error {
 public:
  SqlFailure(std::string sqlstate, const std::string& message)
      : std::runtime_error(message), sqlstate_(std::move(sqlstate)) {}
  const std::string& sqlstate() const { return sqlstate_; }

 private:
  std::string sqlstate_;
};

// One connection. Not for use by two threads at once.
class Client {
 public:
  // Throws SqlFailure when the connection is refused.
  explicit Client(const std::string& url);
  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;

  // Runs one or more statements in the simple protocol and returns the rows of the last one. Throws SqlFailure.
  Rows exec(const std::string& sql);
  // Runs one statement with bound text parameters. Throws SqlFailure.
  Rows query(const std::string& sql, const std::vector<Value>& parameters = {});
  // The only value of the only row; throws std::logic_error for any other shape, and for NULL.
  std::string value(const std::string& sql, const std::vector<Value>& parameters = {});
  // Runs, and returns the SQLSTATE of the failure, or "" when there was none.
  std::string sqlstate_of(const std::string& sql);
  // Loads `data` (text format) through COPY … FROM STDIN. Throws SqlFailure.
  void copy_in(const std::string& sql, std::string_view data);

  // Sends without waiting; busy() is true until the answer is there; receive() waits for it like exec().
  void send(const std::string& sql);
  bool busy();
  Rows receive();
  // Asks the server to cancel what runs.
  void cancel();

  // The backend's process id.
  int pid() const;
  // Whether the connection still stands, as far as libpq knows.
  bool alive() const;
  // Messages of level NOTICE, WARNING and so on, since the last call.
  std::vector<std::string> take_notices();
  void close();

 private:
  Rows finish();

  pg_conn* connection_ = nullptr;
  // On the heap, because libpq holds its address while the client is moved.
  std::vector<std::string>* notices_ = nullptr;
};

}  // namespace falsework::test
