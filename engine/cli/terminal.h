// Shows a run while it is carried on: on a terminal a bar that is overprinted, otherwise one line per interval.
//
// One rule: everything goes to stderr, and every line about a step names the run and the step.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/cli/console.h"
#include "executor/executor.h"

namespace falsework::cli {

class Terminal final : public Observer {
 public:
  Terminal(Console& console, const Clock& clock, bool quiet);

  // The run that is carried on from here.
  void set_run(const std::string& run) { run_ = run; }

  void step_started(const Step& step, bool undo) override;
  void step_finished(const Step& step, bool undo, std::chrono::milliseconds took) override;
  void step_failed(const Step& step, bool undo, const Error& error) override;
  void step_blocked(const Step& step, int attempt, const std::vector<std::string>& blockers) override;
  void copy_progress(const Step& step, const Progress& progress) override;
  void build_progress(const Step& step, const Progress& progress) override;
  void gate_closed(const Step& step) override;

 private:
  void say(const std::string& text);
  void wipe();
  static std::size_t width();
  void show(const Step& step, const std::string& text, std::string_view line, bool complete);

  Console& console_;
  const Clock& clock_;
  const bool quiet_;
  const bool overprints_;
  std::string run_;
  bool bar_ = false;                              // stands in the last line of the terminal
  std::chrono::steady_clock::time_point said_{};  // the last line of progress
};

// `45 %  90,000 of 200,000 rows, 51,000 rows/s, 4s left, waiting for …`.
std::string render_numbers(const Progress& progress);
// The same behind a bar, in at most `width` places: why the copy is held back is the last to be left out.
std::string render_bar(const std::string& run, const std::string& step, const Progress& progress, std::size_t width);
// `building index: scanning table, 45 %, 4s left, waiting for …`.
std::string render_build(const Progress& progress);

}  // namespace falsework::cli
