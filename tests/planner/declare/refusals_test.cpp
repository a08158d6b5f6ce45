#include <doctest/doctest.h>

#include <vector>

#include "planner/declare/declare.h"
#include "tests/planner/declare/refusal.h"

namespace falsework {
namespace {

// What stands in a file, and what is said of it. `@64@` stands for a name of 64 bytes, `@63@` for its first 63.
struct Case {
  std::string file, given;
  std::string code, message, hint;
};

const char* const kUnderstood =
    "Understood are, of ALTER TABLE: RENAME COLUMN … TO …, ALTER COLUMN … TYPE … [COLLATE …] [USING …], "
    "ALTER COLUMN … SET NOT NULL, and ADD [CONSTRAINT …] FOREIGN KEY ….";
const char* const kOneExpression =
    "Give one SQL expression, as it would stand in a SELECT list; the grammar is that of PostgreSQL 15.";

std::string expanded(std::string text) {
  for (const auto& [mark, length] : {std::pair{"@64@", 64}, std::pair{"@63@", 63}}) {
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark)) {
      text.replace(at, 4, std::string(static_cast<std::size_t>(length), 'x'));
    }
  }
  return text;
}

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.given);
    const Refusal refusal = refusal_of([&] { read_declaration(expanded(c.given), c.file); });
    CHECK(refusal.code == c.code);
    CHECK(refusal.message == expanded(c.message));
    CHECK(refusal.hint == expanded(c.hint));
  }
}

TEST_SUITE("planner/declare/refusals") {
  TEST_CASE("malformed JSON is refused with line and column, a key that stands twice with its path") {
    check({
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
    check({
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
    check({
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

  TEST_CASE("a name that PostgreSQL would cut, or that could be read in two ways, is refused") {
    check({
        {"m.json", R"~({"changes": [{"rename_column": {"table": "a.b.c", "from": "a", "to": "b"}}]})~",
         "declaration.invalid", "m.json:/changes/0/rename_column/table: the name a.b.c has 3 parts",
         "Give schema and name at most; put a part into double quotes if a dot belongs to it."},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "t", "from": "t.a", "to": "b"}}]})~",
         "declaration.invalid", "m.json:/changes/0/rename_column/from: the name t.a has a dot",
         "Give the name alone, or put it into double quotes if the dot belongs to it."},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "t", "from": "", "to": "b"}}]})~",
         "declaration.invalid", "m.json:/changes/0/rename_column/from: a name is empty", "Give the object's name."},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "t.", "from": "a", "to": "b"}}]})~",
         "declaration.invalid", "m.json:/changes/0/rename_column/table: a name is empty", "Give the object's name."},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "\"t", "from": "a", "to": "b"}}]})~",
         "declaration.invalid", R"~(m.json:/changes/0/rename_column/table: the name "t has an open quote)~",
         R"~(Names are taken as they stand; a dot separates schema and table, and double quotes protect what they enclose, as in "\"odd.name\"".)~"},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "\"t\"x", "from": "a", "to": "b"}}]})~",
         "declaration.invalid",
         R"~(m.json:/changes/0/rename_column/table: the name "t"x goes on after its closing quote)~",
         R"~(Names are taken as they stand; a dot separates schema and table, and double quotes protect what they enclose, as in "\"odd.name\"".)~"},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "t\"", "from": "a", "to": "b"}}]})~",
         "declaration.invalid", R"~(m.json:/changes/0/rename_column/table: the name t" has a quote inside)~",
         R"~(Names are taken as they stand; a dot separates schema and table, and double quotes protect what they enclose, as in "\"odd.name\"".)~"},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "t", "from": "a ", "to": "b"}}]})~",
         "declaration.invalid", "m.json:/changes/0/rename_column/from: the name `a ` begins or ends with white space",
         "Remove it, or put the name into double quotes if the space belongs to it."},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "t", "from": "a\u0000", "to": "b"}}]})~",
         "declaration.invalid", "m.json:/changes/0/rename_column/from: a name contains a NUL byte",
         "PostgreSQL has no such names."},
        {"m.json", R"~({"changes": [{"rename_column": {"table": "t", "from": "a", "to": "@64@"}}]})~",
         "declaration.invalid", "m.json:/changes/0/rename_column/to: the name @64@ is 64 bytes long",
         "PostgreSQL would cut it to 63 bytes: @63@."},
        {"m.json",
         R"~({"changes": [{"rename_column": {"table": "t", "from": "a", "to": "ääääääääääääääääääääääääääääääää"}}]})~",
         "declaration.invalid",
         R"~(m.json:/changes/0/rename_column/to: the name "ääääääääääääääääääääääääääääääää" is 64 bytes long)~",
         R"~(PostgreSQL would cut it to 63 bytes: "äääääääääääääääääääääääääääääää".)~"},
    });
  }

  TEST_CASE("a type, and what goes with it, is refused when it is none") {
    check({
        {"m.json", R"~({"changes": [{"change_type": {"table": "t", "column": "c", "to": "big int"}}]})~",
         "declaration.invalid",
         R"~(m.json:/changes/0/change_type/to: type `big int` is not understood: syntax error at or near "int")~",
         "Give one type, such as bigint, character varying(20) or app.status."},
        {"m.json", R"~({"changes": [{"change_type": {"table": "t", "column": "c", "to": "serial"}}]})~",
         "declaration.invalid", "m.json:/changes/0/change_type/to: serial is a shorthand of CREATE TABLE, not a type",
         "Give integer; a sequence or identity that the column has goes with it."},
        {"m.json", R"~({"changes": [{"change_type": {"table": "t", "column": "c", "to": ""}}]})~",
         "declaration.invalid", "m.json:/changes/0/change_type/to: the type is empty",
         "Give one type, such as bigint."},
        {"m.json", R"~({"changes": [{"change_type": {"table": "t", "column": "c", "to": "int; drop table t"}}]})~",
         "declaration.invalid",
         R"~(m.json:/changes/0/change_type/to: type `int; drop table t` is not understood: syntax error at or near ";")~",
         "Give one type, such as bigint, character varying(20) or app.status."},
        {"m.json",
         R"~({"changes": [{"change_type": {"table": "t", "column": "c", "to": "bigint", "accept": "loss"}}]})~",
         "declaration.invalid", R"~(m.json:/changes/0/change_type/accept: "loss" is not understood)~",
         R"~(Known here: "data_loss".)~"},
        {"m.json",
         R"~({"changes": [{"change_type": {"table": "t", "column": "c", "to": "bigint", "collation": "a.b.c"}}]})~",
         "declaration.invalid", "m.json:/changes/0/change_type/collation: the name a.b.c has 3 parts",
         "Give schema and name at most; put a part into double quotes if a dot belongs to it."},
        {"m.json",
         R"~({"changes": [{"change_type": {"table": "t", "column": "c", "to": "bigint", "time_zone": ""}}]})~",
         "declaration.invalid", R"~(m.json:/changes/0/change_type/time_zone: "time_zone" is empty)~",
         "Give a value, or leave the key out."},
    });
  }

  TEST_CASE("an expression is one expression") {
    check({
        {"m.json", R"~({"changes": [{"change_type": {"table": "t", "column": "c", "to": "bigint", "up": "c +"}}]})~",
         "expression.invalid",
         R"~(m.json:/changes/0/change_type/up: "up": expression `c +` is malformed: syntax error at end of input)~",
         kOneExpression},
        {"m.json", R"~({"changes": [{"change_type": {"table": "t", "column": "c", "to": "bigint", "down": ""}}]})~",
         "expression.invalid",
         R"~(m.json:/changes/0/change_type/down: "down": expression `` is malformed: it is not one expression)~",
         kOneExpression},
        {"m.json",
         R"~({"changes": [{"change_type": {"table": "t", "column": "c", "to": "bigint", "up": "c; DROP TABLE t"}}]})~",
         "expression.invalid",
         R"~(m.json:/changes/0/change_type/up: "up": expression `c; DROP TABLE t` is malformed: it is not one expression)~",
         kOneExpression},
        {"m.json",
         R"~({"changes": [{"change_type": {"table": "t", "column": "c", "to": "bigint", "up": "a) + (b"}}]})~",
         "expression.invalid",
         R"~(m.json:/changes/0/change_type/up: "up": expression `a) + (b` is malformed: syntax error at or near ")")~",
         kOneExpression},
        {"m.json", R"~({"changes": [{"change_type": {"table": "t", "column": "c", "to": "bigint", "up": "@64@"}}]})~",
         "declaration.invalid", "m.json:/changes/0/change_type/up: the name @64@ is 64 bytes long",
         "PostgreSQL would cut it to 63 bytes: @63@."},
        {"m.json", R"~({"changes": [{"set_not_null": {"table": "t", "column": "c", "fill": "1, 2"}}]})~",
         "expression.invalid",
         R"~(m.json:/changes/0/set_not_null/fill: "fill": expression `1, 2` is malformed: it is not one expression)~",
         kOneExpression},
        {"m.json", R"~({"changes": [{"set_not_null": {"table": "t", "column": "c", "fill": 0}}]})~",
         "declaration.invalid", "m.json:/changes/0/set_not_null/fill: expected a string, found a number",
         R"~("fill" is the SQL expression, a string such as "''" or "0", that replaces NULL.)~"},
    });
  }

  TEST_CASE("a foreign key that contradicts itself is refused") {
    check({
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": [], "references": {"table": "u"}}}]})~",
         "declaration.invalid", "m.json:/changes/0/add_foreign_key/columns: the list is empty",
         R"~("columns" is the list of referencing columns, an array of strings.)~"},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": "a", "references": {"table": "u"}}}]})~",
         "declaration.invalid",
         "m.json:/changes/0/add_foreign_key/columns: expected an array of strings, found a string",
         R"~("columns" is the list of referencing columns, an array of strings.)~"},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a", "a"], "references": {"table": "u"}}}]})~",
         "declaration.invalid", "m.json:/changes/0/add_foreign_key: column a is named twice", "Name each column once."},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a", 1], "references": {"table": "u"}}}]})~",
         "declaration.invalid", "m.json:/changes/0/add_foreign_key/columns/1: expected a string, found a number",
         R"~("columns" is the list of referencing columns, an array of strings.)~"},
        {"m.json", R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a"], "references": "u"}}]})~",
         "declaration.invalid", "m.json:/changes/0/add_foreign_key/references: expected an object, found a string",
         R"~("references" is an object with "table" and, unless it is the primary key, "columns".)~"},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a"], "references": {"columns": ["id"]}}}]})~",
         "declaration.invalid", R"~(m.json:/changes/0/add_foreign_key/references: "table" is missing)~",
         R"~("table" is the referenced table, a string such as "users" or "app.users".)~"},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a"], "references": {"table": "u", "columns": ["x", "y"]}}}]})~",
         "declaration.invalid", "m.json:/changes/0/add_foreign_key: 1 referencing and 2 referenced columns",
         "Name as many columns on one side as on the other, in the same order."},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a"], "references": {"table": "u"}, "on_delete": "CASCADE"}}]})~",
         "declaration.invalid",
         R"~(m.json:/changes/0/add_foreign_key/on_delete: "CASCADE" is not an action of "on_delete")~",
         R"~(Did you mean "cascade"?)~"},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a"], "references": {"table": "u"}, "on_delete": "nothing"}}]})~",
         "declaration.invalid",
         R"~(m.json:/changes/0/add_foreign_key/on_delete: "nothing" is not an action of "on_delete")~",
         R"~(Known here: "no action", "restrict", "cascade", "set null" and "set default".)~"},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a"], "references": {"table": "u"}, "on_delete": {"action": "cascade", "columns": ["a"]}}}]})~",
         "declaration.invalid", R"~(m.json:/changes/0/add_foreign_key/on_delete/action: "cascade" is not understood)~",
         R"~(Known here: "set null" and "set default".)~"},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a"], "references": {"table": "u"}, "on_delete": {"action": "set null", "columns": ["b"]}}}]})~",
         "declaration.invalid",
         "m.json:/changes/0/add_foreign_key: on delete sets b, which is not a column of the foreign key",
         R"~(Name only columns that are in "columns".)~"},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a"], "references": {"table": "u"}, "on_delete": {"action": "set null"}}}]})~",
         "declaration.invalid", R"~(m.json:/changes/0/add_foreign_key/on_delete: "columns" is missing)~",
         R"~("columns" is the list of the foreign key's columns that are set (PostgreSQL 15 or newer).)~"},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a"], "references": {"table": "u"}, "on_update": {"action": "set null", "columns": ["a"]}}}]})~",
         "declaration.invalid", "m.json:/changes/0/add_foreign_key/on_update: expected a string, found an object",
         R"~("on_update" is "no action", "restrict", "cascade", "set null" or "set default".)~"},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a"], "references": {"table": "u"}, "match": "partial"}}]})~",
         "declaration.invalid", R"~(m.json:/changes/0/add_foreign_key/match: "partial" is not understood)~",
         R"~(Known here: "simple" and "full".)~"},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a"], "references": {"table": "u"}, "deferrable": false, "initially_deferred": true}}]})~",
         "declaration.invalid",
         R"~(m.json:/changes/0/add_foreign_key: "initially_deferred" is true and "deferrable" is false)~",
         R"~(Leave "deferrable" out, or make it true.)~"},
        {"m.json",
         R"~({"changes": [{"add_foreign_key": {"table": "o", "columns": ["a"], "references": {"table": "u"}, "index": "true"}}]})~",
         "declaration.invalid", "m.json:/changes/0/add_foreign_key/index: expected true or false, found a string",
         R"~("index" is true or false: whether to build the missing index on the referencing columns.)~"},
    });
  }

  TEST_CASE("a declaration without a change is not taken for one that has nothing to do") {
    check({
        {"m.sql", "", "declaration.empty", "m.sql: the declaration holds no change",
         "Declare at least one, such as ALTER TABLE users RENAME COLUMN email TO email_address."},
        {"m.json", "  \n", "declaration.empty", "m.json: the declaration holds no change",
         "Declare at least one, such as ALTER TABLE users RENAME COLUMN email TO email_address."},
        {"m.sql", "-- falsework: name=x\n", "declaration.empty", "m.sql: the declaration holds no change",
         "Declare at least one, such as ALTER TABLE users RENAME COLUMN email TO email_address."},
        {"m.sql", ";;\n", "declaration.empty", "m.sql: the declaration holds no change",
         "Declare at least one, such as ALTER TABLE users RENAME COLUMN email TO email_address."},
    });
  }

  TEST_CASE("a statement that is not understood is refused by name, with what to do") {
    check({
        {"m.sql", "ALTER TABLE t RENAME a TO b;\nALTER TABLE t RENAME COLUMN;", "declaration.invalid",
         "m.sql:2: `ALTER TABLE` is malformed: syntax error at end of input", kUnderstood},
        {"m.sql", "ALTER TABEL t RENAME a TO b", "declaration.invalid",
         R"~(m.sql:1: `ALTER TABEL` is malformed: syntax error at or near "TABEL")~", kUnderstood},
        {"m.sql", "ALTER TABLE t ALTER c TYPE text USING 'x", "declaration.invalid",
         "m.sql:1: unterminated quoted string", "Correct the script; its grammar is that of PostgreSQL 15."},
        {"m.sql", "BEGIN;\nALTER TABLE t RENAME a TO b;\nCOMMIT;", "declaration.invalid",
         "m.sql:1: a declaration cannot hold BEGIN",
         "Remove it: Falsework decides what runs in one transaction, and what must not."},
        {"m.sql", "ALTER TABLE t RENAME a TO b;\n\ncommit;", "declaration.invalid",
         "m.sql:3: a declaration cannot hold COMMIT",
         "Remove it: Falsework decides what runs in one transaction, and what must not."},
        {"m.sql", "SET lock_timeout = '1s';\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         "m.sql:1: a declaration cannot hold SET",
         "Remove it: each step brings its own settings and locks. Write schemas in full instead of setting "
         "search_path."},
        {"m.sql", "UPDATE t SET a = '' WHERE a IS NULL;", "declaration.invalid",
         "m.sql:1: a declaration cannot hold UPDATE",
         "Remove it: Falsework copies and fills rows itself, in batches; say how with up=, down= or fill=."},
        {"m.sql", "CREATE INDEX ON t (a);", "declaration.invalid", "m.sql:1: a declaration cannot hold CREATE",
         "Take it out of the declaration and run it by itself."},
        {"m.sql", "\\set x 1\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         R"~(m.sql:1: `\set x 1` is a command of psql, not SQL)~", "Remove it."},
        {"m.sql", "ALTER INDEX i RENAME TO j;", "declaration.invalid", "m.sql:1: this RENAME is not understood (of i)",
         kUnderstood},
        {"m.sql", "ALTER TABLE t RENAME TO u;", "declaration.invalid", "m.sql:1: this RENAME is not understood (of t)",
         kUnderstood},
        {"m.sql", "ALTER TABLE t DROP COLUMN a;", "declaration.invalid",
         "m.sql:1: ALTER TABLE t DROP COLUMN is not understood", kUnderstood},
        {"m.sql", "ALTER TABLE t ADD CHECK (a > 0);", "declaration.invalid",
         "m.sql:1: ALTER TABLE t ADD CHECK is not understood", kUnderstood},
        {"m.sql", "ALTER TABLE t ADD COLUMN a int;", "declaration.invalid",
         "m.sql:1: ALTER TABLE t ADD COLUMN is not understood", kUnderstood},
        {"m.sql", "ALTER TABLE IF EXISTS t RENAME a TO b;", "declaration.invalid",
         "m.sql:1: IF EXISTS on t is not understood: a change names a table that exists", kUnderstood},
        {"m.sql", "ALTER TABLE ONLY t ALTER a SET NOT NULL;", "declaration.invalid",
         "m.sql:1: ONLY t is not understood: a change is made to all parts of a table", kUnderstood},
        {"m.sql", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u NOT VALID;", "declaration.invalid",
         "m.sql:1: a foreign key is declared NOT VALID",
         "Remove NOT VALID: what is declared is the end; Falsework goes there by NOT VALID itself."},
        {"m.sql", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (x, y);", "declaration.invalid",
         "m.sql:1: 1 referencing and 2 referenced columns",
         "Name as many columns on one side as on the other, in the same order."},
        {"m.sql", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u ON DELETE SET NULL (b);", "declaration.invalid",
         "m.sql:1: on delete sets b, which is not a column of the foreign key",
         R"~(Name only columns that are in "columns".)~"},
        {"m.sql", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u MATCH PARTIAL;", "declaration.invalid",
         "m.sql:1: `ALTER TABLE` is malformed: MATCH PARTIAL not yet implemented", kUnderstood},
        {"m.sql", "ALTER TABLE db.app.t RENAME a TO b;", "declaration.invalid",
         "m.sql:1: the name db.app.t holds a database", kUnderstood},
        {"m.sql", "ALTER TABLE t ALTER a TYPE serial;", "declaration.invalid",
         "m.sql:1: serial is a shorthand of CREATE TABLE, not a type",
         "Give integer; a sequence or identity that the column has goes with it."},
        {"m.sql", "ALTER TABLE t RENAME a TO @64@;", "declaration.invalid", "m.sql:1: the name @64@ is 64 bytes long",
         "PostgreSQL would cut it to 63 bytes: @63@."},
        {"m.sql", R"~(ALTER TABLE t RENAME "@64@" TO b;)~", "declaration.invalid",
         "m.sql:1: the name @64@ is 64 bytes long", "PostgreSQL would cut it to 63 bytes: @63@."},
        {"m.sql", "ALTER TABLE t ALTER a TYPE int USING @64@::int;", "declaration.invalid",
         "m.sql:1: the name @64@ is 64 bytes long", "PostgreSQL would cut it to 63 bytes: @63@."},
        {"m.sql",
         "ALTER TABLE t RENAME a TO \"\xff"
         "\";",
         "declaration.invalid", "m.sql: the file is not valid UTF-8", "Save it in UTF-8."},
    });
  }

  TEST_CASE("options in comments are refused when they are unknown, misplaced or malformed") {
    check({
        {"m.sql", "-- falsework: nam=x\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         "m.sql:1: unknown option nam", R"~(Did you mean "name"?)~"},
        {"m.sql", "-- falsework: name=x\n-- falsework: name=y\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         "m.sql:2: the option name stands twice", "Remove one of the two."},
        {"m.sql", "-- falsework: switch=1 switch=2\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         "m.sql:1: the option switch stands twice", "Remove one of the two."},
        {"m.sql", "-- falsework: switch=1\n-- falsework: switch=1\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         "m.sql:2: the option switch stands twice", "Remove one of the two."},
        {"m.sql", "-- falsework: name = x\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         "m.sql:1: the option name has no value", "Write name=VALUE, without spaces around the equals sign."},
        {"m.sql", "-- falsework: name=x, switch=1\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         "m.sql:1: the value x, of name is neither a word nor one quoted text",
         "Separate options by spaces; put a value that holds spaces or signs into single quotes."},
        {"m.sql", "-- falsework: name='my name'\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         R"~(m.sql:1: "my name" cannot be a migration's name)~",
         R"~(Use ASCII letters, digits, "_", "." and "-", 100 at most, and begin with a letter, a digit or "_".)~"},
        {"m.sql", "-- falsework: name=\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         "m.sql:1: the option name has no value",
         "Write name=VALUE, without spaces around the equals sign; an empty text is ''."},
        {"m.sql", "-- falsework:\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         "m.sql:1: a falsework: comment holds no option", "Write options as key=value, or remove the comment."},
        {"m.sql", "-- falsework: =x\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         "m.sql:1: `=x` is not an option", "Write options as key=value, separated by spaces."},
        {"m.sql", "-- Falsework: name=x\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         "m.sql:1: the comment `Falsework: name=x` seems to hold options",
         "Options begin with `-- falsework:`, in lower case and with a colon."},
        {"m.sql", "-- falsework name=x\nALTER TABLE t RENAME a TO b;", "declaration.invalid",
         "m.sql:1: the comment `falsework name=x` seems to hold options",
         "Options begin with `-- falsework:`, in lower case and with a colon."},
        {"m.sql", "ALTER TABLE t RENAME a TO b;\n-- falsework: name=x\nALTER TABLE t RENAME b TO c;",
         "declaration.invalid", "m.sql:2: the option name belongs to the whole migration",
         "Write it in a comment before the first statement."},
        {"m.sql", "ALTER TABLE t RENAME a TO b;\n-- falsework: fill=''\n", "declaration.invalid",
         "m.sql:2: a falsework: comment after the last statement belongs to nothing",
         "Correct the script; its grammar is that of PostgreSQL 15."},
        {"m.sql", "ALTER TABLE t RENAME a TO b; -- falsework: fill=''\n", "declaration.invalid",
         "m.sql:1: the option fill does not belong to rename_column", R"~(It is an option of "set_not_null".)~"},
        {"m.sql", "ALTER TABLE t RENAME a TO b; -- falsework: to=c\n", "declaration.invalid",
         "m.sql:1: to is not an option", "In SQL it is part of the statement itself."},
        {"m.sql", "ALTER TABLE t ALTER a SET NOT NULL; -- falsework: fil=''\n", "declaration.invalid",
         "m.sql:1: unknown option fil", R"~(Did you mean "fill"?)~"},
        {"m.sql", "ALTER TABLE t ALTER a SET NOT NULL; -- falsework: column=a\n", "declaration.invalid",
         "m.sql:1: column is not an option", "In SQL it is part of the statement itself."},
        {"m.sql", "ALTER TABLE t RENAME a TO b; -- falsework: views=true\n", "declaration.invalid",
         "m.sql:1: unknown option views", R"~("rename_column" has no options.)~"},
        {"m.sql", "ALTER TABLE t ALTER a SET NOT NULL; -- falsework: fill='x\n", "declaration.invalid",
         "m.sql:1: the value of fill has an open quote", "Close it; an option ends with its comment's line."},
        {"m.sql", "ALTER TABLE t ALTER a SET NOT NULL; -- falsework: fill=(1\n", "declaration.invalid",
         "m.sql:1: the value of fill has an open parenthesis",
         "Balance the parentheses; an option ends with its comment's line."},
        {"m.sql", "ALTER TABLE t ALTER a SET NOT NULL; -- falsework: fill=1)\n", "declaration.invalid",
         "m.sql:1: the value of fill closes a parenthesis that is not open",
         "Balance the parentheses; an option ends with its comment's line."},
        {"m.sql", "ALTER TABLE t ALTER a SET NOT NULL; -- falsework: fill=1 +\n", "declaration.invalid",
         "m.sql:1: `+` is not an option", "Write options as key=value, separated by spaces."},
        {"m.sql", "ALTER TABLE t ALTER a SET NOT NULL; -- falsework: fill=1+\n", "expression.invalid",
         R"~(m.sql:1: "fill": expression `1+` is malformed: syntax error at end of input)~", kOneExpression},
        {"m.sql", "ALTER TABLE t ALTER a SET NOT NULL, ALTER b SET NOT NULL; -- falsework: fill=''\n",
         "declaration.invalid", "m.sql:1: the option fill could belong to 2 changes of one statement",
         "Write one statement for each change."},
        {"m.sql", "-- falsework: fill=1\nALTER TABLE t ALTER a SET NOT NULL; -- falsework: fill=2\n",
         "declaration.invalid", "m.sql:2: the option fill stands twice", "Remove one of the two."},
        {"m.sql", "ALTER TABLE t ALTER a TYPE int USING a::int; -- falsework: up=a::int\n", "declaration.invalid",
         "m.sql:1: up= and USING say the same thing twice", "Keep one of the two."},
        {"m.sql", "ALTER TABLE t ALTER a TYPE int; -- falsework: accept=downtime\n", "declaration.invalid",
         R"~(m.sql:1: "downtime" is not understood)~", R"~(Known here: "data_loss".)~"},
        {"m.sql", "ALTER TABLE t ALTER a TYPE timestamptz; -- falsework: time_zone=''\n", "declaration.invalid",
         R"~(m.sql:1: "time_zone" is empty)~", "Give a value, or leave the key out."},
        {"m.sql", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u; -- falsework: index=yes\n", "declaration.invalid",
         "m.sql:1: the option index is yes", "Write true or false."},
    });
  }

  TEST_CASE("files of one migration that contradict each other are refused") {
    const char* statement = "ALTER TABLE t RENAME a TO b;";
    const auto both = [&](const std::string& first, const std::string& second) {
      return refusal_of([&] { read_declarations({{first + statement, "1.sql"}, {second + statement, "2.sql"}}); });
    };
    const Refusal name = both("-- falsework: name=x\n", "-- falsework: name=y\n");
    CHECK(name.message == "2.sql: the name y contradicts x of an earlier file");
    CHECK(name.hint == "Files that are read together are one migration with one name.");
    const Refusal release = both("-- falsework: switch=1\n", "-- falsework: switch=2\n");
    CHECK(release.message == "2.sql: switch 2 contradicts 1 of an earlier file");
    CHECK(release.hint == "Files that are read together are one migration with one release for each gate.");
    CHECK_NOTHROW(read_declarations({{std::string("-- falsework: name=x switch=1\n") + statement, "1.sql"},
                                     {std::string("-- falsework: name=x switch=1\n") + statement, "2.sql"}}));
  }

  TEST_CASE("an empty file among several is refused, not skipped") {
    const Refusal refusal = refusal_of([] {
      read_declarations({{"ALTER TABLE t RENAME a TO b", "1.sql"}, {"", "2.sql"}});
    });
    CHECK(refusal.code == "declaration.empty");
    CHECK(refusal.message == "2.sql: the declaration holds no change");
  }

  TEST_CASE("text that is nested beyond all reason is refused and does not exhaust the stack") {
    const Refusal refusal = refusal_of([] { read_declaration("{\"changes\": " + std::string(200000, '['), "m.json"); });
    CHECK(refusal.code == "declaration.invalid");
    CHECK(refusal.message.find("m.json:1:200013: malformed JSON: unexpected end of input") == 0);
    const Refusal balanced = refusal_of([] {
      read_declaration("{\"changes\": " + std::string(100000, '[') + std::string(100000, ']') + "}", "m.json");
    });
    CHECK(balanced.message == "m.json:/changes/0: expected an object, found an array");
    std::string negations;
    for (int i = 0; i < 5000; ++i) negations += "NOT ";
    const Refusal expression = refusal_of([&] {
      read_declaration("ALTER TABLE t ALTER a SET NOT NULL; -- falsework: fill=(" + negations + "true)", "m.sql");
    });
    CHECK(expression.code == "expression.invalid");
  }
}

}  // namespace
}  // namespace falsework
