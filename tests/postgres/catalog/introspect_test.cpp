#include "postgres/catalog/introspect.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "tests/oracle/zoo.h"
#include "tests/postgres/catalog/reading.h"

namespace falsework {  // NOLINT(google-build-using-namespace)
using falsework::test::build_zoo;
using falsework::test::Client;
using falsework::test::Server;
using falsework::test::session_of;
using falsework::test::snapshot_of;
using falsework::test::TestDatabase;
using falsework::test::ZooRoles;
using Names = std::vector<std::string>;

namespace {

template <typename Part>
Names names_of(const std::vector<Part>& parts) {
  Names names;
  for (const Part& part : parts) names.push_back(part.name.display());
  return names;
}

std::string text(const Names& names) {
  std::string joined;
  for (const std::string& name : names) joined += name + " ";
  return joined;
}

template <typename Part>
const Part& named(const std::vector<Part>& parts, const std::string& name) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const Part& part) { return part.name == name; });
  REQUIRE_MESSAGE(found != parts.end(), name);
  return *found;
}

// A session that counts what it sends.
class CountingSession : public pg::Session {
 public:
  explicit CountingSession(pg::Session& session) : session_(session) {}
  pg::Rows query(std::string_view sql, const std::vector<pg::Value>& parameters) override {
    ++count;
    return session_.query(sql, parameters);
  }
  pg::Rows query_prepared(const std::string& sql, const std::vector<pg::Value>& parameters) override {
    ++count;
    return session_.query_prepared(sql, parameters);
  }
  void begin() override { session_.begin(); }
  void commit() override { session_.commit(); }
  void rollback() noexcept override { session_.rollback(); }
  bool in_transaction() const noexcept override { return session_.in_transaction(); }
  void cancel() noexcept override { session_.cancel(); }
  int backend_pid() const override { return session_.backend_pid(); }
  int server_version() const override { return session_.server_version(); }
  bool is_open() const noexcept override { return session_.is_open(); }

  int count = 0;

 private:
  pg::Session& session_;
};

std::string replaced(std::string text, const std::string& mark, const std::string& by) {
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + by.size())) {
    text.replace(at, mark.size(), by);
  }
  return text;
}

}  // namespace

TEST_SUITE("postgres/catalog/introspect") {
  TEST_CASE("the scope is closed under foreign keys, inheritance, partitions and views") {
    struct Case {
      std::vector<QualifiedName> asked;
      Names tables, views;
    };
    const Names all_views = {"addresses", "domain_counts", "domains"};
    const std::vector<Case> cases = {
        {{{"public", "users"}}, {"\"Other\".\"Orders\"", "items", "users"}, all_views},
        {{{"", "items"}}, {"\"Other\".\"Orders\"", "items", "users"}, all_views},
        {{{"", "lonely"}}, {"lonely"}, {}},
        {{{"public", "events_1"}}, {"event_notes", "events", "events_1"}, {}},
        {{{"public", "base_table"}, {"", "lonely"}}, {"base_table", "derived_table", "lonely"}, {}},
        {{{"", "missing"}, {"nowhere", "users"}, {"pg_catalog", "pg_class"}, {"falsework", "journal"}}, {}, {}},
        {{{"public", "domains"}}, {}, {"domain_counts", "domains"}},
    };
    for (const int major : Server::majors()) {
      CAPTURE(major);
      TestDatabase database(Server::of(major));
      build_zoo(database);
      database.exec("CREATE SCHEMA falsework; CREATE TABLE falsework.journal (id int)");
      for (const Case& c : cases) {
        CAPTURE(c.asked.front().name);
        const pg::Snapshot snapshot = snapshot_of(database, c.asked);
        CHECK(text(names_of(snapshot.tables)) == text(c.tables));
        CHECK(text(names_of(snapshot.views)) == text(c.views));
      }
      const Names everything = names_of(snapshot_of(database).tables);
      CHECK(text(everything) == text({"\"Other\".\"Orders\"", "base_table", "derived_table", "event_notes", "events",
                                      "events_1", "holder", "items", "lonely", "users"}));
    }
  }

  TEST_CASE("a name without a schema is looked up as the role's own sessions do") {
    TestDatabase database(Server::any());
    database.exec(
        "CREATE SCHEMA app; CREATE TABLE app.t (in_app int); CREATE TABLE public.t (in_public int);"
        "CREATE TABLE public.only_public (a int)");
    const auto column = [&](const char* name) {
      return snapshot_of(database, {{"", name}}).tables.at(0).columns.at(0).name;
    };
    CHECK(snapshot_of(database).search_path == Names{"public"});
    CHECK(column("t") == "in_public");
    Client admin = database.connect_as_superuser();
    admin.exec("ALTER DATABASE " + database.name() + " SET search_path = app, missing, public");
    CHECK(snapshot_of(database).search_path == Names{"app", "public"});
    CHECK(column("t") == "in_app");
    CHECK(column("only_public") == "a");
    // The role's setting wins over the database's, and that of both over each.
    admin.exec("ALTER ROLE " + database.role() + " SET search_path = public");
    CHECK(column("t") == "in_public");
    admin.exec("ALTER ROLE " + database.role() + " IN DATABASE " + database.name() + " SET search_path = '$user', app");
    admin.exec("CREATE SCHEMA " + database.role());
    CHECK(snapshot_of(database).search_path == Names{database.role(), "app"});
    CHECK(column("t") == "in_app");
  }

  TEST_CASE("what hangs on a table and its columns is read, on every version") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      TestDatabase database(Server::of(major));
      build_zoo(database);
      database.exec("ANALYZE users");
      const pg::Snapshot snapshot = snapshot_of(database);
      CHECK(snapshot.server_major() == major);
      CHECK(snapshot.database == database.name());
      REQUIRE(snapshot.table({"public", "users"}) != nullptr);
      const pg::Table& users = *snapshot.table({"public", "users"});
      CHECK(users.owner == database.role());
      CHECK(users.comment == "people");
      CHECK(users.row_security);
      CHECK(users.rows == 2);
      CHECK(users.bytes > 0);
      CHECK(users.total_bytes > users.bytes);
      CHECK(users.row_type_used);
      CHECK(users.generated_from == Names{"score"});

      const pg::Column& id = *users.column("id");
      CHECK(id.identity == 'd');
      CHECK(id.not_null);
      CHECK(id.type.name == "bigint");
      CHECK(id.type.base == QualifiedName{"pg_catalog", "int8"});
      CHECK(id.owned_sequence->name == QualifiedName{"public", "users_id_seq"});
      const pg::Column& email = *users.column("email");
      CHECK(email.type.name == "character varying(255)");
      CHECK(email.type.modifier == 259);
      CHECK(email.type.collatable);
      CHECK(email.storage == "external");
      CHECK(email.type_storage == "extended");
      CHECK(email.statistics_target == 500);
      CHECK(email.options == Names{"n_distinct=-0.5"});
      CHECK(email.comment == "where they are reached");
      CHECK(email.null_fraction == 0);
      CHECK(email.average_width > 0);
      CHECK(users.column("score")->default_expression == "5");
      CHECK(users.column("score")->owned_sequence->name.name == "further");
      CHECK(users.column("ticket")->default_expression == "nextval('public.users_ticket_seq'::regclass)");
      CHECK(users.column("ticket")->owned_sequence->type == "integer");
      CHECK(users.column("twice")->generated == 's');
      CHECK(users.column("twice")->default_expression == "(score * 2)");
      CHECK(users.column("feeling")->type.kind == 'e');
      CHECK(users.column("sorted")->collation == QualifiedName{"pg_catalog", "C"});
      CHECK_FALSE(email.collation.has_value());
      const pg::TypeShape& nick = users.column("nick")->type;
      CHECK(nick.kind == 'd');
      CHECK(nick.domain_base == "character varying(10)");
      CHECK(nick.domain_constrained);
      CHECK(nick.has_equality);
      CHECK(users.column("alias")->type.is_array);
      CHECK(users.column("alias")->type.has_equality);
      CHECK_FALSE(users.column("extra")->type.has_equality);
      CHECK(users.column("both_of")->type.has_equality);
      CHECK(users.column("reach")->type.has_equality);

      const pg::Index& lower = *users.index("users_lower");
      CHECK(lower.definition ==
            "CREATE INDEX users_lower ON public.users USING btree (lower((email)::text) "
            "text_pattern_ops DESC) INCLUDE (score) WHERE (score > 3)");
      CHECK_FALSE(lower.key.at(0).column.has_value());
      CHECK(lower.key.at(0).expression == "lower((email)::text)");
      CHECK(lower.included == Names{"score"});
      CHECK(lower.mentions == Names{"email", "score"});
      CHECK(lower.predicate == "(score > 3)");
      CHECK(lower.statistics_targets == std::map<int, int>{{1, 77}});
      CHECK(lower.comment == "for searches");
      CHECK_FALSE(lower.constraint.has_value());
      const pg::Index& unique = *users.index("users_email_score");
      CHECK(unique.unique);
      CHECK(unique.constraint == "users_email_score");
      CHECK(unique.key.at(1).column == "score");
      CHECK(users.index("users_pkey")->primary);

      const pg::Constraint& check = *users.constraint("score_positive");
      CHECK(check.kind == 'c');
      CHECK(check.definition == "CHECK ((score > 0))");
      CHECK(check.mentions == Names{"score"});
      CHECK(check.comment == "no debts");
      CHECK(users.constraint("users_email_score")->columns == Names{"email", "score"});

      const pg::Trigger& touch = named(users.triggers, "users_touch");
      CHECK(touch.enabled == 'A');
      CHECK((touch.row && touch.before && touch.on_update));
      CHECK_FALSE((touch.on_insert || touch.on_delete || touch.on_truncate));
      CHECK(touch.mentions == Names{"email", "score"});
      CHECK(touch.function == QualifiedName{"public", "touch"});
      CHECK(touch.function_source == "BEGIN RETURN NEW; END");
      const pg::Policy& policy = named(users.policies, "own_row");
      CHECK(policy.command == "UPDATE");
      CHECK(policy.roles == "PUBLIC");
      CHECK(policy.mentions == Names{"email", "score"});
      CHECK(users.statistics.at(0).mentions == Names{"email", "score"});
      CHECK(users.dependents == std::vector<pg::Dependent>{{"email", "function public.first_email()"},
                                                           {"email", "policy known on table public.lonely"},
                                                           {"email", "rule lonely_gone on table public.lonely"},
                                                           {"score", "rule lonely_gone on table public.lonely"}});
    }
  }

  TEST_CASE("foreign keys, exclusion, partitions, inheritance and publications are read, on every version") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      TestDatabase database(Server::of(major));
      build_zoo(database);
      if (major >= 15) database.exec("ALTER PUBLICATION news SET TABLE lonely (note) WHERE (id > 3), items");
      const pg::Snapshot snapshot = snapshot_of(database);
      const pg::Table& orders = *snapshot.table({"Other", "Orders"});
      const pg::Constraint& key = *orders.constraint("orders_user");
      CHECK(key.kind == 'f');
      CHECK(key.columns == Names{"user_id"});
      CHECK(key.references == QualifiedName{"public", "users"});
      CHECK(key.referenced_columns == Names{"id"});
      CHECK(key.index == "users_pkey");
      CHECK(key.on_delete == 'n');
      CHECK(key.on_update == 'a');
      CHECK(key.deferrable);
      CHECK(key.validated);
      const auto exclusion = std::find_if(orders.constraints.begin(), orders.constraints.end(),
                                          [](const pg::Constraint& c) { return c.kind == 'x'; });
      REQUIRE(exclusion != orders.constraints.end());
      CHECK(exclusion->mentions == Names{"id"});
      CHECK(orders.index(*exclusion->index)->exclusion);
      CHECK(orders.column("Strange \"Name") != nullptr);

      const pg::Table& events = *snapshot.table({"public", "events"});
      CHECK(events.kind == 'p');
      CHECK(events.partition_key == "RANGE (k)");
      CHECK(names_of(std::vector<pg::Table>{events}) == Names{"events"});
      CHECK(events.children == std::vector<QualifiedName>{{"public", "events_1"}});
      const pg::Table& partition = *snapshot.table({"public", "events_1"});
      CHECK(partition.partition_bound == "FOR VALUES FROM (1) TO (10)");
      CHECK(partition.parents == std::vector<QualifiedName>{{"public", "events"}});
      CHECK(partition.index("events_1_pkey")->parent == QualifiedName{"public", "events_pkey"});
      CHECK(partition.constraint("events_1_pkey")->inherited);
      CHECK(named(partition.triggers, "events_touch").inherited);
      CHECK_FALSE(named(events.triggers, "events_touch").inherited);
      CHECK_FALSE(events.constraint("events_pkey")->inherited);
      CHECK(snapshot.table({"public", "derived_table"})->parents ==
            std::vector<QualifiedName>{{"public", "base_table"}});

      const pg::PublicationMember& member = snapshot.table({"public", "lonely"})->publications.at(0);
      CHECK(member.publication == "news");
      CHECK(member.all_columns == (major < 15));
      if (major >= 15) {
        CHECK(member.columns == Names{"note"});
        CHECK(member.row_filter == "(id > 3)");
        CHECK(member.mentions == Names{"id", "note"});
      }
      CHECK(snapshot.table({"public", "lonely"})->rules.size() == 1);
      CHECK(names_of(snapshot.sequences) == Names{"alone"});
      CHECK(std::count(snapshot.types.begin(), snapshot.types.end(), QualifiedName{"public", "mood"}) == 1);
      CHECK(std::count(snapshot.relation_names.begin(), snapshot.relation_names.end(), "users_lower") == 1);
      CHECK(snapshot.builtin_volatility.at("now") == 's');
      CHECK(snapshot.builtin_volatility.at("random") == 'v');
      CHECK(snapshot.builtin_volatility.at("timezone") == 'm');
      CHECK_FALSE(snapshot.builtin_volatility.contains("lower"));
    }
  }

  TEST_CASE("views are read with what they read, what reads them, and their defaults, comments and triggers") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      TestDatabase database(Server::of(major));
      build_zoo(database);
      const pg::Snapshot snapshot = snapshot_of(database);
      const pg::View& addresses = *snapshot.view({"public", "addresses"});
      CHECK(addresses.columns == Names{"id", "email"});
      CHECK(addresses.column_types == Names{"bigint", "character varying(255)"});
      CHECK(addresses.options == Names{"security_barrier=true"});
      CHECK(addresses.column_comments == std::map<std::string, std::string>{{"email", "as in users"}});
      CHECK(addresses.column_defaults == std::map<std::string, std::string>{{"id", "7"}});
      CHECK(addresses.depends_on ==
            std::vector<pg::View::Dependency>{{{"public", "users"}, "email"}, {{"public", "users"}, "id"}});
      CHECK(addresses.dependents == std::vector<pg::Dependent>{{"", "function public.email_of(public.addresses)"}});
      CHECK(addresses.query.ends_with("FROM public.users"));
      CHECK(named(addresses.triggers, "addresses_touch").on_insert);
      const pg::View& counts = *snapshot.view({"public", "domain_counts"});
      CHECK(counts.kind == 'm');
      CHECK(counts.indexes.at(0).name == "domain_counts_domain");
      CHECK(counts.access_method == "heap");
    }
  }

  TEST_CASE("the grants of a column or a view give another one the same privileges, item by item") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      TestDatabase database(Server::of(major));
      const ZooRoles roles = build_zoo(database);
      // Odd orders, an owner who has taken something from himself, a table named like the placeholder.
      database.exec("REVOKE INSERT ON addresses FROM " + database.role() + "; GRANT DELETE ON domains TO " +
                    roles.writer + "; REVOKE ALL ON domains FROM " + database.role() +
                    "; GRANT SELECT ON domains TO PUBLIC;"
                    "GRANT SELECT ON domains TO " +
                    database.role() +
                    "; CREATE TABLE \"{column}\" (\"{column}\" int);"
                    "GRANT SELECT (\"{column}\"), UPDATE (\"{column}\") ON \"{column}\" TO " +
                    roles.writer + "; ALTER DEFAULT PRIVILEGES GRANT SELECT, UPDATE ON TABLES TO " + roles.reader);
      const pg::Snapshot before = snapshot_of(database);
      Client owner = database.connect();
      int columns = 0;
      for (const pg::Table& table : before.tables) {
        for (const pg::Column& column : table.columns) {
          if (!column.has_acl) continue;
          CAPTURE(table.name.display());
          CAPTURE(column.name);
          owner.exec("ALTER TABLE " + table.name.sql() + " ADD COLUMN copied int");
          for (const std::string& grant : column.grants) owner.exec(replaced(grant, "{column}", "copied"));
          CHECK(owner.value("SELECT array_to_string(attacl::text[], ',') FROM pg_attribute WHERE attname = 'copied' AND"
                            " attrelid = $1::regclass",
                            {table.name.sql()}) ==
                owner.value("SELECT array_to_string(attacl::text[], ',') FROM pg_attribute WHERE attname = $2 AND"
                            " attrelid = $1::regclass",
                            {table.name.sql(), column.name}));
          owner.exec("ALTER TABLE " + table.name.sql() + " DROP COLUMN copied");
          ++columns;
        }
      }
      CHECK(columns == 3);
      owner.exec(
          "DROP FUNCTION email_of; DROP MATERIALIZED VIEW domain_counts; DROP VIEW domains; DROP VIEW addresses");
      for (const char* name : {"addresses", "domains"}) {
        CAPTURE(std::string(name));
        const pg::View& view = *before.view({"public", name});
        owner.exec("CREATE VIEW " + view.name.sql() + " AS " + view.query);
        for (const std::string& grant : view.grants) owner.exec(grant);
      }
      const pg::Snapshot after = snapshot_of(database);
      for (const char* name : {"addresses", "domains"}) {
        CAPTURE(std::string(name));
        CHECK(after.view({"public", name})->has_acl);
        CHECK(after.view({"public", name})->acl == before.view({"public", name})->acl);
        CHECK(after.view({"public", name})->grants == before.view({"public", name})->grants);
      }
    }
  }

  TEST_CASE("an index that is not valid is read with its flags, as any other") {
    TestDatabase database(Server::any());
    database.exec("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)");
    CHECK(database.connect().sqlstate_of("CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a)") == "23505");
    const pg::Index index = *snapshot_of(database).table({"public", "t"})->index("t_a");
    CHECK_FALSE(index.valid);
    CHECK(index.live);
  }

  TEST_CASE("security labels of columns are read") {
    TestDatabase database(Server::any());
    database.exec("CREATE TABLE t (a int, b int)");
    // No provider comes with the server: the row is written as one would.
    database.connect_as_superuser().exec(
        "INSERT INTO pg_seclabel SELECT attrelid, 'pg_class'::regclass, attnum, 'anon', 'MASKED' FROM pg_attribute"
        " WHERE attrelid = 't'::regclass AND attname = 'b'");
    const pg::Table table = *snapshot_of(database).table({"public", "t"});
    CHECK(table.column("a")->security_labels.empty());
    CHECK(table.column("b")->security_labels == std::map<std::string, std::string>{{"anon", "MASKED"}});
  }

  TEST_CASE("what 15 and 18 brought is read where it is") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      if (major < 15) continue;
      TestDatabase database(Server::of(major));
      database.exec(
          "CREATE TABLE t (a int, b int, UNIQUE NULLS NOT DISTINCT (a));"
          "CREATE TABLE r (x int PRIMARY KEY);"
          "CREATE TABLE s (x int, y int, CONSTRAINT f FOREIGN KEY (x) REFERENCES r ON DELETE SET NULL (x))");
      const pg::Snapshot fifteen = snapshot_of(database);
      CHECK(fifteen.table({"public", "t"})->index("t_a_key")->nulls_not_distinct);
      CHECK(fifteen.table({"public", "s"})->constraint("f")->on_delete_columns == Names{"x"});
      if (major < 18) continue;
      database.exec(
          "ALTER TABLE t ADD CONSTRAINT a_filled NOT NULL a NOT VALID;"
          "ALTER TABLE t ADD v int GENERATED ALWAYS AS (b + 1) VIRTUAL;"
          "ALTER TABLE s ALTER CONSTRAINT f NOT ENFORCED");
      const pg::Snapshot snapshot = snapshot_of(database);
      const pg::Table& table = *snapshot.table({"public", "t"});
      CHECK_FALSE(table.column("a")->not_null);
      CHECK(table.constraint("a_filled")->kind == 'n');
      CHECK_FALSE(table.constraint("a_filled")->validated);
      CHECK(table.constraint("a_filled")->columns == Names{"a"});
      CHECK(table.column("v")->generated == 'v');
      CHECK_FALSE(snapshot.table({"public", "s"})->constraint("f")->enforced);
      database.exec("ALTER TABLE t VALIDATE CONSTRAINT a_filled");
      CHECK(snapshot_of(database).table({"public", "t"})->column("a")->not_null);
    }
  }

  TEST_CASE("the number of queries does not depend on the number of tables") {
    TestDatabase database(Server::any());
    database.exec("CREATE TABLE t (id int PRIMARY KEY)");
    const auto session = session_of(database);
    CountingSession few(*session);
    pg::introspect(few, {});
    database.exec(
        "DO 'BEGIN FOR i IN 1..50 LOOP EXECUTE format(''CREATE TABLE t%s (id int REFERENCES t)'', i);"
        " END LOOP; END'");
    CountingSession many(*session);
    CHECK(pg::introspect(many, {}).tables.size() == 51);
    CHECK(few.count == many.count);
    CHECK(few.count < 30);
    CHECK_FALSE(session->in_transaction());
  }

  TEST_CASE("a catalog that others are changing at the same time is read all the same") {
    TestDatabase database(Server::any());
    database.exec("CREATE TABLE kept (id int PRIMARY KEY)");
    std::jthread others([&](const std::stop_token& stop) {
      Client client = database.connect();
      while (!stop.stop_requested()) {
        client.exec(
            "CREATE TABLE passing (id int PRIMARY KEY REFERENCES kept, a int CHECK (a > 0), b text DEFAULT 'x');"
            "CREATE INDEX passing_b ON passing (lower(b)) WHERE a > 3;"
            "CREATE STATISTICS passing_s ON a, b FROM passing; CREATE VIEW passed AS SELECT * FROM passing");
        client.exec("DROP VIEW passed; DROP TABLE passing");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
    const auto session = session_of(database);
    for (int i = 0; i < 20; ++i) {
      const pg::Snapshot snapshot = pg::introspect(*session, {});
      CHECK(snapshot.table({"public", "kept"}) != nullptr);
    }
  }
}

}  // namespace falsework
