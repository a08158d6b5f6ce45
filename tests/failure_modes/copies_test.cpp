// What a table may have, or somebody may do to it, beside a copy.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/error_kinds.h"
#include "engine/forecast.h"
#include "tests/failure_modes/site.h"
#include "tests/support/wait.h"

namespace falsework::test {

namespace {

constexpr const char* kHead = "-- falsework: name=papers switch=2026.12 contract=2027.01\n";

Plan rename_in(const TestDatabase& database) {
  return plan_in(database, std::string(kHead) + "ALTER TABLE papers RENAME COLUMN label TO title;");
}

std::string papers(int rows) {
  return fmt::format(
      "CREATE TABLE papers (id int PRIMARY KEY, label text, note text); INSERT INTO papers SELECT g, 'paper ' || g, "
      "'n' "
      "FROM generate_series(1, {}) AS g; ",
      rows);
}

std::string disagreeing(const TestDatabase& database) {
  return database.connect().value("SELECT count(*) FROM papers WHERE record_image_ne(ROW(label), ROW(title))");
}

std::int64_t rows_copied(Run& run, const std::string& step) { return run.state().steps.at(step).rows; }

// A subscription to a publication in another database of the same server; gone at the end of the scope.
class Subscription {
 public:
  Subscription(const TestDatabase& publisher, const TestDatabase& subscriber, const std::string& table)
      : publisher_(publisher.connect_as_superuser()), subscriber_(subscriber.connect_as_superuser()) {
    slot_ = "sub_" + subscriber.name();
    publisher_.exec("CREATE PUBLICATION news FOR TABLE public." + table);
    publisher_.exec("SELECT pg_create_logical_replication_slot('" + slot_ + "', 'pgoutput')");
    // Within one server a subscription cannot create its slot (PG docs, sql-createsubscription).
    subscriber_.exec("CREATE SUBSCRIPTION news CONNECTION '" + publisher.superuser_url() +
                     "' PUBLICATION news WITH (create_slot = false, copy_data = false, slot_name = '" + slot_ + "')");
  }
  ~Subscription() {
    subscriber_.exec("ALTER SUBSCRIPTION news DISABLE");
    subscriber_.exec("ALTER SUBSCRIPTION news SET (slot_name = NONE)");
    subscriber_.exec("DROP SUBSCRIPTION news");
    wait_until([&] { return publisher_.value("SELECT count(*) FROM pg_replication_slots WHERE active") == "0"; });
    publisher_.exec("SELECT pg_drop_replication_slot('" + slot_ + "')");
  }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

 private:
  Client publisher_, subscriber_;
  std::string slot_;
};

// Tables of two databases that one subscription connects.
struct Pair {
  TestDatabase publisher{Server::any()}, subscriber{Server::any()};

  bool subscriber_says(const std::string& query, const std::string& answer) const {
    Client client = subscriber.connect();
    return wait_until([&] { return client.value(query) == answer; }, std::chrono::seconds(20));
  }
};

}  // namespace

TEST_SUITE_BEGIN("failure_modes/copies");

TEST_CASE("several changes of one table are copied in one pass, and each can be taken back") {
  TestDatabase database(Server::any());
  database.exec(
      papers(3000) +
      "ALTER TABLE papers ADD COLUMN pages int; UPDATE papers SET pages = id; UPDATE papers SET note = NULL WHERE id % "
      "3 = 0; CREATE TABLE fired (what text); CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
      "INSERT INTO public.fired VALUES (TG_NAME); RETURN NEW; END$$; CREATE TRIGGER audit AFTER UPDATE ON papers FOR "
      "EACH ROW EXECUTE FUNCTION count_it();");
  Run run(database,
          plan_in(database, std::string(kHead) +
                                "ALTER TABLE papers RENAME COLUMN label TO title;\n"
                                "ALTER TABLE papers ALTER COLUMN pages TYPE bigint;\n"
                                "ALTER TABLE papers ALTER COLUMN note SET NOT NULL; -- falsework: fill=''\n"));
  run.advance_to(Phase::kValidate);
  Client client = database.connect();
  CHECK(rows_copied(run, "papers/backfill/copy") == 3000);
  CHECK(client.value("SELECT count(*) FROM fired") == "3000");
  CHECK(client.value("SELECT count(*) FROM papers WHERE title = 'paper ' || id AND note = CASE id % 3 WHEN 0 THEN '' "
                     "ELSE 'n' END") == "3000");
  CHECK(run.rollback() == Outcome::kRolledBack);
  CHECK(client.value("SELECT count(*) FROM papers WHERE label = 'paper ' || id AND pages = id") == "3000");
  CHECK(client.value("SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = "
                     "'papers'::regclass AND attnum > 0 AND NOT attisdropped") == "id,label,note,pages");
}

TEST_CASE("a value that is the same for every row, or NULL in every row, is there without a row being written") {
  TestDatabase database(Server::any());
  database.exec(papers(3000) + "ALTER TABLE papers ADD COLUMN remark text;");
  Run constant(database, plan_in(database, std::string(kHead) +
                                               "ALTER TABLE papers ALTER COLUMN note TYPE int USING 7; -- falsework: "
                                               "down='note' accept=data_loss\n"));
  const std::string versions = database.connect().value("SELECT max(ctid) FROM papers");
  constant.advance_to(Phase::kBackfill);
  CHECK(rows_copied(constant, "papers.note/backfill/copy") == 0);
  CHECK(database.connect().value("SELECT max(ctid) FROM papers") == versions);
  CHECK(constant.advance_to_end() == Outcome::kDone);
  CHECK(database.connect().value("SELECT count(*) FROM papers WHERE note = 7") == "3000");
  CHECK(database.connect().value("SELECT count(*) FROM pg_attrdef WHERE adrelid = 'papers'::regclass") == "0");

  Run nulls(database, plan_in(database,
                              "-- falsework: name=remarks switch=2026.12 contract=2027.01\n"
                              "ALTER TABLE papers RENAME COLUMN remark TO memo;"));
  CHECK(nulls.advance_to_end() == Outcome::kDone);
  CHECK(rows_copied(nulls, "papers.memo/backfill/copy") == 0);
  CHECK(database.connect().value("SELECT max(ctid) FROM papers") == versions);
}

TEST_CASE("what a writer of the new shape wrote before the copy is left as it is, where the old shape cannot hold it") {
  TestDatabase database(Server::any());
  database.exec(papers(200));
  Run run(database, plan_in(database, std::string(kHead) +
                                          "ALTER TABLE papers ALTER COLUMN label TYPE varchar(40) USING "
                                          "upper(label)::varchar(40); -- falsework: down=(lower(label)::text)\n"));
  run.advance_to(Phase::kDualWrite);
  Client client = database.connect();
  const std::string shadow =
      client.value("SELECT attname FROM pg_attribute WHERE attrelid = 'papers'::regclass AND attname LIKE '\\_fw\\_%'");
  client.exec(fmt::format("UPDATE papers SET {} = 'MiXed' WHERE id <= 10", shadow));
  run.advance_to(Phase::kBackfill);
  CHECK(client.value(fmt::format("SELECT count(*) FROM papers WHERE {} = 'MiXed' AND label = 'mixed'", shadow)) ==
        "10");
  CHECK(client.value(fmt::format("SELECT count(*) FROM papers WHERE {} = 'PAPER ' || id", shadow)) == "190");
}

TEST_CASE("the plan says of each trigger on UPDATE whether the copy fires it, and so it is") {
  TestDatabase database(Server::any());
  database.exec(
      papers(500) +
      "CREATE TABLE fired (what text);"
      "CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.fired VALUES "
      "(TG_NAME); RETURN NEW; END$$;"
      "CREATE FUNCTION spared() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF current_setting('falsework.copy', true) "
      "<> '' AND session_user = '" +
      database.role() +
      "' THEN RETURN NEW; END IF; INSERT INTO public.fired VALUES (TG_NAME); RETURN NEW; END$$;"
      "CREATE TRIGGER row_after AFTER UPDATE ON papers FOR EACH ROW EXECUTE FUNCTION count_it();"
      "CREATE TRIGGER row_before BEFORE INSERT OR UPDATE ON papers FOR EACH ROW EXECUTE FUNCTION count_it();"
      "CREATE TRIGGER with_when AFTER UPDATE ON papers FOR EACH ROW WHEN (OLD.note IS DISTINCT FROM NEW.note) EXECUTE "
      "FUNCTION count_it();"
      "CREATE TRIGGER of_columns BEFORE UPDATE OF label, note ON papers FOR EACH ROW EXECUTE FUNCTION count_it();"
      "CREATE TRIGGER by_statement AFTER UPDATE ON papers FOR EACH STATEMENT EXECUTE FUNCTION count_it();"
      "CREATE TRIGGER guarded BEFORE UPDATE ON papers FOR EACH ROW EXECUTE FUNCTION spared();"
      "CREATE TRIGGER disabled AFTER UPDATE ON papers FOR EACH ROW EXECUTE FUNCTION count_it();"
      "ALTER TABLE papers DISABLE TRIGGER disabled;"
      "CREATE TRIGGER on_replica AFTER UPDATE ON papers FOR EACH ROW EXECUTE FUNCTION count_it();"
      "ALTER TABLE papers ENABLE REPLICA TRIGGER on_replica;");
  const Plan plan = rename_in(database);
  const std::string warnings = warnings_of(plan);
  Run run(database, plan);
  run.advance_to(Phase::kBackfill);
  const struct {
    const char *trigger, *said, *fired;
  } cases[] = {
      {"row_after", "fires trigger row_after of papers (count_it) once for each row", "= 500"},
      {"row_before", "fires trigger row_before of papers (count_it) once for each row", "= 500"},
      {"with_when", "fires trigger with_when of papers (count_it) once for each row that it copies, where its WHEN",
       "= 0"},
      {"of_columns", "does not fire trigger of_columns of papers: it fires on UPDATE OF label, note", "= 0"},
      {"by_statement", "fires trigger by_statement of papers (count_it) once for each batch", "BETWEEN 1 AND 100"},
      {"guarded", "fires trigger guarded of papers (spared) once for each row", "= 0"},
      {"disabled", "does not fire trigger disabled of papers: it is disabled", "= 0"},
      {"on_replica", "does not fire trigger on_replica of papers: it fires on replicas alone", "= 0"}};
  for (const auto& c : cases) {
    CAPTURE(c.trigger);
    CHECK(warnings.find(c.said) != std::string::npos);
    CHECK(database.connect().value(
              fmt::format("SELECT count(*) {} FROM fired WHERE what = '{}'", c.fired, c.trigger)) == "t");
  }
  // The guard spares the copy alone.
  database.exec("UPDATE papers SET note = 'm' WHERE id = 1");
  CHECK(database.connect().value("SELECT count(*) FROM fired WHERE what = 'guarded'") == "1");
}

TEST_CASE("a write that touches neither shape does not call the dual write") {
  const RenamedPapers papers;
  Client client = papers.database().connect();
  const std::string function = client.value(
      "SELECT t.tgfoid::regproc FROM pg_trigger AS t WHERE t.tgrelid = 'papers'::regclass AND t.tgname LIKE "
      "'~_fw_update%'");
  client.exec("CREATE OR REPLACE FUNCTION " + function +
              "() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''called''; END'");
  CHECK(client.sqlstate_of("UPDATE papers SET note = 'other'") == "");
  CHECK(client.sqlstate_of("UPDATE papers SET label = label") == "");
  CHECK(client.sqlstate_of("UPDATE papers SET label = 'x' WHERE id = 1") == "P0001");
  CHECK(client.sqlstate_of("UPDATE papers SET title = 'x' WHERE id = 1") == "P0001");
}

TEST_CASE("the copy locks nothing of the tables that foreign keys tie to its own") {
  TestDatabase database(Server::any());
  database.exec("CREATE TABLE owners (id int PRIMARY KEY); INSERT INTO owners VALUES (1);" + papers(500) +
                "ALTER TABLE papers ADD COLUMN owner int DEFAULT 1 REFERENCES owners;"
                "CREATE TABLE copies (paper int REFERENCES papers); INSERT INTO copies VALUES (1);");
  Run run(database, rename_in(database));
  run.advance_to(Phase::kDualWrite);
  Client client = database.connect();
  client.exec("BEGIN; SELECT FROM owners FOR UPDATE; SELECT FROM copies FOR UPDATE");
  run.advance_to_step("papers.title/backfill/copy");
  CHECK(rows_copied(run, "papers.title/backfill/copy") == 500);
  client.exec("ROLLBACK");
}

TEST_CASE("long values of other columns are not written again by the copy") {
  TestDatabase database(Server::any());
  database.exec(
      papers(50) +
      "ALTER TABLE papers ADD COLUMN body text, ALTER body SET STORAGE EXTERNAL; UPDATE papers SET body = repeat('x', "
      "100000)");
  database.exec("VACUUM FULL papers");
  Client client = database.connect();
  const char* kLong = "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'papers'::regclass";
  const std::string before = client.value(kLong);
  Run run(database, rename_in(database));
  run.advance_to(Phase::kBackfill);
  CHECK(client.value(kLong) == before);
  CHECK(client.value("SELECT count(*) FROM papers WHERE length(body) = 100000 AND title = label") == "50");
}

TEST_CASE("a subscriber's apply worker writes both shapes, before the copy and after it") {
  const Pair pair;
  pair.publisher.exec(papers(0));
  pair.subscriber.exec(papers(0) + "INSERT INTO papers SELECT g, 'there', 'n' FROM generate_series(1, 200) AS g");
  pair.publisher.exec("INSERT INTO papers SELECT g, 'there', 'n' FROM generate_series(1, 200) AS g");
  Run run(pair.subscriber, rename_in(pair.subscriber));
  const Subscription subscription(pair.publisher, pair.subscriber, "papers");
  run.advance_to(Phase::kDualWrite);
  pair.publisher.exec("UPDATE papers SET label = 'early' WHERE id <= 50; INSERT INTO papers VALUES (201, 'new', 'n')");
  CHECK(pair.subscriber_says("SELECT count(*) FROM papers WHERE label = 'early' AND title = 'early'", "50"));
  CHECK(pair.subscriber_says("SELECT count(*) FROM papers WHERE label = 'new' AND title = 'new'", "1"));
  run.advance_to(Phase::kValidate);
  CHECK(disagreeing(pair.subscriber) == "0");
  pair.publisher.exec("UPDATE papers SET label = 'late' WHERE id > 150; DELETE FROM papers WHERE id = 1");
  CHECK(pair.subscriber_says("SELECT count(*) FROM papers WHERE label = 'late' AND title = 'late'", "51"));
  CHECK(pair.subscriber_says("SELECT count(*) FROM papers WHERE id = 1", "0"));
  CHECK(disagreeing(pair.subscriber) == "0");
  CHECK(run.advance_to_end() == Outcome::kDone);
}

TEST_CASE("a published table with REPLICA IDENTITY FULL is copied here, and by way of it on its subscriber") {
  const Pair pair;
  pair.publisher.exec(papers(200) + "ALTER TABLE papers REPLICA IDENTITY FULL");
  pair.subscriber.exec(papers(200) + "ALTER TABLE papers ADD COLUMN title text");
  const Subscription subscription(pair.publisher, pair.subscriber, "papers");
  Run run(pair.publisher, rename_in(pair.publisher));
  run.advance_to(Phase::kValidate);
  CHECK(disagreeing(pair.publisher) == "0");
  CHECK(pair.subscriber_says("SELECT count(*) FROM papers WHERE title = label", "200"));
  pair.publisher.exec("UPDATE papers SET title = 'both' WHERE id = 7; DELETE FROM papers WHERE id = 8");
  CHECK(pair.subscriber_says("SELECT label || title FROM papers WHERE id = 7", "bothboth"));
  CHECK(pair.subscriber_says("SELECT count(*) FROM papers", "199"));
}

TEST_CASE("a table that becomes a partition, or gets a child, before it is copied stops the run by name") {
  for (const char* statement : {"CREATE TABLE whole (LIKE papers) PARTITION BY RANGE (id); ALTER TABLE whole ATTACH "
                                "PARTITION papers DEFAULT",
                                "CREATE TABLE child () INHERITS (papers)"}) {
    CAPTURE(statement);
    TestDatabase database(Server::any());
    database.exec(papers(200));
    Run run(database, rename_in(database));
    run.advance_to(Phase::kDualWrite);
    database.exec(statement);
    std::string code, what;
    try {
      run.advance_to(Phase::kValidate);
    } catch (const Error& error) {
      code = error.code();
      what = error.what();
    }
    CAPTURE(what);
    CHECK(code == errors::kPlanStale.code);
    CHECK(what.find("papers") != std::string::npos);
  }
}

TEST_CASE("a copy writes between half and twice the WAL that was forecast, and the table grows by as much") {
  const char* kRename = "ALTER TABLE papers RENAME COLUMN label TO title;";
  const struct {
    const char *label, *declaration;
  } cases[] = {{"'paper ' || g", kRename},
               {"repeat(md5(g::text), 6)", kRename},
               {"CASE WHEN g % 4 = 0 THEN 'paper ' || g END", kRename},
               {"'paper ' || g",
                "ALTER TABLE papers RENAME COLUMN label TO title; ALTER TABLE papers ALTER COLUMN pages TYPE bigint;"}};
  for (const auto& c : cases) {
    CAPTURE(c.label);
    CAPTURE(c.declaration);
    TestDatabase database(Server::any());
    database.exec(
        fmt::format("CREATE TABLE papers (id int PRIMARY KEY, label text, pages int, note text); INSERT INTO papers "
                    "SELECT g, {}, g, repeat('n', 60) FROM generate_series(1, 60000) AS g; CREATE INDEX ON papers "
                    "(note)",
                    c.label));
    Client admin = database.connect_as_superuser();
    admin.exec("VACUUM ANALYZE papers");
    const Plan plan = plan_in(database, std::string(kHead) + c.declaration);
    const CopyForecast forecast = forecast_copies(plan, 0).at(0);
    Run run(database, plan);
    run.advance_to(Phase::kDualWrite);
    admin.exec("CHECKPOINT");
    const auto number = [&](const char* query) { return std::stod(admin.value(query)); };
    const char* kWal = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')";
    const char* kSize = "SELECT pg_relation_size('papers')";
    const double wal = number(kWal);
    const double size = number(kSize);
    run.advance_to_step(forecast.step);
    const double written = (number(kWal) - wal) / static_cast<double>(forecast.wal_bytes);
    const double grown = (number(kSize) - size) / static_cast<double>(forecast.disk_bytes);
    CAPTURE(written);
    CAPTURE(grown);
    CHECK(written > 0.5);
    CHECK(written < 2);
    CHECK(grown > 0.5);
    CHECK(grown < 2);
  }
}

TEST_SUITE_END();

}  // namespace falsework::test
