#include "postgres/session/server_message.h"

#include <doctest/doctest.h>

using falsework::pg::parse_server_message;
using falsework::pg::ServerMessage;

TEST_SUITE_BEGIN("postgres/session/server_message");

TEST_CASE("the fields of an error are taken apart, and the statement's text is left out") {
  const ServerMessage parsed = parse_server_message(
      "ERROR:  duplicate key value violates unique constraint \"users_email_key\"\n"
      "DETAIL:  Key (email)=(ann@example.org) already exists.\n"
      "HINT:  Think again.\n"
      "CONTEXT:  SQL statement \"x\"\n"
      "LINE 1: INSERT INTO users\n"
      "                    ^\n",
      "23505");
  CHECK(parsed.message == "duplicate key value violates unique constraint \"users_email_key\"");
  CHECK(parsed.detail == "Key (email)=(ann@example.org) already exists.\nCONTEXT:  SQL statement \"x\"");
  CHECK(parsed.hint == "Think again.");
}

TEST_CASE("a severity in another language is taken off too, and a colon of the message stays") {
  CHECK(parse_server_message("FEHLER:  Relation fehlt\n", "42P01").message == "Relation fehlt");
  CHECK(parse_server_message("type \"a\" is:  odd\n", "42704").message == "type \"a\" is:  odd");
}

TEST_CASE("a refused value is masked in the message and kept in the detail") {
  struct Case {
    std::string given;
    std::string message;
  };
  for (const Case& c :
       {Case{"ERROR:  invalid input syntax for type integer: \"4\"2\"\n",
             "invalid input syntax for type integer: \"…\""},
        Case{"ERROR:  value \"99999999999\" is out of range for type integer\n",
             "value \"…\" is out of range for type integer"},
        Case{"ERROR:  invalid input syntax for type integer: \"\"\n", "invalid input syntax for type integer: \"…\""},
        Case{"ERROR:  invalid input syntax for type date: \"a\nb\"\n", "invalid input syntax for type date: \"…\""},
        Case{"FEHLER:  ungültige Eingabe: „abc“\n", "ungültige Eingabe: \"…\""},
        Case{"ERROR:  division by zero\n", "division by zero"}}) {
    CAPTURE(c.given);
    CHECK(parse_server_message(c.given, "22P02").message == c.message);
  }
  CHECK(parse_server_message("ERROR:  value \"9\" is out of range\n", "22003").detail == "value \"9\" is out of range");
}

TEST_CASE("a password in a server's message is masked") {
  CHECK(parse_server_message("ERROR:  could not use \"host=h password=secret\"\n", "08001").message.find("secret") ==
        std::string::npos);
}

TEST_SUITE_END();
