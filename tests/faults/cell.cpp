#include "tests/faults/cell.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include <set>

namespace falsework::test {

namespace {

constexpr const char* kRun = "run";
constexpr const char* kCopy = "backfill";
constexpr const char* kWire = "wire";
constexpr const char* kLedger = "ledger.write";

bool starts(const std::string& text, const char* with) { return text.rfind(with, 0) == 0; }
bool is_mark(const std::string& line) { return starts(line, "@ "); }
bool is_io(const std::string& line) { return line == kWire || line == kLedger; }
std::string kind_of(const std::string& mark) { return mark.substr(2, mark.find(' ', 2) - 2); }

std::vector<std::string> lines_of(const std::filesystem::path& trace) {
  std::vector<std::string> lines;
  std::ifstream file(trace);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// Between steps: what comes belongs to the next one.
bool ends_step(const std::string& point) {
  return point == "step.done" || point == "undo.done" || point == "gate.done" || point == "fence.reconciled";
}

std::string kind_ahead(const std::vector<std::string>& lines, std::size_t from) {
  for (std::size_t i = from; i < lines.size(); ++i) {
    if (is_mark(lines[i])) return kind_of(lines[i]);
    if (starts(lines[i], "gate.")) return "gate";
    if (starts(lines[i], "run.")) return kRun;
  }
  return kRun;
}

std::vector<std::string> kinds_of(const std::vector<std::string>& lines) {
  std::vector<std::string> kinds;
  std::string current = kRun;
  bool between = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (is_mark(line)) {
      current = kind_of(line);
      between = false;
    } else if (starts(line, "gate.")) {
      current = "gate";
      between = false;
    }
    kinds.push_back(between ? kind_ahead(lines, i) : current);
    if (ends_step(line)) between = true;
  }
  return kinds;
}

bool writes_journal(const std::string& point) {
  return point == "step.journal" || point == "batch.journal" || point == "backfill.journal" ||
         point == "undo.journal" || point == "concurrent.journal" || point == "undo.intent";
}

std::vector<FaultKind> faults_at(const Place& place) {
  if (place.point == kWire) return {FaultKind::kRequestLost, FaultKind::kAnswerLost};
  if (place.point == kLedger) return {FaultKind::kLedgerOnce, FaultKind::kLedgerForGood};
  std::vector<FaultKind> faults{FaultKind::kKill, FaultKind::kTerm, FaultKind::kTerminate, FaultKind::kRestart};
  if (place.journal_later) faults.push_back(FaultKind::kCancel);
  return faults;
}

using Pair = std::pair<std::string, std::string>;

std::vector<Pair> pairs_of(const Cell& cell, bool each_way) {
  const std::string fault = std::string("fault ") + name(cell.fault);
  const std::string next = std::string("next ") + name(cell.next);
  const std::string environment = std::string("environment ") + name(cell.environment);
  const std::string kind = "kind " + cell.place.kind;
  const std::string direction = cell.backward ? "backward" : "forward";
  return {{each_way ? direction + " " + kind : kind, fault},
          {direction, fault},
          {kind, direction},
          {fault, next},
          {fault, environment},
          {next, environment}};
}

std::vector<Place> places_of_one(const std::filesystem::path& trace) {
  const std::vector<std::string> lines = lines_of(trace);
  const std::vector<std::string> kinds = kinds_of(lines);
  std::size_t last_journal = 0, last_before_gate = 0;
  std::size_t gate = lines.size();
  int gates = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] == "gate.begin" && ++gates == 2) gate = i;
    if (!writes_journal(lines[i])) continue;
    last_journal = i;
    if (gates < 2) last_before_gate = i;
  }
  std::vector<Place> places;
  std::map<std::string, int> passed;
  int marked = 0;
  bool copying = false;
  std::map<Pair, std::size_t> last_of;  // position in `places` of the later passage
  std::set<Pair> seen;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (is_mark(line)) {
      ++marked;
      copying = kind_of(line) == kCopy;
      passed[kWire] = passed[kLedger] = 0;
      continue;
    }
    Place place{kinds[i], line, ++passed[line], marked};
    place.past_gate = i >= gate;
    place.journal_later = i < last_journal;
    place.before_gate = i < last_before_gate;
    const Pair key{place.kind, line};
    if (is_io(line)) {
      place.steady = !copying;
      places.push_back(place);
    } else if (seen.insert(key).second) {
      places.push_back(place);
    } else {
      place.steady = line.find("batch") == std::string::npos;
      const auto known = last_of.find(key);
      if (known == last_of.end()) {
        last_of[key] = places.size();
        places.push_back(place);
      } else {
        places[known->second] = place;
      }
    }
  }
  return places;
}

}  // namespace

const char* name(FaultKind fault) {
  switch (fault) {
    case FaultKind::kKill: return "kill -9";
    case FaultKind::kTerm: return "SIGTERM";
    case FaultKind::kTerminate: return "backend terminated";
    case FaultKind::kCancel: return "statement cancelled";
    case FaultKind::kRestart: return "server restarted";
    case FaultKind::kRequestLost: return "request lost";
    case FaultKind::kAnswerLost: return "answer lost";
    case FaultKind::kLedgerOnce: return "ledger fails once";
    case FaultKind::kLedgerForGood: return "ledger fails for good";
  }
  return "";
}

const char* name(Next next) {
  switch (next) {
    case Next::kResume: return "resume";
    case Next::kRollback: return "rollback";
    case Next::kSecondFault: return "second fault";
    case Next::kRollbackAndResume: return "rollback, resume";
  }
  return "";
}

std::string describe(const Cell& cell) {
  const std::string where =
      is_io(cell.place.point) ? fmt::format("{} behind step {}", cell.place.kind, cell.place.mark) : cell.place.kind;
  return fmt::format("{} {} at {}@{} ({}), then {}, {}", cell.backward ? "backward" : "forward", name(cell.fault),
                     cell.place.point, cell.place.nth, where, name(cell.next), name(cell.environment));
}

bool stops_at_gate(const Cell& cell) {
  const bool goes_back = cell.next == Next::kRollback || cell.next == Next::kRollbackAndResume;
  return !cell.backward && !cell.place.past_gate && goes_back;
}

std::vector<Place> places_of(const std::vector<std::filesystem::path>& traces) {
  std::vector<Place> places = places_of_one(traces.front());
  for (const std::filesystem::path& trace : traces) {
    for (Place& place : places) {
      if (!is_io(place.point) && !place.steady) place.nth = std::min(place.nth, passages(trace, place));
    }
    std::erase_if(places, [&](const Place& place) {
      return is_io(place.point) ? passages(trace, place) < place.nth : !place.steady && place.nth < 2;
    });
  }
  return places;
}

int passages(const std::filesystem::path& trace, const Place& place) {
  int count = 0, marked = 0;
  for (const std::string& line : lines_of(trace)) {
    if (is_mark(line)) ++marked;
    if (line == place.point && (!is_io(line) || marked == place.mark)) ++count;
  }
  return count;
}

int marks(const std::filesystem::path& trace) {
  const std::vector<std::string> lines = lines_of(trace);
  return static_cast<int>(std::count_if(lines.begin(), lines.end(), is_mark));
}

std::vector<Cell> all_cells(const std::vector<Place>& forward, const std::vector<Place>& backward) {
  std::vector<Cell> cells;
  std::size_t turn = 0;
  for (const bool back : {false, true}) {
    for (const Place& place : back ? backward : forward) {
      for (const FaultKind fault : faults_at(place)) {
        for (const Next next : kNexts) {
          // There are hundreds of messages and writes: each meets one next action, in turn.
          const bool one_of_many = is_io(place.point);
          if (one_of_many && next != kNexts[static_cast<std::size_t>(place.nth) % std::size(kNexts)]) continue;
          // Not in step with the four next actions, so that each meets each.
          const std::size_t at =
              (turn + turn / std::size(kEnvironments) + turn / std::size(kNexts)) % std::size(kEnvironments);
          ++turn;
          const Cell cell{back, place, fault, next, place.steady ? kEnvironments[at] : Environment::kQuiet};
          // What is cancelled is the next write of the journal, and this engine makes none.
          if (fault == FaultKind::kCancel && stops_at_gate(cell) && !place.before_gate) continue;
          cells.push_back(cell);
        }
      }
    }
  }
  // Any beginning of the list is a fair sample.
  std::shuffle(cells.begin(), cells.end(), std::minstd_rand(20261121));
  return cells;
}

std::vector<Cell> covering(const std::vector<Cell>& cells, bool each_way) {
  std::set<Pair> wanted;
  for (const Cell& cell : cells) {
    for (const Pair& pair : pairs_of(cell, each_way)) wanted.insert(pair);
  }
  std::vector<Cell> chosen;
  while (!wanted.empty()) {
    const Cell* best = nullptr;
    std::size_t most = 0;
    for (const Cell& cell : cells) {
      std::size_t gain = 0;
      for (const Pair& pair : pairs_of(cell, each_way)) gain += wanted.count(pair);
      if (gain > most) {
        most = gain;
        best = &cell;
      }
    }
    if (best == nullptr) break;
    for (const Pair& pair : pairs_of(*best, each_way)) wanted.erase(pair);
    chosen.push_back(*best);
  }
  return chosen;
}

}  // namespace falsework::test
