// What the clients of a test did, and what became of it.
//
// One rule: written by many threads, judged by one at the end. Every statement is either acknowledged, and then the
// writer's model holds it, or it is a mishap.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace falsework::test {

class Traffic {
 public:
  // What the run is doing, as a label for what happens meanwhile.
  void enter(const std::string& stage);

  void acknowledged(const std::string& writer, const std::string& deed, std::chrono::steady_clock::duration took);
  void failed(const std::string& writer, const std::string& sql, const std::string& sqlstate,
              const std::string& message);
  // A serialization failure that a REPEATABLE READ client met and that its retry settled.
  void retried();
  // An answer that the writer's model, or the comparison of the shapes, cannot explain.
  void wrong(const std::string& who, const std::string& what);
  // The shapes of a table were compared while both stood.
  void compared();

  std::vector<std::string> mishaps() const;
  // Acknowledged statements of writers whose name begins with `writer`.
  long done(const std::string& writer, const std::string& deed) const;
  long during(const std::string& stage) const;
  long comparisons() const;
  // One line for people: how many, how many retries, the longest stall and in what.
  std::string summary() const;

  // The copy is proven: from here on both shapes must agree in every row.
  std::atomic<bool> proven{false};
  // The run is at its end: only the new shape is left.
  std::atomic<bool> ended{false};

 private:
  struct Stall {
    std::chrono::steady_clock::duration took{};
    std::string in;
  };

  mutable std::mutex mutex_;
  std::string stage_ = "before";
  std::map<std::pair<std::string, std::string>, long> deeds_;
  std::map<std::string, long> stages_;
  std::vector<std::string> mishaps_;
  Stall longest_;
  long statements_ = 0, retries_ = 0, comparisons_ = 0;
};

}  // namespace falsework::test
