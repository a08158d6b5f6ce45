#include <doctest/doctest.h>

#include "planner/declare/declare.h"
#include "tests/planner/declare/refusal_cases.h"

namespace falsework {
namespace {

TEST_SUITE("planner/declare/json_refusals") {
  TEST_CASE("malformed JSON is refused with line and column, a key that stands twice with its path") {
    check_refusals({
        {"m.json", "{\"changes\": [\n  {\"rename_column\": {\"table\": \"t\",}}]}", "declaration.invalid",
         "m.json:2:35: malformed JSON: unexpected '}'; expected string literal", "Remove the comma before it."},
        {"m.json", "{\"changes\": [\n  {\"rename_column\": {\"table\": \"t\" \"from\": \"a\"}}]}",
         "declaration.invalid", "m.json:2:35: malformed JSON: unexpected string literal; expected '}'",
         "Put a comma between two members."},
        {"m.json", R"~({"changes": [)~", "declaration.invalid",
         "m.json:1:14: malformed JSON: unexpected end of input; expected '[', '{', or a literal",
         "The file ends too early: close every object, array and string."},
        {"m.json", "{\"changes\": [] // none\n}", "declaration.invalid",
         "m.json:1:16: malformed JSON: invalid literal; expected '}'", "Remove it: JSON has no comments."},
        {"m.json", "{'changes': []}", "declaration.invalid",
         "m.json:1:2: malformed JSON: invalid literal; expected string literal", "Use double quotes."},
        {"m.json", "{\"changes\": []}\n{}", "declaration.invalid",
         "m.json:2:1: malformed JSON: unexpected '{'; expected end of input", "Remove what follows the closing brace."},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "Größe, "from": 1}}]})~", "declaration.invalid",
         "m.json:1:52: malformed JSON: invalid literal; expected '}'", "Put a comma between two members."},
        {"m.json", R"~({"name": tru})~", "declaration.invalid", "m.json:1:13: malformed JSON: invalid literal",
         "Correct the file; an editor that knows JSON points at the place."},
        {"m.json", "{\"name\": \"a\tb\"}", "declaration.invalid",
         R"~(m.json:1:12: malformed JSON: invalid string: control character U+0009 (HT) must be escaped to \u0009 or \t)~",
         "Correct the file; an editor that knows JSON points at the place."},
        {"m.json", R"~({"name": 1e999})~", "declaration.invalid", "m.json: a number in it is too large",
         "A declaration holds no numbers; remove it."},
        {"m.json", R"~([{"rename_column": {}}])~", "declaration.invalid",
         "m.json: the file does not begin with an opening brace",
         "A declaration in JSON is one object; in SQL, the file's name must not end in .json."},
        {"m.json", R"~({"name": "a", "changes": [], "name": "b"})~", "declaration.invalid",
         R"~(m.json:/name: the key "name" stands twice)~", "Remove one of the two; which was meant cannot be told."},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "t", "from": "a", "to": "b", "to": "c"}}]})~",
         "declaration.invalid", R"~(m.json:/changes/0/rename_column/to: the key "to" stands twice)~",
         "Remove one of the two; which was meant cannot be told."},
    });
  }

  TEST_CASE("JSON of another shape is refused with its path, what was found and what belongs there") {
    check_refusals({
        {"m.json", R"~({"name": "x"})~", "declaration.invalid", R"~(m.json: "changes" is missing)~",
         R"~("changes" is the list of changes, an array of objects with one change each.)~"},
        {"m.json", R"~({"changes": {}})~", "declaration.invalid", "m.json:/changes: expected an array, found an object",
         R"~("changes" is the list of changes, an array of objects with one change each.)~"},
        {"m.json", R"~({"changes": []})~", "declaration.empty", "m.json: the declaration holds no change",
         "Declare at least one, such as ALTER TABLE users RENAME COLUMN email TO email_address."},
        {"m.json", R"~({"changes": [{}]})~", "declaration.invalid", "m.json:/changes/0: the change is empty",
         R"~(Name its kind: one of "rename_column", "change_type", "set_not_null" and "add_foreign_key".)~"},
        {"m.json", R"~({"changes": [7]})~", "declaration.invalid",
         "m.json:/changes/0: expected an object, found a number",
         R"~("changes" is the list of changes, an array of objects with one change each.)~"},
        {"m.json",
         R"~({"changes": [{"rename_column": {"table": "t", "from": "a", "to": "b"}, "set_not_null": {"table": "t", "column": "c"}}]})~",
         "declaration.invalid", "m.json:/changes/0: 2 changes in one object",
         "Give each change an object of its own, for the order of changes matters."},
        {"m.json", R"~({"change": []})~", "declaration.invalid", R"~(m.json: unknown key "change")~",
         R"~(Did you mean "changes"?)~"},
        {"m.json", R"~({"changes": [{"rename-column": {}}]})~", "declaration.invalid",
         R"~(m.json:/changes/0: unknown change "rename-column")~", R"~(Did you mean "rename_column"?)~"},
        {"m.json", R"~({"changes": [{"drop_table": {}}]})~", "declaration.invalid",
         R"~(m.json:/changes/0: unknown change "drop_table")~",
         R"~(Known here: "rename_column", "change_type", "set_not_null" and "add_foreign_key".)~"},
        {"m.json", R"~({"changes": [{"rename_column": []}]})~", "declaration.invalid",
         "m.json:/changes/0/rename_column: expected an object, found an array",
         "See docs/reference/declaration.md for the form of a declaration."},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "t", "from": "a"}}]})~", "declaration.invalid",
         R"~(m.json:/changes/0/rename_column: "to" is missing)~", R"~("to" is the column's new name, a string.)~"},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "t", "form": "a", "to": "b"}}]})~",
         "declaration.invalid", R"~(m.json:/changes/0/rename_column: unknown key "form")~",
         R"~(Did you mean "from"?)~"},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "t", "from": "a", "to": "b", "fill": "x"}}]})~",
         "declaration.invalid", R"~(m.json:/changes/0/rename_column: unknown key "fill")~",
         R"~(Known here: "table", "from" and "to".)~"},
        {"m.json", R"~({"changes": [{"rename_column": {"table": null, "from": "a", "to": "b"}}]})~",
         "declaration.invalid", "m.json:/changes/0/rename_column/table: expected a string, found null",
         R"~("table" is the table, a string such as "users" or "app.users".)~"},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "t", "from": 1, "to": "b"}}]})~", "declaration.invalid",
         "m.json:/changes/0/rename_column/from: expected a string, found a number",
         R"~("from" is the column's name now, a string.)~"},
        {"m.json", R"~({"$schema": 1, "changes": []})~", "declaration.invalid",
         "m.json:/$schema: expected a string, found a number",
         R"~("$schema" is the address of the JSON Schema, a string; editors complete the file through it.)~"},
        {"m.json", R"~({"name": "my migration", "changes": []})~", "declaration.invalid",
         R"~(m.json:/name: "my migration" cannot be a migration's name)~",
         R"~(Use ASCII letters, digits, "_", "." and "-", 100 at most, and begin with a letter, a digit or "_".)~"},
        {"m.json", R"~({"name": "-x", "changes": []})~", "declaration.invalid",
         R"~(m.json:/name: "-x" cannot be a migration's name)~",
         R"~(Use ASCII letters, digits, "_", "." and "-", 100 at most, and begin with a letter, a digit or "_".)~"},
        {"my file.json", R"~({"changes": [{"set_not_null": {"table": "t", "column": "c"}}]})~", "declaration.invalid",
         R"~(my file.json: the migration has no name, and "my file" cannot be one)~",
         R"~(Give it one: "name" in JSON, `-- falsework: name=…` in SQL; ASCII letters, digits, "_", "." and "-".)~"},
    });
  }

  TEST_CASE("a release is a label, and there are two of them") {
    check_refusals({
        {"m.json", R"~({"releases": {"swich": "1"}, "changes": []})~", "declaration.invalid",
         R"~(m.json:/releases: unknown key "swich")~", R"~(Did you mean "switch"?)~"},
        {"m.json", R"~({"releases": {"switch": 1}, "changes": []})~", "declaration.invalid",
         "m.json:/releases/switch: expected a string, found a number",
         R"~("switch" is the release, a string, from which on the new shape may be the one that is served.)~"},
        {"m.json", R"~({"releases": {"switch": ""}, "changes": []})~", "declaration.invalid",
         R"~(m.json:/releases/switch: "switch" is empty)~", "Give a value, or leave the key out."},
        {"m.json", R"~({"releases": {"switch": " 1"}, "changes": []})~", "declaration.invalid",
         R"~(m.json:/releases/switch: "switch" has control characters, or spaces at an end)~",
         "Write it as one would type it on a command line."},
        {"m.json", R"~({"releases": "1", "changes": []})~", "declaration.invalid",
         "m.json:/releases: expected an object, found a string",
         R"~("releases" is an object that says which release opens the gates "switch" and "contract".)~"},
    });
  }
}

}  // namespace
}  // namespace falsework
