#include "planner/rewrites/identity.h"

#include <doctest/doctest.h>

namespace falsework::test {
namespace {

std::vector<std::string> widened(const std::string& sequence_type, const std::string& column_type) {
  pg::Column column;
  column.owned_sequence.emplace();
  column.owned_sequence->name = {"app", "Seq"};
  column.owned_sequence->type = sequence_type;
  ShadowPair pair;
  pair.column = &column;
  pair.type = column_type;
  pair.type_changes = true;
  std::vector<std::string> sql;
  for (const pg::Ddl& ddl : widen_sequence(pair)) {
    for (std::string& statement : pg::render(ddl)) sql.push_back(std::move(statement));
  }
  return sql;
}

}  // namespace

TEST_SUITE("planner/rewrites/identity") {
  TEST_CASE("the sequence of a serial column does not end where the old type ended") {
    const std::vector<std::string> as_bigint{"ALTER SEQUENCE app.\"Seq\" AS bigint"};
    CHECK(widened("integer", "bigint") == as_bigint);
    CHECK(widened("smallint", "bigint") == as_bigint);
    CHECK(widened("smallint", "integer") == std::vector<std::string>{"ALTER SEQUENCE app.\"Seq\" AS integer"});
  }

  TEST_CASE("a sequence that is wide enough, or whose column is no integer, stays as it is") {
    CHECK(widened("bigint", "bigint").empty());
    CHECK(widened("bigint", "integer").empty());
    CHECK(widened("integer", "numeric(20,0)").empty());
    CHECK(widened("integer", "text").empty());
  }
}

}  // namespace falsework::test
