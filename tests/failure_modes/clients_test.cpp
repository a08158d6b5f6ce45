// Ways in which a client can write past a dual write, each tried while both shapes stand.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/failure_modes/site.h"

namespace falsework::test {

TEST_SUITE_BEGIN("failure_modes/clients");

TEST_CASE("a session that silences triggers, as a replica's does, is written twice all the same") {
  const RenamedPapers papers;
  Client client = papers.database().connect_as_superuser();
  client.exec(
      "SET session_replication_role = replica; INSERT INTO papers (id, label) VALUES (1001, 'x'); UPDATE papers SET "
      "label = 'changed' WHERE id <= 10; UPDATE papers SET title = 'new' WHERE id > 40");
  CHECK(papers.disagreeing() == "0");
}

TEST_CASE("triggers that were disabled stop the run by name, and rows that were written meanwhile stop the contract") {
  RenamedPapers papers;
  papers.database().exec("ALTER TABLE papers DISABLE TRIGGER USER; UPDATE papers SET label = 'missed' WHERE id = 3");
  std::string code;
  try {
    papers.run().advance_to_end();
  } catch (const Error& error) {
    code = error.code();
  }
  CHECK(code == "plan.stale");
  CHECK(papers.disagreeing() == "1");
}

TEST_CASE("what somebody changed is named before a gate opens, and the gate stays closed") {
  const struct {
    const char* drift;
    const char* named;
  } cases[] = {{"CREATE INDEX stray ON papers (note)", "papers: index stray new"},
               {"ALTER TABLE papers DISABLE TRIGGER USER", "~_fw_"},
               {"ALTER TABLE papers DROP COLUMN title CASCADE", "papers: column title gone"},
               {"DO $$BEGIN EXECUTE (SELECT 'CREATE OR REPLACE FUNCTION ' || p.oid::regprocedure || ' RETURNS trigger "
                "LANGUAGE plpgsql AS ''BEGIN RETURN NEW; END''' FROM pg_proc AS p WHERE proname LIKE "
                "'\\_fw\\_dual\\_write\\_update%'); END$$",
                "changed"}};
  for (const auto& each : cases) {
    CAPTURE(each.drift);
    RenamedPapers papers;
    papers.database().exec(each.drift);
    std::string said;
    try {
      papers.run().advance_to(Phase::kSwitch);
    } catch (const Error& error) {
      said = error.what();
      CHECK(error.code() == "plan.stale");
    }
    CAPTURE(said);
    CHECK(said.find(each.named) != std::string::npos);
    CHECK(papers.database().connect().value("SELECT count(*) FROM falsework.journal WHERE step LIKE '%/switch/gate'") ==
          "0");
  }
}

TEST_CASE("a run whose new column somebody dropped can be rolled back, and says what was gone") {
  RenamedPapers papers;
  papers.database().exec("ALTER TABLE papers DROP COLUMN title CASCADE");
  CHECK(papers.run().rollback() == Outcome::kRolledBack);
  Client client = papers.database().connect();
  CHECK(client.value("SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = "
                     "'papers'::regclass AND attnum > 0 AND NOT attisdropped") == "id,label,note");
  CHECK(client.value("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'papers'::regclass") == "0");
  CHECK(client.value("SELECT count(*) FROM pg_proc WHERE proname LIKE '\\_fw\\_%'") == "0");
  CHECK(client.value("SELECT count(*) > 0 FROM falsework.history WHERE detail LIKE 'gone already: %'") == "t");
}

TEST_CASE("a run taken back past an index that somebody had dropped builds it anew when it goes on") {
  RenamedPapers papers("CREATE INDEX papers_label ON papers (label)");
  papers.run().advance_to(Phase::kValidate);
  papers.database().exec(
      "DO $$BEGIN EXECUTE (SELECT 'DROP INDEX ' || oid::regclass FROM pg_class WHERE relname LIKE '\\_fw\\_index%'); "
      "END$$");
  RollbackRequest to_copy;
  to_copy.to_phase = Phase::kBackfill;
  CHECK(papers.run().rollback(to_copy) == Outcome::kTargetReached);
  CHECK(papers.run().advance_to_end() == Outcome::kDone);
  CHECK(papers.database().connect().value("SELECT indexdef FROM pg_indexes WHERE indexname = 'papers_label'") ==
        "CREATE INDEX papers_label ON public.papers USING btree (title)");
}

TEST_CASE("a rollback does not drop a new column that clients may have written without its dual write") {
  // Without either of the two functions, new columns may hold what nothing else does.
  const std::string of_function = "FROM pg_proc AS p WHERE proname LIKE '\\_fw\\_dual\\_write\\_";
  const std::string drop =
      "DO $$BEGIN EXECUTE (SELECT 'DROP FUNCTION ' || p.oid::regprocedure || ' CASCADE' " + of_function;
  const std::string replace =
      "DO $$BEGIN EXECUTE (SELECT 'CREATE OR REPLACE FUNCTION ' || p.oid::regprocedure || ' RETURNS trigger LANGUAGE "
      "plpgsql AS ''BEGIN RETURN NEW; END''' " +
      of_function;
  const std::string insert = "INSERT INTO papers (id, title) VALUES (90001, 'the only copy')";
  const std::string update = "UPDATE papers SET title = 'the only copy' WHERE id = 1";
  struct Case {
    std::string disturbed, write;
  };
  const std::vector<Case> cases{{drop + "insert%'); END$$", insert},
                                {drop + "update%'); END$$", update},
                                {replace + "insert%'); END$$", insert},
                                {replace + "update%'); END$$", update},
                                {"ALTER TABLE papers DISABLE TRIGGER USER", insert}};
  for (const Case& c : cases) {
    CAPTURE(c.disturbed);
    RenamedPapers papers;
    papers.database().exec(c.disturbed);
    papers.database().exec(c.write);
    std::string code;
    try {
      papers.run().rollback();
    } catch (const Error& error) {
      code = error.code();
      CHECK(std::string(error.what()).find("could drop the only copy") != std::string::npos);
    }
    CHECK(code == "plan.stale");
    CHECK(papers.database().connect().value("SELECT count(*) FROM papers WHERE title = 'the only copy'") == "1");
  }
}

TEST_CASE("a trigger of the user's own that is named like what the dual write's is on does not hold a rollback back") {
  RenamedPapers papers(
      "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER papers "
      "BEFORE "
      "UPDATE ON papers FOR EACH ROW EXECUTE FUNCTION touch()");
  papers.database().exec("ALTER TABLE papers DISABLE TRIGGER papers");
  CHECK(papers.run().rollback() == Outcome::kRolledBack);
}

TEST_CASE("every kind of statement keeps both shapes in agreement") {
  const RenamedPapers papers(
      "CREATE UNIQUE INDEX papers_note ON papers (note, id); CREATE TABLE incoming (id int, label text); INSERT INTO "
      "incoming VALUES (5, 'merged'), (3000, 'merged')");
  Client client = papers.database().connect();
  std::vector<std::string> statements{
      ("INSERT INTO papers (id, label) VALUES (1, 'a'), (1001, 'b') ON CONFLICT (id) DO UPDATE SET label = "
       "excluded.label"),
      ("INSERT INTO papers (id, title) VALUES (2, 'c'), (1002, 'd') ON CONFLICT (id) DO UPDATE SET title = "
       "excluded.title"),
      "INSERT INTO papers (id, label) VALUES (3, 'e') ON CONFLICT DO NOTHING",
      "INSERT INTO papers (id, label, title) VALUES (1003, DEFAULT, 'f'), (1004, 'g', DEFAULT), (1005, NULL, NULL)",
      "UPDATE papers SET label = i.label FROM incoming AS i WHERE papers.id = i.id",
      ("WITH moved AS (DELETE FROM papers WHERE id = 9 RETURNING *) INSERT INTO papers (id, label, note) SELECT 1009, "
       "label, note FROM moved"),
      "PREPARE change (int) AS UPDATE papers SET label = label || '!' WHERE id = $1; EXECUTE change (11)",
      ("BEGIN; SAVEPOINT s; UPDATE papers SET label = 'gone' WHERE id = 12; ROLLBACK TO s; UPDATE papers SET title = "
       "'kept' WHERE id = 13; COMMIT"),
      "UPDATE papers SET id = id + 100000 WHERE id = 14"};
  if (papers.database().server().major() >= 15) {
    statements.emplace_back(
        "MERGE INTO papers AS p USING incoming AS i ON p.id = i.id WHEN MATCHED THEN UPDATE SET label = i.label WHEN "
        "NOT MATCHED THEN INSERT (id, label) VALUES (i.id, i.label)");
  }
  for (const std::string& statement : statements) {
    CAPTURE(statement);
    CHECK(client.sqlstate_of(statement).empty());
    CHECK(papers.disagreeing() == "0");
  }
  client.copy_in("COPY papers (id, label) FROM STDIN", "4001\tcopied\n4002\t\\N\n");
  client.copy_in("COPY papers (id, title) FROM STDIN", "4003\tcopied\n");
  CHECK(papers.disagreeing() == "0");
}

TEST_CASE("where both shapes are written at once, the new one is kept in both") {
  const RenamedPapers papers;
  Client client = papers.database().connect();
  client.exec(
      "UPDATE papers SET label = 'old', title = 'new' WHERE id = 1; INSERT INTO papers (id, label, title) VALUES "
      "(1001, 'old', 'new')");
  CHECK(client.value("SELECT string_agg(label || title, ',') FROM papers WHERE id IN (1, 1001)") == "newnew,newnew");
}

TEST_CASE("what a session says that it writes decides, and where it says nothing, what it has written") {
  const std::string head = "-- falsework: name=t switch=2026.12 contract=2027.01";
  const std::string rename = "ALTER TABLE t RENAME COLUMN a TO b;";
  const struct {
    const char* what;
    std::string declaration;
    std::vector<std::pair<std::string, std::string>> pairs;
    const char* volatility;
  } cases[] = {
      {"one pair", head + "\n" + rename, {{"a", "b"}}, "s"},
      {"two pairs", head + "\n" + rename + "\nALTER TABLE t RENAME COLUMN c TO d;", {{"a", "b"}, {"c", "d"}}, "s"},
      {"a pair whose old writes are counted", head + " contract_no_old_writer=1h\n" + rename, {{"a", "b"}}, "v"}};
  for (const auto& each : cases) {
    CAPTURE(each.what);
    TestDatabase database(Server::any());
    database.exec("CREATE TABLE t (id serial PRIMARY KEY, a text, c text)");
    Run run(database, plan_in(database, each.declaration));
    run.advance_to(Phase::kDualWrite);
    Client client = database.connect();
    CHECK(client.value("SELECT string_agg(provolatile::text, '') FROM pg_proc WHERE proname LIKE '\\_fw\\_dual%'") ==
          std::string(2, each.volatility[0]));
    for (const char* said : {"nothing", "", "neither", "old", "new"}) {
      CAPTURE(said);
      const std::string shape = said;
      if (shape != "nothing") client.exec("SET falsework.shape = '" + shape + "'");
      // Writes `o` to the old columns and `n` to the new ones; whether both are `expected` then.
      const auto writes = [&](const std::string& o, const std::string& n, const std::string& expected, bool insert) {
        std::string columns, values, sets, both;
        for (const auto& [a, b] : each.pairs) {
          columns += fmt::format("{}{}, {}", columns.empty() ? "" : ", ", a, b);
          values += fmt::format("{}{}, {}", values.empty() ? "" : ", ", o, n);
          sets +=
              fmt::format("{}{} = {}, {} = {}", sets.empty() ? "" : ", ", a, o.empty() ? a : o, b, n.empty() ? b : n);
          both += fmt::format("{}({} IS NOT DISTINCT FROM {} AND {} IS NOT DISTINCT FROM {})",
                              both.empty() ? "" : " AND ", a, expected, b, expected);
        }
        if (insert)
          return client.value(fmt::format("INSERT INTO t ({}) VALUES ({}) RETURNING {}", columns, values, both));
        const std::string before = each.pairs.size() == 1 ? "'x', 'x'" : "'x', 'x', 'x', 'x'";
        client.exec(fmt::format("TRUNCATE t; INSERT INTO t ({}) VALUES ({})", columns, before));
        return client.value(fmt::format("UPDATE t SET {} RETURNING {}", sets, both));
      };
      for (const auto& o : std::vector<std::string>{"NULL", "'o'"}) {
        for (const auto& n : std::vector<std::string>{"NULL", "'n'"}) {
          CAPTURE(o);
          CAPTURE(n);
          const bool old_decides = shape == "old" || (shape != "new" && n == "NULL");
          CHECK(writes(o, n, old_decides ? o : n, true) == "t");
        }
      }
      for (const auto& o : std::vector<std::string>{"", "NULL", "'o'"}) {  // "": left as it is
        for (const auto& n : std::vector<std::string>{"", "NULL", "'n'"}) {
          CAPTURE(o);
          CAPTURE(n);
          const bool old_decides = shape == "old" || (shape != "new" && n.empty());
          const std::string decides = old_decides ? o : n;
          CHECK(writes(o, n, decides.empty() ? "'x'" : decides, false) == "t");
        }
      }
    }
  }
}

TEST_CASE("the mark of the copy silences the dual write only where the copy writes") {
  const RenamedPapers papers;
  Client client = papers.database().connect();
  client.exec("SET falsework.copy = 'papers'");
  client.exec("UPDATE papers SET label = 'marked' WHERE id = 1; UPDATE papers SET title = 'marked too' WHERE id = 2");
  CHECK(papers.disagreeing() == "0");
  // A row that has not been copied: the copy's own write is left as it is.
  client.exec(
      "ALTER TABLE papers DISABLE TRIGGER USER; UPDATE papers SET title = NULL WHERE id = 3; ALTER TABLE papers ENABLE "
      "TRIGGER USER; UPDATE papers SET title = 'copied' WHERE id = 3");
  CHECK(client.value("SELECT label || ' ' || title FROM papers WHERE id = 3") == "paper 3 copied");
}

TEST_CASE("a trigger of the owner's that changes the column first is followed") {
  const RenamedPapers papers(
      "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.label := upper(NEW.label); RETURN NEW; "
      "END$$; CREATE TRIGGER aa_shout BEFORE UPDATE OF note ON papers FOR EACH ROW EXECUTE FUNCTION shout()");
  Client client = papers.database().connect();
  client.exec("UPDATE papers SET note = 'm' WHERE id = 1");
  CHECK(client.value("SELECT title FROM papers WHERE id = 1") == "PAPER 1");
  CHECK(papers.disagreeing() == "0");
}

TEST_CASE("a write that fires the dual write does nothing besides, however often it fires") {
  const RenamedPapers papers;
  Client client = papers.database().connect();
  const std::string before =
      client.value("SELECT count(*) FROM pg_class") + client.value("SELECT count(*) FROM papers");
  client.exec(
      "INSERT INTO papers (id, label) SELECT g, 'ignored' FROM generate_series(1, 50) AS g ON CONFLICT DO "
      "NOTHING");
  CHECK(client.value("SELECT count(*) FROM pg_class") + client.value("SELECT count(*) FROM papers") == before);
  CHECK(client.value("SELECT count(*) FROM papers WHERE title LIKE 'ignored%'") == "0");
}

TEST_CASE("TRUNCATE and what follows it leave both shapes in agreement, and the run goes to its end") {
  RenamedPapers papers;
  papers.database().exec("TRUNCATE papers; INSERT INTO papers (id, label) VALUES (1, 'after')");
  CHECK(papers.disagreeing() == "0");
  CHECK(papers.run().advance_to_end() == Outcome::kDone);
  CHECK(papers.database().connect().value("SELECT title FROM papers") == "after");
}

TEST_CASE("a foreign key's cascade reaches both shapes") {
  TestDatabase database(Server::any());
  database.exec(
      "CREATE TABLE owners (id int PRIMARY KEY); INSERT INTO owners VALUES (1), (2), (3);"
      "CREATE TABLE papers (id int PRIMARY KEY, owner int REFERENCES owners ON UPDATE CASCADE ON DELETE SET NULL);"
      "INSERT INTO papers SELECT g, 1 + g % 3 FROM generate_series(1, 30) AS g");
  Run run(database, plan_in(database,
                            "-- falsework: name=papers switch=2026.12 contract=2027.01\n"
                            "ALTER TABLE papers RENAME COLUMN owner TO holder;"));
  run.advance_to(Phase::kValidate);
  database.exec("UPDATE owners SET id = 20 WHERE id = 2; DELETE FROM owners WHERE id = 3");
  CHECK(database.connect().value("SELECT count(*) FROM papers WHERE owner IS DISTINCT FROM holder") == "0");
  CHECK(database.connect().value("SELECT count(*) FROM papers WHERE holder IS NULL") == "10");
  CHECK(run.advance_to_end() == Outcome::kDone);
}

TEST_CASE("values that only their bytes tell apart are carried as they are") {
  TestDatabase database(Server::any());
  database.exec(
      "CREATE TABLE t (id int PRIMARY KEY, f float8, n numeric, j json); INSERT INTO t VALUES (1, 'NaN', 1.0, "
      "'{\"a\":1}'), (2, '-0', 'NaN', '{\"a\": 1}'), (3, 'Infinity', 1.00, NULL)");
  Run run(database, plan_in(database,
                            "-- falsework: name=t switch=2026.12 contract=2027.01\n"
                            "ALTER TABLE t RENAME COLUMN f TO f2; ALTER TABLE t RENAME COLUMN n TO n2; ALTER TABLE t "
                            "RENAME COLUMN j TO j2;"));
  run.advance_to(Phase::kValidate);
  database.exec("UPDATE t SET n = 1.00, f = '0', j = '{\"a\":  1}' WHERE id < 3");
  Client client = database.connect();
  CHECK(client.value("SELECT count(*) FROM t WHERE record_image_ne(ROW(f, n, j), ROW(f2, n2, j2))") == "0");
  CHECK(client.value("SELECT n2::text || f2::text || j2::text FROM t WHERE id = 2") == "1.000{\"a\":  1}");
  CHECK(run.advance_to_end() == Outcome::kDone);
}

TEST_CASE("tables of any shape of key, with long values, unlogged or emptied, are copied whole") {
  const struct {
    const char *what, *schema;
  } cases[] = {
      {"no key at all",
       "CREATE TABLE t (a int, v text); INSERT INTO t SELECT g % 3, 'v' || g FROM generate_series(1, 90) AS g"},
      {"a composite key with gaps and negatives",
       "CREATE TABLE t (a int, b text, v text, PRIMARY KEY (b, a)); INSERT INTO t SELECT -g * 7, 'k' || g % 2, 'v' "
       "FROM "
       "generate_series(1, 90) AS g"},
      {"NaN as a key",
       "CREATE TABLE t (a float8 PRIMARY KEY, v text); INSERT INTO t VALUES ('NaN', 'x'), ('-Infinity', 'y')"},
      {"a megabyte in each row",
       "CREATE TABLE t (a int PRIMARY KEY, v text); ALTER TABLE t ALTER v SET STORAGE EXTERNAL; INSERT INTO t SELECT "
       "g, "
       "repeat('x', 1000000) FROM generate_series(1, 8) AS g"},
      {"unlogged", "CREATE UNLOGGED TABLE t (a int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x')"},
      {"one row", "CREATE TABLE t (a int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x')"},
      {"emptied",
       "CREATE TABLE t (a int PRIMARY KEY, v text); INSERT INTO t SELECT g, 'x' FROM generate_series(1, 500) AS "
       "g; DELETE FROM t"}};
  for (const auto& c : cases) {
    CAPTURE(c.what);
    TestDatabase database(Server::any());
    database.exec(c.schema);
    Client client = database.connect();
    const std::string before =
        client.value("SELECT count(*) || coalesce(md5(string_agg(v, ',' ORDER BY v)), '') FROM t");
    Run run(database, plan_in(database,
                              "-- falsework: name=t switch=2026.12 contract=2027.01\n"
                              "ALTER TABLE t RENAME COLUMN v TO w;"));
    CHECK(run.advance_to_end() == Outcome::kDone);
    CHECK(client.value("SELECT count(*) || coalesce(md5(string_agg(w, ',' ORDER BY w)), '') FROM t") == before);
  }
}

TEST_CASE("the new column has statistics before anybody is sent to it") {
  const RenamedPapers papers;
  CHECK(papers.database().connect().value("SELECT count(*) FROM pg_stats WHERE tablename = 'papers' AND attname = "
                                          "'title'") == "1");
}

TEST_CASE("an object that bears one of our names already stops the run, and is left as it is") {
  TestDatabase database(Server::any());
  database.exec("CREATE TABLE t (id int PRIMARY KEY, a text)");
  const Plan plan = plan_in(database,
                            "-- falsework: name=t switch=2026.12 contract=2027.01\n"
                            "ALTER TABLE t RENAME COLUMN a TO b;");
  std::string function;
  for (const Step& step : plan.steps) {
    for (const std::string& sql : step.sql) {
      const std::size_t at = sql.find("_fw_dual_write");
      if (function.empty() && at != std::string::npos) function = sql.substr(at, sql.find('(', at) - at);
    }
  }
  REQUIRE_FALSE(function.empty());
  database.exec("CREATE FUNCTION " + function + "() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
  Run run(database, plan);
  std::string code;
  try {
    run.advance_to_end();
  } catch (const Error& error) {
    code = error.code();
  }
  CHECK(code == "step.failed");
  Client client = database.connect();
  CHECK(client.value("SELECT prosrc FROM pg_proc WHERE proname = $1", {function}) == "BEGIN RETURN NULL; END");
  CHECK(run.rollback() == Outcome::kRolledBack);
  CHECK(client.value("SELECT count(*) FROM pg_proc WHERE proname = $1", {function}) == "1");
}

TEST_CASE("a publication FOR ALL TABLES takes the journal along, and refuses none of its writes") {
  const TestDatabase database(Server::any());
  database.exec("CREATE TABLE papers (id int PRIMARY KEY, label text); INSERT INTO papers VALUES (1, 'a')");
  database.connect_as_superuser().exec("CREATE PUBLICATION everything FOR ALL TABLES");
  Run run(database, plan_in(database, "ALTER TABLE papers RENAME COLUMN label TO title;"));
  CHECK(run.advance_to_end() == Outcome::kDone);
  Client client = database.connect_as_superuser();
  CHECK(client.value("SELECT count(*) > 0 FROM pg_publication_tables WHERE schemaname = 'falsework'") == "t");
  CHECK(client.value(
            "SELECT count(*) FROM pg_class AS c WHERE c.relnamespace = 'falsework'::regnamespace AND c.relkind "
            "= 'r' AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)") == "0");
}

TEST_CASE("a deferred foreign key goes along with its column, and its pending events stop no step") {
  RenamedPapers papers(
      "CREATE TABLE labels (name text PRIMARY KEY); INSERT INTO labels SELECT DISTINCT label FROM papers; ALTER TABLE "
      "papers ADD CONSTRAINT papers_label FOREIGN KEY (label) REFERENCES labels (name) DEFERRABLE INITIALLY DEFERRED");
  Client client = papers.database().connect();
  client.exec("BEGIN; UPDATE papers SET label = 'later' WHERE id = 1; INSERT INTO labels VALUES ('later'); COMMIT");
  CHECK(papers.run().advance_to_end() == Outcome::kDone);
  CHECK(client.sqlstate_of("UPDATE papers SET title = 'nowhere' WHERE id = 2") == "23503");
  CHECK(client
            .sqlstate_of("BEGIN; UPDATE papers SET title = 'soon' WHERE id = 2; INSERT INTO labels VALUES ('soon'); "
                         "COMMIT")
            .empty());
}

TEST_CASE("a column that refers to large objects keeps their oids, and the objects stay") {
  const TestDatabase database(Server::any());
  database.exec(
      "CREATE TABLE files (id int PRIMARY KEY, body oid); INSERT INTO files SELECT g, lo_from_bytea(0, 'text') FROM "
      "generate_series(1, 20) AS g");
  Run run(database, plan_in(database, "ALTER TABLE files RENAME COLUMN body TO content;"));
  CHECK(run.advance_to_end() == Outcome::kDone);
  CHECK(database.connect().value("SELECT count(*) FROM files WHERE convert_from(lo_get(content), 'UTF8') = 'text'") ==
        "20");
}

TEST_SUITE_END();

}  // namespace falsework::test
