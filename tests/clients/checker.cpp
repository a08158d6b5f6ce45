#include "tests/clients/checker.h"

#include <fmt/format.h>

#include <set>

#include "base/identifier.h"

namespace falsework::test {

namespace {

struct Standing {
  std::string o, n;  // what the two shapes are called in this row; n is empty while there is one only
};

// Where both shapes bear one name, a name of Falsework's stands for the new one before the switch and for the old one
// after it.
Standing standing(const Pair& pair, const Columns& row) {
  if (pair.before != pair.after) {
    if (!row.contains(pair.before)) return {};
    return row.contains(pair.after) ? Standing{pair.before, pair.after} : Standing{};
  }
  const std::string aside = generated_name("old", {"public", pair.table, pair.before});
  const std::string shadow = generated_name("new", {"public", pair.table, pair.after});
  if (row.contains(aside)) return {aside, pair.after};
  if (row.contains(shadow)) return {pair.before, shadow};
  return {};
}

std::set<std::string> names_of(const std::vector<Pair>& pairs) {
  std::set<std::string> names{"id"};
  for (const Pair& pair : pairs) {
    names.insert({pair.before, pair.after, generated_name("old", {"public", pair.table, pair.before}),
                  generated_name("new", {"public", pair.table, pair.after})});
  }
  return names;
}

}  // namespace

std::string judge(const Pair& pair, const Columns& row, bool proven, bool& both) {
  Standing names = standing(pair, row);
  if (names.n.empty()) return "";
  both = true;
  const Value& o = row.at(names.o);
  const Value& n = row.at(names.n);
  if (pair.rule(o, n, proven) || (!proven && !n)) return "";
  return fmt::format("{} {}: {} is {}, and {} is {}", pair.table, shown(row.at("id")), names.o, shown(o), names.n,
                     shown(n));
}

std::vector<std::string> disagreements(Client& client, const std::vector<Pair>& pairs, bool proven, bool& both) {
  const std::set<std::string> names = names_of(pairs);
  std::string list;
  for (const std::string& name : names) list += fmt::format("{0}j ? '{1}', j->>'{1}'", list.empty() ? "" : ", ", name);
  const Rows rows = client.exec(fmt::format("SELECT {} FROM (SELECT to_jsonb(t) AS j FROM ONLY {} AS t OFFSET 0) AS s",
                                            list, pairs.front().table));
  std::vector<std::string> wrong;
  for (const Row& found : rows) {
    Columns row;
    std::size_t at = 0;
    for (const std::string& name : names) {
      if (found[at] == "t") row[name] = found[at + 1];
      at += 2;
    }
    for (const Pair& pair : pairs) {
      const std::string verdict = judge(pair, row, proven, both);
      if (!verdict.empty()) wrong.push_back(verdict);
    }
  }
  return wrong;
}

Checker::Checker(std::vector<Pair> pairs, std::vector<Never> nevers, Traffic& traffic)
    : nevers_(std::move(nevers)), traffic_(traffic) {
  for (Pair& pair : pairs) tables_[pair.table].push_back(std::move(pair));
}

void Checker::start(const std::string& url) {
  thread_ = std::thread([this, url] { loop(url); });
}

void Checker::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void Checker::compare_shapes(Client& client) {
  for (const auto& [table, pairs] : tables_) {
    // Asked before the snapshot is taken: what is proven stays so.
    const bool proven = traffic_.proven;
    bool both = false;
    for (const std::string& wrong : disagreements(client, pairs, proven, both)) traffic_.wrong("checker", wrong);
    if (both) traffic_.compared();
  }
}

void Checker::ask_nevers(Client& client) {
  for (const Never& never : nevers_) {
    if (never.once_proven && !traffic_.proven) continue;
    for (const Row& row : client.exec(never.query)) {
      traffic_.wrong("checker", fmt::format("{}: {}", never.what, shown(row.at(0))));
    }
    traffic_.compared();
  }
}

void Checker::loop(const std::string& url) {
  try {
    Client client(url);
    client.exec("SET lock_timeout = '20s'");
    while (!stopping_) {
      compare_shapes(client);
      ask_nevers(client);
      std::this_thread::sleep_for(std::chrono::milliseconds(40));
    }
  } catch (const std::exception& error) {
    traffic_.wrong("checker", fmt::format("gave up: {}", error.what()));
  }
}

}  // namespace falsework::test
