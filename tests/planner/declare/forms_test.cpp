#include <doctest/doctest.h>

#include "planner/declare/declare.h"

namespace falsework {
namespace {

// The changes alone: where they stand differs between the forms, and has to.
std::vector<decltype(Change::action)> actions(const Migration& migration) {
  std::vector<decltype(Change::action)> result;
  for (const Change& change : migration.changes) result.push_back(change.action);
  return result;
}

std::string in_json(const std::string& changes) { return R"J({"changes": [)J" + changes + "]}"; }

struct Pair {
  std::string json;  // the elements of `changes`
  std::string sql;
  std::vector<decltype(Change::action)> expected;
};

AddForeignKey orders_to_users() {
  AddForeignKey key;
  key.table = {"", "orders"};
  key.columns = {"user_id"};
  key.references = {"", "users"};
  return key;
}

template <typename Set>
AddForeignKey foreign_key(const Set& set) {
  AddForeignKey key = orders_to_users();
  set(key);
  return key;
}

ChangeType type_of(const std::string& column, const std::string& type) {
  ChangeType change;
  change.table = {"", "t"};
  change.column = column;
  change.to = type;
  return change;
}

template <typename Set>
ChangeType type_of(const std::string& column, const std::string& type, const Set& set) {
  ChangeType change = type_of(column, type);
  set(change);
  return change;
}

const std::vector<Pair>& pairs() {
  static const std::vector<Pair> table{
      {R"J({"rename_column": {"table": "users", "from": "email", "to": "email_address"}})J",
       "ALTER TABLE users RENAME COLUMN email TO email_address;",
       {RenameColumn{{"", "users"}, "email", "email_address"}}},
      {R"J({"rename_column": {"table": "app.users", "from": "email", "to": "e_mail"}})J",
       "alter table app.users rename email to e_mail",
       {RenameColumn{{"app", "users"}, "email", "e_mail"}}},
      {R"J({"rename_column": {"table": "\"Odd.Name\".\"T\"\"x\"", "from": "Grö ße", "to": "\"a.b\""}})J",
       R"(ALTER TABLE "Odd.Name"."T""x" RENAME COLUMN "Grö ße" TO "a.b";)",
       {RenameColumn{{"Odd.Name", "T\"x"}, "Grö ße", "a.b"}}},
      {R"J({"rename_column": {"table": "Users", "from": "Email", "to": "select"}})J",
       R"(ALTER TABLE "Users" RENAME COLUMN "Email" TO "select";)",
       {RenameColumn{{"", "Users"}, "Email", "select"}}},
      {R"J({"rename_column": {"table": "users", "from": "email", "to": "e"}})J",
       "ALTER TABLE Users RENAME COLUMN EMAIL TO E;",
       {RenameColumn{{"", "users"}, "email", "e"}}},

      {R"J({"change_type": {"table": "t", "column": "c", "to": "int8"}})J",
       "ALTER TABLE t ALTER COLUMN c TYPE bigint;",
       {type_of("c", "bigint")}},
      {R"J({"change_type": {"table": "t", "column": "c", "to": "varchar(20)"}})J",
       "ALTER TABLE t ALTER c SET DATA TYPE character varying(20);",
       {type_of("c", "character varying(20)")}},
      {R"J({"change_type": {"table": "t", "column": "c", "to": "timestamptz(3)[]"}})J",
       "ALTER TABLE t ALTER COLUMN c TYPE timestamp(3) with time zone[];",
       {type_of("c", "timestamp(3) with time zone[]")}},
      {R"J({"change_type": {"table": "t", "column": "c", "to": "text", "collation": "C"}})J",
       R"(ALTER TABLE t ALTER COLUMN c TYPE text COLLATE "C";)",
       {type_of("c", "text",
                [](ChangeType& c) {
                  c.collation = QualifiedName{"", "C"};
                })}},
      {R"J({"change_type": {"table": "t", "column": "c", "to": "text", "collation": "app.\"de.utf8\""}})J",
       R"(ALTER TABLE t ALTER COLUMN c TYPE text COLLATE app."de.utf8";)",
       {type_of("c", "text",
                [](ChangeType& c) {
                  c.collation = QualifiedName{"app", "de.utf8"};
                })}},
      {R"J({"change_type": {"table": "t", "column": "c", "to": "integer", "up": "c :: integer", "down": "c::text",
           "accept": "data_loss"}})J",
       "ALTER TABLE t ALTER COLUMN c TYPE int USING (c::int); -- falsework: down=(c::text) accept=data_loss",
       {type_of("c", "integer",
                [](ChangeType& c) {
                  c.up = "(c)::integer";
                  c.down = "(c)::\"text\"";
                  c.accept_loss = true;
                })}},
      {R"J({"change_type": {"table": "t", "column": "c", "to": "text", "up": "coalesce(c, 'a b')"}})J",
       "-- falsework: up=coalesce(c,'a b')\nALTER TABLE t ALTER COLUMN c TYPE text;",
       {type_of("c", "text", [](ChangeType& c) { c.up = "COALESCE(c, 'a b')"; })}},
      {R"J({"change_type": {"table": "t", "column": "c", "to": "timestamptz", "time_zone": "UTC"}})J",
       "ALTER TABLE t ALTER COLUMN c TYPE timestamptz; -- falsework: time_zone=UTC",
       {type_of("c", "timestamp with time zone", [](ChangeType& c) { c.time_zone = "UTC"; })}},

      {R"J({"set_not_null": {"table": "users", "column": "phone"}})J",
       "ALTER TABLE users ALTER COLUMN phone SET NOT NULL;",
       {SetNotNull{{"", "users"}, "phone", std::nullopt}}},
      {R"J({"set_not_null": {"table": "users", "column": "phone", "fill": "''"}})J",
       "ALTER TABLE users ALTER COLUMN phone SET NOT NULL;   -- falsework: fill=''",
       {SetNotNull{{"", "users"}, "phone", "''"}}},
      {R"J({"set_not_null": {"table": "users", "column": "phone", "fill": "0"}})J",
       "ALTER TABLE users ALTER COLUMN phone SET NOT NULL -- falsework: fill=0\n;",
       {SetNotNull{{"", "users"}, "phone", "0"}}},
      {R"J({"set_not_null": {"table": "users", "column": "phone", "fill": "'it''s (not'"}})J",
       "ALTER TABLE users ALTER COLUMN phone SET NOT NULL; -- falsework: fill='it''s (not'",
       {SetNotNull{{"", "users"}, "phone", "'it''s (not'"}}},
      {R"J({"set_not_null": {"table": "users", "column": "phone", "fill": "lower(name) || ' x'"}})J",
       "-- a remark\n-- falsework: fill=(lower(name) || ' x')\nALTER TABLE users ALTER COLUMN phone SET NOT NULL;",
       {SetNotNull{{"", "users"}, "phone", "(lower(\"name\") || ' x')"}}},

      {R"J({"add_foreign_key": {"table": "orders", "columns": ["user_id"], "references": {"table": "users"}}})J",
       "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;",
       {orders_to_users()}},
      {R"J({"add_foreign_key": {"table": "orders", "columns": ["user_id"],
           "references": {"table": "users", "columns": ["id"]}, "match": "simple", "on_delete": "no action",
           "on_update": "no action", "deferrable": false, "initially_deferred": false, "index": false, "gate": false}})J",
       "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id) MATCH SIMPLE ON DELETE NO ACTION "
       "ON UPDATE NO ACTION NOT DEFERRABLE INITIALLY IMMEDIATE; -- falsework: index=false gate=false",
       {foreign_key([](AddForeignKey& key) { key.referenced_columns = {"id"}; })}},
      {R"J({"add_foreign_key": {"table": "app.lines", "name": "lines_fk", "columns": ["tenant", "order_id"],
           "references": {"table": "app.orders", "columns": ["tenant", "id"]}, "match": "full", "on_delete": "cascade",
           "on_update": "restrict", "deferrable": true, "initially_deferred": true, "index": true, "gate": true}})J",
       "ALTER TABLE app.lines ADD CONSTRAINT lines_fk FOREIGN KEY (tenant, order_id) REFERENCES app.orders (tenant, "
       "id) "
       "MATCH FULL ON DELETE CASCADE ON UPDATE RESTRICT DEFERRABLE INITIALLY DEFERRED; -- falsework: index=true "
       "gate=true",
       {foreign_key([](AddForeignKey& key) {
         key.table = {"app", "lines"};
         key.name = "lines_fk";
         key.columns = {"tenant", "order_id"};
         key.references = {"app", "orders"};
         key.referenced_columns = {"tenant", "id"};
         key.match = 'f';
         key.on_delete = 'c';
         key.on_update = 'r';
         key.deferrable = key.initially_deferred = key.create_index = key.gate = true;
       })}},
      {R"J({"add_foreign_key": {"table": "orders", "columns": ["user_id"], "references": {"table": "users"},
           "on_delete": "set null", "on_update": "set default", "initially_deferred": true}})J",
       "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE SET NULL ON UPDATE SET DEFAULT "
       "INITIALLY DEFERRED;",
       {foreign_key([](AddForeignKey& key) {
         key.on_delete = 'n';
         key.on_update = 'd';
         key.deferrable = key.initially_deferred = true;
       })}},
      {R"J({"add_foreign_key": {"table": "orders", "columns": ["tenant", "user_id"],
           "references": {"table": "users", "columns": ["tenant", "id"]},
           "on_delete": {"action": "set null", "columns": ["user_id"]}}})J",
       "ALTER TABLE orders ADD FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE SET NULL "
       "(user_id);",
       {foreign_key([](AddForeignKey& key) {
         key.columns = {"tenant", "user_id"};
         key.referenced_columns = {"tenant", "id"};
         key.on_delete = 'n';
         key.on_delete_columns = {"user_id"};
       })}},

      {R"J({"rename_column": {"table": "t", "from": "a", "to": "b"}}, {"set_not_null": {"table": "t", "column": "b", "fill": "1"}},
          {"change_type": {"table": "t", "column": "c", "to": "bigint"}})J",
       "ALTER TABLE t RENAME a TO b;\n/* a remark; with a semicolon */\n"
       "ALTER TABLE t ALTER b SET NOT NULL, ALTER c TYPE bigint; /* falsework: fill=1 */",
       {RenameColumn{{"", "t"}, "a", "b"}, SetNotNull{{"", "t"}, "b", "1"}, type_of("c", "bigint")}},
  };
  return table;
}

TEST_SUITE("planner/declare/forms") {
  TEST_CASE("both forms of a change are read as the same value") {
    for (const Pair& pair : pairs()) {
      CAPTURE(pair.json);
      CAPTURE(pair.sql);
      const Migration from_json = read_declaration(in_json(pair.json), "m.json");
      const Migration from_sql = read_declaration(pair.sql, "m.sql");
      CAPTURE(naive_sql(from_json.changes.front()));
      CAPTURE(naive_sql(from_sql.changes.front()));
      CHECK(actions(from_json) == pair.expected);
      CHECK(actions(from_sql) == pair.expected);
      CHECK(from_json.name == from_sql.name);
      CHECK(from_json.releases == from_sql.releases);
    }
  }

  TEST_CASE("the naive DDL of a change is a declaration of the same change, options apart") {
    for (const Pair& pair : pairs()) {
      CAPTURE(pair.json);
      const Migration declared = read_declaration(in_json(pair.json), "m.json");
      std::string script;
      for (const Change& change : declared.changes) script += naive_sql(change) + ";\n";
      CAPTURE(script);
      const Migration again = read_declaration(script, "m.sql");
      REQUIRE(again.changes.size() == declared.changes.size());
      for (std::size_t i = 0; i < again.changes.size(); ++i) {
        Change bare = declared.changes[i];
        if (auto* type = std::get_if<ChangeType>(&bare.action)) {
          type->down.reset();
          type->time_zone.reset();
          type->accept_loss = false;
        } else if (auto* fill = std::get_if<SetNotNull>(&bare.action)) {
          fill->fill.reset();
        } else if (auto* key = std::get_if<AddForeignKey>(&bare.action)) {
          key->create_index = key->gate = false;
        }
        CHECK(again.changes[i].action == bare.action);
      }
    }
  }

  TEST_CASE("name and releases are read alike from both heads") {
    const Migration json = read_declaration(
        R"J({"$schema": "x", "name": "users_email", "releases": {"switch": "2026.12", "contract": "next train"},
            "changes": [{"set_not_null": {"table": "t", "column": "c"}}]})J",
        "elsewhere.json");
    const Migration sql = read_declaration(
        "-- What this is for.\n-- falsework: name=users_email switch=2026.12\n-- falsework: contract='next train'\n"
        "ALTER TABLE t ALTER c SET NOT NULL;",
        "elsewhere.sql");
    CHECK(json.name == "users_email");
    CHECK(json.releases == std::map<std::string, std::string>{{"switch", "2026.12"}, {"contract", "next train"}});
    CHECK(sql.name == json.name);
    CHECK(sql.releases == json.releases);
  }

  TEST_CASE("a migration without a name is called by its file's stem") {
    CHECK(read_declaration("ALTER TABLE t RENAME a TO b", "migrations/2026-11_users.sql").name == "2026-11_users");
  }

  TEST_CASE("a change says where it stands: file and line, or file and JSON path") {
    const Migration sql =
        read_declaration("\n\n-- x\nALTER TABLE t RENAME a TO b;\n\nALTER TABLE t\n  ALTER b SET NOT NULL;", "m.sql");
    CHECK(sql.changes[0].where == "m.sql:4");
    CHECK(sql.changes[1].where == "m.sql:6");
    const Migration json = read_declaration(
        in_json(
            R"J({"set_not_null": {"table": "t", "column": "a"}}, {"set_not_null": {"table": "t", "column": "b"}})J"),
        "m.json");
    CHECK(json.changes[1].where == "m.json:/changes/1/set_not_null");
  }

  TEST_CASE(
      "the first character tells the forms apart, whatever the file is called, and a byte order mark does not count") {
    const char* json =
        "\xEF\xBB\xBF \n{\"changes\": [{\"rename_column\": {\"table\": \"t\", \"from\": \"a\", \"to\": \"b\"}}]}";
    CHECK(read_declaration(json, "m").changes.size() == 1);
    CHECK(read_declaration("\xEF\xBB\xBF"
                           "ALTER TABLE t RENAME a TO b",
                           "m")
              .changes.size() == 1);
  }

  TEST_CASE("several files are one migration, in the order given") {
    const Migration migration =
        read_declarations({{"ALTER TABLE a RENAME x TO y", "one.sql"},
                           {"-- falsework: name=both switch=7\nALTER TABLE b RENAME x TO y", "two.sql"},
                           {in_json(R"J({"rename_column": {"table": "c", "from": "x", "to": "y"}})J"), "three.json"}});
    CHECK(migration.name == "both");
    CHECK(migration.releases == std::map<std::string, std::string>{{"switch", "7"}});
    CHECK(tables_of(migration) == std::vector<QualifiedName>{{"", "a"}, {"", "b"}, {"", "c"}});
    CHECK(migration.changes[2].where == "three.json:/changes/0/rename_column");
  }

  TEST_CASE("the tables of a migration include those that it references, each once") {
    const Migration migration = read_declaration(
        "ALTER TABLE app.a ADD FOREIGN KEY (x) REFERENCES b; ALTER TABLE b ALTER id TYPE bigint", "m.sql");
    CHECK(tables_of(migration) == std::vector<QualifiedName>{{"app", "a"}, {"", "b"}});
  }

  TEST_CASE("comments that are not meant for falsework say nothing") {
    const Migration migration = read_declaration(
        "-- falsework reads this file\n-- name=other\n/* switch=1 */\nALTER TABLE t RENAME a TO b; -- fill=''",
        "m.sql");
    CHECK(migration.name == "m");
    CHECK(migration.releases.empty());
  }
}

}  // namespace
}  // namespace falsework
