#include "engine/cli/copy_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/duration.h"
#include "engine/runbook/words.h"

namespace falsework::cli {

namespace {

using Json = nlohmann::ordered_json;

template <typename Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace

std::vector<std::vector<std::string>> signal_table(const Progress& progress) {
  std::vector<std::vector<std::string>> rows{{"SIGNAL", "VALUE", "LIMIT", "STATE", "SINCE", ""}};
  for (const SignalNumber& signal : progress.signals) {
    const bool seen = signal.state != "absent" && signal.state != "unreadable" && signal.state != "off";
    rows.push_back({signal.name, seen ? fmt::format("{:.4g} {}", signal.value, signal.unit) : "-",
                    signal.limit > 0 ? fmt::format("{:.4g} {}", signal.limit, signal.unit) : "-", signal.state,
                    signal.since.empty() ? "-" : signal.since, signal.detail});
  }
  return rows;
}

Json signals_json(const Progress& progress) {
  Json signals = Json::array();
  for (const SignalNumber& signal : progress.signals) {
    Json json;
    json["name"] = signal.name;
    json["value"] = signal.value;
    json["limit"] = signal.limit;
    json["unit"] = signal.unit;
    json["state"] = signal.state;
    json["since"] = signal.since.empty() ? Json(nullptr) : Json(signal.since);
    json["detail"] = signal.detail;
    signals.push_back(json);
  }
  return signals;
}

std::string describe_forecast(const CopyForecast& forecast) {
  if (forecast.rows == 0) return fmt::format("forecast of {}: no rows that the catalog knows of", forecast.step);
  const std::string rate = forecast.wal_rate == 0 ? "without a limit of WAL"
                                                  : "at " + runbook::render_bytes(forecast.wal_rate) + "/s of WAL";
  return fmt::format("forecast of {}: about {} rows, {} of WAL, {} more on the disk, {} {}", forecast.step,
                     runbook::render_count(forecast.rows), runbook::render_bytes(forecast.wal_bytes),
                     runbook::render_bytes(forecast.disk_bytes),
                     humanize(std::chrono::milliseconds(static_cast<std::int64_t>(forecast.seconds * 1000))), rate);
}

std::string describe_control(const std::string& run, const CopyControl& control) {
  const CopyLimits& limits = control.limits;
  std::string text = control.paused ? fmt::format("the copy of run {} is paused by {} since {}\n", run,
                                                  control.paused_by, control.paused_since)
                                    : fmt::format("the copy of run {} is not paused\n", run);
  text += fmt::format("workers: {}\n", limits.workers ? std::to_string(*limits.workers) : "chosen from the server");
  std::string rate = "default";
  if (limits.wal_rate) {
    rate = *limits.wal_rate == 0 ? "without limit" : runbook::render_bytes(*limits.wal_rate) + "/s";
  }
  text += fmt::format("WAL rate: {}\n", rate);
  std::string lag = "default";
  if (limits.max_lag) lag = limits.max_lag->count() == 0 ? "not looked at" : humanize(*limits.max_lag);
  text += fmt::format("replica lag: {}\n", lag);
  const std::string condition = limits.hold_while.value_or("");
  text += fmt::format("held while: {}", condition.empty() ? "no condition" : condition);
  if (!control.until.empty()) text += fmt::format("\nsome of it until {}", control.until);
  return text;
}

std::string control_json(const std::string& run, const CopyControl& control) {
  Json json;
  json["run"] = run;
  json["paused"] = control.paused;
  json["paused_by"] = control.paused ? Json(control.paused_by) : Json(nullptr);
  json["paused_since"] = control.paused ? Json(control.paused_since) : Json(nullptr);
  json["workers"] = or_null(control.limits.workers);
  json["wal_rate"] = or_null(control.limits.wal_rate);
  json["max_lag_s"] =
      control.limits.max_lag ? Json(static_cast<double>(control.limits.max_lag->count()) / 1000.0) : Json(nullptr);
  json["hold_while"] = control.limits.hold_while && !control.limits.hold_while->empty()
                           ? Json(*control.limits.hold_while)
                           : Json(nullptr);
  json["until"] = control.until.empty() ? Json(nullptr) : Json(control.until);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace falsework::cli
