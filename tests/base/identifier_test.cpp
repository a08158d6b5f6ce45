#include "base/identifier.h"

#include <doctest/doctest.h>

#include <set>

#include "base/error_kinds.h"
#include "base/keywords.h"
#include "tests/support/server.h"

namespace falsework {

TEST_SUITE_BEGIN("base/identifier");

TEST_CASE("an identifier is quoted unless it is lower-case ASCII and no keyword") {
  struct Case {
    std::string given;
    std::string expected;
  };
  const Case cases[] = {
      {"users", "users"},
      {"_x9", "_x9"},
      {"9x", "\"9x\""},
      {"Users", "\"Users\""},
      {"two words", "\"two words\""},
      {"a$b", "\"a$b\""},
      {"a\"b", "\"a\"\"b\""},
      {"größe", "\"größe\""},
      {"select", "\"select\""},
      {"value", "\"value\""},
      {"json_table", "\"json_table\""},
      {" ", "\" \""},
      {"a;drop table b", "\"a;drop table b\""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.given);
    CHECK(quote_identifier(c.given) == c.expected);
  }
}

TEST_CASE("a name that PostgreSQL cannot have is refused") {
  const std::string bad[] = {"",     std::string("a\0b", 3), "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80",
                             "a\x80"};
  for (const std::string& name : bad) {
    CAPTURE(name.size());
    try {
      quote_identifier(name);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == errors::kUsage.code);
    }
  }
  CHECK(quote_identifier("\xF4\x8F\xBF\xBF") == "\"\xF4\x8F\xBF\xBF\"");
}

TEST_CASE("every server knows no keyword that is missing from the list, and reads back what is quoted") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    test::Client client(test::Server::of(major).superuser_url());
    for (const test::Row& row : client.query("SELECT word FROM pg_get_keywords()")) {
      CAPTURE(*row[0]);
      CHECK(is_keyword(*row[0]));
    }
    for (const std::string name : {"select", "Ünï\"çode", "between", "a'b\\c", "$1", "x y"}) {
      CAPTURE(name);
      client.exec("CREATE TEMPORARY TABLE " + quote_identifier(name) + " (" + quote_identifier(name) + " int)");
      CHECK(client.value("SELECT relname::text FROM pg_class WHERE relname = $1", {name}) == name);
      CHECK(client.value("SELECT count(*) FROM pg_attribute WHERE attname = $1", {name}) == "1");
    }
  }
}

TEST_CASE("a literal comes back as it was, whatever standard_conforming_strings says") {
  test::Client client(test::Server::any().superuser_url());
  for (const std::string setting : {"on", "off"}) {
    client.exec("SET standard_conforming_strings = " + setting + "; SET escape_string_warning = off");
    for (const std::string text : {"", "plain", "it's", "back\\slash", "\\'", "'; DROP TABLE x; --", "$fw$", "ü\n"}) {
      CAPTURE(setting);
      CAPTURE(text);
      CHECK(client.value("SELECT " + quote_literal(text)) == text);
    }
  }
  CHECK(quote_literal("a'b") == "'a''b'");
  CHECK(quote_literal("a\\b") == "E'a\\\\b'");
  CHECK_THROWS_AS(quote_literal(std::string("a\0b", 3)), Error);
}

TEST_CASE("a dollar quote holds any body, also one that holds or ends in the beginning of its tag") {
  test::Client client(test::Server::any().superuser_url());
  for (const std::string body :
       {"", "plain", "$fw$", "a $fw$ b $fw1$", "ends in $fw", "ends in $", "$$", "it's \\ \""}) {
    CAPTURE(body);
    CHECK(client.value("SELECT " + dollar_quote(body)) == body);
    CHECK(dollar_quote(body) == dollar_quote(body));
  }
}

TEST_CASE("a qualified name hides only the schema public, and only for people") {
  CHECK(QualifiedName{"public", "users"}.sql() == "public.users");
  CHECK(QualifiedName{"public", "users"}.display() == "users");
  CHECK(QualifiedName{"Shop", "order"}.sql() == "\"Shop\".\"order\"");
  CHECK(QualifiedName{"Shop", "order"}.display() == "\"Shop\".\"order\"");
}

TEST_CASE("a list of names is quoted one by one") {
  CHECK(quote_identifiers({"a", "B", "user"}) == "a, \"B\", \"user\"");
  CHECK(quote_identifiers({}).empty());
}

TEST_CASE("text is never cut inside a character") {
  CHECK(cut_utf8("größe", 3) == "gr");
  CHECK(cut_utf8("größe", 4) == "grö");
  CHECK(cut_utf8("größe", 99) == "größe");
  CHECK(cut_utf8("\xF0\x9F\x8C\x89x", 3).empty());
  CHECK(cut_utf8("abc", 0).empty());
}

TEST_CASE("a generated name is deterministic, at most 63 bytes long, in no need of quotes, and starts with _fw_") {
  const std::vector<std::vector<std::string>> parts = {
      {"users", "email"}, {std::string(63, 'x'), std::string(63, 'y')}, {"Größe", "\"quoted\" Name"}, {"表", "列"}, {}};
  for (const auto& given : parts) {
    const std::string name = generated_name("trg", given);
    CAPTURE(name);
    CHECK(name == generated_name("trg", given));
    CHECK(name.size() <= kMaxIdentifierBytes);
    CHECK(name.substr(0, 8) == "_fw_trg_");
    CHECK(quote_identifier(name) == name);
  }
  CHECK(generated_name("trg", {"users", "email"}).substr(0, 20) == "_fw_trg_users_email_");
}

TEST_CASE("generated names differ when role or parts differ, however alike they look") {
  const std::string tail(63, 'x');
  const std::set<std::string> names = {
      generated_name("a", {"b", "c"}),
      generated_name("a", {"b_c"}),
      generated_name("a_b", {"c"}),
      generated_name("a", {"b", "C"}),
      generated_name("a", {"b", "c", ""}),
      generated_name("a", {"", "b", "c"}),
      generated_name("a", {tail + "1"}),
      generated_name("a", {tail + "2"}),
      generated_name("a", {"表"}),
      generated_name("a", {"列"}),
      generated_name("a", {}),
      generated_name("a", {"b,1:c"}),
  };
  CHECK(names.size() == 12);
}

TEST_SUITE_END();

}  // namespace falsework
