#include "state/event.h"

#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace falsework {

TEST_SUITE_BEGIN("state/event");

namespace {

Event sample() {
  Event event;
  event.serial = 7;
  event.run = "users_email-1a2b3c4d";
  event.kind = EventKind::kStepDone;
  event.step = "users.email/backfill/copy";
  event.generation = 1;
  event.epoch = 3;
  event.at = "2026-12-01T03:00:00.000Z";
  event.actor = "ann@host (42)";
  event.rows = 1000;
  event.duration_ms = 12;
  event.sqlstate = "00000";
  event.detail = "x";
  event.previous_hash = std::string(64, 'a');
  return event;
}

}  // namespace

TEST_CASE("every kind of event has a name of its own that is read back") {
  std::set<std::string> names;
  int count = 0;
  for (int i = 0; i <= static_cast<int>(EventKind::kLedgerRepaired); ++i) {
    const auto kind = static_cast<EventKind>(i);
    CAPTURE(i);
    CHECK(parse_event_kind(name(kind)) == kind);
    names.emplace(name(kind));
    ++count;
  }
  CHECK(names.size() == static_cast<std::size_t>(count));
  CHECK(name(EventKind::kRunRolledBack) == "run_rolled_back");
}

TEST_CASE("a name that is no kind of event is not guessed at") {
  CHECK(parse_event_kind("step_don") == std::nullopt);
  CHECK(parse_event_kind("") == std::nullopt);
}

TEST_CASE("the hash of an event depends on each of its fields but itself") {
  const Event original = sample();
  const std::vector<std::function<void(Event&)>> changes{
      [](Event& e) { ++e.serial; },
      [](Event& e) { e.run += "x"; },
      [](Event& e) { e.kind = EventKind::kStepFailed; },
      [](Event& e) { e.step += "x"; },
      [](Event& e) { ++e.generation; },
      [](Event& e) { ++e.epoch; },
      [](Event& e) { e.at += "x"; },
      [](Event& e) { e.actor += "x"; },
      [](Event& e) { ++e.rows; },
      [](Event& e) { ++e.duration_ms; },
      [](Event& e) { e.sqlstate = "40001"; },
      [](Event& e) { e.detail += "x"; },
      [](Event& e) { e.previous_hash[0] = 'b'; },
  };
  std::set<std::string> hashes{hash_of(original)};
  for (const auto& change : changes) {
    Event changed = original;
    change(changed);
    hashes.insert(hash_of(changed));
  }
  CHECK(hashes.size() == changes.size() + 1);

  Event stamped = original;
  stamped.hash = "anything";
  CHECK(hash_of(stamped) == hash_of(original));
}

TEST_CASE("text that moves from one field to the next changes the hash of an event") {
  Event one = sample();
  Event other = sample();
  one.sqlstate = "a";
  one.detail = "b";
  other.sqlstate = "ab";
  other.detail = "";
  CHECK(hash_of(one) != hash_of(other));
}

TEST_SUITE_END();

}  // namespace falsework
