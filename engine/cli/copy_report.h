// What people are told of a running copy: its signals, and what was set.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/forecast.h"
#include "state/postgres/copy_journal.h"
#include "state/run_state.h"

namespace falsework::cli {

// A table: signal, value, limit, state, since, detail.
std::vector<std::vector<std::string>> signal_table(const Progress& progress);
nlohmann::ordered_json signals_json(const Progress& progress);

std::string describe_forecast(const CopyForecast& forecast);

std::string describe_control(const std::string& run, const CopyControl& control);
std::string control_json(const std::string& run, const CopyControl& control);

}  // namespace falsework::cli
