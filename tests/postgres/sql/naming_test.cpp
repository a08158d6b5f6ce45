#include "postgres/sql/naming.h"

#include <doctest/doctest.h>

#include <string>

namespace falsework::pg {

namespace {

const QualifiedName kUsers{"public", "users"};

}  // namespace

TEST_SUITE("postgres/sql/naming") {
  TEST_CASE("a statement names a column where it reads or writes it, and not where the name is something else's") {
    struct Case {
      std::string statement;
      bool names;
    };
    const Case cases[] = {
        {"SELECT email FROM users", true},
        {"SELECT u.email FROM public.users AS u WHERE id = $1", true},
        {"SELECT 1 FROM users WHERE lower(email) = $1", true},
        {"SELECT 1 FROM users u JOIN orders o USING (email)", true},
        {"INSERT INTO users (id, email) VALUES ($1, $2)", true},
        {"INSERT INTO users (id) VALUES (1) ON CONFLICT (email) DO NOTHING", true},
        {"UPDATE users SET email = $1", true},
        {"WITH x AS (SELECT email FROM users) SELECT 1 FROM x", true},
        {"COPY users (id, email) TO STDOUT", true},
        {"SELECT (u).email FROM users u", true},
        {"SELECT email FROM users, orders", true},  // whose it is, nobody can say
        {"SELECT users.email FROM users; SELECT 1", true},
        {"SELECT email FROM users WHERE id = 7 AND na", true},
        {"SELECT u.email FROM users u WHERE u.name = 'cut of", true},  // cut: judged by its tokens

        {"SELECT email_address AS email FROM users", false},
        {"SELECT 'email' FROM users /* email */", false},
        {"SELECT o.email FROM users u JOIN orders o ON true", false},
        {"SELECT email FROM orders", false},
        {"SELECT email FROM app.users", false},
        {"INSERT INTO orders (email) SELECT email_address FROM users", false},
        {"UPDATE orders SET email = 1 FROM users", false},
        {"SELECT \"Email\" FROM users", false},
        {"SELECT * FROM users", false},
        {"SELECT email FROM", false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.statement);
      CHECK(names_column(c.statement, kUsers, "email") == c.names);
    }
  }

  TEST_CASE("a session is set to a shape by SET and by set_config") {
    CHECK(sets_to("SET falsework.shape = 'old'", "falsework.shape", "old"));
    CHECK(sets_to("SET LOCAL falsework.shape TO old", "falsework.shape", "old"));
    CHECK(sets_to("SELECT set_config('falsework.shape', 'old', false)", "falsework.shape", "old"));
    CHECK(!sets_to("SET falsework.shape = 'new'", "falsework.shape", "old"));
    CHECK(!sets_to("SELECT 'SET falsework.shape = old'", "falsework.shape", "old"));
    CHECK(!sets_to("no SQL at all", "falsework.shape", "old"));
  }

  TEST_CASE("a body mentions a name as a token, inside dynamic SQL too, and not in a comment") {
    CHECK(mentions_name("BEGIN NEW.email := 1; END", "email"));
    CHECK(mentions_name("BEGIN EXECUTE 'UPDATE users SET email = 1'; END", "email"));
    CHECK(mentions_name("BEGIN EXECUTE $q$UPDATE users SET Email = 1$q$; END", "email"));
    CHECK(mentions_name("BEGIN NEW.\"E-mail\" := 1; END", "E-mail"));
    CHECK(!mentions_name("BEGIN NEW.email_address := 1; -- email\n END", "email"));
  }

  TEST_CASE("a check of a gate is one SELECT") {
    CHECK(!why_not_a_query("SELECT true"));
    CHECK(why_not_a_query("DELETE FROM users").value() == "it is not a SELECT");
    CHECK(why_not_a_query("SELECT 1; SELECT 2").value() == "it is not one statement");
    CHECK(why_not_a_query("SELECT FROM WHERE").has_value());
  }
}

}  // namespace falsework::pg
