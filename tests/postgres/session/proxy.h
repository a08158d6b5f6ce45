// Stands between a client and a real server, and loses or changes what passes.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/server.h"

namespace falsework::test {

// What the proxy does to the bytes.
enum class Fault {
  kNone,
  kDropsOptions,     // startup options do not reach the server, as behind a pooler that ignores them
  kRefusesOptions,   // as a pooler that does not
  kMakesUpPid,       // the client is told another process id
  kIsThirteen,       // the client is told that the server is PostgreSQL 13.2
  kIsFourteenTwo,    // … 14.2
  kSpoilsCommit,     // the server cannot read COMMIT, and refuses it before it has begun with it
  kLosesRequest,     // the connection breaks before a message with COMMIT reaches the server
  kLosesAnswer,      // the connection breaks after the server has answered it
  kLosesAnyRequest,  // as these two, and every message of the client counts, whatever it holds
  kLosesAnyAnswer,
};

class Proxy {
 public:
  // `only`: of faults that lose something, strike the n-th COMMIT, or message, of all connections and no other; 0:
  // every one. `counts` is asked, for each message of a client after its startup, whether it counts.
  Proxy(const TestDatabase& database, Fault fault, int only = 0, std::function<bool()> counts = {});
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  // Leads through the proxy, as the database's owner.
  std::string url() const;
  // Whether a fault that loses something has struck.
  bool struck() const { return struck_; }

 private:
  void accept_all();
  void serve(int client) const;
  // Reads the startup message, changes it and passes it on; false when the client is to be dropped.
  bool forward_startup(int client, int server) const;
  void pump(int client, int server) const;
  bool strikes(const std::string& bytes) const;

  const TestDatabase& database_;
  const Fault fault_;
  const int only_;
  const std::function<bool()> counts_;
  mutable std::atomic<int> counted_{0};
  mutable std::atomic<bool> struck_{false};
  TemporaryDirectory directory_;
  int listener_ = -1;
  std::atomic<bool> stopping_{false};
  std::thread acceptor_;
  std::vector<std::thread> served_;
};

}  // namespace falsework::test
