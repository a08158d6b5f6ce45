// Vacuums the table beside its copy, so that the space of old row versions is used again.
//
// One rule: it never cuts the file short (TRUNCATE false), which would need a lock that stops everybody, and it never
// waits for whoever vacuums already (SKIP_LOCKED).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "executor/run_context.h"

namespace falsework {

class SegmentVacuum {
 public:
  SegmentVacuum(const RunContext& context, const Step& step, std::int64_t blocks);
  // Cancels a vacuum that is under way.
  ~SegmentVacuum();
  SegmentVacuum(const SegmentVacuum&) = delete;
  SegmentVacuum& operator=(const SegmentVacuum&) = delete;

  // Begins one, in a thread of its own, whenever another segment of the table is done.
  void at(std::int64_t blocks_done);
  bool is_running() const { return running_; }
  int begun() const { return begun_; }

 private:
  void run() noexcept;

  const RunContext& context_;
  const std::string relation_;
  const std::int64_t segment_;  // blocks; 0: the table is too small to bother
  std::int64_t last_ = 0;
  int begun_ = 0;
  std::atomic<bool> running_ = false;
  std::unique_ptr<pg::Session> session_;
  std::jthread thread_;
};

}  // namespace falsework
