#include "engine/cli/terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "base/duration.h"
#include "base/identifier.h"
#include "engine/runbook/visible.h"
#include "engine/runbook/words.h"
#include "executor/schedule.h"

namespace falsework::cli {

namespace {

constexpr std::chrono::milliseconds kIntervalOfLines{2000};
constexpr std::size_t kBarPlaces = 24, kSmallBarPlaces = 8;
constexpr const char* kWipe = "\r\x1b[K";

double share(const Progress& progress) {
  // Blocks are exact; the number of rows is an estimate of the catalog's.
  const bool by_blocks = progress.total_blocks > 0;
  const auto done = static_cast<double>(by_blocks ? progress.blocks : progress.rows);
  const auto all = static_cast<double>(by_blocks ? progress.total_blocks : progress.total);
  return all <= 0 ? 0 : std::clamp(done / all, 0.0, 1.0);
}

std::string bar(double filled, std::size_t places) {
  const auto full = static_cast<std::size_t>(filled * static_cast<double>(places));
  return fmt::format("[{}{}]", std::string(full, '#'), std::string(places - full, '.'));
}

std::string percent(const Progress& progress) { return fmt::format("{:3.0f} %", share(progress) * 100); }

// Rows, rate and time left; `server`: the WAL and the share of HOT updates as well.
std::string numbers(const Progress& progress, bool server) {
  std::string text = fmt::format("{}  {} of {} rows", percent(progress), runbook::render_count(progress.rows),
                                 runbook::render_count(std::max(progress.total, progress.rows)));
  if (progress.rate > 0) {
    text += fmt::format(", {} rows/s", runbook::render_count(static_cast<std::int64_t>(progress.rate)));
  }
  if (server && progress.wal_rate > 0) {
    text += fmt::format(", {}/s WAL", runbook::render_bytes(static_cast<std::int64_t>(progress.wal_rate)));
  }
  if (server && progress.hot_share >= 0) text += fmt::format(", {:.0f} % HOT", progress.hot_share * 100);
  return text;
}

std::string time_left(const Progress& progress) {
  if (progress.eta_s < 0) return "";
  return fmt::format(", {} left", humanize(std::chrono::seconds(static_cast<std::int64_t>(progress.eta_s))));
}

std::string held_back(const Progress& progress) {
  if (progress.throttled_by.empty()) return "";
  return fmt::format(", held back: {}", fmt::join(progress.throttled_by, "; "));
}

std::string gate_conditions(const Step& step) {
  std::vector<std::string> conditions;
  for (const GateCondition& condition : step.gate->conditions) conditions.push_back(render_condition(condition));
  return fmt::format("{}", fmt::join(conditions, ", "));
}

}  // namespace

std::string render_numbers(const Progress& progress) {
  return numbers(progress, true) + time_left(progress) + held_back(progress);
}

std::string render_bar(const std::string& run, const std::string& step, const Progress& progress, std::size_t width) {
  const double done = share(progress);
  const std::string end = time_left(progress) + held_back(progress);
  const std::string shorter = numbers(progress, false) + end;
  const std::string lines[] = {
      fmt::format("{}: {} {} {}{}", run, step, bar(done, kBarPlaces), numbers(progress, true), end),
      fmt::format("{}: {} {} {}", run, step, bar(done, kBarPlaces), shorter),
      fmt::format("{} {} {}", step, bar(done, kBarPlaces), shorter),
      fmt::format("{} {} {}", step, bar(done, kSmallBarPlaces), shorter),
      fmt::format("{} {}", step, shorter),
      fmt::format("{} {}{}", bar(done, kSmallBarPlaces), percent(progress), end)};
  std::string visible;
  for (const std::string& line : lines) {
    visible = runbook::make_visible(line);
    if (visible.size() <= width) return visible;
  }
  return std::string(cut_utf8(visible, width));
}

std::string render_build(const Progress& progress) {
  std::string text = progress.phase;
  if (progress.total_blocks > 0 || progress.total > 0) text += fmt::format(", {:.0f} %", share(progress) * 100);
  if (progress.eta_s >= 0) {
    text += fmt::format(", {} left", humanize(std::chrono::seconds(static_cast<std::int64_t>(progress.eta_s))));
  }
  if (!progress.throttled_by.empty()) text += fmt::format(", waiting for {}", fmt::join(progress.throttled_by, "; "));
  return text;
}

Terminal::Terminal(Console& console, const Clock& clock, bool quiet)
    : console_(console), clock_(clock), quiet_(quiet), overprints_(Console::overprints()) {}

void Terminal::wipe() {
  if (!bar_) return;
  std::cerr << kWipe << std::flush;
  bar_ = false;
}

void Terminal::say(const std::string& text) {
  wipe();
  console_.note(fmt::format("{}: {}", run_, text));
}

void Terminal::step_started(const Step& step, bool undo) {
  said_ = {};
  if (quiet_) return;
  say(fmt::format("{} {} ({})", undo ? "undoing" : "running", step.id, step.title));
}

void Terminal::step_finished(const Step& step, bool undo, std::chrono::milliseconds took) {
  if (!quiet_) say(fmt::format("{} {} in {}", undo ? "undone" : "done", step.id, humanize(took)));
}

void Terminal::step_failed(const Step& step, bool undo, const Error& error) {
  say(fmt::format("{} of {} failed ({})", undo ? "the undo" : "the run", step.id, error.code()));
}

void Terminal::step_blocked(const Step& step, int attempt, const std::vector<std::string>& blockers) {
  // Who stands in the way is told even to those who asked for quiet: it is why nothing happens.
  say(fmt::format("{} waits for a lock (try {})", step.id, attempt));
  for (const std::string& blocker : blockers) say(fmt::format("  held by {}", blocker));
}

void Terminal::copy_progress(const Step& step, const Progress& progress) {
  show(step, render_numbers(progress), render_bar(run_, step.id, progress, width()), share(progress) >= 1);
}

void Terminal::build_progress(const Step& step, const Progress& progress) {
  const std::string text = render_build(progress);
  const std::string line = fmt::format("{}: {} {} {}", run_, step.id, bar(share(progress), kBarPlaces), text);
  show(step, text, cut_utf8(runbook::make_visible(line), width()), false);
}

// A line that wraps could not be overprinted.
std::size_t Terminal::width() { return static_cast<std::size_t>(std::max(Console::width() - 1, 1)); }

// `text` for a log, `line` for a terminal. `complete`: the last that is said of the step, which is said in any case.
void Terminal::show(const Step& step, const std::string& text, std::string_view line, bool complete) {
  if (quiet_) return;
  if (!overprints_) {
    if (said_ != std::chrono::steady_clock::time_point{} && !complete &&
        clock_.monotonic() - said_ < kIntervalOfLines) {
      return;
    }
    said_ = clock_.monotonic();
    say(fmt::format("{}: {}", step.id, text));
    return;
  }
  std::cerr << kWipe << line << std::flush;
  bar_ = true;
}

void Terminal::gate_closed(const Step& step) {
  if (!quiet_) say(fmt::format("waits at {} for {}", step.id, gate_conditions(step)));
}

}  // namespace falsework::cli
