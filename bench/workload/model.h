// What the shop's rows must be: each client keeps the rows that belong to it, and writes down what was acknowledged.
//
// One rule: the model knows nothing of triggers, copies or shadow columns. A phone number that was written as NULL may
// read as NULL or as '' while the change is under way, and must read as '' at its end; all else is as it was written.
#pragma once

#include <map>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "bench/workload/connection.h"

namespace falsework::bench {

using Random = std::mt19937_64;

struct User {
  long id = 0;  // 0: not told, for COPY returns nothing
  Value phone;
  std::string name;
  bool has_orders = false;
};

struct Line {
  std::string article;
  long quantity = 1;
};

struct Order {
  long user_id = 0;
  long cents = 0;
  std::string state;
  std::map<int, Line> lines;  // by place
  int next_place() const { return lines.empty() ? 1 : lines.rbegin()->first + 1; }
};

// Rows by key, one of which can be drawn at random.
template <typename Key, typename Row>
class Keyed {
 public:
  bool empty() const { return keys_.empty(); }
  std::size_t size() const { return keys_.size(); }
  const Key& draw(Random& random) const { return keys_[random() % keys_.size()]; }
  Row& at(const Key& key) { return rows_.at(key).first; }
  void put(const Key& key, Row row) {
    const auto [place, fresh] = rows_.try_emplace(key, row, keys_.size());
    if (fresh) keys_.push_back(key);
    place->second.first = std::move(row);
  }
  void erase(const Key& key) {
    const std::size_t place = rows_.at(key).second;
    rows_.at(keys_.back()).second = place;
    keys_[place] = keys_.back();
    keys_.pop_back();
    rows_.erase(key);
  }
  bool contains(const Key& key) const { return rows_.count(key) > 0; }
  const std::vector<Key>& keys() const { return keys_; }

 private:
  std::unordered_map<Key, std::pair<Row, std::size_t>> rows_;
  std::vector<Key> keys_;
};

// The share of one client. Nobody else writes these rows.
struct Model {
  Keyed<std::string, User> users;  // by address
  Keyed<long, Order> orders;
};

// Deals the rows that are there out to `clients` models. The shop still has its old shape.
std::vector<Model> load_models(Connection& connection, int clients);

// Compares every row of the changed shop with the models, both ways round; writes the first few differences to `out`.
struct Comparison {
  std::size_t rows = 0;
  std::size_t differences = 0;
};
Comparison compare(Connection& connection, std::vector<Model*> models, std::ostream& out);

}  // namespace falsework::bench
