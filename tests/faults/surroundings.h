// Who else is at the table while a run is tried, and what becomes of their writes.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/server.h"

namespace falsework::test {

enum class Environment {
  kQuiet,
  kWriters,       // of both shapes
  kOldSnapshot,   // somebody reads another table in one long snapshot
  kOpenWriter,    // somebody has written a row and does not commit yet
  kPrepared,      // … and has prepared the transaction
  kSecondEngine,  // what comes after the fault is done by two engines at once
};
inline constexpr Environment kEnvironments[] = {Environment::kQuiet,       Environment::kWriters,
                                                Environment::kOldSnapshot, Environment::kOpenWriter,
                                                Environment::kPrepared,    Environment::kSecondEngine};
const char* name(Environment environment);

// What clients wrote: each acknowledged token must be there once, each refused one not, one in doubt at most once; and
// the tokens of one client keep their order.
class TokenLog {
 public:
  enum class Fate { kAcknowledged, kRefused, kInDoubt };
  void note(int key, const std::string& token, Fate fate);
  // A SQLSTATE that no client should have met.
  void mishap(const std::string& what);

  // `values`: the list of each row, as the surviving column holds it: `seed,token,token`.
  std::vector<std::string> judge(const std::map<int, std::string>& values) const;
  long acknowledged() const;

 private:
  struct Entry {
    int key;
    Fate fate;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry> tokens_;
  std::vector<std::string> mishaps_;
};

// Runs from construction to stop(); each kind of client goes on through a crash of the server.
class Surroundings {
 public:
  Surroundings(const TestDatabase& database, Environment environment);
  ~Surroundings() { stop(); }
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;

  void stop();
  const TokenLog& tokens() const { return tokens_; }

 private:
  void write(const std::string& column, const std::string& who);
  void hold(const std::vector<std::string>& begin, const std::string& end);
  void pause(int milliseconds) const;

  const TestDatabase& database_;
  TokenLog tokens_;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace falsework::test
