#include "bench/workload/writer.h"

#include <fmt/format.h>

#include <array>
#include <thread>

namespace falsework::bench {

namespace {

// The base rows of all clients together; orders refer to these users, which are never deleted.
constexpr long kBaseUsers = 80'000;
// Ids that a client gives itself lie far above those of the sequence, and below the end of integer.
constexpr long kOwnIds = 1'000'000'000;
constexpr long kOwnIdsPerClient = 1'000'000;

}  // namespace

Writer::Writer(WriterOptions options, Model& model, Measure& measure)
    : options_(std::move(options)),
      address_(options_.release == Release::kOld ? "email" : "email_address"),
      model_(model),
      measure_(measure),
      connection_(options_.url, [this](auto time, const std::string& sql) { measure_.took(time, sql); }),
      random_(static_cast<unsigned>(options_.number)) {}

void Writer::run(const std::stop_token& stop) {
  static constexpr std::array kOperations = {
      &Writer::insert_user,  &Writer::insert_several_users, &Writer::copy_users,    &Writer::change_phone,
      &Writer::change_name,  &Writer::change_address,       &Writer::upsert_user,   &Writer::delete_user,
      &Writer::read_user,    &Writer::place_order,          &Writer::change_order,  &Writer::upsert_order,
      &Writer::delete_order, &Writer::read_order,           &Writer::read_overview, &Writer::copy_lines,
      &Writer::change_line,  &Writer::upsert_line,          &Writer::move_line};
  while (!stop.stop_requested()) {
    try {
      (this->*kOperations[random_() % kOperations.size()])();
    } catch (const Refused& refused) {
      measure_.failed(refused.sqlstate(), refused.what(), refused.statement());
      if (!connection_.alive()) return;
      if (connection_.in_transaction()) connection_.query("ROLLBACK");
    }
    std::this_thread::sleep_for(options_.pause * 2 * (random_() % 1000) / 1000);
  }
}

Answer Writer::change(const std::string& sql, const std::vector<Value>& parameters) {
  // Every second client keeps its statements prepared through the whole change.
  return options_.number % 2 == 0 ? connection_.query(sql, parameters) : connection_.prepared(sql, parameters);
}

void Writer::expect(bool as_foretold, const std::string& what) {
  if (!as_foretold) measure_.wrong(what);
}

std::string Writer::new_address() { return fmt::format("client{}-{}@example.org", options_.number, ++counter_); }

Value Writer::some_phone() {
  if (options_.release == Release::kOld && one_in(3)) return std::nullopt;
  return fmt::format("+49 40 {}", random_() % 1'000'000);
}

std::string Writer::word(const char* kind) { return fmt::format("{} {}", kind, random_() % 100'000); }

void Writer::insert_user() {
  const std::string address = new_address();
  const std::string name = word("Inserted");
  // The old release also leaves the column out.
  if (options_.release == Release::kOld && one_in(4)) {
    change("INSERT INTO users (" + address_ + ", name) VALUES ($1, $2)", {address, name});
    model_.users.put(address, {0, std::nullopt, name, false});
    return;
  }
  const Value phone = some_phone();
  const Answer answer = connection_.query(
      "INSERT INTO users (" + address_ + ", phone, name) VALUES ($1, $2, $3) RETURNING id, " + address_,
      {address, phone, name});
  expect(answer.rows.at(0)[1] == address, "INSERT of " + address + " returned another address");
  model_.users.put(address, {std::stol(answer.rows[0][0].value()), phone, name, false});
}

void Writer::insert_several_users() {
  std::map<std::string, User> users;
  std::vector<Value> parameters;
  std::string values;
  for (int i = 0; i < 5; ++i) {
    const std::string address = new_address();
    const User& user = users[address] = {0, some_phone(), word("Several"), false};
    values += fmt::format("{}(${}, ${}, ${})", i > 0 ? ", " : "", 3 * i + 1, 3 * i + 2, 3 * i + 3);
    parameters.insert(parameters.end(), {address, user.phone, user.name});
  }
  change("INSERT INTO users (" + address_ + ", phone, name) VALUES " + values, parameters);
  for (const auto& [address, user] : users) model_.users.put(address, user);
}

void Writer::copy_users() {
  std::map<std::string, User> users;
  std::string data;
  for (int i = 0; i < 8; ++i) {
    const std::string address = new_address();
    const User& user = users[address] = {0, some_phone(), word("Copied"), false};
    data += fmt::format("{}\t{}\t{}\n", address, user.phone.value_or("\\N"), user.name);
  }
  connection_.copy_in("COPY users (" + address_ + ", phone, name) FROM STDIN", data);
  for (const auto& [address, user] : users) model_.users.put(address, user);
}

void Writer::change_phone() {
  const std::string address = model_.users.draw(random_);
  const Value phone = some_phone();
  const Answer answer = change("UPDATE users SET phone = $2 WHERE " + address_ + " = $1", {address, phone});
  expect(answer.affected == 1, "no user to update at " + address);
  model_.users.at(address).phone = phone;
}

void Writer::change_name() {
  const std::string address = model_.users.draw(random_);
  const std::string name = word("Renamed");
  const Answer answer = change("UPDATE users SET name = $2 WHERE " + address_ + " = $1", {address, name});
  expect(answer.affected == 1, "no user to update at " + address);
  model_.users.at(address).name = name;
}

void Writer::change_address() {
  const std::string address = model_.users.draw(random_);
  const std::string moved = new_address();
  const Answer answer = change("UPDATE users SET " + address_ + " = $2 WHERE " + address_ + " = $1", {address, moved});
  expect(answer.affected == 1, "no user to move from " + address);
  const User user = model_.users.at(address);
  model_.users.erase(address);
  model_.users.put(moved, user);
}

void Writer::upsert_user() {
  const bool known = one_in(2);
  const std::string address = known ? model_.users.draw(random_) : new_address();
  const Value phone = some_phone();
  const std::string name = word("Upserted");
  change("INSERT INTO users AS u (" + address_ + ", phone, name) VALUES ($1, $2, $3) ON CONFLICT (" + address_ +
             ") DO UPDATE SET phone = excluded.phone, name = excluded.name",
         {address, phone, name});
  User user = known ? model_.users.at(address) : User();
  user.phone = phone;
  user.name = name;
  model_.users.put(address, user);
}

void Writer::delete_user() {
  const std::string address = model_.users.draw(random_);
  if (model_.users.at(address).has_orders) return;
  const Answer answer = change("DELETE FROM users WHERE " + address_ + " = $1", {address});
  expect(answer.affected == 1, "no user to delete at " + address);
  model_.users.erase(address);
}

void Writer::read_user() {
  const std::string address = model_.users.draw(random_);
  const Answer answer = connection_.query("SELECT phone, name FROM users WHERE " + address_ + " = $1", {address});
  const User& user = model_.users.at(address);
  expect(answer.rows.size() == 1 && answer.rows[0][0].value_or("") == user.phone.value_or("") &&
             answer.rows[0][1] == user.name,
         "user " + address + " is not as it was written");
}

void Writer::place_order() {
  Order order{1 + static_cast<long>(random_() % kBaseUsers), static_cast<long>(random_() % 100'000), "new", {}};
  connection_.query("BEGIN");
  const Answer answer = connection_.query("INSERT INTO orders (user_id, cents) VALUES ($1, $2) RETURNING id",
                                          {std::to_string(order.user_id), std::to_string(order.cents)});
  const std::string id = answer.rows.at(0)[0].value();
  order.lines = {{1, {word("article"), 2}}, {2, {word("article"), 1}}};
  change("INSERT INTO order_lines (order_id, place, article, quantity) VALUES ($1, 1, $2, 2), ($1, 2, $3, DEFAULT)",
         {id, order.lines[1].article, order.lines[2].article});
  connection_.query("COMMIT");
  model_.orders.put(std::stol(id), order);
}

void Writer::change_order() {
  const long id = model_.orders.draw(random_);
  const std::string state = one_in(2) ? "paid" : "sent";
  const long cents = static_cast<long>(random_() % 100'000);
  const Answer answer = change("UPDATE orders SET state = $2, cents = $3 WHERE id = $1",
                               {std::to_string(id), state, std::to_string(cents)});
  expect(answer.affected == 1, fmt::format("no order to update at {}", id));
  model_.orders.at(id).state = state;
  model_.orders.at(id).cents = cents;
}

void Writer::upsert_order() {
  const long id = kOwnIds + options_.number * kOwnIdsPerClient + static_cast<long>(random_() % 500);
  const bool known = model_.orders.contains(id);
  Order order = known ? model_.orders.at(id) : Order{1 + static_cast<long>(random_() % kBaseUsers), 0, "new", {}};
  order.cents = static_cast<long>(random_() % 100'000);
  change("INSERT INTO orders (id, user_id, cents) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET cents = $3",
         {std::to_string(id), std::to_string(order.user_id), std::to_string(order.cents)});
  model_.orders.put(id, order);
}

void Writer::delete_order() {
  const long id = model_.orders.draw(random_);
  const Answer answer = change("DELETE FROM orders WHERE id = $1", {std::to_string(id)});
  expect(answer.affected == 1, fmt::format("no order to delete at {}", id));
  model_.orders.erase(id);
}

void Writer::read_order() {
  const long id = model_.orders.draw(random_);
  const Order& order = model_.orders.at(id);
  const Answer answer = connection_.query(
      "SELECT o.state, o.cents, count(l.place), coalesce(sum(l.quantity), 0)"
      " FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id WHERE o.id = $1 GROUP BY o.id, o.state, o.cents",
      {std::to_string(id)});
  long quantity = 0;
  for (const auto& [place, line] : order.lines) quantity += line.quantity;
  const std::vector<Value> foretold = {order.state, std::to_string(order.cents), std::to_string(order.lines.size()),
                                       std::to_string(quantity)};
  expect(answer.rows.size() == 1 && answer.rows[0] == foretold, fmt::format("order {} is not as it was written", id));
}

void Writer::read_overview() {
  const long id = model_.orders.draw(random_);
  const Answer answer =
      connection_.query("SELECT state, email IS NOT NULL FROM order_overview WHERE id = $1", {std::to_string(id)});
  expect(answer.rows.size() == 1 && answer.rows[0][0] == model_.orders.at(id).state && answer.rows[0][1] == "t",
         fmt::format("order {} is not in the overview as it was written", id));
}

void Writer::copy_lines() {
  const long id = model_.orders.draw(random_);
  Order& order = model_.orders.at(id);
  std::map<int, Line> lines;
  std::string data;
  for (int i = 0; i < 3; ++i) {
    const int place = order.next_place() + i;
    lines[place] = {word("article"), 1 + i};
    data += fmt::format("{}\t{}\t{}\t{}\n", id, place, lines[place].article, lines[place].quantity);
  }
  connection_.copy_in("COPY order_lines (order_id, place, article, quantity) FROM STDIN", data);
  order.lines.merge(lines);
}

void Writer::change_line() {
  const long id = model_.orders.draw(random_);
  Order& order = model_.orders.at(id);
  if (order.lines.empty()) return;
  const int place = order.lines.begin()->first;
  const Answer answer = change("UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = $1 AND place = $2",
                               {std::to_string(id), std::to_string(place)});
  expect(answer.affected == 1, fmt::format("no line {} of order {} to update", place, id));
  ++order.lines.at(place).quantity;
}

void Writer::upsert_line() {
  const long id = model_.orders.draw(random_);
  Order& order = model_.orders.at(id);
  const std::string article = word("article");
  change(
      "INSERT INTO order_lines AS l (order_id, place, article) VALUES ($1, 1, $2)"
      " ON CONFLICT (order_id, place) DO UPDATE SET quantity = l.quantity + 1",
      {std::to_string(id), article});
  const auto [line, fresh] = order.lines.try_emplace(1, Line{article, 1});
  if (!fresh) ++line->second.quantity;
}

void Writer::move_line() {
  const long from = model_.orders.draw(random_);
  const long to = model_.orders.draw(random_);
  Order& giver = model_.orders.at(from);
  Order& taker = model_.orders.at(to);
  if (from == to || giver.lines.empty()) return;
  const int place = giver.lines.rbegin()->first;
  const int new_place = taker.next_place();
  const Answer answer =
      change("UPDATE order_lines SET order_id = $3, place = $4 WHERE order_id = $1 AND place = $2",
             {std::to_string(from), std::to_string(place), std::to_string(to), std::to_string(new_place)});
  expect(answer.affected == 1, fmt::format("no line {} of order {} to move", place, from));
  taker.lines[new_place] = giver.lines.at(place);
  giver.lines.erase(place);
}

}  // namespace falsework::bench
