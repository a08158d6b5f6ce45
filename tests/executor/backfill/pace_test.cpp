#include "executor/backfill/pace.h"

#include <doctest/doctest.h>

namespace falsework {
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const TimePoint kBegin = TimePoint{} + std::chrono::hours(1);

Signal signal(double value, double limit, Signal::Kind kind = Signal::Kind::kHolds,
              Signal::Reading reading = Signal::Reading::kSeen) {
  Signal made;
  made.name = "replica_lag";
  made.unit = "s";
  made.kind = kind;
  made.reading = reading;
  made.value = value;
  made.limit = limit;
  return made;
}

}  // namespace

TEST_SUITE_BEGIN("executor/backfill/pace");

TEST_CASE("a bucket lets through its rate, and no more than half a second of it at once") {
  TokenBucket bucket;
  bucket.set_rate(1000, kBegin);
  bucket.take(1000, kBegin + seconds(60));  // 500 were there
  CHECK(bucket.wait(kBegin + seconds(60)) == milliseconds(500));
  CHECK(bucket.wait(kBegin + seconds(60) + milliseconds(400)) == milliseconds(100));
  CHECK(bucket.wait(kBegin + seconds(61)) == milliseconds(0));
}

TEST_CASE("a bucket without a rate never makes anybody wait, and a new rate counts at once") {
  TokenBucket bucket;
  bucket.take(1e12, kBegin);
  CHECK(bucket.wait(kBegin) == milliseconds(0));
  bucket.set_rate(1000, kBegin);
  CHECK(bucket.wait(kBegin) == milliseconds(0));
  bucket.take(100, kBegin);
  CHECK(bucket.wait(kBegin) == milliseconds(100));
  bucket.set_rate(10000, kBegin);
  CHECK(bucket.wait(kBegin) == milliseconds(10));
}

TEST_CASE("a signal at its limit holds the copy, says since when, and halves the workers that go on later") {
  Governor governor;
  CHECK(governor.decide(kBegin, {signal(1, 10)}, 4).workers == 4);
  const Decision held = governor.decide(kBegin + seconds(1), {signal(10, 10)}, 4);
  CHECK(held.hold);
  REQUIRE(held.reasons.size() == 1);
  CHECK(held.reasons[0].text == "replica_lag 10 s over 10 s");
  const Decision still = governor.decide(kBegin + seconds(9), {signal(12.5, 10)}, 4);
  CHECK(still.reasons.at(0).since == kBegin + seconds(1));
  CHECK(still.reasons.at(0).text == "replica_lag 12.5 s over 10 s");
  // Near the limit it does not flutter.
  CHECK(governor.decide(kBegin + seconds(10), {signal(9.5, 10)}, 4).hold);
  const Decision released = governor.decide(kBegin + seconds(11), {signal(5, 10)}, 4);
  CHECK_FALSE(released.hold);
  CHECK(released.workers == 2);
}

TEST_CASE("workers come back one by one while there is room, and none while a signal is stale") {
  Governor governor;
  governor.decide(kBegin, {signal(10, 10)}, 4);
  CHECK(governor.decide(kBegin + seconds(10), {signal(1, 10)}, 4).workers == 2);
  CHECK(governor.decide(kBegin + seconds(16), {signal(1, 10)}, 4).workers == 3);
  const Signal stale = signal(1, 10, Signal::Kind::kHolds, Signal::Reading::kStale);
  CHECK(governor.decide(kBegin + seconds(60), {stale}, 4).workers == 3);
  CHECK_FALSE(governor.decide(kBegin + seconds(60), {stale}, 4).hold);
  CHECK(governor.decide(kBegin + seconds(61), {signal(1, 10)}, 4).workers == 4);
}

TEST_CASE("near a limit one worker after the other stands back, but never the last") {
  Governor governor;
  CHECK(governor.decide(kBegin, {signal(8, 10)}, 3).workers == 2);
  CHECK(governor.decide(kBegin + seconds(1), {signal(8, 10)}, 3).workers == 2);
  CHECK(governor.decide(kBegin + seconds(6), {signal(8, 10)}, 3).workers == 1);
  CHECK(governor.decide(kBegin + seconds(20), {signal(8, 10)}, 3).workers == 1);
}

TEST_CASE("a signal that was there and is lost holds; one that is not looked at, or cannot be read, does not") {
  Governor governor;
  const Decision lost = governor.decide(kBegin, {signal(0, 10, Signal::Kind::kHolds, Signal::Reading::kLost)}, 1);
  CHECK(lost.hold);
  CHECK(lost.reasons.at(0).text == "replica_lag can no longer be read");
  CHECK_FALSE(governor.decide(kBegin, {signal(0, 0, Signal::Kind::kHolds, Signal::Reading::kLost)}, 1).hold);
  CHECK_FALSE(governor.decide(kBegin, {signal(99, 0)}, 1).hold);
  CHECK_FALSE(governor.decide(kBegin, {signal(99, 10, Signal::Kind::kHolds, Signal::Reading::kUnreadable)}, 1).hold);
}

TEST_CASE("what only slows leaves one worker going") {
  Governor governor;
  const Decision slow = governor.decide(kBegin, {signal(61, 60, Signal::Kind::kSlows)}, 4);
  CHECK_FALSE(slow.hold);
  CHECK(slow.slow);
  CHECK(slow.workers == 1);
  CHECK(slow.reasons.size() == 1);
  CHECK(governor.decide(kBegin + seconds(1), {signal(1, 60, Signal::Kind::kSlows)}, 4).workers == 4);
}

TEST_CASE("every reason is listed, not the first alone") {
  Governor governor;
  Signal other = signal(70, 64);
  other.name = "archiver_backlog";
  other.unit = "segments";
  const Decision both = governor.decide(kBegin, {signal(20, 10), other}, 1);
  REQUIRE(both.reasons.size() == 2);
  CHECK(both.reasons[1].text == "archiver_backlog 70 segments over 64 segments");
}

TEST_CASE("the workers are half of the cores, a quarter of the free connections, four at most, and at least one") {
  struct Case {
    std::int64_t cores, connections;
    int workers;
  };
  const Case cases[] = {{1, 90, 1},  {2, 90, 1},  {4, 90, 2}, {7, 90, 3},
                        {64, 90, 4}, {64, 11, 2}, {64, 0, 1}, {0, 90, 1}};
  for (const Case& c : cases) {
    CAPTURE(c.cores);
    CAPTURE(c.connections);
    CHECK(usual_workers(c.cores, c.connections) == c.workers);
  }
}

TEST_SUITE_END();

}  // namespace falsework
