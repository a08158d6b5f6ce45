// A bounded model of the protocol: a server that holds effects, a journal and messages of dead engines, a ledger, and
// engines that die at every point. Every order of deaths and delays is tried, up to a number of deaths.
//
// What decides is the real code: fold, reconcile, and the schedule. The model itself is judged too: broken protocols
// must be seen as broken.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <set>
#include <stdexcept>

#include "executor/reconcile.h"
#include "executor/schedule.h"
#include "tests/executor/site.h"

namespace falsework {

namespace {

constexpr const char* kColumn = "items/expand/column";
constexpr const char* kCopy = "items/backfill/copy";
constexpr const char* kIndex = "items/validate/index";
constexpr const char* kDefault = "items/switch/default";
constexpr int kBatches = 2;

// Protocols that are wrong.
enum class Broken { kNothing, kJournalApart, kDoneToldFirst, kNoFence, kCursorKept, kNoIntent, kLedgerDecides };

struct Crash {};
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Replays a list of choices and takes the first one where it ends; next() goes on to the list that comes after.
class Choices {
 public:
  int choose(int options) {
    if (at_ == made_.size()) made_.push_back({0, options});
    return made_[at_++].chosen;
  }
  bool next() {
    at_ = 0;
    while (!made_.empty() && made_.back().chosen + 1 == made_.back().options) made_.pop_back();
    if (made_.empty()) return false;
    ++made_.back().chosen;
    return true;
  }

 private:
  struct Choice {
    int chosen, options;
  };
  std::vector<Choice> made_;
  std::size_t at_ = 0;
};

struct Message {
  enum class What { kRun, kUndo, kBatch, kRecord, kBuild, kDrop };
  What what;
  std::string step;
  std::uint64_t epoch = 0;
  JournalStep row;
  int batch = 0;
  // Builds and removals run outside any transaction: nothing but the end of their backend stops them.
  bool in_transaction() const { return what != What::kBuild && what != What::kDrop; }
};

const Plan& the_plan() {
  static const Plan plan =
      test::plan_of({test::statement(kColumn, {"x"}, {"y"}), test::items_copy(),
                     test::build_index(kIndex, "items", "i", "b"), test::statement(kDefault, {"x"}, {"y"})});
  return plan;
}

enum class Effect { kNone, kThere, kBroken };

class World {
 public:
  World(Choices& choices, int deaths, Broken broken) : choices_(choices), deaths_(deaths), broken_(broken) {
    Event created;
    created.kind = EventKind::kRunCreated;
    ledger_.push_back(created);
  }

  // Engines, one after the other, until one comes through; then everything must be as it wanted.
  void live() {
    for (;;) {
      const bool forward = choices_.choose(2) == 0;
      try {
        engage(forward);
      } catch (const Crash&) {
        --deaths_;
        continue;
      }
      judge(forward);
      return;
    }
  }

 private:
  void engage(bool forward) {
    fence();
    catch_up();
    for (;;) {
      const RunState state = fold(plan_, ledger_);
      const auto steps = forward ? steps_to_run(plan_, state, Target{Target::Kind::kEnd, Phase::kContract, {}})
                                 : steps_to_undo(plan_, state, RollbackRequest{});
      if (steps.empty()) return;
      const Step& step = *steps.front();
      tell(forward ? EventKind::kStepIntent : EventKind::kUndoIntent, step.id);
      const EventKind done = forward ? EventKind::kStepDone : EventKind::kUndoDone;
      if (broken_ == Broken::kDoneToldFirst) tell(done, step.id);
      forward ? run(step) : undo(step);
      if (broken_ != Broken::kDoneToldFirst) tell(done, step.id);
    }
  }

  // What dead engines have sent takes effect before the epoch is raised, or is ended, or comes too late.
  void fence() {
    std::vector<Message> late;
    for (const Message& message : sent_) {
      const int fate = choices_.choose(message.in_transaction() ? 2 : 3);
      if (fate == 0 && (message.in_transaction() || broken_ == Broken::kNoFence)) late.push_back(message);
      if (fate == 1) apply(message);
      if (fate == 2) effects_[message.step] = Effect::kBroken;
    }
    sent_ = late;
    ++epoch_;
  }

  void catch_up() {
    const Reconciliation result = reconcile(plan_, fold(plan_, ledger_), journal_);
    if (!result.ahead.empty()) throw Violation("the ledger is ahead in " + result.ahead.front());
    if (broken_ == Broken::kLedgerDecides) return;
    for (const Repair& repair : result.repairs) tell(repair.kind, repair.step);
  }

  JournalStep next_row(const std::string& step, JournalState state) {
    JournalStep row = journal_.contains(step) ? journal_[step] : JournalStep{};
    row.step = step;
    row.state = state;
    if (state == JournalState::kUndone) {
      ++row.generation;
      if (broken_ != Broken::kCursorKept) row.cursor.clear();
    }
    return row;
  }

  bool journal_says(const std::string& step, JournalState state) const {
    const auto found = journal_.find(step);
    return found != journal_.end() && found->second.state == state;
  }

  void run(const Step& step) {
    switch (step.kind) {
      case StepKind::kBackfill: run_copy(step.id); break;
      case StepKind::kConcurrent: run_build(step.id); break;
      default:
        send({Message::What::kRun, step.id, epoch_, next_row(step.id, JournalState::kDone)});
        if (broken_ == Broken::kJournalApart) record(step.id, JournalState::kDone);
    }
  }

  void run_copy(const std::string& id) {
    if (!journal_says(id, JournalState::kIntent)) record(id, JournalState::kIntent);
    const std::string cursor = journal_[id].cursor;
    for (int batch = cursor.empty() ? 0 : std::stoi(cursor); batch < kBatches; ++batch) {
      JournalStep row = next_row(id, JournalState::kIntent);
      row.cursor = std::to_string(batch + 1);
      send({Message::What::kBatch, id, epoch_, row, batch});
    }
    record(id, JournalState::kDone);
  }

  void run_build(const std::string& id) {
    const bool ours = journal_says(id, JournalState::kIntent) || journal_says(id, JournalState::kUndoIntent);
    if (!ours && effects_[id] != Effect::kNone) throw Violation("an index stands that nobody has announced");
    if (!ours && broken_ != Broken::kNoIntent) record(id, JournalState::kIntent);
    if (effects_[id] == Effect::kBroken) send({Message::What::kDrop, id, epoch_, {}});
    if (effects_[id] != Effect::kThere) send({Message::What::kBuild, id, epoch_, {}});
    record(id, JournalState::kDone);
  }

  void undo(const Step& step) {
    if (!journal_.contains(step.id) || journal_says(step.id, JournalState::kUndone) ||
        step.kind == StepKind::kBackfill) {
      record(step.id, JournalState::kUndone);
    } else if (step.kind == StepKind::kConcurrent) {
      record(step.id, JournalState::kUndoIntent);
      if (effects_[step.id] != Effect::kNone) send({Message::What::kDrop, step.id, epoch_, {}});
      record(step.id, JournalState::kUndone);
    } else {
      send({Message::What::kUndo, step.id, epoch_, next_row(step.id, JournalState::kUndone)});
    }
  }

  void record(const std::string& step, JournalState state) {
    send({Message::What::kRecord, step, epoch_, next_row(step, state)});
  }

  // Arrives and is answered; or the engine dies before it, after it was sent, or after it took effect.
  void send(const Message& message) {
    deliver_a_late_one();
    const int fate = deaths_ > 0 ? choices_.choose(4) : 0;
    if (fate == 1) throw Crash{};
    if (fate == 2) {
      sent_.push_back(message);
      throw Crash{};
    }
    apply(message);
    if (fate == 3) throw Crash{};
  }

  void tell(EventKind kind, const std::string& step) {
    const int fate = deaths_ > 0 ? choices_.choose(3) : 0;
    if (fate == 1) throw Crash{};
    Event event;
    event.kind = kind;
    event.step = step;
    ledger_.push_back(event);
    if (fate == 2) throw Crash{};
  }

  void deliver_a_late_one() {
    if (sent_.empty() || choices_.choose(2) == 0) return;
    const Message message = sent_.front();
    sent_.erase(sent_.begin());
    apply(message);
  }

  void apply(const Message& message) {
    if (message.in_transaction() && message.epoch != epoch_ && broken_ != Broken::kNoFence) return;
    Effect& effect = effects_[message.step];
    const bool apart = broken_ == Broken::kJournalApart;
    switch (message.what) {
      case Message::What::kRun:
        if (effect == Effect::kThere) throw Violation(message.step + " ran twice");
        effect = Effect::kThere;
        if (!apart) journal_[message.step] = message.row;
        break;
      case Message::What::kUndo:
        if (effect == Effect::kNone) throw Violation(message.step + " was undone twice");
        effect = Effect::kNone;
        if (message.step == kColumn) copied_.clear();
        journal_[message.step] = message.row;
        break;
      case Message::What::kBatch:
        if (effects_[kColumn] != Effect::kThere) throw Violation("rows were copied into no column");
        copied_.insert(message.batch);
        journal_[message.step] = message.row;
        break;
      case Message::What::kRecord: journal_[message.step] = message.row; break;
      case Message::What::kBuild:
        if (effect != Effect::kNone) throw Violation("an index was built over another one");
        effect = Effect::kThere;
        break;
      case Message::What::kDrop: effect = Effect::kNone; break;
    }
  }

  void judge(bool forward) {
    const Reconciliation result = reconcile(plan_, fold(plan_, ledger_), journal_);
    if (!result.ahead.empty() || !result.repairs.empty()) throw Violation("journal and ledger differ in the end");
    for (const char* step : {kColumn, kIndex, kDefault}) {
      if (effects_[step] != (forward ? Effect::kThere : Effect::kNone)) {
        throw Violation(fmt::format("{} is {} in the end", step, forward ? "not there" : "left"));
      }
    }
    if (forward && copied_.size() != kBatches) throw Violation("rows were never copied");
  }

  Choices& choices_;
  int deaths_;
  const Broken broken_;
  const Plan& plan_ = the_plan();
  std::map<std::string, Effect> effects_;
  std::set<int> copied_;
  std::map<std::string, JournalStep> journal_;
  std::vector<Message> sent_;  // by engines that are dead
  std::uint64_t epoch_ = 0;
  std::vector<Event> ledger_;
};

struct Search {
  long lives = 0;
  std::string violation;  // the first
};

// Tries every list of choices, or until the first violation.
Search search(int deaths, Broken broken, long most) {
  Search result;
  Choices choices;
  do {
    ++result.lives;
    try {
      World(choices, deaths, broken).live();
    } catch (const Violation& violation) {
      result.violation = violation.what();
      break;
    }
  } while (choices.next() && result.lives < most);
  return result;
}

}  // namespace

TEST_SUITE_BEGIN("executor/model");

TEST_CASE("no order of deaths and delays makes a step run twice, be skipped or be left") {
  const Search all = search(2, Broken::kNothing, 10'000'000);
  fmt::print("{} lives with up to two deaths, all of them\n", all.lives);
  CHECK(all.violation == "");
  CHECK(all.lives > 1000);
}

TEST_CASE("the model sees each protocol that is wrong") {
  for (const Broken broken : {Broken::kJournalApart, Broken::kDoneToldFirst, Broken::kNoFence, Broken::kCursorKept,
                              Broken::kNoIntent, Broken::kLedgerDecides}) {
    CAPTURE(static_cast<int>(broken));
    CHECK(search(2, broken, 10'000'000).violation != "");
  }
}

TEST_SUITE_END();

}  // namespace falsework
