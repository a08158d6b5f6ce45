// Compares both shapes of every row, again and again, each time in one statement and so in one snapshot.
//
// One rule: it reads whole rows and judges them here, in C++; no expression of the plan or of a trigger is asked.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/clients/column_writer.h"

namespace falsework::test {

// Two columns that hold one value.
struct Pair {
  std::string table;
  std::string before, after;  // its name in the old and in the new shape
  Rule rule = same();         // written: the old shape's value; found: the new shape's
};

// A query that must find nothing, ever, or from the end of the copy on.
struct Never {
  std::string what;
  std::string query;
  bool once_proven = false;
};

// The columns of one row by name; those that are not there are absent.
using Columns = std::map<std::string, Value>;

// What is wrong with a row while both shapes of it stand; empty when they agree, or when only one of them stands.
// Sets `both` when there were two values to compare.
std::string judge(const Pair& pair, const Columns& row, bool proven, bool& both);

// Reads the table in one statement and judges its rows by each of the pairs, which are all of that table.
std::vector<std::string> disagreements(Client& client, const std::vector<Pair>& pairs, bool proven, bool& both);

class Checker {
 public:
  Checker(std::vector<Pair> pairs, std::vector<Never> nevers, Traffic& traffic);
  ~Checker() { stop(); }
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  void start(const std::string& url);
  void stop();

 private:
  void loop(const std::string& url);

  void compare_shapes(Client& client);
  void ask_nevers(Client& client);

  std::map<std::string, std::vector<Pair>> tables_;
  const std::vector<Never> nevers_;
  Traffic& traffic_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace falsework::test
