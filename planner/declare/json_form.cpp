#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "planner/declare/forms.h"
#include "planner/declare/gates.h"
#include "planner/declare/strict_json.h"
#include "planner/declare/values.h"
#include "planner/declare/vocabulary.h"

namespace falsework::declare {

namespace {

using Json = nlohmann::json;

// One value of the document, its place, and what it has to be. Every reading function refuses what it does not expect.
class Node {
 public:
  Node(const Json& value, const std::string& file) : value_(value), file_(file) {}

  std::string where() const { return path_.empty() ? file_ : fmt::format("{}:{}", file_, path_); }
  const Json& value() const { return value_; }

  // Refuses anything but an object that has all required keys and none that is not listed.
  void expect_object(const Keys& keys, std::string_view what = "key") const {
    expect(Json::value_t::object, "an object");
    for (const auto& [name, ignored] : value_.items()) {
      if (find_key(keys, name) == nullptr) {
        refuse(where(), fmt::format("unknown {} \"{}\"", what, name), suggestion(name, names_of(keys)));
      }
    }
    for (const Key& key : keys) {
      if (key.required && !has(key.name)) {
        refuse(where(), fmt::format("\"{}\" is missing", key.name),
               fmt::format("\"{}\" is {}.", key.name, key.meaning));
      }
    }
  }

  bool has(std::string_view key) const { return value_.contains(std::string(key)); }

  Node at(std::string_view key, const Keys& keys) const {
    Node child(value_.at(std::string(key)), file_);
    child.path_ = pointer_to(path_, std::string(key));
    child.key_ = find_key(keys, key);
    return child;
  }

  Node element(std::size_t i) const {
    Node child(value_.at(i), file_);
    child.path_ = pointer_to(path_, std::to_string(i));
    child.key_ = key_;
    return child;
  }

  std::string string() const {
    expect(Json::value_t::string, "a string");
    return value_.get<std::string>();
  }

  bool boolean() const {
    expect(Json::value_t::boolean, "true or false");
    return value_.get<bool>();
  }

  std::string name() const { return read_name(string(), where()); }
  QualifiedName qualified() const { return read_qualified(string(), where()); }

  std::vector<std::string> names() const {
    expect(Json::value_t::array, "an array of strings");
    if (value_.empty()) refuse(where(), "the list is empty", meaning());
    std::vector<std::string> result;
    for (std::size_t i = 0; i < value_.size(); ++i) result.push_back(element(i).name());
    return result;
  }

  // One of a few words.
  std::string word(const std::vector<std::string>& known) const {
    std::string found = string();
    if (std::find(known.begin(), known.end(), found) == known.end()) {
      refuse(where(), fmt::format("\"{}\" is not understood", found), suggestion(found, known));
    }
    return found;
  }

  void expect(Json::value_t type, std::string_view wanted) const {
    if (value_.type() == type) return;
    refuse(where(), fmt::format("expected {}, found {}", wanted, found()), meaning());
  }

 private:
  std::string found() const {
    switch (value_.type()) {
      case Json::value_t::null: return "null";
      case Json::value_t::boolean: return value_.get<bool>() ? "true" : "false";
      case Json::value_t::string: return "a string";
      case Json::value_t::array: return "an array";
      case Json::value_t::object: return "an object";
      default: return "a number";
    }
  }

  std::string meaning() const {
    if (key_ == nullptr) return "See docs/reference/declaration.md for the form of a declaration.";
    return fmt::format("\"{}\" is {}.", key_->name, key_->meaning);
  }

  const Json& value_;
  const std::string& file_;
  std::string path_;
  const Key* key_ = nullptr;
};

// The object of one change, read key by key.
class ChangeReader {
 public:
  ChangeReader(const Node& node, std::string_view kind) : node_(node), keys_(change_keys(kind)) {
    node_.expect_object(keys_);
  }

  Node at(std::string_view key) const { return node_.at(key, keys_); }
  bool has(std::string_view key) const { return node_.has(key); }
  bool flag(std::string_view key) const { return has(key) && at(key).boolean(); }

  std::optional<std::string> expression(std::string_view key) const {
    if (!has(key)) return std::nullopt;
    const Node node = at(key);
    return read_expression(node.string(), key, node.where());
  }

  const Node& node() const { return node_; }

 private:
  const Node& node_;
  const Keys& keys_;
};

RenameColumn read_rename_column(const ChangeReader& read) {
  RenameColumn change;
  change.table = read.at("table").qualified();
  change.from = read.at("from").name();
  change.to = read.at("to").name();
  return change;
}

ChangeType read_change_type(const ChangeReader& read) {
  ChangeType change;
  change.table = read.at("table").qualified();
  change.column = read.at("column").name();
  change.to = read_type(read.at("to").string(), read.at("to").where());
  if (read.has("collation")) change.collation = read.at("collation").qualified();
  change.up = read.expression("up");
  change.down = read.expression("down");
  if (read.has("time_zone")) {
    const Node zone = read.at("time_zone");
    change.time_zone = zone.string();
    check_label(*change.time_zone, "time_zone", zone.where());
  }
  if (read.has("accept")) change.accept_loss = read.at("accept").word({"data_loss"}) == "data_loss";
  return change;
}

SetNotNull read_set_not_null(const ChangeReader& read) {
  SetNotNull change;
  change.table = read.at("table").qualified();
  change.column = read.at("column").name();
  change.fill = read.expression("fill");
  return change;
}

void read_on_delete(const Node& node, AddForeignKey& change) {
  if (!node.value().is_object()) {
    change.on_delete = read_action(node.string(), "on_delete", node.where());
    return;
  }
  node.expect_object(on_delete_keys());
  const Node action = node.at("action", on_delete_keys());
  action.word({"set null", "set default"});
  change.on_delete = read_action(action.string(), "on_delete", action.where());
  change.on_delete_columns = node.at("columns", on_delete_keys()).names();
}

AddForeignKey read_add_foreign_key(const ChangeReader& read) {
  AddForeignKey change;
  change.table = read.at("table").qualified();
  if (read.has("name")) change.name = read.at("name").name();
  change.columns = read.at("columns").names();
  const Node references = read.at("references");
  references.expect_object(reference_keys());
  change.references = references.at("table", reference_keys()).qualified();
  if (references.has("columns")) change.referenced_columns = references.at("columns", reference_keys()).names();
  if (read.has("match")) change.match = read.at("match").word({"simple", "full"}) == "full" ? 'f' : 's';
  if (read.has("on_delete")) read_on_delete(read.at("on_delete"), change);
  if (read.has("on_update")) {
    const Node action = read.at("on_update");
    change.on_update = read_action(action.string(), "on_update", action.where());
  }
  change.initially_deferred = read.flag("initially_deferred");
  change.deferrable = read.has("deferrable") ? read.flag("deferrable") : change.initially_deferred;
  if (change.initially_deferred && !change.deferrable) {
    refuse(read.node().where(), "\"initially_deferred\" is true and \"deferrable\" is false",
           "Leave \"deferrable\" out, or make it true.");
  }
  change.create_index = read.flag("index");
  change.gate = read.flag("gate");
  return change;
}

decltype(Change::action) read_action_of(const Node& node, const std::string& kind) {
  const ChangeReader read(node, kind);
  if (kind == RenameColumn::kKind) return read_rename_column(read);
  if (kind == ChangeType::kKind) return read_change_type(read);
  if (kind == SetNotNull::kKind) return read_set_not_null(read);
  if (kind == AddForeignKey::kKind) return read_add_foreign_key(read);
  FALSEWORK_CHECK(!"every kind of vocabulary.cpp is read");
  return {};
}

Change read_change(const Node& node) {
  Keys kinds;
  for (const ChangeWords& words : change_words()) kinds.push_back({words.kind, "a change"});
  node.expect_object(kinds, "change");
  if (node.value().empty()) {
    refuse(node.where(), "the change is empty", fmt::format("Name its kind: one of {}.", enumerate(names_of(kinds))));
  }
  if (node.value().size() > 1) {
    refuse(node.where(), fmt::format("{} changes in one object", node.value().size()),
           "Give each change an object of its own, for the order of changes matters.");
  }
  const std::string kind = node.value().begin().key();
  const Node body = node.at(kind, {});
  Change change{read_action_of(body, kind), body.where()};
  check_change(change);
  return change;
}

std::map<std::string, std::string> read_releases(const Node& node) {
  node.expect_object(release_keys());
  std::map<std::string, std::string> releases;
  for (const std::string& gate : names_of(release_keys())) {
    if (!node.has(gate)) continue;
    const Node release = node.at(gate, release_keys());
    releases[gate] = release.string();
    check_label(releases[gate], gate, release.where());
  }
  return releases;
}

// A value of a gate's condition as the text that the SQL form would write.
std::string wish_text(const Node& node, std::string_view key) {
  if (key == "approvals") {
    node.expect(Json::value_t::number_unsigned, "a whole number");
    return node.value().dump();
  }
  if (key == "no_old_session" || key == "no_dependent") return node.boolean() ? "true" : "false";
  return node.string();
}

std::map<std::string, GateWish> read_gates(const Node& node) {
  node.expect_object(gates_keys());
  std::map<std::string, GateWish> gates;
  for (const std::string& gate : names_of(gates_keys())) {
    if (!node.has(gate)) continue;
    const Node wishes = node.at(gate, gates_keys());
    const Keys& keys = gate_keys(gate);
    wishes.expect_object(keys);
    if (wishes.value().empty()) {
      refuse(wishes.where(), "the gate waits for nothing besides",
             fmt::format("Name one of {}, or leave \"{}\" out.", enumerate(names_of(keys)), gate));
    }
    for (const std::string& key : names_of(keys)) {
      if (!wishes.has(key)) continue;
      const Node value = wishes.at(key, keys);
      set_wish(gates[gate], key, wish_text(value, key), value.where());
    }
  }
  return gates;
}

}  // namespace

Written read_json(const std::string& text, const std::string& file) {
  const Json document = parse_strict(text, file);
  const Node root(document, file);
  const Keys& keys = migration_keys();
  root.expect_object(keys);
  Written written;
  if (root.has("$schema")) root.at("$schema", keys).string();
  if (root.has("name")) {
    const Node name = root.at("name", keys);
    written.name = name.string();
    check_migration_name(*written.name, name.where());
  }
  if (root.has("author")) {
    const Node author = root.at("author", keys);
    written.author = author.string();
    check_label(*written.author, "author", author.where());
  }
  if (root.has("archive")) written.archive = root.at("archive", keys).boolean();
  if (root.has("gates")) written.gates = read_gates(root.at("gates", keys));
  if (root.has("releases")) written.releases = read_releases(root.at("releases", keys));
  const Node changes = root.at("changes", keys);
  changes.expect(Json::value_t::array, "an array");
  for (std::size_t i = 0; i < changes.value().size(); ++i) written.changes.push_back(read_change(changes.element(i)));
  return written;
}

}  // namespace falsework::declare
