#include "base/redact.h"

#include <doctest/doctest.h>

namespace falsework {

TEST_SUITE_BEGIN("base/redact");

TEST_CASE("a password is masked in every form that libpq takes") {
  struct Case {
    std::string given;
    std::string expected;
  };
  const Case cases[] = {
      {"postgresql://u:s3cret@h/db", "postgresql://u:***@h/db"},
      {"postgres://u:s3cret@h:5432/db?a=b", "postgres://u:***@h:5432/db?a=b"},
      {"POSTGRES://u:s3cret@h/db", "POSTGRES://u:***@h/db"},
      {"postgresql://u:a:b@c@h/db", "postgresql://u:***@h/db"},
      {"postgresql://u:a/b@h/db", "postgresql://u:***@h/db"},
      {"postgresql://u:@h/db", "postgresql://u:***@h/db"},
      {"postgresql://h/db?user=u&password=s3cret&port=1", "postgresql://h/db?user=u&password=***&port=1"},
      {"postgresql://u:s3cret@h/db?password=s3cret", "postgresql://u:***@h/db?password=***"},
      {"postgresql://h/db?sslpassword=s3cret#x", "postgresql://h/db?sslpassword=***#x"},
      {"host=h password=s3cret dbname=d", "host=h password=*** dbname=d"},
      {"host=h PASSWORD = s3cret dbname=d", "host=h PASSWORD = *** dbname=d"},
      {"password='two words' host=h", "password=*** host=h"},
      {"password='it\\'s' host=h", "password=*** host=h"},
      {"password='never closed host=h", "password=***"},
      {"password=a\\ b host=h", "password=*** host=h"},
      {"password=a&b#c host=h", "password=*** host=h"},
      {"PGPASSWORD=s3cret psql", "PGPASSWORD=*** psql"},
      {"cannot connect to postgresql://u:s3cret@h/db: refused", "cannot connect to postgresql://u:***@h/db: refused"},
      {"postgresql://u:one@h/a and postgresql://u:two@h/b", "postgresql://u:***@h/a and postgresql://u:***@h/b"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.given);
    CHECK(redact(c.given) == c.expected);
  }
}

TEST_CASE("text without a password stays as it is") {
  for (const std::string text :
       {"", "postgresql://u@h:5432/db", "postgresql:///db?host=/run", "host=h dbname=d",
        "password authentication failed for user \"u\"", "ALTER TABLE t ADD password_hash text",
        "SET my_password=x is not ours", "https://u:x@h/"}) {
    CAPTURE(text);
    CHECK(redact(text) == text);
  }
}

TEST_CASE("what is masked stays masked when it is masked again") {
  const std::string once = redact("postgresql://u:s3cret@h/db?password=x and password='y z'");
  CHECK(redact(once) == once);
}

TEST_SUITE_END();

}  // namespace falsework
