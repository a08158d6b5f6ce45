#include "postgres/health/health.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/identifier.h"
#include "tests/support/server.h"

namespace falsework {

namespace {

std::unique_ptr<pg::Session> session_of(const std::string& url) {
  pg::ConnectionSettings settings;
  settings.conninfo = url;
  settings.application_name = "falsework";
  settings.settings["default_transaction_read_only"] = "on";
  return pg::connect(settings);
}

// `code relation object`, each of them once.
std::vector<std::string> lines(const std::vector<pg::HealthFinding>& findings) {
  std::vector<std::string> result;
  for (const pg::HealthFinding& f : findings) {
    result.push_back(f.code + " " + f.relation.display() + (f.object.empty() ? "" : " " + f.object));
    CHECK(!f.message.empty());
    CHECK(f.consequence.back() == '.');
    CHECK(!f.hint.empty());
  }
  std::sort(result.begin(), result.end());
  return result;
}

constexpr const char* kHealthy = R"(
CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE, note text);
CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent, code text, amount int CHECK (amount > 0));
CREATE INDEX child_parent ON child (parent_id);
CREATE INDEX child_code ON child (code) WHERE amount > 5;
CREATE INDEX child_code_lower ON child (lower(code));
CREATE INDEX child_code_desc ON child (code DESC);
CREATE INDEX child_code_up ON child (code);
CREATE TABLE parts (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE empty_table (id int);
INSERT INTO parent SELECT g, g::text, 'x' FROM generate_series(1, 50) AS g;
INSERT INTO child SELECT g, g, g::text, g FROM generate_series(1, 50) AS g;
ANALYZE parent, child, parts;
)";

}  // namespace

TEST_SUITE_BEGIN("postgres/health");

TEST_CASE("nothing is found in a database where nothing is wrong") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    const test::TestDatabase db(test::Server::of(major));
    db.exec(kHealthy);
    CHECK(lines(pg::examine(*session_of(db.url()), {})).empty());
  }
}

TEST_CASE("each kind of thing that is wrong is found, and no more") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    test::TestDatabase db(test::Server::of(major));
    db.exec(kHealthy);
    db.exec(R"(
      CREATE INDEX child_parent_again ON child (parent_id);
      CREATE INDEX parent_code_plain ON parent (code);
      CREATE INDEX child_parent_amount ON child (parent_id, amount);
      ALTER TABLE child ADD CONSTRAINT child_note CHECK (code <> '') NOT VALID;
      CREATE DOMAIN word AS text;
      ALTER DOMAIN word ADD CONSTRAINT word_short CHECK (length(VALUE) < 9) NOT VALID;
      CREATE TABLE orphan (id int PRIMARY KEY, parent_id int, code text REFERENCES parent (code));
      ALTER TABLE orphan ADD CONSTRAINT orphan_parent FOREIGN KEY (parent_id) REFERENCES parent NOT VALID;
      CREATE INDEX orphan_some ON orphan (parent_id) WHERE id > 5;
      CREATE INDEX orphan_filled ON orphan (code) WHERE code IS NOT NULL;
      INSERT INTO orphan VALUES (1, 1, '1');
      CREATE TABLE twice (a int);
      INSERT INTO twice VALUES (1), (1);
      ANALYZE twice;
    )");
    CHECK_THROWS(db.exec("CREATE UNIQUE INDEX CONCURRENTLY twice_a ON twice (a)"));
    const std::vector<std::string> expected{"constraint.unvalidated child child_note",
                                            "constraint.unvalidated orphan orphan_parent",
                                            "constraint.unvalidated word word_short",
                                            "foreign_key.unindexed orphan orphan_parent",
                                            "index.duplicate child child_parent_again",
                                            "index.duplicate parent parent_code_plain",
                                            "index.invalid twice twice_a",
                                            "index.prefix child child_parent",
                                            "table.unanalyzed orphan"};
    CHECK(lines(pg::examine(*session_of(db.url()), {})) == expected);
    // A role that may read no table finds the same.
    const std::string stranger = db.add_role("stranger");
    CHECK(lines(pg::examine(*session_of(db.url_as(stranger)), {})) == expected);
    // Another schema is another matter.
    db.exec("CREATE SCHEMA \"Other one\"; CREATE TABLE \"Other one\".t (a int REFERENCES public.parent)");
    CHECK(lines(pg::examine(*session_of(db.url()), {{"Other one"}})) ==
          std::vector<std::string>{"foreign_key.unindexed \"Other one\".t t_a_fkey"});
  }
}

TEST_CASE("an index that is being built is not called invalid") {
  const test::TestDatabase db(test::Server::any());
  db.exec("CREATE TABLE t (a int); INSERT INTO t VALUES (1); ANALYZE t");
  test::Client reader = db.connect();
  reader.exec("BEGIN; UPDATE t SET a = 2");
  test::Client builder = db.connect();
  builder.send("CREATE INDEX CONCURRENTLY t_a ON t (a)");
  test::Client watcher = db.connect();
  while (watcher.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == "0") {
  }
  CHECK(lines(pg::examine(*session_of(db.url()), {})).empty());
  reader.exec("ROLLBACK");
  builder.receive();
}

TEST_CASE("what bears a name of ours is found in the order of its removal, and nothing else is") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    const test::TestDatabase db(test::Server::of(major));
    const std::string column = generated_name("new", {"public", "t", "a"});
    const std::string aside = generated_name("old", {"public", "t", "a"});
    const std::string function = generated_name("dual_write", {"public", "t"});
    const std::string index = generated_name("index", {"public", "t", "b"});
    const std::string trigger = "~" + generated_name("insert", {"t"});
    db.exec("CREATE TABLE t (a int, _fw_mine int, " + column + " bigint, " + aside + " int); CREATE FUNCTION " +
            function + "() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER \"" + trigger +
            "\" BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION " + function + "(); CREATE INDEX " + index +
            " ON t (a)");
    const std::vector<pg::HealthFinding> found = pg::find_objects_of_ours(*session_of(db.url()), {});
    REQUIRE(found.size() == 5);
    CHECK(found[0].object == trigger);
    CHECK(found[1].object == function);
    CHECK(found[2].object == index);
    CHECK(found[2].fix_alone);
    // A column that was set aside may hold the only copy of its values.
    CHECK(found[4].object == aside);
    CHECK(found[4].fix.empty());
    CHECK(found[3].object == column);
    for (const pg::HealthFinding& finding : found) {
      for (const std::string& sql : finding.fix) db.exec(sql);
    }
    CHECK(pg::find_objects_of_ours(*session_of(db.url()), {}).size() == 1);
    CHECK(pg::find_silenced_triggers(*session_of(db.url()), {}).empty());
  }
}

TEST_CASE("a trigger of ours that does not fire always is found") {
  const test::TestDatabase db(test::Server::any());
  const std::string trigger = "\"~" + generated_name("insert", {"t"}) + "\"";
  db.exec(
      "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
      "CREATE TRIGGER " +
      trigger +
      " BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE t ENABLE "
      "ALWAYS TRIGGER " +
      trigger);
  CHECK(pg::find_silenced_triggers(*session_of(db.url()), {}).empty());
  for (const char* how : {"DISABLE", "ENABLE", "ENABLE REPLICA"}) {
    CAPTURE(how);
    db.exec("ALTER TABLE t " + std::string(how) + " TRIGGER " + trigger);
    CHECK(pg::find_silenced_triggers(*session_of(db.url()), {}).size() == 1);
  }
}

TEST_SUITE_END();

}  // namespace falsework
