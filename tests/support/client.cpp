#include "tests/support/client.h"

#include <libpq-fe.h>

#include <memory>
#include <utility>

namespace falsework::test {

namespace {

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

Rows rows_of(const PGresult* result) {
  Rows rows;
  for (int i = 0; i < PQntuples(result); ++i) {
    Row row;
    for (int j = 0; j < PQnfields(result); ++j) {
      if (PQgetisnull(result, i, j) != 0) {
        row.emplace_back(std::nullopt);
      } else {
        row.emplace_back(std::string(PQgetvalue(result, i, j), static_cast<std::size_t>(PQgetlength(result, i, j))));
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

bool failed(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
    case PGRES_COPY_IN: return false;
    default: return true;
  }
}

SqlFailure failure_of(const PGresult* result) {
  const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return SqlFailure(sqlstate == nullptr ? "" : sqlstate, PQresultErrorMessage(result));
}

void keep_notice(void* notices, const PGresult* notice) {
  const char* text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
  static_cast<std::vector<std::string>*>(notices)->emplace_back(text == nullptr ? "" : text);
}

}  // namespace

Client::Client(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
  if (PQstatus(connection_) != CONNECTION_OK) {
    const std::string message = PQerrorMessage(connection_);
    PQfinish(connection_);
    throw SqlFailure("", message);
  }
  notices_ = new std::vector<std::string>;
  PQsetNoticeReceiver(connection_, keep_notice, notices_);
}

Client::~Client() { close(); }

Client::Client(Client&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), notices_(std::exchange(other.notices_, nullptr)) {}

Client& Client::operator=(Client&& other) noexcept {
  if (this != &other) {
    close();
    connection_ = std::exchange(other.connection_, nullptr);
    notices_ = std::exchange(other.notices_, nullptr);
  }
  return *this;
}

void Client::close() {
  if (connection_ != nullptr) PQfinish(connection_);
  connection_ = nullptr;
  delete notices_;
  notices_ = nullptr;
}

void Client::send(const std::string& sql) {
  if (PQsendQuery(connection_, sql.c_str()) == 0) throw SqlFailure("", PQerrorMessage(connection_));
}

// Drains every result, so that the connection can be used again after a failure, and then reports the first failure.
Rows Client::finish() {
  Rows rows;
  std::unique_ptr<SqlFailure> failure;
  while (PGresult* raw = PQgetResult(connection_)) {
    const Result result(raw, PQclear);
    if (failed(raw)) {
      if (!failure) failure = std::make_unique<SqlFailure>(failure_of(raw));
      // A broken connection would answer for ever.
      if (PQstatus(connection_) == CONNECTION_BAD) break;
      continue;
    }
    if (PQresultStatus(raw) == PGRES_COPY_IN) {
      PQputCopyEnd(connection_, "no data was given: use copy_in");
      continue;
    }
    rows = rows_of(raw);
  }
  if (failure) throw SqlFailure(*failure);
  return rows;
}

Rows Client::receive() { return finish(); }

Rows Client::exec(const std::string& sql) {
  send(sql);
  return finish();
}

Rows Client::query(const std::string& sql, const std::vector<Value>& parameters) {
  std::vector<const char*> values;
  for (const Value& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  if (PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                        nullptr, 0) == 0) {
    throw SqlFailure("", PQerrorMessage(connection_));
  }
  return finish();
}

std::string Client::value(const std::string& sql, const std::vector<Value>& parameters) {
  const Rows rows = query(sql, parameters);
  if (rows.size() != 1 || rows[0].size() != 1 || !rows[0][0]) {
    throw std::logic_error("expected one value that is not null: " + sql);
  }
  return *rows[0][0];
}

std::string Client::sqlstate_of(const std::string& sql) {
  try {
    exec(sql);
    return "";
  } catch (const SqlFailure& failure) {
    return failure.sqlstate().empty() ? "connection lost" : failure.sqlstate();
  }
}

void Client::copy_in(const std::string& sql, std::string_view data) {
  const Result start(PQexec(connection_, sql.c_str()), PQclear);
  if (PQresultStatus(start.get()) != PGRES_COPY_IN) {
    if (failed(start.get())) throw failure_of(start.get());
    throw std::logic_error("not a COPY … FROM STDIN: " + sql);
  }
  if (PQputCopyData(connection_, data.data(), static_cast<int>(data.size())) != 1 ||
      PQputCopyEnd(connection_, nullptr) != 1) {
    throw SqlFailure("", PQerrorMessage(connection_));
  }
  finish();
}

bool Client::busy() {
  // Input that cannot be consumed means a lost connection: then receive() will not wait but throw.
  if (PQconsumeInput(connection_) == 0) return false;
  return PQisBusy(connection_) != 0;
}

void Client::cancel() {
  PGcancel* request = PQgetCancel(connection_);
  char message[256] = "";
  const bool sent = PQcancel(request, message, sizeof message) != 0;
  PQfreeCancel(request);
  if (!sent) throw SqlFailure("", message);
}

int Client::pid() const { return PQbackendPID(connection_); }

bool Client::alive() const { return connection_ != nullptr && PQstatus(connection_) == CONNECTION_OK; }

std::vector<std::string> Client::take_notices() { return std::exchange(*notices_, {}); }

}  // namespace falsework::test
