// A writer of one column that changes its name, or is to become NOT NULL.
#pragma once

#include <map>

#include "tests/clients/writer.h"

namespace falsework::test {

// Whether a value that was written explains the one that is found; `proven`: the copy is done.
using Rule = std::function<bool(const Value& written, const Value& found, bool proven)>;

Rule same();
// NULL has become `fill`, at the latest when the copy is proven.
Rule filled(const std::string& fill);

// A table with id, owner, note, and the column in question.
struct ColumnSpec {
  std::string table;
  std::string old_column, new_column;
  Rule old_rule = same(), new_rule = same();
  bool unique = false;              // it has a unique index
  bool nulls_in_the_end = true;     // the new shape writes NULL, too
  Value by_default = std::nullopt;  // the default of the column

  const std::string& column(Shape shape) const { return shape == Shape::kOld ? old_column : new_column; }
  const Rule& rule(Shape shape) const { return shape == Shape::kOld ? old_rule : new_rule; }
};

class ColumnWriter final : public Writer {
 public:
  ColumnWriter(std::string name, Shape shape, int number, Traffic& traffic, ColumnSpec spec, int rows);
  ~ColumnWriter() override { stop(); }

  void seed(Client& client) override;
  std::vector<std::string> compare(Client& client, Shape shape) override;

 protected:
  std::vector<Deed> deeds() override;
  std::vector<std::string> preparations() const override;

 private:
  struct Entry {
    Value value;
    std::string note;
  };
  using Entries = std::map<std::int64_t, Entry>;

  Entry fresh(bool null_allowed);
  Entries fresh_rows(int count);
  std::int64_t some_key();
  std::string values_of(const Entries& rows) const;
  std::string insert_into() const;
  void take(const Entries& rows);
  void expect(const char* what, std::int64_t key, const Value& written, const Value& found, bool proven);
  std::vector<std::string> differences(const Rows& found, Shape shape, bool proven) const;
  std::string read(Shape shape) const;

  void insert_one();
  void insert_without();
  void insert_many();
  void insert_returning();
  void load();
  void upsert();
  void upsert_by_value();
  void update();
  void update_many();
  void update_other();
  void remove();
  void merge();
  void prepared();
  void savepoints();
  void give_up();
  void read_then_write();
  void audit();

  const ColumnSpec spec_;
  const int seeded_;
  long counter_ = 0;
  Entries rows_;
};

}  // namespace falsework::test
