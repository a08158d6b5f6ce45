#include "postgres/session/session.h"

#include <charconv>

#include "base/error_kinds.h"

namespace falsework::pg {

namespace {

const ErrorKind& kind_of(std::string_view sqlstate) {
  switch (classify_sqlstate(sqlstate)) {
    case SqlClass::kInsufficientPrivilege: return errors::kPrivilegeMissing;
    case SqlClass::kLockTimeout: return errors::kLockBudget;
    case SqlClass::kAdminShutdown: return errors::kDatabaseUnreachable;
    default: return errors::kStepFailed;
  }
}

std::string lost_hint(bool in_doubt) {
  return in_doubt ? "COMMIT was sent and its answer was lost: run the command again, and the journal in the database "
                    "settles what happened."
                  : "Run the command again once the server can be reached.";
}

}  // namespace

const std::string& Rows::text(std::size_t row, std::size_t column) const {
  FALSEWORK_CHECK(row < rows.size());
  FALSEWORK_CHECK(column < rows[row].size());
  FALSEWORK_CHECK(rows[row][column].has_value());
  return *rows[row][column];
}

std::int64_t Rows::number(std::size_t row, std::size_t column) const {
  const std::string& value = text(row, column);
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
  FALSEWORK_CHECK(failure == std::errc{} && end == value.data() + value.size());
  return number;
}

bool Rows::boolean(std::size_t row, std::size_t column) const {
  const std::string& value = text(row, column);
  FALSEWORK_CHECK(value == "t" || value == "f");
  return value == "t";
}

SqlError::SqlError(std::string sqlstate, const std::string& message, std::string detail, std::string hint)
    : Error(kind_of(sqlstate), message, std::move(hint)), sqlstate_(std::move(sqlstate)), detail_(std::move(detail)) {}

ConnectionLost::ConnectionLost(const std::string& message, bool in_doubt)
    : Error(errors::kDatabaseUnreachable, message, lost_hint(in_doubt)), in_doubt_(in_doubt) {}

SqlClass classify_sqlstate(std::string_view sqlstate) {
  if (sqlstate == "55P03") return SqlClass::kLockTimeout;
  if (sqlstate == "40P01") return SqlClass::kDeadlock;
  if (sqlstate == "40001") return SqlClass::kSerialization;
  if (sqlstate == "57014") return SqlClass::kCanceled;
  if (sqlstate == "23505") return SqlClass::kUniqueViolation;
  if (sqlstate == "23514") return SqlClass::kCheckViolation;
  if (sqlstate == "23503") return SqlClass::kForeignKeyViolation;
  if (sqlstate == "23502") return SqlClass::kNotNullViolation;
  if (sqlstate == "42501") return SqlClass::kInsufficientPrivilege;
  if (sqlstate.starts_with("22")) return SqlClass::kDataException;
  // Shut down, crashed, starting up, database dropped, idle too long.
  if (sqlstate.starts_with("57P")) return SqlClass::kAdminShutdown;
  return SqlClass::kOther;
}

SqlClass classify(const SqlError& error) {
  const SqlClass by_state = classify_sqlstate(error.sqlstate());
  const bool timed_out = std::string_view(error.what()).find("statement timeout") != std::string_view::npos;
  return by_state == SqlClass::kCanceled && timed_out ? SqlClass::kStatementTimeout : by_state;
}

}  // namespace falsework::pg
