// The words of a declaration: every change kind and every key, with what it means.
//
// One rule: both forms, the messages and the tests of the documentation and of the JSON Schema read this one table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace falsework::declare {

struct Key {
  std::string_view name;
  std::string_view meaning;  // ends the sentence `"to" is …`
  bool required = false;
  bool option = false;  // in the SQL form an option in a comment; the others are part of the statement
};

using Keys = std::vector<Key>;

struct ChangeWords {
  std::string_view kind;
  Keys keys;
};

const Keys& migration_keys();                  // of the JSON form's top level
const Keys& release_keys();                    // of `releases`; options of the SQL form's head
const Keys& gates_keys();                      // of `gates`
const Keys& gate_keys(std::string_view gate);  // of `gates.switch` and `gates.contract`
const Keys& reference_keys();                  // of add_foreign_key's `references`
const Keys& on_delete_keys();                  // of add_foreign_key's `on_delete`, when it is an object
const std::vector<ChangeWords>& change_words();
const Keys& change_keys(std::string_view kind);
const Keys& head_options();  // of the SQL form: name, switch, contract, switch_soak, …

const Key* find_key(const Keys& keys, std::string_view name);
std::vector<std::string> names_of(const Keys& keys);

// The sentence that helps whoever wrote a word that is not known: the nearest one, or all of them.
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

// Renders `"a", "b" and "c"`.
std::string enumerate(const std::vector<std::string>& words);

}  // namespace falsework::declare
