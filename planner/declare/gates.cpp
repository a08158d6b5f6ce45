#include "planner/declare/gates.h"

#include <fmt/format.h>

#include <charconv>

#include "base/duration.h"
#include "base/error_kinds.h"
#include "planner/declare/values.h"
#include "postgres/sql/naming.h"

namespace falsework::declare {

namespace {

constexpr int kMostApprovals = 20;

std::chrono::seconds read_period(const std::string& text, std::string_view key, const std::string& where) {
  const auto period = parse_duration(text);
  if (!period) {
    refuse(where, fmt::format("\"{}\" is not a time", text), fmt::format("Write {} as in 90s, 30m, 24h or 7d.", key));
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*period);
  if (seconds != *period || seconds.count() < 1) {
    refuse(where, fmt::format("the time {} is not a number of whole seconds above zero", text),
           fmt::format("Leave {} out for no condition at all.", key));
  }
  return seconds;
}

int read_approvals(const std::string& text, const std::string& where) {
  int count = 0;
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (failure != std::errc{} || rest != text.data() + text.size() || count < 1 || count > kMostApprovals) {
    refuse(where, fmt::format("{} is not a number of people from 1 to {}", text, kMostApprovals),
           "Leave approvals out where nobody has to approve.");
  }
  return count;
}

bool read_flag(const std::string& text, const std::string& where) {
  if (text != "true" && text != "false") {
    refuse(where, fmt::format("\"{}\" is neither true nor false", text), "Write true or false.");
  }
  return text == "true";
}

// One SELECT, so that what stands in a declaration cannot change anything by its form; it runs read-only besides.
std::string read_check(const std::string& text, const std::string& where) {
  if (const auto problem = pg::why_not_a_query(text)) {
    refuse(where, fmt::format("the check is not a query: {}", *problem),
           "Write one SELECT that answers one boolean, without a semicolon.");
  }
  return text;
}

}  // namespace

void set_wish(GateWish& wish, std::string_view key, const std::string& value, const std::string& where) {
  if (key == "soak") {
    wish.soak = read_period(value, key, where);
  } else if (key == "approvals") {
    wish.approvals = read_approvals(value, where);
  } else if (key == "backup") {
    wish.backup = read_period(value, key, where);
  } else if (key == "no_old_writer") {
    wish.no_old_writer = read_period(value, key, where);
  } else if (key == "no_old_statement") {
    wish.no_old_statement = read_period(value, key, where);
  } else if (key == "no_old_session") {
    wish.no_old_session = read_flag(value, where);
  } else if (key == "no_dependent") {
    wish.no_dependent = read_flag(value, where);
  } else {
    FALSEWORK_CHECK(key == "check");
    wish.check = read_check(value, where);
  }
}

}  // namespace falsework::declare
