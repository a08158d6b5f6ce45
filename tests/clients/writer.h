// One client application: a connection, a thread, and a model of what it must find.
//
// One rule: the rows of a writer are its own, so what they must hold is known exactly. The model is stated here, in
// C++, from the declared change; it knows nothing of triggers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/clients/traffic.h"
#include "tests/support/client.h"

namespace falsework::test {

enum class Shape { kOld, kNew };

class Writer {
 public:
  // `name` also marks the writer's rows, in their column `owner`.
  Writer(std::string name, Shape shape, int number, Traffic& traffic);
  virtual ~Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  const std::string& name() const { return name_; }
  Shape shape() const { return shape_; }

  // Inserts the rows that stand before anything begins, and takes them into the model.
  virtual void seed(Client& client) = 0;
  // What of the table, read in that shape, the model does not explain.
  virtual std::vector<std::string> compare(Client& client, Shape shape) = 0;

  void start(const std::string& url);
  // Whether it has done at least once each of the things that it can do.
  bool has_done_all() const { return rounds_ > 0; }
  // Ends after the deed at hand. A derived class calls it before it goes.
  void stop();

 protected:
  struct Deed {
    const char* name;
    std::function<void()> act;
  };
  // What it can do; done in rounds, in an order drawn by lot.
  virtual std::vector<Deed> deeds() = 0;
  // Statements that are prepared when the connection begins.
  virtual std::vector<std::string> preparations() const { return {}; }

  // Runs, records, and throws SqlFailure when it failed.
  Rows run(const std::string& sql);
  Rows run(const std::string& sql, const std::vector<Value>& parameters);
  void copy(const std::string& sql, const std::string& data);
  // Runs the body between BEGIN and COMMIT.
  void transaction(const std::function<void()>& body);
  // The same in REPEATABLE READ, begun anew after a serialization failure, as every such application must.
  void repeatable_read(const std::function<void()>& body);

  void wrong(const std::string& what) { traffic_.wrong(name_, what); }
  bool chance(int percent) { return below(100) < percent; }
  int below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  // A key that nobody has used; beyond the range of integer once only the new shape is left and `wide` says so.
  std::int64_t next_key(bool wide);
  int server_major() const { return server_major_; }
  Traffic& traffic() { return traffic_; }

 private:
  void loop(const std::string& url);
  void attempt(const Deed& deed);
  Rows recorded(const std::string& sql, const std::function<Rows()>& statement);

  const std::string name_;
  const Shape shape_;
  Traffic& traffic_;
  std::mt19937 random_;
  std::int64_t key_;
  std::optional<Client> client_;
  int server_major_ = 0;
  bool retries_ = false;  // inside repeatable_read
  std::string deed_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> rounds_{0};
  std::thread thread_;
};

// 'text' or NULL.
std::string literal(const Value& value);
std::string shown(const Value& value);

}  // namespace falsework::test
