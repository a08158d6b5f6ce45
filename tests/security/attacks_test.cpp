// What another role of the same database, or the author of a declaration, might try against a run.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/engine/cli/workspace.h"
#include "tests/kill/state.h"

namespace falsework::test {

namespace {

constexpr const char* kWriterRights = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}";

// Applies plan.json up to its first gate; the new column then stands beside the old one.
void start_run(const Workspace& place, const std::string& url, int status = 0) {
  const ProcessResult result = place.run({"apply", "plan.json", "--yes", "-q", "-d", url});
  CAPTURE(result.err);
  REQUIRE(result.status == status);
}

void to_the_end(const Workspace& place, const std::string& url) {
  const ProcessResult result = place.run({"advance", "--to-end", "--release", "2026.12", "--release", "2027.01",
                                          "--confirm", "users_email", "--yes", "-q", "-d", url});
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
}

std::string disagreeing(const Workspace& place) {
  return place.database().connect().value("SELECT count(*) FROM users WHERE email IS DISTINCT FROM email_address");
}

// A role that may write the tables of public, and nothing else.
std::string add_writer(Workspace& place) {
  const std::string role = place.database().add_role("writer");
  place.database().exec(fmt::format(fmt::runtime(kWriterRights), role));
  return role;
}

bool is_superuser(const Workspace& place, const std::string& role) {
  return place.database().connect_as_superuser().value("SELECT rolsuper FROM pg_roles WHERE rolname = $1", {role}) ==
         "t";
}

// A trigger of the table's owner that makes its owner a superuser when whoever runs it may do so.
void plant_escalation(const Workspace& place) {
  place.database().exec(fmt::format(
      "CREATE FUNCTION grab() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN BEGIN RESET SESSION AUTHORIZATION; RESET "
      "ROLE; EXECUTE 'ALTER ROLE {} SUPERUSER'; EXCEPTION WHEN insufficient_privilege THEN NULL; END; RETURN NEW; "
      "END$$; CREATE TRIGGER grab BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION grab()",
      place.database().role()));
}

}  // namespace

TEST_SUITE_BEGIN("security/attacks");

TEST_CASE("the owner's trigger gains nothing from the copy, for no superuser runs it") {
  Workspace place;
  place.make_users(20);
  plant_escalation(place);
  place.plan();
  // A superuser would run the trigger with all rights: it is refused before anything is sent.
  const DatabaseState before = state_of(place.database());
  start_run(place, place.database().superuser_url(), 3);
  CHECK(difference(before, state_of(place.database())).empty());
  // A role whose authority is that of the owner has nothing to give.
  const std::string deployer = place.database().add_role("deployer");
  place.database().connect_as_superuser().exec(fmt::format("GRANT {} TO {}; GRANT CREATE ON DATABASE {} TO {}",
                                                           place.database().role(), deployer, place.database().name(),
                                                           deployer));
  start_run(place, place.database().url_as(deployer));
  CHECK(disagreeing(place) == "0");
  CHECK_FALSE(is_superuser(place, place.database().role()));
  CHECK_FALSE(is_superuser(place, deployer));
  // The attack is one: whoever runs the trigger as superuser gives it away.
  place.database().connect_as_superuser().exec("UPDATE public.users SET phone = 'x' WHERE email = 'u1'");
  CHECK(is_superuser(place, place.database().role()));
  place.database().connect_as_superuser().exec(fmt::format("ALTER ROLE {} NOSUPERUSER", place.database().role()));
}

TEST_CASE("objects in pg_temp or in a schema of the client's own do not change what the dual write computes") {
  Workspace place;
  place.database().exec(
      "CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL); INSERT INTO users VALUES (1, 'one')");
  place.plan(
      "-- falsework: name=users_email switch=2026.12 contract=2027.01\n"
      "ALTER TABLE users ALTER COLUMN email TYPE varchar(40) USING reverse(email)::varchar(40);  -- falsework: "
      "down=(reverse(email)::text)\n");
  start_run(place, place.url());
  const std::string writer = add_writer(place);
  Client client(place.database().url_as(writer));
  client.exec(
      "CREATE FUNCTION pg_temp.reverse(text) RETURNS text LANGUAGE sql AS $$SELECT 'stolen'::text$$;"
      "CREATE FUNCTION pg_temp.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$SELECT 'new'::text$$;"
      "CREATE FUNCTION pg_temp.always(text, text) RETURNS boolean LANGUAGE sql AS $$SELECT true$$;"
      "CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.always);"
      "CREATE TEMP TABLE users (id int);"
      "SET search_path = pg_temp, public, pg_catalog");
  client.exec("INSERT INTO public.users (id, email) VALUES (2, 'two')");
  client.exec("UPDATE public.users SET email = 'three' WHERE id = 1");
  Client owner = place.database().connect();
  const std::string shadow =
      owner.value("SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname LIKE '\\_fw\\_%'");
  CHECK(owner.value(fmt::format("SELECT string_agg({}, ',' ORDER BY id) FROM users", shadow)) == "eerht,owt");
}

TEST_CASE("the mark of the copy works for no other role that sets it") {
  Workspace place;
  place.make_users(20);
  place.plan();
  start_run(place, place.url());
  const std::string writer = add_writer(place);
  Client client(place.database().url_as(writer));
  // Both the name of the setting and any value that a session of ours could give it.
  client.exec("SET falsework.copy = 'on'");
  client.exec("UPDATE users SET email = 'changed ' || id WHERE id <= 10");
  client.exec("INSERT INTO users (email) VALUES ('new')");
  CHECK(disagreeing(place) == "0");
  // A shape that is no shape is none.
  for (const char* shape : {"'neither'", "''", "'old'';--'"}) {
    CAPTURE(shape);
    client.exec(fmt::format("SET falsework.shape = {}", shape));
    client.exec("UPDATE users SET email = 'again ' || id WHERE id <= 10");
    client.exec("UPDATE users SET email_address = 'other ' || id WHERE id > 10");
    CHECK(disagreeing(place) == "0");
  }
}

TEST_CASE("the mark of the copy works for no other role on a row that the copy has not reached either") {
  Workspace place;
  place.database().exec(
      "CREATE TABLE users (id bigint PRIMARY KEY, phone text); INSERT INTO users SELECT g, 'p' || g FROM "
      "generate_series(1, 20) AS g");
  place.plan(
      "-- falsework: name=users_phone switch=2026.12 contract=2027.01\n"
      "ALTER TABLE users RENAME COLUMN phone TO telephone;\n");
  start_run(place, place.url());
  // As before the copy: there the trigger asks for the mark, for it may be the copy that writes.
  Client owner = place.database().connect();
  const auto uncopied = [&] {
    owner.exec(
        "ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET telephone = NULL, phone = 'p' || id; ALTER TABLE "
        "users ENABLE TRIGGER USER");
  };
  const char* kAttack = "SET falsework.copy = 'on'; UPDATE public.users SET telephone = 'new ' || id WHERE id <= 10";
  const char* kFollowed = "SELECT count(*) FROM users WHERE phone = 'new ' || id AND telephone = phone";
  uncopied();
  Client(place.database().url_as(add_writer(place))).exec(kAttack);
  CHECK(owner.value(kFollowed) == "10");
  // It is one: the owner's own session is taken for the copy there.
  uncopied();
  place.database().exec(kAttack);
  CHECK(owner.value(kFollowed) == "0");
}

TEST_CASE("row security that is forced on the owner stops the copy, and hides no row from its proof") {
  Workspace place;
  place.make_users(20);
  place.database().exec(
      "ALTER TABLE users ENABLE ROW LEVEL SECURITY; ALTER TABLE users FORCE ROW LEVEL SECURITY;"
      "CREATE POLICY half ON users USING (id % 2 = 0)");
  place.write("rename.sql", kRename);
  const ProcessResult planned = place.run({"plan", "rename.sql", "-d", place.url(), "-o", "plan.json"});
  CAPTURE(planned.err);
  if (planned.status == 0) {
    const ProcessResult applied = place.run({"apply", "plan.json", "--yes", "--json", "-q", "-d", place.url()});
    CHECK(applied.status == 7);
    CHECK((applied.out + applied.err).find("backfill.row_security") != std::string::npos);
    CHECK(place.database().connect_as_superuser().value("SELECT count(email_address) FROM public.users") == "0");
    CHECK(place.run({"rollback", "users_email", "--yes", "-q", "-d", place.url()}).status == 0);
  } else {
    CHECK(planned.status == 2);
    CHECK(planned.err.find("row security") != std::string::npos);
  }
}

TEST_CASE("a role that may write the tables can neither read nor write the journal, and needs no right on ours") {
  Workspace place;
  place.make_users(20);
  place.plan();
  start_run(place, place.url());
  const std::string writer = add_writer(place);
  Client client(place.database().url_as(writer));
  for (const char* table : {"run", "journal", "history", "gate", "fingerprint"}) {
    CAPTURE(table);
    CHECK(client.sqlstate_of(fmt::format("SELECT * FROM falsework.{}", table)) == "42501");
    CHECK(client.sqlstate_of(fmt::format("DELETE FROM falsework.{}", table)) == "42501");
  }
  CHECK(client.sqlstate_of("CREATE TABLE falsework.mine (id int)") == "42501");
  CHECK(client.sqlstate_of("INSERT INTO users (email) VALUES ('fine')").empty());
  CHECK(client.sqlstate_of("UPDATE users SET email = 'finer' WHERE email = 'fine'").empty());
  CHECK(disagreeing(place) == "0");
}

TEST_CASE("names that hold SQL stay names, through the whole run and back") {
  struct Case {
    const char *table, *column, *index;
  };
  const Case cases[] = {
      {"a\"; DROP TABLE victim; --", "b'; DROP TABLE victim; --", "$fw$; DROP TABLE victim; $fw$"},
      {"c\n; DROP TABLE victim;", "*/ DROP TABLE victim; /*", "%s %I %1$s {} {0}"},
      {"\\\\'; DROP TABLE victim; --", "na\u00efve \u2603 \t", "select"},
  };
  const auto quoted = [](const std::string& name) {
    std::string text = "\"";
    for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    return text + "\"";
  };
  for (const Case& c : cases) {
    CAPTURE(c.table);
    const Workspace place;
    const std::string table = quoted(c.table);
    const std::string column = quoted(c.column);
    place.database().exec(fmt::format(
        "CREATE TABLE victim (id int); CREATE TABLE {0} (id int PRIMARY KEY, {1} int NOT NULL, other text); "
        "CREATE INDEX {2} ON {0} ({1}); INSERT INTO {0} SELECT g, g FROM generate_series(1, 20) AS g",
        table, column, quoted(c.index)));
    const DatabaseState before = state_of(place.database());
    place.plan(
        fmt::format("-- falsework: name=users_email switch=2026.12 contract=2027.01\n"
                    "ALTER TABLE {} ALTER COLUMN {} TYPE bigint;\n",
                    table, column));
    start_run(place, place.url());
    REQUIRE(place.run({"runbook", "plan.json", "-o", "plan.md"}).status == 0);
    const ProcessResult back = place.run({"rollback", "users_email", "--yes", "-q", "-d", place.url()});
    CAPTURE(back.err);
    REQUIRE(back.status == 0);
    const std::string left = difference(before, state_of(place.database()));
    CHECK_MESSAGE(left.empty(), left);
    start_run(place, place.url());
    to_the_end(place, place.url());
    Client client = place.database().connect();
    CHECK(client.value("SELECT count(*) FROM victim") == "0");
    CHECK(client.value(fmt::format("SELECT count(*) || ' ' || min(pg_typeof({})::text) FROM {}", column, table)) ==
          "20 bigint");
  }
}

TEST_CASE("an expression that is more than one expression is refused before it reaches a server") {
  const Workspace place;
  place.make_users(5);
  place.database().exec("CREATE TABLE victim (id int)");
  const std::vector<std::string> expressions{
      "''); DROP TABLE victim; --",
      "''; DROP TABLE victim",
      "'' FROM victim",
      "'', ''",
      "(SELECT 'x' FROM victim)",
      "string_agg(email, '')",
      "row_number() OVER ()",
      "pg_read_file('/etc/passwd')",
      "random()::text",
      "x $fw$; END; $fw$ LANGUAGE plpgsql; DROP TABLE victim; --",
      "email) -- ",
      "",
  };
  for (const std::string& expression : expressions) {
    CAPTURE(expression);
    const Json change{{"set_not_null", {{"table", "users"}, {"column", "phone"}, {"fill", expression}}}};
    place.write("fill.json", Json{{"name", "users_email"}, {"changes", Json::array({change})}}.dump());
    const ProcessResult filled = place.run({"plan", "fill.json", "-d", place.url(), "-o", "plan.json"});
    CAPTURE(filled.err);
    CHECK(filled.status == 2);
    const Json type{
        {"change_type",
         {{"table", "users"}, {"column", "email"}, {"to", "varchar(9)"}, {"up", expression}, {"down", "email"}}}};
    place.write("type.json", Json{{"name", "users_email"}, {"changes", Json::array({type})}}.dump());
    const ProcessResult typed = place.run({"plan", "type.json", "-d", place.url(), "-o", "plan.json"});
    CAPTURE(typed.err);
    CHECK(typed.status == 2);
  }
  CHECK(place.database().connect().value("SELECT count(*) FROM victim") == "0");
  CHECK_FALSE(std::filesystem::exists(place.path("plan.json")));
}

TEST_SUITE_END();

}  // namespace falsework::test
