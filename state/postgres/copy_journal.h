// What the journal keeps of a running copy: a cursor for each slot, and what people have asked of it meanwhile.
//
// One rule: a slot is moved only in the transaction that copies the rows it has moved over.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "postgres/session/session.h"

namespace falsework {

struct CopySlotRow {
  int slot = 0;
  std::string position;  // JSON, as executor/backfill renders it
  std::int64_t rows = 0;
};

// What `pause`, `resume` and `throttle` have set. nullopt: nobody has.
struct CopyLimits {
  std::optional<int> workers;
  std::optional<std::int64_t> wal_rate;              // bytes per second; 0: without limit
  std::optional<std::chrono::milliseconds> max_lag;  // 0: replicas are not looked at
  std::optional<std::string> hold_while;             // an SQL condition; empty: none
  bool empty() const { return !workers && !wal_rate && !max_lag && !hold_while; }
  bool operator==(const CopyLimits&) const = default;
};

struct CopyControl {
  std::int64_t revision = 0;  // grows with every change
  bool paused = false;
  std::string paused_by, paused_since;  // of the last pause
  CopyLimits limits;                    // those that hold now: passing ones before lasting ones
  std::string until;                    // when the passing ones end; empty: there are none
  bool operator==(const CopyControl&) const = default;
};

// What the server says while a slot is moved.
struct SlotMoved {
  std::string filenode;       // of the table, under the lock that the batch holds
  std::int64_t revision = 0;  // of the control
  double wal_bytes = 0;       // the server's insert position
};

// All methods run on the session given; the slots' expect a transaction that holds the run's epoch.
class CopyJournal {
 public:
  CopyJournal(pg::Session& session, std::string run) : session_(session), run_(std::move(run)) {}

  // Of this generation, by slot; those of other generations are not there any more.
  std::vector<CopySlotRow> slots(const std::string& step, int generation);
  void clear_slots(const std::string& step);
  // Gives a slot its next group.
  void place_slot(const std::string& step, int generation, const CopySlotRow& slot);
  SlotMoved move_slot(const std::string& step, int generation, const CopySlotRow& slot, const std::string& relation);

  CopyControl control();
  // By a person, alone: each change is in the history. False when it was so already.
  bool set_paused(bool paused, const std::string& actor);
  // Changes what is given, keeps the rest. With `duration`, only for so long; then the lasting limits hold again.
  void set_limits(const CopyLimits& limits, std::optional<std::chrono::milliseconds> duration,
                  const std::string& actor);

 private:
  void log(const std::string& event, const std::string& detail);

  pg::Session& session_;
  const std::string run_;
};

}  // namespace falsework
