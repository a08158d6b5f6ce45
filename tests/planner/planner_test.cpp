#include "planner/planner.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.h"
#include "planner/declare/declare.h"
#include "planner/names.h"
#include "postgres/catalog/introspect.h"
#include "tests/support/server.h"

namespace falsework::test {
namespace {

Plan plan_on(const TestDatabase& database, const std::string& declaration) {
  pg::ConnectionSettings settings;
  settings.conninfo = database.url();
  settings.application_name = "falsework test";
  const auto session = pg::connect(settings);
  const Migration migration = read_declaration(declaration, "m.sql");
  return make_plan(migration, pg::introspect(*session, {tables_of(migration)}));
}

Plan plan_of(const std::string& before, const std::string& declaration) {
  TestDatabase database(Server::any());
  database.exec(before);
  return plan_on(database, declaration);
}

struct Refusal {
  std::string given;  // SQL before
  std::string declared;
  std::string code;
  std::string message;
};

void expect_refusals(const std::vector<Refusal>& refusals) {
  for (const Refusal& refusal : refusals) {
    CAPTURE(refusal.given);
    CAPTURE(refusal.declared);
    try {
      plan_of(refusal.given, refusal.declared);
      FAIL_CHECK("was not refused");
    } catch (const Error& error) {
      CHECK(std::string(error.code()) == refusal.code);
      CHECK(std::string(error.what()) == refusal.message);
      CHECK_FALSE(error.hint().empty());
    }
  }
}

std::vector<std::string> ids(const Plan& plan) {
  std::vector<std::string> found;
  for (const Step& step : plan.steps) found.push_back(step.id);
  return found;
}

bool has(const Plan& plan, const std::string& id) {
  const auto found = ids(plan);
  return std::find(found.begin(), found.end(), id) != found.end();
}

}  // namespace

TEST_SUITE("planner/planner") {
  TEST_CASE("what does not exist, or exists already, is named") {
    const std::string t = "CREATE TABLE t (id int PRIMARY KEY, a text, b int); CREATE VIEW v AS SELECT 1 AS a;";
    expect_refusals({
        {t, "ALTER TABLE u RENAME COLUMN a TO c;", "object.missing", "m.sql:1: no table u"},
        {t, "ALTER TABLE v RENAME COLUMN a TO c;", "object.missing", "m.sql:1: no table v: v is a view"},
        {t + "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;", "ALTER TABLE m RENAME COLUMN a TO c;", "object.missing",
         "m.sql:1: no table m: m is a materialized view"},
        {t, "ALTER TABLE t ALTER a TYPE mood;", "object.missing", "m.sql:1: no type mood"},
        {t, "ALTER TABLE t ALTER a TYPE mood[] USING ARRAY[a]::mood[]; -- falsework: down=(a[1]::text)",
         "object.missing", "m.sql:1: no type mood"},
        {t, "ALTER TABLE t ALTER a TYPE app.mood;", "object.missing", "m.sql:1: no type app.mood"},
        {t, "ALTER TABLE app.t RENAME COLUMN a TO c;", "object.missing", "m.sql:1: no table app.t"},
        {t, "ALTER TABLE t RENAME COLUMN x TO c;", "object.missing", "m.sql:1: no column x in table t"},
        {t, "ALTER TABLE t RENAME COLUMN a TO b;", "object.exists", "m.sql:1: column t.b exists already"},
        {t, "ALTER TABLE t RENAME a TO c;\nALTER TABLE t RENAME b TO c;", "object.exists",
         "m.sql:2: column t.c exists already"},
        {t, "ALTER TABLE t RENAME a TO c;\nALTER TABLE t ALTER a SET NOT NULL;", "object.missing",
         "m.sql:2: no column a in table t"},
        {t, "ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES t (b);", "change.refused",
         "m.sql:1: there is no unique constraint on t (b)"},
        {t + "ALTER TABLE t ADD CONSTRAINT k CHECK (b > 0);",
         "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (b) REFERENCES t;", "object.exists",
         "m.sql:1: constraint k of t exists already"},
    });
  }

  TEST_CASE("a migration that would do nothing says so") {
    const std::string t = "CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL);";
    const std::string nothing = "migration m would do nothing: the catalog is as declared";
    expect_refusals({
        {t, "ALTER TABLE t ALTER a SET NOT NULL;", "declaration.empty", nothing},
        {t, "ALTER TABLE t ALTER a TYPE text;", "declaration.empty", nothing},
        {t, "ALTER TABLE t ALTER id TYPE int4;", "declaration.empty", nothing},
    });
  }

  TEST_CASE("what cannot be carried is refused by its name") {
    const std::string rename = "ALTER TABLE t RENAME COLUMN a TO c;";
    const std::string refused = "m.sql:1: cannot move t.a to a new column: ";
    expect_refusals({
        {"CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a + 1) STORED);", rename,
         "change.refused", refused + "generated column g reads it"},
        {"CREATE TABLE t (id int PRIMARY KEY, a int4range, EXCLUDE USING gist (a WITH &&));", rename, "change.refused",
         refused + "exclusion constraint t_a_excl can be built only under a lock that blocks writes"},
        {"CREATE TABLE t (id int PRIMARY KEY, a int, CONSTRAINT u UNIQUE (a) DEFERRABLE);", rename, "change.refused",
         refused +
             "unique constraint u is deferrable, and its new index would not wait with the check while it is built"},
        {"CREATE TABLE t (id int PRIMARY KEY, a int); CREATE MATERIALIZED VIEW m AS SELECT a FROM t;", rename,
         "change.refused", refused + "materialized view m reads it, and would have to be computed anew at the switch"},
        {"CREATE TABLE t (id int PRIMARY KEY, a int); CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING;", rename,
         "change.refused", refused + "rule r rewrites statements that the dual write must see"},
        {"CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 1 REFERENCES p ON "
         "DELETE SET "
         "DEFAULT);",
         rename, "change.refused",
         refused + "foreign key t_a_fkey of t uses SET DEFAULT, and the new column has no default until contract"},
        {"CREATE TABLE t (id int PRIMARY KEY, a int); CREATE TABLE o (b int); CREATE POLICY p ON o USING (b IN (SELECT "
         "a FROM t));",
         rename, "change.refused", refused + "policy p on table public.o depends on it, and is not carried"},
        {"CREATE TABLE t (id int PRIMARY KEY, a int); CREATE TABLE o (b int); CREATE RULE r AS ON DELETE TO o DO ALSO "
         "UPDATE t "
         "SET a = 0;",
         rename, "change.refused", refused + "rule r on table public.o depends on it, and is not carried"},
        {"CREATE TABLE t (id int PRIMARY KEY, a serial); CREATE SEQUENCE s OWNED BY t.a;", rename, "change.refused",
         refused + "sequence s belongs to it beside another one"},
        {"CREATE TABLE t (id int, a int) PARTITION BY LIST (id);", rename, "change.refused",
         "m.sql:1: cannot change t: it is partitioned, and every step would have to be made for each partition"},
        {"CREATE TABLE p (id int); CREATE TABLE t (a int) INHERITS (p);", rename, "change.refused",
         "m.sql:1: cannot change t: it inherits from p"},
    });
  }

  TEST_CASE("a type of one's own is taken with its schema, as an array, too") {
    const std::string t =
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE \"Odd Mood\" AS ENUM ('x'); CREATE DOMAIN short AS text;"
        "CREATE TABLE t (id int PRIMARY KEY, a text);";
    const struct {
      const char *written, *added;
    } cases[] = {{"mood", " public.mood"},
                 {"mood[]", " public.mood[]"},
                 {"public.mood", " public.mood"},
                 {"\"Odd Mood\"", " public.\"Odd Mood\""},
                 {"short", " public.short"},
                 {"daterange", " daterange"},
                 {"t", " t"}};
    for (const auto& c : cases) {
      CAPTURE(c.written);
      const Plan plan =
          plan_of(t, std::string("ALTER TABLE t ALTER a TYPE ") + c.written + " USING NULL; -- falsework: down=NULL\n");
      const Step* step = plan.step("t.a/dual_write/trigger");
      REQUIRE(step != nullptr);
      CHECK(step->sql.at(1).find(c.added) != std::string::npos);
    }
  }

  TEST_CASE("what fills a column can be written to it, and is the same for every row") {
    const std::string t =
        "CREATE TABLE t (id int PRIMARY KEY, a int, d timestamptz, g int GENERATED ALWAYS AS (a) STORED);";
    expect_refusals({
        {t, "ALTER TABLE t ALTER g SET NOT NULL; -- falsework: fill=0\n", "change.refused",
         "m.sql:1: cannot fill t.g: it is generated, and nothing but its expression can write it"},
        {t, "ALTER TABLE t ALTER d SET NOT NULL; -- falsework: fill=now()\n", "expression.invalid",
         "m.sql:1: \"fill\" of t.d calls now, whose answer can depend on the session's settings"},
    });
    try {
      plan_of(t, "ALTER TABLE t ALTER d SET NOT NULL; -- falsework: fill=now()\n");
    } catch (const Error& error) {
      CHECK(error.hint() ==
            "Use a constant or an immutable expression: the copy and the trigger evaluate it for every row, and must "
            "agree.");
    }
  }

  TEST_CASE("a conversion without a way, or with more than one meaning, is refused") {
    const std::string t = "CREATE TABLE t (id int PRIMARY KEY, a text, s timestamp);";
    expect_refusals({
        {t, "ALTER TABLE t ALTER a TYPE int;", "change.refused",
         "m.sql:1: cannot convert t.a from text to integer by itself: there is no assignment cast there"},
        {t, "ALTER TABLE t ALTER s TYPE timestamptz;", "change.refused",
         "m.sql:1: the conversion of t.s from timestamp without time zone to timestamp with time zone depends on the "
         "session's TimeZone"},
        {t, "ALTER TABLE t ALTER a TYPE int USING length(id::text); -- falsework: down=(a::text)", "expression.invalid",
         "m.sql:1: \"up\" of t.a reads id"},
        {t, "ALTER TABLE t ALTER a TYPE int USING (random() * length(a))::int; -- falsework: down=(a::text)",
         "expression.invalid", "m.sql:1: \"up\" of t.a calls random, which is volatile"},
    });
  }

  TEST_CASE("the cheapest strategy that is safe is taken, and said") {
    const std::string t =
        "CREATE TABLE t (id int PRIMARY KEY, a varchar(10), b varchar(10)); CREATE INDEX ON t (b) WHERE b <> '';";
    const Plan in_place = plan_of(t, "ALTER TABLE t ALTER a TYPE varchar(20);");
    CHECK(in_place.changes.front().strategy == "in_place");
    CHECK(ids(in_place) == std::vector<std::string>{"t.a/expand/type"});
    CHECK_FALSE(in_place.steps.front().rewrites);

    // The server would rebuild an index with a predicate on the column under the strongest lock.
    const Plan shadow = plan_of(t, "ALTER TABLE t ALTER b TYPE varchar(20);");
    CHECK(shadow.changes.front().strategy == "shadow_column");
    CHECK(has(shadow, "t.b/backfill/copy"));

    const Plan check = plan_of(t, "ALTER TABLE t ALTER a SET NOT NULL;");
    CHECK(check.changes.front().strategy == "validate_in_place");
    CHECK_FALSE(has(check, "t.a/backfill/copy"));
  }

  TEST_CASE("several changes of one table share one trigger and one copy") {
    const Plan plan = plan_of("CREATE TABLE t (id int PRIMARY KEY, a int, b text, c text);",
                              "ALTER TABLE t RENAME a TO x;\nALTER TABLE t ALTER b TYPE varchar(20);\n"
                              "ALTER TABLE t ALTER c SET NOT NULL; -- falsework: fill=''\n");
    CHECK(std::count_if(plan.steps.begin(), plan.steps.end(),
                        [](const Step& step) { return step.kind == StepKind::kBackfill; }) == 1);
    CHECK(has(plan, "t/dual_write/trigger"));
  }

  TEST_CASE("an update of a column is told by an operator only where equal values have equal bytes") {
    struct Case {
      const char* type;
      bool by_operator;
    };
    const std::vector<Case> cases{{"int", true},
                                  {"varchar(20)", true},
                                  {"timestamptz(3)", true},
                                  {"bytea", true},
                                  {"float8", false},              // 0 = -0
                                  {"numeric", false},             // 1.0 = 1.00
                                  {"char(4)", false},             // 'a' = 'a '
                                  {"jsonb", false},               // {"a": 1.0} = {"a": 1.00}
                                  {"text COLLATE \"C\"", false},  // another collation may call more than itself equal
                                  {"int[]", false}};
    for (const Case& c : cases) {
      CAPTURE(c.type);
      const Plan plan =
          plan_of(std::string("CREATE TABLE t (id int PRIMARY KEY, a ") + c.type + ")", "ALTER TABLE t RENAME a TO b;");
      const auto trigger = std::find_if(plan.steps.begin(), plan.steps.end(),
                                        [](const Step& step) { return step.phase == Phase::kDualWrite; });
      REQUIRE(trigger != plan.steps.end());
      std::string sql;
      for (const std::string& statement : trigger->sql) sql += statement;
      CHECK((sql.find("NEW.b OPERATOR(pg_catalog.<>) OLD.b") != std::string::npos) == c.by_operator);
      CHECK((sql.find("record_image_ne(ROW(NEW.b), ROW(OLD.b))") != std::string::npos) != c.by_operator);
    }
  }

  TEST_CASE("a value that is the same for every row is not copied, and a NULL is not counted as a row to copy") {
    const std::string before =
        "CREATE TABLE t (id int PRIMARY KEY, a text, b text, c text); INSERT INTO t SELECT g, 'a', CASE WHEN g % 4 = 0 "
        "THEN 'b' END FROM generate_series(1, 4000) AS g; ANALYZE t;";
    const auto rows = [&](const std::string& declaration) -> std::int64_t {
      const Plan plan = plan_of(before, declaration);
      for (const Step& step : plan.steps) {
        if (step.kind == StepKind::kBackfill) return step.estimate.rows;
      }
      return -1;
    };
    CHECK(rows("ALTER TABLE t RENAME a TO x;") == 4000);
    CHECK(rows("ALTER TABLE t RENAME b TO x;") == 1000);
    CHECK(rows("ALTER TABLE t RENAME c TO x;") == 0);
    CHECK(rows("ALTER TABLE t RENAME b TO x; ALTER TABLE t RENAME a TO y;") == 4000);
    CHECK(rows("ALTER TABLE t ALTER b SET NOT NULL; -- falsework: fill='-'\n") == 3000);

    const std::string constant = "ALTER TABLE t ALTER a TYPE int USING 7; -- falsework: down='a' accept=data_loss\n";
    CHECK(rows(constant) == 0);
    const Plan plan = plan_of(before, constant);
    CHECK(plan.changes.front().reason.find("no row has to be copied") != std::string::npos);
    const auto trigger = std::find_if(plan.steps.begin(), plan.steps.end(),
                                      [](const Step& step) { return step.id == "t.a/dual_write/trigger"; });
    REQUIRE(trigger != plan.steps.end());
    CHECK(trigger->sql.at(1).find(" DEFAULT ") != std::string::npos);
    CHECK(trigger->sql.at(2).find(" DROP DEFAULT") != std::string::npos);
  }

  TEST_CASE(
      "a table whose row type a column has gets no default while it changes, and no archive that needs a rewrite") {
    const std::string before = "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE u (x t);";
    const std::string constant = "ALTER TABLE t ALTER a TYPE int USING 7; -- falsework: down='a' accept=data_loss\n";
    const Plan plan = plan_of(before, constant);
    for (const Step& step : plan.steps) {
      for (const std::string& sql : step.sql) CHECK(sql.find(" DEFAULT 7") == std::string::npos);
    }
    std::string refused;
    try {
      plan_of(before, "-- falsework: archive=true\nALTER TABLE t RENAME a TO b;");
    } catch (const Error& error) {
      refused = error.what();
    }
    CHECK(refused.find("another relation has a column of its row type") != std::string::npos);
  }

  TEST_CASE("a change is warned of what it causes, and of nothing that another change of the table causes") {
    const Plan plan = plan_of(
        "CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE, n text); CREATE TABLE r (t_id int REFERENCES t);"
        "CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE s (u_id int REFERENCES u);",
        "ALTER TABLE t RENAME a TO b;\nALTER TABLE t ALTER n SET NOT NULL; -- falsework: fill=''\n"
        "ALTER TABLE t ALTER id TYPE bigint;\nALTER TABLE u ALTER id TYPE bigint;");
    const auto warned = [&](std::size_t change, const std::string& of) {
      const auto& warnings = plan.changes.at(change).warnings;
      return std::any_of(warnings.begin(), warnings.end(),
                         [&](const std::string& warning) { return warning.find(of) != std::string::npos; });
    };
    CHECK(warned(0, "both forms of t_a_key"));
    CHECK_FALSE(warned(0, "both forms of t_pkey"));
    CHECK_FALSE(warned(1, "both forms of"));
    CHECK(warned(1, "are filled"));
    CHECK(warned(2, "both forms of t_pkey"));
    CHECK(warned(2, "r.t_id references it"));
    CHECK_FALSE(warned(2, "s.u_id references it"));
    CHECK(warned(3, "s.u_id references it"));
    CHECK_FALSE(warned(3, "r.t_id references it"));
  }

  TEST_CASE("the tables of a foreign key are locked the referenced one first, as those who write both lock them") {
    const std::string before =
        "CREATE TABLE a (id int PRIMARY KEY, z_id int); CREATE TABLE z (id int PRIMARY KEY, a_id int REFERENCES a);";
    const Plan added = plan_of(before, "ALTER TABLE a ADD FOREIGN KEY (z_id) REFERENCES z;");
    CHECK(added.step("a.a_z_id_fkey/validate/add")->sql.front() ==
          "LOCK TABLE public.z, public.a IN SHARE ROW EXCLUSIVE MODE");
    const Plan carried = plan_of(before, "ALTER TABLE z RENAME a_id TO b_id;");
    CHECK(carried.step("z.z_a_id_fkey/validate/add")->sql.front() ==
          "LOCK TABLE public.a, public.z IN SHARE ROW EXCLUSIVE MODE");
  }

  TEST_CASE("nothing irreversible comes before the gate of contract") {
    const Plan plan =
        plan_of("CREATE TABLE t (id serial PRIMARY KEY, p int REFERENCES t);", "ALTER TABLE t ALTER id TYPE bigint;");
    bool gate_seen = false;
    for (const Step& step : plan.steps) {
      gate_seen = gate_seen || step.id == "m/contract/gate";
      if (step.irreversible) CHECK(gate_seen);
    }
    CHECK(gate_seen);
  }
}

TEST_SUITE("planner/names") {
  TEST_CASE("names are those that the server would give") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      TestDatabase database(Server::of(major));
      const std::string table(60, 't');
      const std::string column(50, 'c');
      const std::string umlaut = "größe der straße in der wohnung von herrn müller über";
      database.exec("CREATE TABLE p (id int PRIMARY KEY);");
      database.exec("CREATE TABLE " + table + " (" + column + " int, b int, \"" + umlaut + "\" int);");
      database.exec("ALTER TABLE " + table + " ADD FOREIGN KEY (b) REFERENCES p;");
      pg::ConnectionSettings settings;
      settings.conninfo = database.url();
      const auto session = pg::connect(settings);
      for (const std::string& name : {column, std::string("b"), umlaut}) {
        CAPTURE(name);
        const pg::Snapshot snapshot = pg::introspect(*session, {{{"public", table}}});
        const std::string expected = default_foreign_key_name(*snapshot.table({"public", table}), {name});
        database.exec("ALTER TABLE " + table + " ADD FOREIGN KEY (\"" + name + "\") REFERENCES p;");
        Client client = database.connect();
        CHECK(client.value("SELECT conname FROM pg_constraint WHERE contype = 'f' ORDER BY oid DESC LIMIT 1") ==
              expected);
      }
    }
  }

  TEST_CASE("views are locked before the table that they read, readers first, as their clients lock them") {
    const std::string before =
        "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE VIEW inner_view AS SELECT id, a FROM t;"
        "CREATE VIEW outer_view AS SELECT id, a FROM inner_view;";
    const struct {
      std::string declared;
      std::vector<std::string> views;
    } cases[] = {{"ALTER TABLE t ALTER id TYPE bigint;", {"outer_view", "inner_view"}},
                 // Only the view that reads the column itself is replaced.
                 {"ALTER TABLE t RENAME a TO b;", {"inner_view"}}};
    for (const auto& given : cases) {
      CAPTURE(given.declared);
      const Plan plan = plan_of(before, given.declared);
      const auto step = std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& s) {
        return s.phase == Phase::kSwitch && s.kind == StepKind::kStatement;
      });
      REQUIRE(step != plan.steps.end());
      REQUIRE(step->undo);
      for (const auto* sql : {&step->sql, &*step->undo}) {
        REQUIRE(sql->size() > given.views.size());
        for (std::size_t i = 0; i < given.views.size(); ++i) {
          CHECK(sql->at(i).rfind("ALTER VIEW public." + given.views[i] + " OWNER TO ", 0) == 0);
        }
        CHECK(sql->at(given.views.size()) == "LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE");
      }
    }
  }
}

}  // namespace falsework::test
