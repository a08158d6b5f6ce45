#include "tests/clients/column_writer.h"

#include <fmt/format.h>

#include <iterator>

namespace falsework::test {

Rule same() {
  return [](const Value& written, const Value& found, bool) { return written == found; };
}

Rule filled(const std::string& fill) {
  return [fill](const Value& written, const Value& found, bool proven) {
    if (written) return found == written;
    return found == fill || (!proven && !found);
  };
}

ColumnWriter::ColumnWriter(std::string name, Shape shape, int number, Traffic& traffic, ColumnSpec spec, int rows)
    : Writer(std::move(name), shape, number, traffic), spec_(std::move(spec)), seeded_(rows) {}

ColumnWriter::Entry ColumnWriter::fresh(bool null_allowed) {
  ++counter_;
  Entry entry{std::nullopt, fmt::format("note {}", counter_)};
  if (!null_allowed || !chance(25)) entry.value = fmt::format("{}-{}", name(), counter_);
  return entry;
}

ColumnWriter::Entries ColumnWriter::fresh_rows(int count) {
  const bool nulls = shape() == Shape::kOld || spec_.nulls_in_the_end;
  Entries rows;
  for (int i = 0; i < count; ++i) rows[next_key(false)] = fresh(nulls);
  return rows;
}

std::int64_t ColumnWriter::some_key() { return std::next(rows_.begin(), below(static_cast<int>(rows_.size())))->first; }

std::string ColumnWriter::insert_into() const {
  return fmt::format("INSERT INTO {} (id, owner, {}, note) VALUES ", spec_.table, spec_.column(shape()));
}

std::string ColumnWriter::values_of(const Entries& rows) const {
  std::string text;
  for (const auto& [key, entry] : rows) {
    text +=
        fmt::format("{}({}, '{}', {}, '{}')", text.empty() ? "" : ", ", key, name(), literal(entry.value), entry.note);
  }
  return text;
}

void ColumnWriter::take(const Entries& rows) {
  for (const auto& [key, entry] : rows) rows_[key] = entry;
}

// Before anything begins there is only the old shape, whatever the writer will write later.
void ColumnWriter::seed(Client& client) {
  Entries rows;
  for (int i = 0; i < seeded_; ++i) rows[next_key(false)] = fresh(true);
  client.exec(
      fmt::format("INSERT INTO {} (id, owner, {}, note) VALUES {}", spec_.table, spec_.old_column, values_of(rows)));
  take(rows);
}

std::string ColumnWriter::read(Shape shape) const {
  return fmt::format("SELECT id, {}, note FROM {} WHERE owner = '{}'", spec_.column(shape), spec_.table, name());
}

std::vector<std::string> ColumnWriter::differences(const Rows& found, Shape shape, bool proven) const {
  std::vector<std::string> wrong;
  Entries missing = rows_;
  for (const Row& row : found) {
    const std::int64_t key = std::stoll(*row[0]);
    const auto expected = missing.find(key);
    if (expected == missing.end()) {
      wrong.push_back(fmt::format("{} {} is there, and must not be", spec_.table, key));
      continue;
    }
    if (!spec_.rule(shape)(expected->second.value, row[1], proven) || expected->second.note != row[2]) {
      wrong.push_back(fmt::format("{} {}: {} was written, and {} is there; note {}, and {}", spec_.table, key,
                                  shown(expected->second.value), shown(row[1]), expected->second.note, shown(row[2])));
    }
    missing.erase(expected);
  }
  for (const auto& [key, entry] : missing) wrong.push_back(fmt::format("{} {} is lost", spec_.table, key));
  return wrong;
}

std::vector<std::string> ColumnWriter::compare(Client& client, Shape shape) {
  return differences(client.exec(read(shape)), shape, traffic().proven);
}

void ColumnWriter::expect(const char* what, std::int64_t key, const Value& written, const Value& found, bool proven) {
  if (spec_.rule(shape())(written, found, proven)) return;
  wrong(fmt::format("{} of {} {}: {} was written, and {} came back", what, spec_.table, key, shown(written),
                    shown(found)));
}

void ColumnWriter::insert_one() {
  const Entries rows = fresh_rows(1);
  run(insert_into() + values_of(rows));
  take(rows);
}

void ColumnWriter::insert_without() {
  if (shape() == Shape::kNew && !spec_.nulls_in_the_end && !spec_.by_default) return;
  const std::int64_t key = next_key(false);
  Entry entry = fresh(false);
  entry.value = spec_.by_default;
  run(fmt::format("INSERT INTO {} (id, owner, note) VALUES ($1, $2, $3)", spec_.table),
      {std::to_string(key), name(), entry.note});
  rows_[key] = entry;
}

void ColumnWriter::insert_many() {
  const Entries rows = fresh_rows(5);
  run(insert_into() + values_of(rows));
  take(rows);
}

void ColumnWriter::insert_returning() {
  const Entries rows = fresh_rows(1);
  const bool proven = traffic().proven;
  const Rows back = run(insert_into() + values_of(rows) + " RETURNING " + spec_.column(shape()));
  take(rows);
  expect("RETURNING", rows.begin()->first, rows.begin()->second.value, back.at(0).at(0), proven);
}

void ColumnWriter::load() {
  const Entries rows = fresh_rows(8);
  std::string data;
  for (const auto& [key, entry] : rows) {
    data += fmt::format("{}\t{}\t{}\t{}\n", key, name(), entry.value.value_or("\\N"), entry.note);
  }
  copy(fmt::format("COPY {} (id, owner, {}, note) FROM STDIN", spec_.table, spec_.column(shape())), data);
  take(rows);
}

void ColumnWriter::upsert() {
  // One that is there, and one that is not.
  Entries rows = fresh_rows(1);
  rows[some_key()] = fresh(shape() == Shape::kOld || spec_.nulls_in_the_end);
  run(fmt::format("{}{} ON CONFLICT (id) DO UPDATE SET {} = EXCLUDED.{}, note = EXCLUDED.note", insert_into(),
                  values_of(rows), spec_.column(shape()), spec_.column(shape())));
  take(rows);
}

void ColumnWriter::upsert_by_value() {
  if (!spec_.unique) return;
  const std::int64_t key = some_key();
  Entry& entry = rows_[key];
  if (!entry.value) return;
  const Entry again{entry.value, fresh(false).note};
  run(fmt::format("{}{} ON CONFLICT ({}) DO UPDATE SET note = EXCLUDED.note", insert_into(),
                  values_of({{next_key(false), again}}), spec_.column(shape())));
  entry = again;
}

void ColumnWriter::update() {
  const std::int64_t key = some_key();
  const Value value = fresh_rows(1).begin()->second.value;
  const bool proven = traffic().proven;
  const Rows back =
      run(fmt::format("UPDATE {0} SET {1} = $1 WHERE id = $2 RETURNING {1}", spec_.table, spec_.column(shape())),
          {value, std::to_string(key)});
  if (back.size() != 1) return wrong(fmt::format("{} {} is lost: UPDATE found nothing", spec_.table, key));
  rows_[key].value = value;
  expect("UPDATE", key, value, back[0][0], proven);
}

void ColumnWriter::update_many() {
  const auto first = rows_.lower_bound(some_key());
  auto end = first;
  for (int i = 0; i < 6 && end != rows_.end(); ++i) ++end;
  const std::string value = fmt::format("{}-{}-", name(), ++counter_);
  run(fmt::format("UPDATE {} SET {} = '{}' || id, note = 'many' WHERE owner = '{}' AND id BETWEEN {} AND {}",
                  spec_.table, spec_.column(shape()), value, name(), first->first, std::prev(end)->first));
  for (auto row = first; row != end; ++row) row->second = {value + std::to_string(row->first), "many"};
}

void ColumnWriter::update_other() {
  const std::int64_t key = some_key();
  const std::string note = fresh(false).note;
  run(fmt::format("UPDATE {} SET note = '{}' WHERE id = {}", spec_.table, note, key));
  rows_[key].note = note;
}

void ColumnWriter::remove() {
  // Fewer rows than at the beginning: they are worth keeping.
  const int count = rows_.size() > static_cast<std::size_t>(seeded_) ? 12 : 1;
  const auto first = rows_.lower_bound(some_key());
  auto end = first;
  for (int i = 0; i < count && end != rows_.end() && rows_.size() > 12; ++i) ++end;
  if (first == end) return;
  const Rows gone = run(fmt::format("DELETE FROM {} WHERE owner = '{}' AND id BETWEEN {} AND {} RETURNING id",
                                    spec_.table, name(), first->first, std::prev(end)->first));
  if (gone.size() != static_cast<std::size_t>(std::distance(first, end))) {
    wrong(fmt::format("{}: DELETE found {} rows of {}", spec_.table, gone.size(), std::distance(first, end)));
  }
  rows_.erase(first, end);
}

void ColumnWriter::merge() {
  if (server_major() < 15) return;
  const std::int64_t key = chance(50) ? some_key() : next_key(false);
  const Entry entry = fresh(shape() == Shape::kOld || spec_.nulls_in_the_end);
  run(
      fmt::format("MERGE INTO {0} AS t USING (VALUES ({2}, {3}, '{4}')) AS s (id, value, note) ON t.id = s.id "
                  "WHEN MATCHED THEN UPDATE SET {1} = s.value, note = s.note "
                  "WHEN NOT MATCHED THEN INSERT (id, owner, {1}, note) VALUES (s.id, '{5}', s.value, s.note)",
                  spec_.table, spec_.column(shape()), key, literal(entry.value), entry.note, name()));
  rows_[key] = entry;
}

std::vector<std::string> ColumnWriter::preparations() const {
  return {
      fmt::format("PREPARE put (integer, text, text) AS INSERT INTO {} (id, owner, {}, note) VALUES ($1, '{}', $2, $3)",
                  spec_.table, spec_.column(shape()), name()),
      fmt::format("PREPARE change (integer, text) AS UPDATE {} SET {} = $2 WHERE id = $1", spec_.table,
                  spec_.column(shape())),
      fmt::format("PREPARE get (integer) AS SELECT {}, note FROM {} WHERE id = $1", spec_.column(shape()),
                  spec_.table)};
}

void ColumnWriter::prepared() {
  const Entries rows = fresh_rows(1);
  const auto& [key, entry] = *rows.begin();
  run(fmt::format("EXECUTE put ({}, {}, '{}')", key, literal(entry.value), entry.note));
  take(rows);
  const Value changed = fresh(false).value;
  run(fmt::format("EXECUTE change ({}, {})", key, literal(changed)));
  rows_[key].value = changed;
  const bool proven = traffic().proven;
  const Rows back = run(fmt::format("EXECUTE get ({})", key));
  if (back.size() != 1) return wrong(fmt::format("{} {} is lost: nothing is read", spec_.table, key));
  expect("EXECUTE", key, changed, back[0][0], proven);
}

void ColumnWriter::savepoints() {
  const Entries kept = fresh_rows(2);
  const std::int64_t key = some_key();
  const Entry changed = fresh(false);
  transaction([&] {
    run(insert_into() + values_of(kept));
    run("SAVEPOINT here");
    run(fmt::format("UPDATE {} SET {} = NULL, note = 'never' WHERE owner = '{}' AND id <= {}", spec_.table,
                    spec_.column(shape()), name(), shape() == Shape::kOld || spec_.nulls_in_the_end ? key : 0));
    run(fmt::format("DELETE FROM {} WHERE id = {}", spec_.table, key));
    run("ROLLBACK TO SAVEPOINT here");
    run(fmt::format("UPDATE {} SET {} = {}, note = '{}' WHERE id = {}", spec_.table, spec_.column(shape()),
                    literal(changed.value), changed.note, key));
  });
  take(kept);
  rows_[key] = changed;
}

void ColumnWriter::give_up() {
  run("BEGIN");
  run(insert_into() + values_of(fresh_rows(3)));
  run(fmt::format("UPDATE {} SET {} = 'never ' || id WHERE owner = '{}' AND id = {}", spec_.table,
                  spec_.column(shape()), name(), some_key()));
  run(fmt::format("DELETE FROM {} WHERE id = {}", spec_.table, some_key()));
  run("ROLLBACK");
}

void ColumnWriter::read_then_write() {
  const std::int64_t key = some_key();
  const Entries added = fresh_rows(1);
  const Entry changed = fresh(false);
  repeatable_read([&] {
    const bool proven = traffic().proven;
    for (const std::string& wrong_row : differences(run(read(shape())), shape(), proven)) wrong(wrong_row);
    run(fmt::format("UPDATE {} SET {} = {}, note = '{}' WHERE id = {}", spec_.table, spec_.column(shape()),
                    literal(changed.value), changed.note, key));
    run(insert_into() + values_of(added));
  });
  take(added);
  rows_[key] = changed;
}

void ColumnWriter::audit() {
  const bool proven = traffic().proven;
  for (const std::string& wrong_row : differences(run(read(shape())), shape(), proven)) wrong(wrong_row);
}

std::vector<Writer::Deed> ColumnWriter::deeds() {
  return {{"INSERT", [this] { insert_one(); }},
          {"INSERT", [this] { insert_without(); }},
          {"multi-row INSERT", [this] { insert_many(); }},
          {"INSERT RETURNING", [this] { insert_returning(); }},
          {"COPY", [this] { load(); }},
          {"upsert", [this] { upsert(); }},
          {"upsert by value", [this] { upsert_by_value(); }},
          {"UPDATE", [this] { update(); }},
          {"multi-row UPDATE", [this] { update_many(); }},
          {"UPDATE of another column", [this] { update_other(); }},
          {"DELETE", [this] { remove(); }},
          {"DELETE", [this] { remove(); }},
          {"MERGE", [this] { merge(); }},
          {"prepared", [this] { prepared(); }},
          {"savepoints", [this] { savepoints(); }},
          {"rolled back", [this] { give_up(); }},
          {"REPEATABLE READ", [this] { read_then_write(); }},
          {"audit", [this] { audit(); }}};
}

}  // namespace falsework::test
