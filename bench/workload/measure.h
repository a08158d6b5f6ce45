// What the clients felt: the time of every round trip, and every answer that was not as it should be.
//
// One rule: a sample belongs to the stage in which its statement ended.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <ostream>
#include <string>
#include <vector>

namespace falsework::bench {

// Thread-safe.
class Measure {
 public:
  // What follows belongs to this stage.
  void begin_stage(const std::string& name);
  void took(std::chrono::microseconds time, const std::string& statement);
  // A statement that the server refused.
  void failed(const std::string& sqlstate, const std::string& message, const std::string& statement);
  // A statement that went through with another result than the client's own model foretells.
  void wrong(const std::string& what);

  std::uint64_t failures() const { return failures_; }
  std::uint64_t wrong_answers() const { return wrong_; }
  std::uint64_t statements() const { return statements_; }

  // A table of stages, then the first few failures in full.
  void report(std::ostream& out) const;

 private:
  struct Stage {
    std::string name;
    std::vector<std::uint32_t> samples;  // microseconds
    std::uint32_t longest = 0;
    std::string longest_statement;
    std::uint64_t failures = 0;
  };
  void complain(const std::string& text);

  mutable std::mutex mutex_;
  std::vector<Stage> stages_{Stage{"start", {}, 0, "", 0}};
  std::map<std::string, std::uint64_t> sqlstates_;
  std::vector<std::string> complaints_;  // the first few
  std::atomic<std::uint64_t> statements_ = 0;
  std::atomic<std::uint64_t> failures_ = 0;
  std::atomic<std::uint64_t> wrong_ = 0;
};

}  // namespace falsework::bench
