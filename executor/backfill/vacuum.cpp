#include "executor/backfill/vacuum.h"

#include <fmt/format.h>

#include "base/log.h"

namespace falsework {

namespace {

constexpr std::int64_t kLeastBlocks = 4096;  // 32 MB
constexpr std::int64_t kSegments = 4;
constexpr std::chrono::milliseconds kCancelInterval{50};

}  // namespace

SegmentVacuum::SegmentVacuum(const RunContext& context, const Step& step, std::int64_t blocks)
    : context_(context), relation_(step.copy->relation), segment_(blocks < kLeastBlocks ? 0 : blocks / kSegments) {}

SegmentVacuum::~SegmentVacuum() {
  // Again and again: a request that comes before the statement began is lost.
  for (; running_ && session_; std::this_thread::sleep_for(kCancelInterval)) session_->cancel();
}

void SegmentVacuum::at(std::int64_t blocks_done) {
  if (segment_ == 0 || running_ || blocks_done < last_ + segment_) return;
  last_ = blocks_done;
  ++begun_;
  if (thread_.joinable()) thread_.join();
  pg::ConnectionSettings settings = context_.options.connection;
  settings.application_name += "/vacuum";
  // The pace of autovacuum, more or less: a manual VACUUM is not slowed down by default.
  settings.settings["vacuum_cost_delay"] = "2ms";
  settings.settings["vacuum_cost_limit"] = "1000";
  session_ = pg::connect(settings);
  Journal(*session_).register_backend(context_.run, context_.epoch, session_->backend_pid());
  running_ = true;
  thread_ = std::jthread([this] { run(); });
}

void SegmentVacuum::run() noexcept {
  try {
    session_->query(fmt::format("VACUUM (SKIP_LOCKED, TRUNCATE false) {}", relation_));
  } catch (const std::exception& error) {
    // The copy is right without it.
    log_debug(fmt::format("vacuum of {}: {}", relation_, error.what()));
  }
  running_ = false;
}

}  // namespace falsework
