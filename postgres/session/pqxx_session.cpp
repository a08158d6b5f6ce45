#include "postgres/session/pqxx_session.h"

#include <pqxx/pqxx>
#include <unordered_map>

#include "base/error_kinds.h"
#include "postgres/session/server_message.h"

#if defined(__SANITIZE_ADDRESS__)
// libpqxx 6 forgets the result of a statement whose connection was lost (it asks for the encoding first, which throws).
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:pqxx::connection_base::exec\n"; }
#endif

namespace falsework::pg {

namespace {

constexpr const char* kFailedTransaction = "25P02";
constexpr const char* kFeatureNotSupported = "0A000";  // "cached plan must not change result type" among others

#if PQXX_VERSION_MAJOR < 7
using Parameters = std::vector<const char*>;

Parameters parameters_of(const std::vector<Value>& values) {
  Parameters parameters;
  parameters.reserve(values.size());
  for (const Value& value : values) parameters.push_back(value ? value->c_str() : nullptr);
  return parameters;
}

pqxx::result run(pqxx::nontransaction& work, const std::string& sql, const Parameters& parameters) {
  return work.exec_params(sql, pqxx::prepare::make_dynamic_params(parameters));
}

pqxx::result run_prepared(pqxx::nontransaction& work, const std::string& name, const Parameters& parameters) {
  return work.exec_prepared(name, pqxx::prepare::make_dynamic_params(parameters));
}

// Left to itself, libpqxx 6 opens a new connection under a session that was lost, without its transaction and locks.
void forbid_reconnecting(pqxx::connection& connection) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
}

void disconnect(pqxx::connection& connection) noexcept { connection.disconnect(); }
#else
using Parameters = pqxx::params;

Parameters parameters_of(const std::vector<Value>& values) {
  Parameters parameters;
  for (const Value& value : values) parameters.append(value);
  return parameters;
}

pqxx::result run(pqxx::nontransaction& work, const std::string& sql, const Parameters& parameters) {
  return work.exec_params(sql, parameters);
}

pqxx::result run_prepared(pqxx::nontransaction& work, const std::string& name, const Parameters& parameters) {
  return work.exec_prepared(name, parameters);
}

void forbid_reconnecting(pqxx::connection&) {}

void disconnect(pqxx::connection& connection) noexcept { connection.close(); }
#endif

template <typename Exception>
bool is(const pqxx::failure& failure) {
  return dynamic_cast<const Exception*>(&failure) != nullptr;
}

// The SQLSTATE of a server's refusal, which libpqxx 6 leaves out of several exceptions; empty when the server refused
// nothing: then libpq itself has failed, and it may take until the next statement before libpq calls the connection
// bad.
std::string sqlstate_of(const pqxx::failure& failure) {
  if (const auto* refusal = dynamic_cast<const pqxx::sql_error*>(&failure)) {
    if (!refusal->sqlstate().empty()) return refusal->sqlstate();
  }
  if (is<pqxx::insufficient_privilege>(failure)) return "42501";
  if (is<pqxx::serialization_failure>(failure)) return "40001";
  if (is<pqxx::deadlock_detected>(failure)) return "40P01";
  if (is<pqxx::statement_completion_unknown>(failure)) return "40003";
  if (is<pqxx::transaction_rollback>(failure)) return "40000";
  if (is<pqxx::too_many_connections>(failure)) return "53300";
  // SQLSTATE class 08, which may come from a foreign table, counts as a broken connection in libpqxx; only the server
  // writes a severity before its message.
  if (is<pqxx::broken_connection>(failure) && has_severity(failure.what())) return "08000";
  return {};
}

Rows rows_of(const pqxx::result& result) {
  Rows rows;
  rows.affected = static_cast<std::uint64_t>(result.affected_rows());
  for (pqxx::row::size_type column = 0; column < result.columns(); ++column) {
    rows.columns.emplace_back(result.column_name(column));
  }
  rows.rows.reserve(static_cast<std::size_t>(result.size()));
  for (const auto& row : result) {
    std::vector<Value>& values = rows.rows.emplace_back();
    values.reserve(rows.columns.size());
    for (const auto& field : row) {
      values.push_back(field.is_null() ? Value() : Value(std::in_place, field.c_str(), field.size()));
    }
  }
  return rows;
}

void check_text(const std::string& sql, const std::vector<Value>& parameters) {
  // libpq would cut the text at the NUL byte.
  FALSEWORK_CHECK(sql.find('\0') == std::string::npos);
  for (const Value& value : parameters) {
    if (value && value->find('\0') != std::string::npos) {
      throw Error(errors::kUsage, "a parameter holds a NUL byte", "PostgreSQL's text types hold no NUL bytes.");
    }
  }
}

// One nontransaction for the session's whole life: BEGIN and COMMIT are sent as plain statements, so that exactly one
// statement can be in doubt.
class PqxxSession final : public Session {
 public:
  PqxxSession(const std::string& conninfo, std::string where)
      : where_(std::move(where)), connection_(conninfo), quiet_(connection_), work_(connection_) {
    forbid_reconnecting(connection_);
  }

  Rows query(std::string_view sql, const std::vector<Value>& parameters) override {
    const std::string text(sql);
    check_text(text, parameters);
    return guarded(false, [&] { return run(work_, text, parameters_of(parameters)); });
  }

  Rows query_prepared(const std::string& sql, const std::vector<Value>& parameters) override {
    check_text(sql, parameters);
    try {
      return run_named(sql, parameters);
    } catch (const SqlError& error) {
      if (error.sqlstate() != kFeatureNotSupported || in_transaction_) throw;
    }
    // The statement's result changed its type under us: its name was forgotten, so that this prepares it anew.
    return run_named(sql, parameters);
  }

  void begin() override {
    FALSEWORK_CHECK(!in_transaction_);
    query("BEGIN", {});
    in_transaction_ = true;
    failed_ = false;
  }

  void commit() override {
    FALSEWORK_CHECK(in_transaction_);
    if (failed_) {
      rollback();
      throw SqlError(kFailedTransaction, "the transaction failed before its commit and was rolled back");
    }
    in_transaction_ = false;
    if (!is_open()) throw lost(false);
    try {
      guarded(true, [&] { return run(work_, "COMMIT", Parameters()); });
    } catch (const SqlError&) {
      // A late cancel request that hits COMMIT before the server has begun with it leaves the failed transaction open.
      in_transaction_ = true;
      rollback();
      throw;
    }
  }

  void rollback() noexcept override {
    if (!in_transaction_) return;
    in_transaction_ = false;
    failed_ = false;
    // Twice, for a late cancel request may hit the first.
    for (int attempt = 0; attempt < 2 && is_open(); ++attempt) {
      try {
        run(work_, "ROLLBACK", Parameters());
        return;
      } catch (const std::exception&) {
        continue;
      }
    }
    // A backend that keeps its transaction keeps its locks: ending the connection ends both.
    if (is_open()) disconnect(connection_);
  }

  bool in_transaction() const noexcept override { return in_transaction_; }

  void cancel() noexcept override {
    try {
      connection_.cancel_query();
    } catch (const std::exception&) {
      // The statement ended or the server is gone: either way whoever runs it is told.
      return;
    }
  }

  int backend_pid() const override { return connection_.backendpid(); }
  int server_version() const override { return connection_.server_version(); }
  bool is_open() const noexcept override { return connection_.is_open(); }

 private:
  Rows run_named(const std::string& sql, const std::vector<Value>& parameters) {
    return guarded(false, [&] {
      auto found = prepared_.find(sql);
      if (found == prepared_.end()) {
        const std::string name = "fw_" + std::to_string(++names_);
        connection_.prepare(name, sql);
        found = prepared_.emplace(sql, name).first;
      }
      try {
        return run_prepared(work_, found->second, parameters_of(parameters));
      } catch (const pqxx::sql_error& error) {
        if (error.sqlstate() == kFeatureNotSupported) prepared_.erase(found);
        throw;
      }
    });
  }

  // Runs, and translates what libpqxx throws.
  template <typename Work>
  Rows guarded(bool committing, Work work) {
    if (!is_open()) throw lost(false);
    try {
      Rows rows = rows_of(work());
      failed_ = false;  // only after ROLLBACK TO does a failed transaction answer again
      return rows;
    } catch (const pqxx::failure& failure) {
      const std::string sqlstate = sqlstate_of(failure);
      if (sqlstate.empty() || !is_open()) throw lost(committing);
      refuse(sqlstate, failure.what());
    }
  }

  [[noreturn]] void refuse(const std::string& sqlstate, std::string_view text) {
    failed_ = true;
    ServerMessage parsed = parse_server_message(text, sqlstate);
    throw SqlError(sqlstate, parsed.message, std::move(parsed.detail), std::move(parsed.hint));
  }

  ConnectionLost lost(bool in_doubt) {
    in_transaction_ = false;
    if (is_open()) disconnect(connection_);
    return {in_doubt ? "the connection to " + where_ + " was lost during COMMIT"
                     : "the connection to " + where_ + " was lost",
            in_doubt};
  }

  const std::string where_;
  pqxx::connection connection_;
  pqxx::quiet_errorhandler quiet_;
  pqxx::nontransaction work_;
  std::unordered_map<std::string, std::string> prepared_;  // name by text
  int names_ = 0;
  bool in_transaction_ = false;
  bool failed_ = false;  // an error since BEGIN, not yet rolled back to a savepoint
};

}  // namespace

std::unique_ptr<Session> open_session(const std::string& conninfo, const std::string& where) {
  return std::make_unique<PqxxSession>(conninfo, where);
}

}  // namespace falsework::pg
