// A client of one release: it writes its own rows in every way that an application would, and reads them back.
//
// One rule: the model is changed only after the server has acknowledged; so whatever the model holds must be there.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "bench/workload/connection.h"
#include "bench/workload/measure.h"
#include "bench/workload/model.h"

namespace falsework::bench {

enum class Release { kOld, kNew };

struct WriterOptions {
  std::string url;
  Release release = Release::kOld;
  int number = 0;                      // sets its keys apart from those of all others
  std::chrono::milliseconds pause{4};  // on average, between two operations
};

class Writer {
 public:
  Writer(WriterOptions options, Model& model, Measure& measure);
  // Goes on until it is asked to stop, or the connection is lost.
  void run(const std::stop_token& stop);

 private:
  void insert_user();
  void insert_several_users();
  void copy_users();
  void change_phone();
  void change_name();
  void change_address();
  void upsert_user();
  void delete_user();
  void read_user();
  void place_order();
  void change_order();
  void upsert_order();
  void delete_order();
  void read_order();
  void read_overview();
  void copy_lines();
  void change_line();
  void upsert_line();
  void move_line();

  Answer change(const std::string& sql, const std::vector<Value>& parameters);
  void expect(bool as_foretold, const std::string& what);
  std::string new_address();
  // The old release knows no better than to write NULL now and then.
  Value some_phone();
  std::string word(const char* kind);
  bool one_in(unsigned n) { return random_() % n == 0; }

  const WriterOptions options_;
  const std::string address_;  // the column's name in this release
  Model& model_;
  Measure& measure_;
  Connection connection_;
  Random random_;
  long counter_ = 0;
};

}  // namespace falsework::bench
