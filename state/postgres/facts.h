// Facts that gates are judged by: what people have said (a release is out, an approval, a backup, an override) and what
// was last seen of the old shape. They live in the target database, beside the journal.
//
// One rule: what people said is only ever added; a fact that no longer counts is passed over by who reads it.
// Schema: docs/reference/journal.md. Times are the server's.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "postgres/session/session.h"

namespace falsework {

struct Fact {
  std::string run, step;    // empty for a release, which is said of all runs
  std::string kind;         // release, approval, backup, override
  std::string subject;      // the release; the approver; the backup's reference; the reason
  std::string plan_digest;  // of what was approved or overridden
  std::string comment;
  std::string actor;               // user@host (pid)
  std::string as_of = {};          // when the backup was taken; empty: now
  std::string role = {}, at = {};  // given by the server
  std::chrono::seconds age{0};     // since `as_of`; given by the server
};

// What was last seen of something that must not change for a time.
struct Sighting {
  std::string value;
  std::string detail;           // who or what changed it
  std::string at;               // since when the value is this one
  std::chrono::seconds age{0};  // since `at`
};

class Facts {
 public:
  // The journal must be installed.
  explicit Facts(pg::Session& session) : session_(session) {}

  // Adds a fact, in the open transaction or by itself. Throws Error(usage) for an `as_of` that is no time.
  void add(const Fact& fact);

  // The facts of a run, and all releases; oldest first.
  std::vector<Fact> of(const std::string& run);

  // When this step was last undone; empty when it never was. What was said of a gate before that no longer counts.
  std::string undone_at(const std::string& run, const std::string& step);

  std::optional<Sighting> sighting(const std::string& run, const std::string& step, const std::string& condition);
  void see(const std::string& run, const std::string& step, const std::string& condition, const std::string& value,
           const std::string& detail);

 private:
  pg::Session& session_;
};

}  // namespace falsework
