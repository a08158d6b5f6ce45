// The cells of the fault matrix: what is done to an engine, where, and what comes after.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/faults/engine.h"
#include "tests/faults/ground.h"
#include "tests/faults/surroundings.h"

namespace falsework::test {

enum class FaultKind {
  kKill,           // kill -9
  kTerm,           // SIGTERM
  kTerminate,      // its server process is terminated
  kCancel,         // its statement is cancelled
  kRestart,        // the server is restarted in immediate mode
  kRequestLost,    // a message of the client never arrives, and the connection breaks
  kAnswerLost,     // … arrives, and the connection breaks before the answer does
  kLedgerOnce,     // one write of the ledger fails
  kLedgerForGood,  // … and every later one
};
inline constexpr FaultKind kFaultKinds[] = {FaultKind::kKill,       FaultKind::kTerm,       FaultKind::kTerminate,
                                            FaultKind::kCancel,     FaultKind::kRestart,    FaultKind::kRequestLost,
                                            FaultKind::kAnswerLost, FaultKind::kLedgerOnce, FaultKind::kLedgerForGood};
const char* name(FaultKind fault);

enum class Next {
  kResume,            // on to the end
  kRollback,          // back to the beginning
  kSecondFault,       // killed once more on the way to the end, and then on
  kRollbackAndResume  // killed on the way back, and then on to the end
};
inline constexpr Next kNexts[] = {Next::kResume, Next::kRollback, Next::kSecondFault, Next::kRollbackAndResume};
const char* name(Next next);

// Where an engine can be struck.
struct Place {
  std::string kind;           // of the step, or `run` where there is none
  std::string point;          // failpoint, `wire` or `ledger.write`
  int nth = 1;                // passage of it; of `wire` and `ledger.write`, since the last mark of a step
  int mark = 0;               // how many steps had been marked before it
  bool steady = true;         // comes round as often whoever else is there
  bool past_gate = false;     // at the gate of contract or behind it
  bool journal_later = true;  // the journal is written after it
  bool before_gate = true;    // … by an engine that goes no further than the gate of contract
};

struct Cell {
  bool backward = false;
  Place place;
  FaultKind fault = FaultKind::kKill;
  Next next = Next::kResume;
  Environment environment = Environment::kQuiet;
};
std::string describe(const Cell& cell);

// Whether the engine that is struck goes no further than the gate of contract: whoever is to go back afterwards must
// not have passed the point of no return before.
bool stops_at_gate(const Cell& cell);

// The places of a run that was traced, again and again: how many messages, writes and batches there are in a step
// depends on time as well, and a place is where each trace has it.
std::vector<Place> places_of(const std::vector<std::filesystem::path>& traces);

// How often a traced engine has passed the point of this place, counted as the place counts.
int passages(const std::filesystem::path& trace, const Place& place);

// How many steps it has marked.
int marks(const std::filesystem::path& trace);

// Every cell: place x fault x next action, the environments in turn.
std::vector<Cell> all_cells(const std::vector<Place>& forward, const std::vector<Place>& backward);

// Few of them, in which every kind of step meets every fault and goes both ways, every fault goes both ways and meets
// every next action and every environment, and every next action every environment. `each_way`: and every kind of step
// meets every fault both when it is done and when it is undone.
std::vector<Cell> covering(const std::vector<Cell>& cells, bool each_way = false);

}  // namespace falsework::test
