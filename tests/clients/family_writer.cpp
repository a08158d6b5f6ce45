#include "tests/clients/family_writer.h"

#include <fmt/format.h>

#include <iterator>

namespace falsework::test {

namespace {

constexpr int kChildrenOfASeed = 2;

template <typename Map>
std::int64_t pick(const Map& rows, int index) {
  return std::next(rows.begin(), index)->first;
}

std::string listed(const std::string& list, const std::string& item) {
  return list.empty() ? item : list + ", " + item;
}

}  // namespace

FamilyWriter::FamilyWriter(std::string name, Shape shape, int number, Traffic& traffic, FamilySpec spec, int parents)
    : Writer(std::move(name), shape, number, traffic), spec_(std::move(spec)), seeded_(parents) {}

std::string FamilyWriter::fresh_note() { return fmt::format("note {}", ++counter_); }
std::int64_t FamilyWriter::some_parent() { return pick(parents_, below(static_cast<int>(parents_.size()))); }
std::int64_t FamilyWriter::some_child() { return pick(children_, below(static_cast<int>(children_.size()))); }

std::string FamilyWriter::key(std::int64_t value) const {
  return fmt::format("{}{}", value, shape() == Shape::kNew && spec_.keys_widen ? "::bigint" : "");
}

std::string FamilyWriter::reference(const std::optional<std::int64_t>& value) const {
  return value ? key(*value) : "NULL";
}

FamilyWriter::Children FamilyWriter::children_of(std::int64_t parent, int count) {
  Children rows;
  for (int i = 0; i < count; ++i) rows[new_child_key()] = {parent, fresh_note()};
  return rows;
}

std::string FamilyWriter::insert_parents(const Parents& rows) const {
  std::string values;
  for (const auto& [id, note] : rows) values = listed(values, fmt::format("({}, '{}', '{}')", key(id), name(), note));
  return fmt::format("INSERT INTO {} (id, owner, note) VALUES {}", spec_.parent, values);
}

std::string FamilyWriter::insert_children(const Children& rows) const {
  std::string values;
  for (const auto& [id, child] : rows) {
    values = listed(values, fmt::format("({}, {}, '{}', '{}')", id, reference(child.parent), name(), child.note));
  }
  return fmt::format("INSERT INTO {} (id, {}, owner, note) VALUES {}", spec_.child, spec_.reference, values);
}

void FamilyWriter::take(const Children& rows) {
  for (const auto& [id, child] : rows) children_[id] = child;
}

void FamilyWriter::forget_parent(std::int64_t parent, OnDelete rule) {
  parents_.erase(parent);
  for (auto child = children_.begin(); child != children_.end();) {
    if (child->second.parent != parent) {
      ++child;
    } else if (rule == OnDelete::kSetNull) {
      (child++)->second.parent.reset();
    } else {
      child = children_.erase(child);
    }
  }
}

void FamilyWriter::seed(Client& client) {
  for (int i = 0; i < seeded_; ++i) {
    const std::int64_t id = next_key(false);
    parents_[id] = fresh_note();
    take(children_of(id, kChildrenOfASeed));
  }
  client.exec(insert_parents(parents_));
  client.exec(insert_children(children_));
}

std::string FamilyWriter::read_parents() const {
  return fmt::format("SELECT id::text, note FROM {} WHERE owner = '{}'", spec_.parent, name());
}

std::string FamilyWriter::read_children() const {
  return fmt::format("SELECT id::text, {}::text, note FROM {} WHERE owner = '{}'", spec_.reference, spec_.child,
                     name());
}

std::vector<std::string> FamilyWriter::differences(const Rows& parents, const Rows& children) const {
  std::vector<std::string> wrong;
  Parents missing = parents_;
  for (const Row& row : parents) {
    const auto expected = missing.find(std::stoll(*row[0]));
    if (expected == missing.end()) {
      wrong.push_back(fmt::format("{} {} is there, and must not be", spec_.parent, *row[0]));
      continue;
    }
    if (row[1] != expected->second) {
      wrong.push_back(
          fmt::format("{} {}: note {}, and {} is there", spec_.parent, *row[0], expected->second, shown(row[1])));
    }
    missing.erase(expected);
  }
  for (const auto& [id, note] : missing) wrong.push_back(fmt::format("{} {} is lost", spec_.parent, id));

  Children orphans = children_;
  for (const Row& row : children) {
    const auto expected = orphans.find(std::stoll(*row[0]));
    if (expected == orphans.end()) {
      wrong.push_back(fmt::format("{} {} is there, and must not be", spec_.child, *row[0]));
      continue;
    }
    const Child& child = expected->second;
    const Value parent = child.parent ? Value(std::to_string(*child.parent)) : std::nullopt;
    if (row[1] != parent || row[2] != child.note) {
      wrong.push_back(fmt::format("{} {}: references {}, and {} is there; note {}, and {}", spec_.child, *row[0],
                                  shown(parent), shown(row[1]), child.note, shown(row[2])));
    }
    orphans.erase(expected);
  }
  for (const auto& [id, child] : orphans) wrong.push_back(fmt::format("{} {} is lost", spec_.child, id));
  return wrong;
}

// Both shapes bear the same names.
std::vector<std::string> FamilyWriter::compare(Client& client, Shape) {
  return differences(client.exec(read_parents()), client.exec(read_children()));
}

void FamilyWriter::insert_parent() {
  const std::string note = fresh_note();
  if (spec_.parent_key_generated) {
    const Rows back = run(fmt::format("INSERT INTO {} (owner, note) VALUES ($1, $2) RETURNING id::text", spec_.parent),
                          {name(), note});
    parents_[std::stoll(*back.at(0).at(0))] = note;
    return;
  }
  const std::int64_t id = next_key(spec_.keys_widen);
  run(insert_parents({{id, note}}));
  parents_[id] = note;
}

void FamilyWriter::insert_generated_child() {
  if (!spec_.child_key_generated) return;
  const Child child{some_parent(), fresh_note()};
  const Rows back =
      run(fmt::format("INSERT INTO {0} ({1}, owner, note) VALUES ({2}, '{3}', '{4}') RETURNING id::text, {1}::text",
                      spec_.child, spec_.reference, reference(child.parent), name(), child.note));
  children_[std::stoll(*back.at(0).at(0))] = child;
  if (back[0][1] != std::to_string(*child.parent)) {
    wrong(fmt::format("{}: {} was written, and {} came back", spec_.child, *child.parent, shown(back[0][1])));
  }
}

void FamilyWriter::insert_many() {
  Parents rows;
  for (int i = 0; i < 4; ++i) rows[next_key(spec_.keys_widen)] = fresh_note();
  run(insert_parents(rows));
  parents_.merge(rows);
  const Children children = children_of(some_parent(), 3);
  run(insert_children(children));
  take(children);
}

void FamilyWriter::family() {
  const std::int64_t id = next_key(spec_.keys_widen);
  const std::string note = fresh_note();
  const Children children = children_of(id, 2);
  const bool child_first = spec_.child_first && shape() == Shape::kOld;
  transaction([&] {
    if (child_first) run(insert_children(children));
    run(insert_parents({{id, note}}));
    if (!child_first) run(insert_children(children));
  });
  parents_[id] = note;
  take(children);
}

void FamilyWriter::load() {
  const std::int64_t id = next_key(spec_.keys_widen);
  const std::string note = fresh_note();
  copy(fmt::format("COPY {} (id, owner, note) FROM STDIN", spec_.parent),
       fmt::format("{}\t{}\t{}\n", id, name(), note));
  parents_[id] = note;
  const Children children = children_of(id, 5);
  std::string data;
  for (const auto& [child_id, child] : children) {
    data += fmt::format("{}\t{}\t{}\t{}\n", child_id, *child.parent, name(), child.note);
  }
  copy(fmt::format("COPY {} (id, {}, owner, note) FROM STDIN", spec_.child, spec_.reference), data);
  take(children);
}

void FamilyWriter::upsert() {
  const Parents rows{{some_parent(), fresh_note()}, {next_key(spec_.keys_widen), fresh_note()}};
  run(insert_parents(rows) + " ON CONFLICT (id) DO UPDATE SET note = EXCLUDED.note");
  for (const auto& [id, note] : rows) parents_[id] = note;

  Children children = children_of(some_parent(), 1);
  children[some_child()] = {some_parent(), fresh_note()};
  run(fmt::format("{0} ON CONFLICT (id) DO UPDATE SET {1} = EXCLUDED.{1}, note = EXCLUDED.note",
                  insert_children(children), spec_.reference));
  take(children);
}

void FamilyWriter::update_note() {
  const std::int64_t id = some_parent();
  const std::string note = fresh_note();
  const Rows back =
      run(fmt::format("UPDATE {} SET note = '{}' WHERE id = {} RETURNING id", spec_.parent, note, key(id)));
  if (back.size() != 1) return wrong(fmt::format("{} {} is lost: UPDATE found nothing", spec_.parent, id));
  parents_[id] = note;
}

void FamilyWriter::reparent() {
  const std::int64_t id = some_child();
  const std::int64_t parent = some_parent();
  const Rows back = run(fmt::format("UPDATE {0} SET {1} = {2} WHERE id = {3} RETURNING {1}::text", spec_.child,
                                    spec_.reference, key(parent), id));
  if (back.size() != 1) return wrong(fmt::format("{} {} is lost: UPDATE found nothing", spec_.child, id));
  children_[id].parent = parent;
}

void FamilyWriter::detach() {
  const std::int64_t id = some_child();
  run(fmt::format("UPDATE {} SET {} = NULL WHERE id = $1", spec_.child, spec_.reference), {std::to_string(id)});
  children_[id].parent.reset();
}

void FamilyWriter::renumber() {
  if (!spec_.keys_cascade) return;
  const std::int64_t id = some_parent();
  const std::int64_t other = next_key(spec_.keys_widen);
  run(fmt::format("UPDATE {} SET id = {} WHERE id = {}", spec_.parent, key(other), key(id)));
  parents_[other] = parents_[id];
  parents_.erase(id);
  for (auto& [child_id, child] : children_) {
    if (child.parent == id) child.parent = other;
  }
}

void FamilyWriter::remove_children() {
  const auto first = children_.lower_bound(some_child());
  auto end = first;
  const int count = children_.size() > static_cast<std::size_t>(seeded_) * kChildrenOfASeed ? 12 : 1;
  for (int i = 0; i < count && end != children_.end() && children_.size() > 30; ++i) ++end;
  if (first == end) return;
  const Rows gone = run(fmt::format("DELETE FROM {} WHERE owner = '{}' AND id BETWEEN {} AND {} RETURNING id::text",
                                    spec_.child, name(), first->first, std::prev(end)->first));
  if (gone.size() != static_cast<std::size_t>(std::distance(first, end))) {
    wrong(fmt::format("{}: DELETE found {} rows of {}", spec_.child, gone.size(), std::distance(first, end)));
  }
  children_.erase(first, end);
}

void FamilyWriter::remove_parent() {
  if (parents_.size() < 12 || children_.size() < 30) return;
  const std::int64_t id = some_parent();
  const OnDelete rule = traffic().ended ? spec_.in_the_end : spec_.on_delete;
  const std::string of_parent = fmt::format("DELETE FROM {} WHERE id = {}", spec_.parent, key(id));
  if (rule != OnDelete::kByHand) {
    run(of_parent);
  } else {
    transaction([&] {
      run(fmt::format("DELETE FROM {} WHERE {} = {}", spec_.child, spec_.reference, key(id)));
      run(of_parent);
    });
  }
  forget_parent(id, rule);
}

void FamilyWriter::merge() {
  if (server_major() < 15) return;
  const std::int64_t id = chance(50) ? some_child() : new_child_key();
  const Child child{some_parent(), fresh_note()};
  run(
      fmt::format("MERGE INTO {0} AS t USING (VALUES ({2}, {3}, '{4}')) AS s (id, parent, note) ON t.id = s.id "
                  "WHEN MATCHED THEN UPDATE SET {1} = s.parent, note = s.note "
                  "WHEN NOT MATCHED THEN INSERT (id, owner, {1}, note) VALUES (s.id, '{5}', s.parent, s.note)",
                  spec_.child, spec_.reference, id, key(*child.parent), child.note, name()));
  children_[id] = child;
}

std::vector<std::string> FamilyWriter::preparations() const {
  const char* type = shape() == Shape::kNew && spec_.keys_widen ? "bigint" : "integer";
  return {
      fmt::format("PREPARE put (bigint, {}, text) AS INSERT INTO {} (id, {}, owner, note) VALUES ($1, $2, '{}', $3)",
                  type, spec_.child, spec_.reference, name()),
      fmt::format("PREPARE move (bigint, {}) AS UPDATE {} SET {} = $2 WHERE id = $1", type, spec_.child,
                  spec_.reference),
      fmt::format("PREPARE get (bigint) AS SELECT {}::text, note FROM {} WHERE id = $1", spec_.reference, spec_.child)};
}

void FamilyWriter::prepared() {
  // Beyond integer only the new shape goes, and its parameters are wide.
  const std::int64_t id = new_child_key();
  Child child{some_parent(), fresh_note()};
  run(fmt::format("EXECUTE put ({}, {}, '{}')", id, *child.parent, child.note));
  children_[id] = child;
  child.parent = some_parent();
  run(fmt::format("EXECUTE move ({}, {})", id, *child.parent));
  children_[id] = child;
  const Rows back = run(fmt::format("EXECUTE get ({})", id));
  if (back.size() != 1 || back[0][0] != std::to_string(*child.parent)) {
    wrong(fmt::format("{} {}: references {}, and {} came back", spec_.child, id, *child.parent,
                      back.empty() ? "nothing" : shown(back[0][0])));
  }
}

void FamilyWriter::savepoints() {
  const std::int64_t parent = some_parent();
  const std::int64_t child = some_child();
  const Children added = children_of(parent, 2);
  const std::string note = fresh_note();
  transaction([&] {
    run(insert_children(added));
    run("SAVEPOINT here");
    run(fmt::format("DELETE FROM {} WHERE {} = {}", spec_.child, spec_.reference, key(parent)));
    run(fmt::format("DELETE FROM {} WHERE id = {}", spec_.parent, key(parent)));
    run("ROLLBACK TO SAVEPOINT here");
    run(fmt::format("UPDATE {} SET {} = {}, note = '{}' WHERE id = {}", spec_.child, spec_.reference, key(parent), note,
                    child));
  });
  take(added);
  children_[child] = {parent, note};
}

void FamilyWriter::give_up() {
  const std::int64_t parent = next_key(spec_.keys_widen);
  run("BEGIN");
  run(insert_parents({{parent, "never"}}));
  run(insert_children(children_of(parent, 2)));
  run(fmt::format("UPDATE {} SET {} = {} WHERE id = {}", spec_.child, spec_.reference, key(parent), some_child()));
  run("ROLLBACK");
}

void FamilyWriter::read_then_write() {
  const std::int64_t child = some_child();
  const Child changed{some_parent(), fresh_note()};
  const Children added = children_of(some_parent(), 1);
  repeatable_read([&] {
    for (const std::string& row : differences(run(read_parents()), run(read_children()))) wrong(row);
    run(fmt::format("UPDATE {} SET {} = {}, note = '{}' WHERE id = {}", spec_.child, spec_.reference,
                    key(*changed.parent), changed.note, child));
    run(insert_children(added));
  });
  children_[child] = changed;
  take(added);
}

void FamilyWriter::audit() {
  for (const std::string& row : differences(run(read_parents()), run(read_children()))) wrong(row);
}

std::vector<Writer::Deed> FamilyWriter::deeds() {
  return {{"INSERT", [this] { insert_parent(); }},
          {"INSERT", [this] { insert_generated_child(); }},
          {"multi-row INSERT", [this] { insert_many(); }},
          {"family", [this] { family(); }},
          {"COPY", [this] { load(); }},
          {"upsert", [this] { upsert(); }},
          {"UPDATE", [this] { reparent(); }},
          {"UPDATE", [this] { detach(); }},
          {"UPDATE of another column", [this] { update_note(); }},
          {"UPDATE of a key", [this] { renumber(); }},
          {"DELETE", [this] { remove_children(); }},
          {"DELETE", [this] { remove_parent(); }},
          {"MERGE", [this] { merge(); }},
          {"prepared", [this] { prepared(); }},
          {"savepoints", [this] { savepoints(); }},
          {"rolled back", [this] { give_up(); }},
          {"REPEATABLE READ", [this] { read_then_write(); }},
          {"audit", [this] { audit(); }}};
}

}  // namespace falsework::test
