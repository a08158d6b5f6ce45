#include "bench/workload/model.h"

#include <fmt/format.h>

namespace falsework::bench {

namespace {

long number(const Value& value) { return std::stol(value.value()); }

class Differences {
 public:
  explicit Differences(std::ostream& out) : out_(out) {}
  void add(const std::string& what) {
    if (++count_ <= 10) out_ << "  differs: " << what << "\n";
  }
  std::size_t count() const { return count_; }

 private:
  std::ostream& out_;
  std::size_t count_ = 0;
};

template <typename Key, typename Row>
Row* find(std::vector<Model*>& models, Keyed<Key, Row> Model::*rows, const Key& key) {
  for (Model* model : models) {
    if ((model->*rows).contains(key)) return &(model->*rows).at(key);
  }
  return nullptr;
}

void compare_users(const Rows& rows, std::vector<Model*>& models, Differences& differences) {
  for (const auto& row : rows) {
    const std::string& address = row[1].value();
    const User* user = find(models, &Model::users, address);
    if (user == nullptr) {
      differences.add("user " + address + " was never written, or was deleted");
    } else if (row[2] != user->phone.value_or("") || row[3] != user->name ||
               (user->id != 0 && number(row[0]) != user->id)) {
      differences.add(fmt::format("user {} has phone {} and name {}; written: {} and {}", address,
                                  row[2].value_or("NULL"), row[3].value_or("NULL"), user->phone.value_or(""),
                                  user->name));
    }
  }
}

void compare_orders(const Rows& rows, std::vector<Model*>& models, Differences& differences) {
  for (const auto& row : rows) {
    const Order* order = find(models, &Model::orders, number(row[0]));
    if (order == nullptr) {
      differences.add("order " + row[0].value() + " was never written, or was deleted");
    } else if (number(row[1]) != order->user_id || number(row[2]) != order->cents || row[3] != order->state) {
      differences.add("order " + row[0].value() + " has other values than were written");
    }
  }
}

void compare_lines(const Rows& rows, std::vector<Model*>& models, Differences& differences) {
  for (const auto& row : rows) {
    const Order* order = find(models, &Model::orders, number(row[0]));
    const auto place = static_cast<int>(number(row[1]));
    if (order == nullptr || order->lines.count(place) == 0) {
      differences.add(fmt::format("line {} of order {} was never written, or was deleted", place, row[0].value()));
    } else if (row[2] != order->lines.at(place).article || number(row[3]) != order->lines.at(place).quantity) {
      differences.add(fmt::format("line {} of order {} has other values than were written", place, row[0].value()));
    }
  }
}

}  // namespace

std::vector<Model> load_models(Connection& connection, int clients) {
  std::vector<Model> models(static_cast<std::size_t>(clients));
  const auto owner = [&](long id) -> Model& { return models[static_cast<std::size_t>(id % clients)]; };
  for (const auto& row : connection.query("SELECT id, email, phone, name FROM users").rows) {
    owner(number(row[0])).users.put(row[1].value(), {number(row[0]), row[2], row[3].value(), true});
  }
  for (const auto& row : connection.query("SELECT id, user_id, cents, state FROM orders").rows) {
    owner(number(row[0])).orders.put(number(row[0]), {number(row[1]), number(row[2]), row[3].value(), {}});
  }
  for (const auto& row : connection.query("SELECT order_id, place, article, quantity FROM order_lines").rows) {
    Order& order = owner(number(row[0])).orders.at(number(row[0]));
    order.lines[static_cast<int>(number(row[1]))] = {row[2].value(), number(row[3])};
  }
  return models;
}

Comparison compare(Connection& connection, std::vector<Model*> models, std::ostream& out) {
  Differences differences(out);
  const Rows users = connection.query("SELECT id, email_address, phone, name FROM users").rows;
  const Rows orders = connection.query("SELECT id, user_id, cents, state FROM orders").rows;
  const Rows lines = connection.query("SELECT order_id, place, article, quantity FROM order_lines").rows;
  compare_users(users, models, differences);
  compare_orders(orders, models, differences);
  compare_lines(lines, models, differences);

  // Keys are unique, so that equal counts and no unknown row mean that no row is missing.
  std::size_t known_users = 0;
  std::size_t known_orders = 0;
  std::size_t known_lines = 0;
  for (Model* model : models) {
    known_users += model->users.size();
    known_orders += model->orders.size();
    for (const long id : model->orders.keys()) known_lines += model->orders.at(id).lines.size();
  }
  const auto count = [&](const char* what, std::size_t there, std::size_t known) {
    if (there != known) differences.add(fmt::format("{} {} are there, {} were written", there, what, known));
  };
  count("users", users.size(), known_users);
  count("orders", orders.size(), known_orders);
  count("order lines", lines.size(), known_lines);
  return {users.size() + orders.size() + lines.size(), differences.count()};
}

}  // namespace falsework::bench
