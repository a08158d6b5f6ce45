#include "planner/declare/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "base/error.h"
#include "base/suggest.h"
#include "planner/change.h"

namespace falsework::declare {

namespace {

constexpr bool kRequired = true;
constexpr bool kOption = true;

}  // namespace

const Keys& migration_keys() {
  static const Keys keys{
      {"$schema", "the address of the JSON Schema, a string; editors complete the file through it"},
      {"name", "the migration's name, a string; without it the file's name without its ending", false, kOption},
      {"changes", "the list of changes, an array of objects with one change each", kRequired},
      {"releases", "an object that says which release opens the gates \"switch\" and \"contract\""},
      {"gates", "an object that says what the gates \"switch\" and \"contract\" wait for besides"},
      {"author", "who wrote the migration, a string: they cannot approve what cannot be undone", false, kOption},
      {"archive", "true or false: whether the values of columns that go are kept, so that a rollback restores them",
       false, kOption},
  };
  return keys;
}

const Keys& release_keys() {
  static const Keys keys{
      {"switch", "the release, a string, from which on the new shape may be the one that is served", false, kOption},
      {"contract", "the release, a string, from which on nothing uses the old shape", false, kOption},
  };
  return keys;
}

const Keys& gates_keys() {
  static const Keys keys{
      {"switch", "an object that says what the gate before the new shape is served waits for"},
      {"contract", "an object that says what the gate before the old shape goes waits for"},
  };
  return keys;
}

const Keys& gate_keys(std::string_view gate) {
  static const Keys common{
      {"soak", "a time, a string such as \"7d\", since the steps before the gate were done and its release was out"},
      {"approvals", "how many people must approve, a number"},
      {"backup", "the greatest age of an acknowledged backup, a string such as \"24h\""},
      {"check", "an SQL query, a string, that must answer true"},
  };
  static const Keys contract = [] {
    Keys keys = common;
    keys.push_back({"no_old_writer", "a time, a string such as \"1h\", for which nothing has written the old shape"});
    keys.push_back({"no_old_statement",
                    "a time, a string such as \"24h\", for which no statement that names the old shape was called"});
    keys.push_back({"no_old_session", "true or false: whether no session may be set to the old shape"});
    keys.push_back({"no_dependent", "true or false: whether nothing in the catalog may name the old shape"});
    return keys;
  }();
  return gate == "contract" ? contract : common;
}

const Keys& head_options() {
  static const Keys keys = [] {
    Keys all{migration_keys()[1], migration_keys()[5], migration_keys()[6], release_keys()[0], release_keys()[1]};
    static std::deque<std::string> names;  // the keys refer to them
    for (const Key& gate : gates_keys()) {
      for (const Key& key : gate_keys(gate.name)) {
        all.push_back({names.emplace_back(fmt::format("{}_{}", gate.name, key.name)), key.meaning, false, kOption});
      }
    }
    return all;
  }();
  return keys;
}

const Keys& reference_keys() {
  static const Keys keys{
      {"table", "the referenced table, a string such as \"users\" or \"app.users\"", kRequired},
      {"columns", "the list of referenced columns; without it the table's primary key"},
  };
  return keys;
}

const Keys& on_delete_keys() {
  static const Keys keys{
      {"action", "\"set null\" or \"set default\"", kRequired},
      {"columns", "the list of the foreign key's columns that are set (PostgreSQL 15 or newer)", kRequired},
  };
  return keys;
}

const std::vector<ChangeWords>& change_words() {
  static const std::vector<ChangeWords> words{
      {RenameColumn::kKind,
       {{"table", "the table, a string such as \"users\" or \"app.users\"", kRequired},
        {"from", "the column's name now, a string", kRequired},
        {"to", "the column's new name, a string", kRequired}}},
      {ChangeType::kKind,
       {{"table", "the table, a string such as \"users\" or \"app.users\"", kRequired},
        {"column", "the column, a string", kRequired},
        {"to", "the new type, a string such as \"bigint\"", kRequired},
        {"up", "the SQL expression, a string, that makes the new value from the row", false, kOption},
        {"down", "the SQL expression, a string, that makes the old value from the new one", false, kOption},
        {"collation", "the new type's collation, a string such as \"C\""},
        {"time_zone", "the time zone, a string such as \"UTC\", that pins a conversion that depends on one", false,
         kOption},
        {"accept", "\"data_loss\": a conversion that changes values is wanted", false, kOption}}},
      {SetNotNull::kKind,
       {{"table", "the table, a string such as \"users\" or \"app.users\"", kRequired},
        {"column", "the column, a string", kRequired},
        {"fill", "the SQL expression, a string such as \"''\" or \"0\", that replaces NULL", false, kOption}}},
      {AddForeignKey::kKind,
       {{"table", "the referencing table, a string such as \"orders\" or \"app.orders\"", kRequired},
        {"name", "the constraint's name, a string; without it the one that PostgreSQL would give"},
        {"columns", "the list of referencing columns, an array of strings", kRequired},
        {"references", "an object with \"table\" and, unless it is the primary key, \"columns\"", kRequired},
        {"match", "\"simple\" or \"full\""},
        {"on_delete",
         "\"no action\", \"restrict\", \"cascade\", \"set null\" or \"set default\", or an object with \"action\" and "
         "\"columns\""},
        {"on_update", "\"no action\", \"restrict\", \"cascade\", \"set null\" or \"set default\""},
        {"deferrable", "true or false: whether a transaction may put the check off to its end"},
        {"initially_deferred", "true or false: whether the check is put off unless a transaction says otherwise"},
        {"index", "true or false: whether to build the missing index on the referencing columns", false, kOption},
        {"gate", "true or false: whether to wait at a gate before new violations begin to fail", false, kOption}}},
  };
  return words;
}

const Keys& change_keys(std::string_view kind) {
  const auto& words = change_words();
  const auto found =
      std::find_if(words.begin(), words.end(), [&](const ChangeWords& each) { return each.kind == kind; });
  FALSEWORK_CHECK(found != words.end());
  return found->keys;
}

const Key* find_key(const Keys& keys, std::string_view name) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

std::vector<std::string> names_of(const Keys& keys) {
  std::vector<std::string> names;
  for (const Key& key : keys) names.emplace_back(key.name);
  return names;
}

std::string enumerate(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += fmt::format("\"{}\"", words[i]);
  }
  return text;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  if (const auto near = nearest(word, known)) return fmt::format("Did you mean \"{}\"?", *near);
  return fmt::format("Known here: {}.", enumerate(known));
}

}  // namespace falsework::declare
