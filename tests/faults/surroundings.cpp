#include "tests/faults/surroundings.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <sstream>

namespace falsework::test {

namespace {

constexpr int kRows = 60;
constexpr int kHeld = 120;  // ms
constexpr int kGap = 25;
constexpr int kBetweenWrites = 3;

// What a client meets when a server crashes, and when its shape is not there.
bool is_outage(const std::string& sqlstate) {
  return sqlstate.empty() || sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03" ||
         sqlstate.rfind("08", 0) == 0;
}
bool is_absent_shape(const std::string& sqlstate) { return sqlstate == "42703"; }

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::stringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

}  // namespace

const char* name(Environment environment) {
  switch (environment) {
    case Environment::kQuiet: return "quiet";
    case Environment::kWriters: return "writers";
    case Environment::kOldSnapshot: return "old snapshot";
    case Environment::kOpenWriter: return "open writer";
    case Environment::kPrepared: return "prepared";
    case Environment::kSecondEngine: return "second engine";
  }
  return "";
}

void TokenLog::note(int key, const std::string& token, Fate fate) {
  const std::lock_guard lock(mutex_);
  tokens_[token] = {key, fate};
}

void TokenLog::mishap(const std::string& what) {
  const std::lock_guard lock(mutex_);
  mishaps_.push_back(what);
}

long TokenLog::acknowledged() const {
  const std::lock_guard lock(mutex_);
  return std::count_if(tokens_.begin(), tokens_.end(),
                       [](const auto& entry) { return entry.second.fate == Fate::kAcknowledged; });
}

std::vector<std::string> TokenLog::judge(const std::map<int, std::string>& values) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> wrong = mishaps_;
  std::map<std::string, int> found;
  for (const auto& [key, list] : values) {
    std::map<std::string, long> last;  // of each client in this row
    const std::vector<std::string> parts = split(list);
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const std::string& token = parts[i];
      ++found[token];
      const auto known = tokens_.find(token);
      if (known == tokens_.end() || known->second.key != key) {
        wrong.push_back(fmt::format("row {} holds {}, which nobody wrote there", key, token));
        continue;
      }
      const std::string who = token.substr(0, token.find('.'));
      const long number = std::stol(token.substr(token.find('.') + 1));
      if (last.contains(who) && last[who] >= number) {
        wrong.push_back(fmt::format("row {} holds {} after {}.{}", key, token, who, last[who]));
      }
      last[who] = number;
    }
  }
  for (const auto& [token, entry] : tokens_) {
    const int times = found.contains(token) ? found[token] : 0;
    const bool fine = entry.fate == Fate::kAcknowledged ? times == 1
                      : entry.fate == Fate::kRefused    ? times == 0
                                                        : times <= 1;
    if (!fine) wrong.push_back(fmt::format("{} of row {} is there {} times", token, entry.key, times));
  }
  return wrong;
}

Surroundings::Surroundings(const TestDatabase& database, Environment environment) : database_(database) {
  switch (environment) {
    case Environment::kQuiet:
    case Environment::kSecondEngine: break;
    case Environment::kWriters:
      threads_.emplace_back([this] { write("label", "o"); });
      threads_.emplace_back([this] { write("title", "n"); });
      break;
    case Environment::kOldSnapshot:
      threads_.emplace_back([this] {
        hold({"BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM bystander"}, "COMMIT");
      });
      break;
    case Environment::kOpenWriter:
      threads_.emplace_back([this] { hold({"BEGIN", "UPDATE papers SET note = note WHERE id = 7"}, "COMMIT"); });
      break;
    case Environment::kPrepared:
      threads_.emplace_back([this] {
        hold({"BEGIN", "UPDATE papers SET note = note WHERE id = 7", "PREPARE TRANSACTION 'held'"},
             "COMMIT PREPARED 'held'");
      });
      break;
  }
}

void Surroundings::stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Surroundings::pause(int milliseconds) const {
  for (int passed = 0; passed < milliseconds && !stopping_; passed += 5) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void Surroundings::write(const std::string& column, const std::string& who) {
  std::unique_ptr<Client> client;
  for (int number = 1; !stopping_; ++number) {
    const int key = 1 + number * 7 % kRows;
    const std::string token = fmt::format("{}.{}", who, number);
    bool sent = false;
    try {
      if (!client) client = std::make_unique<Client>(database_.url());
      sent = true;
      const Rows rows = client->query(fmt::format(
          "UPDATE papers SET {0} = {0} || ',{1}' WHERE id = {2} AND {0} IS NOT NULL RETURNING 1", column, token, key));
      tokens_.note(key, token, rows.empty() ? TokenLog::Fate::kRefused : TokenLog::Fate::kAcknowledged);
    } catch (const SqlFailure& failure) {
      if (is_outage(failure.sqlstate())) {
        if (sent) tokens_.note(key, token, TokenLog::Fate::kInDoubt);
        client.reset();
        pause(20);
      } else {
        tokens_.note(key, token, TokenLog::Fate::kRefused);
        if (!is_absent_shape(failure.sqlstate())) {
          tokens_.mishap(fmt::format("a client that writes {} met {} {}", column, failure.sqlstate(), failure.what()));
        }
        pause(10);
      }
    }
    pause(kBetweenWrites);
  }
}

void Surroundings::hold(const std::vector<std::string>& begin, const std::string& end) {
  const bool prepared = end.find("PREPARED") != std::string::npos;
  while (!stopping_) {
    try {
      Client client(database_.url());
      // A crash may have left it.
      if (prepared &&
          client.value("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()") != "0") {
        client.exec(end);
      }
      while (!stopping_) {
        for (const std::string& statement : begin) client.exec(statement);
        pause(kHeld);
        client.exec(end);
        pause(kGap);
      }
    } catch (const SqlFailure& failure) {
      if (!is_outage(failure.sqlstate())) tokens_.mishap(fmt::format("a holder met {}", failure.what()));
      pause(20);
    }
  }
  if (!prepared) return;
  try {
    Client client(database_.url());
    if (client.value("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()") != "0") {
      client.exec(end);
    }
  } catch (const SqlFailure& failure) {
    tokens_.mishap(fmt::format("a prepared transaction is left: {}", failure.what()));
  }
}

}  // namespace falsework::test
