#include "bench/workload/connection.h"

#include <libpq-fe.h>

namespace falsework::bench {

namespace {

std::vector<const char*> pointers(const std::vector<Value>& parameters) {
  std::vector<const char*> result;
  for (const Value& parameter : parameters) result.push_back(parameter ? parameter->c_str() : nullptr);
  return result;
}

}  // namespace

Connection::Connection(const std::string& url, Timed timed)
    : timed_(std::move(timed)), connection_(PQconnectdb(url.c_str())) {
  if (PQstatus(connection_) == CONNECTION_OK) return;
  const std::string message = PQerrorMessage(connection_);
  PQfinish(connection_);
  throw Refused("", message, "connect");
}

Connection::~Connection() { PQfinish(connection_); }

bool Connection::alive() const { return PQstatus(connection_) == CONNECTION_OK; }

bool Connection::in_transaction() const { return PQtransactionStatus(connection_) != PQTRANS_IDLE; }

Answer Connection::finish(pg_result* result, const std::string& sql) const {
  const ExecStatusType status = PQresultStatus(result);
  Answer answer;
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const std::string state = sqlstate == nullptr ? "" : sqlstate;
    PQclear(result);
    throw Refused(state, PQerrorMessage(connection_), sql);
  }
  for (int row = 0; row < PQntuples(result); ++row) {
    std::vector<Value>& values = answer.rows.emplace_back();
    for (int column = 0; column < PQnfields(result); ++column) {
      values.push_back(PQgetisnull(result, row, column) != 0 ? Value() : Value(PQgetvalue(result, row, column)));
    }
  }
  const std::string affected = PQcmdTuples(result);
  answer.affected = affected.empty() ? 0 : std::stol(affected);
  PQclear(result);
  return answer;
}

template <typename Send>
Answer Connection::timed(const std::string& sql, Send send) {
  const auto begin = std::chrono::steady_clock::now();
  pg_result* result = send();
  timed_(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin), sql);
  return finish(result, sql);
}

Answer Connection::query(const std::string& sql, const std::vector<Value>& parameters) {
  const std::vector<const char*> values = pointers(parameters);
  return timed(sql, [&] {
    return PQexecParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                        nullptr, 0);
  });
}

Answer Connection::prepared(const std::string& sql, const std::vector<Value>& parameters) {
  const auto [known, fresh] = prepared_.try_emplace(sql, "s" + std::to_string(prepared_.size()));
  const std::string& name = known->second;
  if (fresh) {
    try {
      timed(sql, [&] { return PQprepare(connection_, name.c_str(), sql.c_str(), 0, nullptr); });
    } catch (const Refused&) {
      prepared_.erase(sql);
      throw;
    }
  }
  const std::vector<const char*> values = pointers(parameters);
  return timed(sql, [&] {
    return PQexecPrepared(connection_, name.c_str(), static_cast<int>(values.size()), values.data(), nullptr, nullptr,
                          0);
  });
}

Answer Connection::copy_in(const std::string& sql, const std::string& data) {
  return timed(sql, [&] {
    pg_result* result = PQexec(connection_, sql.c_str());
    if (PQresultStatus(result) != PGRES_COPY_IN) return result;
    PQclear(result);
    PQputCopyData(connection_, data.data(), static_cast<int>(data.size()));
    PQputCopyEnd(connection_, nullptr);
    result = PQgetResult(connection_);
    // A COPY is over when libpq has nothing more to say of it.
    while (pg_result* rest = PQgetResult(connection_)) PQclear(rest);
    return result;
  });
}

}  // namespace falsework::bench
