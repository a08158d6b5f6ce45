#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error_kinds.h"
#include "state/run_state.h"

namespace falsework {

std::string render_progress(const Progress& progress) {
  nlohmann::ordered_json json;
  json["rows"] = progress.rows;
  json["total"] = progress.total;
  json["blocks"] = progress.blocks;
  json["total_blocks"] = progress.total_blocks;
  json["rate"] = progress.rate;
  json["eta_s"] = progress.eta_s;
  json["wal_rate"] = progress.wal_rate;
  json["hot_share"] = progress.hot_share;
  json["workers"] = progress.workers;
  if (!progress.phase.empty()) json["phase"] = progress.phase;
  json["throttled_by"] = progress.throttled_by;
  json["signals"] = nlohmann::ordered_json::array();
  for (const SignalNumber& signal : progress.signals) {
    json["signals"].push_back({{"name", signal.name},
                               {"value", signal.value},
                               {"limit", signal.limit},
                               {"unit", signal.unit},
                               {"state", signal.state},
                               {"since", signal.since},
                               {"detail", signal.detail}});
  }
  return json.dump();
}

Progress parse_progress(const std::string& text) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    Progress progress;
    json.at("rows").get_to(progress.rows);
    json.at("total").get_to(progress.total);
    json.at("blocks").get_to(progress.blocks);
    json.at("total_blocks").get_to(progress.total_blocks);
    json.at("rate").get_to(progress.rate);
    json.at("eta_s").get_to(progress.eta_s);
    json.at("wal_rate").get_to(progress.wal_rate);
    json.at("hot_share").get_to(progress.hot_share);
    progress.phase = json.value("phase", "");
    progress.workers = json.value("workers", 0);  // a ledger of an older version has neither
    json.at("throttled_by").get_to(progress.throttled_by);
    for (const nlohmann::json& item : json.value("signals", nlohmann::json::array())) {
      SignalNumber signal;
      item.at("name").get_to(signal.name);
      item.at("value").get_to(signal.value);
      item.at("limit").get_to(signal.limit);
      item.at("unit").get_to(signal.unit);
      item.at("state").get_to(signal.state);
      item.at("since").get_to(signal.since);
      item.at("detail").get_to(signal.detail);
      progress.signals.push_back(std::move(signal));
    }
    return progress;
  } catch (const nlohmann::json::exception& failure) {
    throw Error(errors::kLedgerUnusable, fmt::format("progress is not understood: {}", failure.what()),
                "Move it away, then rebuild it from the journal in the database with: falsework adopt.");
  }
}

}  // namespace falsework
