#include "tests/clients/writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace falsework::test {

namespace {

using std::chrono::steady_clock;

constexpr std::int64_t kKeysOfOneWriter = 1000000;
constexpr std::int64_t kBeyondInteger = 5000000000;

}  // namespace

std::string literal(const Value& value) { return value ? "'" + *value + "'" : "NULL"; }

std::string shown(const Value& value) { return value ? "'" + *value + "'" : "NULL"; }

Writer::Writer(std::string name, Shape shape, int number, Traffic& traffic)
    : name_(std::move(name)),
      shape_(shape),
      traffic_(traffic),
      random_(static_cast<unsigned>(number)),
      key_(kKeysOfOneWriter * (number + 1)) {}

void Writer::start(const std::string& url) {
  thread_ = std::thread([this, url] { loop(url); });
}

void Writer::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void Writer::loop(const std::string& url) {
  try {
    client_.emplace(url);
    // Whoever waits longer than this is stuck behind the run for good.
    client_->exec("SET lock_timeout = '20s'");
    server_major_ = std::stoi(client_->value("SHOW server_version_num")) / 10000;
    for (const std::string& sql : preparations()) client_->exec(sql);
    std::vector<Deed> all = deeds();
    while (!stopping_) {
      std::shuffle(all.begin(), all.end(), random_);
      for (const Deed& deed : all) {
        if (stopping_) return;
        attempt(deed);
      }
      ++rounds_;
    }
  } catch (const std::exception& error) {
    wrong(fmt::format("gave up: {}", error.what()));
  }
}

void Writer::attempt(const Deed& deed) {
  deed_ = deed.name;
  try {
    deed.act();
  } catch (const SqlFailure&) {
    client_->exec("ROLLBACK");
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(below(4)));
}

Rows Writer::recorded(const std::string& sql, const std::function<Rows()>& statement) {
  const auto begun = steady_clock::now();
  try {
    Rows rows = statement();
    traffic_.acknowledged(name_, deed_, steady_clock::now() - begun);
    return rows;
  } catch (const SqlFailure& failure) {
    const bool expected = retries_ && failure.sqlstate() == "40001";
    if (!expected) traffic_.failed(name_, sql, failure.sqlstate(), failure.what());
    throw;
  }
}

Rows Writer::run(const std::string& sql) {
  return recorded(sql, [&] { return client_->exec(sql); });
}

Rows Writer::run(const std::string& sql, const std::vector<Value>& parameters) {
  return recorded(sql, [&] { return client_->query(sql, parameters); });
}

void Writer::copy(const std::string& sql, const std::string& data) {
  recorded(sql, [&] {
    client_->copy_in(sql, data);
    return Rows{};
  });
}

void Writer::transaction(const std::function<void()>& body) {
  run("BEGIN");
  body();
  run("COMMIT");
}

void Writer::repeatable_read(const std::function<void()>& body) {
  for (;;) {
    try {
      retries_ = true;
      run("BEGIN ISOLATION LEVEL REPEATABLE READ");
      body();
      run("COMMIT");
      retries_ = false;
      return;
    } catch (const SqlFailure& failure) {
      retries_ = false;
      if (failure.sqlstate() != "40001" || stopping_) throw;
      traffic_.retried();
      client_->exec("ROLLBACK");
    }
  }
}

std::int64_t Writer::next_key(bool wide) {
  ++key_;
  return wide && traffic_.ended ? key_ + kBeyondInteger : key_;
}

}  // namespace falsework::test
