// Archives: what a contract drops is kept, and a rollback gives every value back, for as long as it is kept.
#include <doctest/doctest.h>

#include <filesystem>

#include "tests/engine/cli/workspace.h"

namespace falsework::test {

namespace {

const char* const kRounding =
    "-- falsework: name=readings_amount archive=true switch=r1 contract=r2\n"
    "ALTER TABLE readings ALTER COLUMN amount TYPE bigint USING round(amount); -- falsework: accept=data_loss\n";

// Amounts that lose their cents in the new form.
void make_readings(const Workspace& place) {
  place.database().exec(
      "CREATE TABLE readings (id int PRIMARY KEY, amount numeric(10, 2), note text);"
      "CREATE INDEX readings_amount ON readings (amount);"
      "INSERT INTO readings VALUES (1, 1.25), (2, 2.50), (3, NULL), (4, 3.75), (5, 5.05)");
}

void to_the_end(const Workspace& place, const std::string& declaration, const std::string& first,
                const std::string& second) {
  place.plan(declaration);
  const ProcessResult applied = place.run({"apply", "plan.json", "--yes", "-d", place.url()});
  CAPTURE(applied.err);
  REQUIRE(applied.status == 0);
  REQUIRE(place.run({"advance", "--release", first, "--yes", "-d", place.url()}).status == 0);
  const Json done = place.json({"advance", "--release", second, "--yes", "-q"}).at("results").at(0);
  REQUIRE(done.at("outcome") == "done");
}

std::string all_readings(const Workspace& place) {
  return place.database().connect().value(
      "SELECT string_agg(id || '=' || coalesce(amount::text, 'null'), ' ' ORDER BY id) FROM readings");
}

std::string archive_of(const Workspace& place) {
  return place.database().connect().value(
      "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relname LIKE '\\_fw\\_archive%'");
}

bool holds(const Json& text, const std::string& part) {
  return text.get<std::string>().find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("engine/cli/archive") {
  TEST_CASE("archive, drop, rollback: every value is restored, and rows written since take the new one's") {
    const Workspace place;
    make_readings(place);
    const std::string before = all_readings(place);
    to_the_end(place, kRounding, "r1", "r2");
    REQUIRE(all_readings(place) == "1=1 2=3 3=null 4=4 5=5");
    place.database().exec(
        "UPDATE readings SET note = 'seen'; UPDATE readings SET amount = 9 WHERE id = 2;"
        "DELETE FROM readings WHERE id = 4; INSERT INTO readings (id, amount) VALUES (7, 70)");
    const Json back = place.json({"rollback", "readings_amount", "--yes", "-q"}).at("results").at(0);
    CHECK(back.at("outcome") == "rolled_back");
    CHECK(all_readings(place) == "1=1.25 2=9.00 3=null 5=5.05 7=70.00");
    CHECK(before == "1=1.25 2=2.50 3=null 4=3.75 5=5.05");
    CHECK(place.database().connect().value("SELECT string_agg(note, ' ') FROM readings") == "seen seen seen seen");
    CHECK(place.database().connect().value("SELECT count(*) FROM pg_class WHERE relname LIKE '\\_fw\\_%'") == "0");
    CHECK(place.database().connect().value("SELECT indexdef FROM pg_indexes WHERE indexname = 'readings_amount'") ==
          "CREATE INDEX readings_amount ON public.readings USING btree (amount)");
  }

  TEST_CASE("without its archive a rollback is refused before anything is undone") {
    const Workspace place;
    make_readings(place);
    to_the_end(place, kRounding, "r1", "r2");
    const std::string archive = archive_of(place);
    CHECK(place.database().connect().value("SELECT count(*) FROM " + archive) == "5");
    place.database().exec("ALTER TABLE " + archive + " RENAME TO elsewhere");
    const Json refused = place.json({"rollback", "readings_amount", "--yes", "-q"}, 3).at("error");
    CHECK(refused.at("code") == "step.irreversible");
    CHECK(holds(refused.at("message"), "its archive " + archive + " is gone"));
    CHECK(place.json({"status"}).at("runs").at(0).at("state") == "done");
    CHECK(all_readings(place) == "1=1 2=3 3=null 4=4 5=5");
    place.database().exec("ALTER TABLE falsework.elsewhere RENAME TO " + archive.substr(archive.find('.') + 1));
    CHECK(place.run({"rollback", "readings_amount", "--yes", "-d", place.url()}).status == 0);
    CHECK(all_readings(place) == "1=1.25 2=2.50 3=null 4=3.75 5=5.05");
  }

  TEST_CASE("a key finds its own archived row and no other, whatever collations its table mixes") {
    const Workspace place;
    place.database().exec(
        "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        "CREATE TABLE prices (code text PRIMARY KEY, part text COLLATE ci);"
        "INSERT INTO prices VALUES ('A', 'x'), ('a', 'X'), ('b', 'Y')");
    const auto all = [&] {
      return place.database().connect().value(
          "SELECT string_agg(code || '=' || part, ' ' ORDER BY code COLLATE \"C\") FROM prices");
    };
    to_the_end(place,
               "-- falsework: name=prices_part archive=true switch=r1 contract=r2\n"
               "ALTER TABLE prices ALTER COLUMN part TYPE varchar(9) COLLATE public.ci USING lower(part); "
               "-- falsework: down=part accept=data_loss\n",
               "r1", "r2");
    REQUIRE(all() == "A=x a=x b=y");
    REQUIRE(place.run({"rollback", "prices_part", "--yes", "-d", place.url()}).status == 0);
    CHECK(all() == "A=x a=X b=Y");
  }

  TEST_CASE("what a row takes of its new value is computed in the collation of the new column, not of the key") {
    const Workspace place;
    place.database().exec(
        "CREATE COLLATION turkish (provider = icu, locale = 'tr');"
        "CREATE TABLE words (id text COLLATE \"C\" PRIMARY KEY, word text COLLATE turkish);"
        "INSERT INTO words VALUES ('a', 'I')");
    to_the_end(place,
               "-- falsework: name=words_word archive=true switch=r1 contract=r2\n"
               "ALTER TABLE words ALTER COLUMN word TYPE varchar(9) COLLATE public.turkish USING upper(word); "
               "-- falsework: down=lower(word) accept=data_loss\n",
               "r1", "r2");
    // Longer than the column was when it was archived: nothing of that is in the way.
    place.database().exec(
        "ALTER TABLE words ALTER word TYPE varchar(20) COLLATE turkish; INSERT INTO words VALUES ('b', 'IIIIIIIIII')");
    REQUIRE(place.run({"rollback", "words_word", "--yes", "-d", place.url()}).status == 0);
    // Without a dot, in Turkish.
    CHECK(place.database().connect().value("SELECT DISTINCT word FROM words WHERE id = 'b'") ==
          "\u0131\u0131\u0131\u0131\u0131\u0131\u0131\u0131\u0131\u0131");
  }

  TEST_CASE("a value of a domain is mapped back in the collation of its domain, not of the key") {
    const Workspace place;
    place.database().exec(
        "CREATE COLLATION turkish (provider = icu, locale = 'tr');"
        "CREATE DOMAIN loud AS text;"
        "CREATE TABLE words (id text COLLATE turkish PRIMARY KEY, word text);"
        "INSERT INTO words VALUES ('a', 'I')");
    to_the_end(place,
               "-- falsework: name=words_word archive=true switch=r1 contract=r2\n"
               "ALTER TABLE words ALTER COLUMN word TYPE loud USING upper(word); "
               "-- falsework: down=lower(word) accept=data_loss\n",
               "r1", "r2");
    place.database().exec("INSERT INTO words VALUES ('b', 'I')");
    REQUIRE(place.run({"rollback", "words_word", "--yes", "-d", place.url()}).status == 0);
    CHECK(place.database().connect().value("SELECT string_agg(word, '') FROM words") == "Ii");
  }

  TEST_CASE("a counter that was dropped and made again is not taken for the one that was archived with") {
    const Workspace place;
    place.make_users(20);
    place.plan(
        "-- falsework: name=users_email archive=true switch=r1 contract=r2\n"
        "ALTER TABLE users RENAME COLUMN email TO email_address;\n");
    const std::vector<std::string> onward{"advance", "users_email", "--yes", "-q"};
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    REQUIRE(place.run({"advance", "--release", "r1", "--yes", "-d", place.url()}).status == 0);
    place.json({"advance", "users_email", "--release", "r2", "--step", "users.email_address/contract/archive_rows",
                "--yes", "-q"});
    const std::string counter = place.database().connect().value(
        "SELECT oid::regclass FROM pg_class WHERE relkind = 'S' AND relname LIKE '\\_fw\\_old\\_writes%'");
    place.database().exec("DROP SEQUENCE " + counter + "; CREATE SEQUENCE " + counter);
    const Json refused = place.json(onward, 7).at("error");
    CHECK(holds(refused.at("message"), "or its counter was made anew"));
    CHECK(place.database().connect().value("SELECT count(email) FROM users") == "20");
  }

  TEST_CASE("nobody but its owner may read an archive, whatever default privileges the role has") {
    Workspace place;
    make_readings(place);
    const std::string reader = place.database().add_role("reader");
    place.database().exec(
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; "
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO " +
        reader + " WITH GRANT OPTION");
    to_the_end(place, kRounding, "r1", "r2");
    const std::string archive = archive_of(place);
    CHECK(place.database().connect().value("SELECT count(*) FROM pg_class AS c, aclexplode(c.relacl) AS a "
                                           "WHERE c.oid = '" +
                                           archive + "'::regclass AND a.grantee <> c.relowner") == "0");
    CHECK(place.database().connect().value("SELECT has_table_privilege('" + reader + "', '" + archive +
                                           "', 'SELECT')") == "f");
    REQUIRE(place.run({"rollback", "readings_amount", "--yes", "-d", place.url()}).status == 0);
    CHECK(all_readings(place) == "1=1.25 2=2.50 3=null 4=3.75 5=5.05");
  }

  TEST_CASE("a later migration of the same name is refused before it begins, while the archive of the first is kept") {
    const Workspace place;
    make_readings(place);
    to_the_end(place, kRounding, "r1", "r2");
    const std::string first = place.only_run();
    const std::string archive = archive_of(place);
    place.plan(
        "-- falsework: name=readings_amount archive=true switch=r1 contract=r2\n"
        "ALTER TABLE readings ALTER COLUMN amount TYPE int; -- falsework: accept=data_loss\n");
    const Json refused = place.json({"apply", "plan.json", "--yes"}, 3).at("error");
    CHECK(refused.at("code") == "preflight.refused");
    CHECK(
        holds(refused.at("message"), "archive.exists: the archive " + archive + " is there already, of run " + first));
    CHECK(holds(refused.at("hint"), "Give the migration another name"));
    CHECK(holds(refused.at("hint"), "falsework archive drop " + first + " --confirm readings_amount"));
    CHECK(place.json({"status"}).at("runs").size() == 1);
    CHECK(place.database().connect().value("SELECT count(*) FROM falsework.run") == "1");
    place.json({"archive", "drop", first, "--confirm", "readings_amount", "--yes"});
    CHECK(place.json({"apply", "plan.json", "--yes"}).at("results").at(0).at("outcome") != nullptr);
  }

  TEST_CASE("an archive is listed with its rows, its size, its run and since when, and is no finding") {
    const Workspace place;
    make_readings(place);
    place.database().exec("ANALYZE readings");
    to_the_end(place, kRounding, "r1", "r2");
    place.database().exec("ANALYZE readings");
    const std::string run = place.only_run();
    const std::string archive = archive_of(place);
    const std::string head = "archive " + archive + " of readings, of run " + run + ": 5 rows, ";
    for (const Json& archives :
         {place.json({"status"}).at("runs").at(0).at("archives"), place.json({"check"}).at("archives")}) {
      REQUIRE(archives.size() == 1);
      const Json& one = archives.at(0);
      CHECK(one.at("archive") == archive);
      CHECK(one.at("table") == "readings");
      CHECK(one.at("run") == run);
      CHECK(one.at("migration") == "readings_amount");
      CHECK(one.at("rows") == 5);
      CHECK(one.at("bytes") > 0);
      CHECK(one.at("since").get<std::string>().substr(0, 2) == "20");
      CHECK(one.at("only_copy") == true);
    }
    for (const std::string command : {"status", "check"}) {
      const ProcessResult shown = place.run({command, "-d", place.url()});
      CAPTURE(shown.out);
      CHECK(shown.status == 0);
      CHECK(shown.out.find(head) != std::string::npos);
      CHECK(shown.out.find(", since 20") != std::string::npos);
      CHECK(shown.out.find("falsework rollback " + run + "\n") != std::string::npos);
      CHECK(shown.out.find("falsework archive drop " + run + " --confirm readings_amount\n") != std::string::npos);
    }
    // Without a database nobody has looked.
    CHECK(Json::parse(place.run({"status", "--json"}).out).at("runs").at(0).at("archives") == nullptr);
    place.database().exec("ALTER TABLE falsework.run RENAME TO away");
    const ProcessResult unread = place.run({"check", "--json", "-d", place.url()});
    CHECK(Json::parse(unread.out).at("archives").at(0).at("run") == nullptr);
  }

  TEST_CASE("an archive is dropped by its command alone, with its confirmation, and then no rollback is possible") {
    const Workspace place;
    make_readings(place);
    place.plan(kRounding);
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    REQUIRE(place.run({"advance", "--release", "r1", "--yes", "-d", place.url()}).status == 0);
    place.json({"advance", "readings_amount", "--release", "r2", "--step", "readings.amount/contract/archive_rows",
                "--yes", "-q"});
    const std::vector<std::string> drop{"archive", "drop", "readings_amount", "--confirm", "readings_amount", "--yes"};
    const Json early = place.json(drop, 2).at("error");
    CHECK(holds(early.at("message"), "is under way, and its archive is part of it"));
    REQUIRE(place.json({"advance", "readings_amount", "--yes", "-q"}).at("results").at(0).at("outcome") == "done");
    const std::string archive = archive_of(place);

    CHECK(place.json({"archive", "drop", "readings_amount", "--yes"}, 3).at("error").at("code") ==
          "confirmation.missing");
    CHECK(place.run({"archive", "drop", "readings_amount", "--confirm", "other", "--yes", "-d", place.url()}).status ==
          2);
    CHECK(place.run({"archive", "drop", "readings_amount", "-d", place.url()}).status == 2);
    const Json dry = place.json({"archive", "drop", "readings_amount", "--dry-run"});
    CHECK(dry.at("dropped") == false);
    CHECK(dry.at("archives").at(0).at("archive") == archive);
    // Who reads it is waited for, within the budget.
    Client reader = place.database().connect();
    reader.exec("BEGIN; SELECT FROM " + archive);
    std::vector<std::string> impatient = drop;
    impatient.insert(impatient.end(), {"--lock-budget", "1s"});
    CHECK(place.json(impatient, 75).at("error").at("code") == "lock.budget_exhausted");
    reader.exec("ROLLBACK");
    CHECK(place.database().connect().value("SELECT count(*) FROM " + archive) == "5");

    const Json dropped = place.json(drop);
    CHECK(dropped.at("dropped") == true);
    CHECK(dropped.at("archives").at(0).at("rows") == 5);
    CHECK(place.database().connect().value("SELECT to_regclass('" + archive + "') IS NULL") == "t");
    CHECK(place.json({"status"}).at("runs").at(0).at("archives").empty());
    const Json refused = place.json({"rollback", "readings_amount", "--yes", "-q"}, 3).at("error");
    CHECK(refused.at("code") == "step.irreversible");
    CHECK(holds(refused.at("message"), "its archive " + archive + " is gone, dropped at "));
    CHECK(all_readings(place) == "1=1 2=3 3=null 4=4 5=5");
    const std::string history = place.json({"history", "readings_amount", "--verify"}).at("events").dump();
    CHECK(history.find("\"archive_intent\"") < history.find("\"archive_dropped\""));
    CHECK(history.find("\"archive_dropped\"") != std::string::npos);
    CHECK(place.database().connect().value(
              "SELECT string_agg(event, ' ' ORDER BY entry) FROM falsework.history WHERE event IN "
              "('past_no_return', 'archive_dropped')") == "past_no_return archive_dropped");
    CHECK(place.json(drop).at("dropped") == false);

    // Whoever rebuilds a lost ledger is told as well.
    std::filesystem::remove_all(place.path(".falsework"));
    place.json({"adopt", "--yes"});
    const std::string rebuilt = place.json({"history", "readings_amount"}).at("events").dump();
    CHECK(rebuilt.find("\"archive_dropped\"") != std::string::npos);
    CHECK(rebuilt.find("\"archive_dropped\"") == rebuilt.rfind("\"archive_dropped\""));
  }

  TEST_CASE("a removal of an archive that is killed at any point is made up for, in the ledger too") {
    for (const std::string point :
         {"archive.intent.before", "archive.intent", "archive.dropped", "archive.committed", "archive.done"}) {
      CAPTURE(point);
      const Workspace place;
      make_readings(place);
      to_the_end(place, kRounding, "r1", "r2");
      const std::vector<std::string> drop{"archive",         "drop", "readings_amount", "--confirm",
                                          "readings_amount", "--yes"};
      std::vector<std::string> killed = drop;
      killed.insert(killed.end(), {"-d", place.url()});
      const auto process = place.start(killed, {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", point + "=kill"}});
      REQUIRE(process->wait().status == 128 + 9);
      const bool gone = place.database().connect().value(
                            "SELECT count(*) FROM falsework.history WHERE event = 'archive_dropped'") == "1";
      CHECK(gone == (point == "archive.committed" || point == "archive.done"));
      if (!gone) CHECK(place.json(drop).at("dropped") == true);
      CHECK(place.json({"rollback", "readings_amount", "--yes", "-q"}, 3).at("error").at("code") ==
            "step.irreversible");
      int told = 0;
      const Json history = place.json({"history", "readings_amount", "--verify"});
      for (const Json& event : history.at("events")) {
        told += event.at("event") == "archive_dropped" ? 1 : 0;
      }
      CHECK(told == 1);
    }
  }

  TEST_CASE("an archive that its rollback has begun to need is not dropped") {
    const Workspace place;
    make_readings(place);
    to_the_end(place, kRounding, "r1", "r2");
    const auto stopped = place.start({"rollback", "readings_amount", "--yes", "-d", place.url()},
                                     {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", "undo.committed=kill"}});
    REQUIRE(stopped->wait().status == 128 + 9);
    const Json refused =
        place.json({"archive", "drop", "readings_amount", "--confirm", "readings_amount", "--yes"}, 2).at("error");
    CHECK(holds(refused.at("message"), "is under way, and its archive is part of it"));
    REQUIRE(place.run({"rollback", "readings_amount", "--yes", "-d", place.url()}).status == 0);
    CHECK(all_readings(place) == "1=1.25 2=2.50 3=null 4=3.75 5=5.05");
  }

  TEST_CASE("the archive of a done run, and what its rollback has put up again so far, are no leftovers") {
    const Workspace place;
    make_readings(place);
    to_the_end(place, kRounding, "r1", "r2");
    const auto findings = [&] {
      return Json::parse(place.run({"check", "--json", "-d", place.url()}).out).at("findings").dump();
    };
    CHECK(findings().find("_fw_") == std::string::npos);
    const auto stopped = place.start({"rollback", "readings_amount", "--yes", "-d", place.url()},
                                     {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", "undo.done=term"}});
    CHECK(stopped->wait().status == 143);
    CHECK(place.database().connect().value("SELECT count(*) > 0 FROM pg_trigger WHERE tgname LIKE '%\\_fw\\_%'") ==
          "t");
    CHECK(findings().find("_fw_") == std::string::npos);
    CHECK(place.run({"rollback", "readings_amount", "--yes", "-d", place.url()}).status == 0);
    CHECK(all_readings(place) == "1=1.25 2=2.50 3=null 4=3.75 5=5.05");
  }

  TEST_CASE("a write of the old shape after the archive was begun keeps the old shape from being dropped") {
    const Workspace place;
    place.make_users(20);
    place.plan(
        "-- falsework: name=users_email archive=true switch=r1 contract=r2\n"
        "ALTER TABLE users RENAME COLUMN email TO email_address;\n");
    const std::vector<std::string> onward{"advance", "users_email", "--yes", "-q"};
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    REQUIRE(place.run({"advance", "--release", "r1", "--yes", "-d", place.url()}).status == 0);
    const std::string step = "users.email_address/contract/archive";
    place.json({"advance", "users_email", "--release", "r2", "--step", step + "_rows", "--yes", "-q"});
    place.database().exec("INSERT INTO users (email) VALUES ('late')");
    const Json refused = place.json(onward, 7).at("error");
    CHECK(holds(refused.at("message"), "the old shape of users was written after it was archived"));
    CHECK(place.database().connect().value("SELECT count(email) FROM users") == "21");
    REQUIRE(place.run({"rollback", "users_email", "--step", step, "--yes", "-d", place.url()}).status == 0);
    CHECK(place.json(onward).at("results").at(0).at("outcome") == "done");
    CHECK(place.database().connect().value("SELECT count(*) FROM " + archive_of(place)) == "21");
    REQUIRE(place.run({"rollback", "users_email", "--yes", "-d", place.url()}).status == 0);
    CHECK(place.database().connect().value("SELECT count(*) FROM users WHERE email = 'late'") == "1");
  }

  TEST_CASE("an archive that would hold nothing, or whose rows could not be found again, is refused when planned") {
    const Workspace place;
    place.make_users();
    place.database().exec("CREATE TABLE plain (a int)");
    place.write("a.sql",
                "-- falsework: archive=true\nALTER TABLE users ALTER COLUMN phone SET NOT NULL; "
                "-- falsework: fill='none'\n");
    CHECK(
        holds(place.json({"plan", "a.sql"}, 2).at("error").at("message"), "asks for an archive, and drops no column"));
    place.write("b.json", R"({"name": "b", "archive": true, "changes": [
      {"rename_column": {"table": "plain", "from": "a", "to": "b"}}]})");
    const Json refused = place.json({"plan", "b.json"}, 2).at("error");
    CHECK(refused.at("code") == "change.refused");
    CHECK(holds(refused.at("message"), "plain has no primary key"));
  }
}

}  // namespace falsework::test
