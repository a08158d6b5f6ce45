// How apply and advance look before they begin, and how they show what they saw.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/cli/carry_on.h"
#include "engine/preflight.h"

namespace falsework::cli {

// --accept, --free-disk.
std::vector<Option> preflight_options();

// Looks, unless the task undoes or has nothing to do. Throws as preflight() does, and Error(usage).
std::optional<Preflight> look_before(Invocation& invocation, const Task& task);

// {go, measures: [{name, value}], findings: [{code, severity, message, consequence, hint}]}, or null.
nlohmann::ordered_json json_of(const std::optional<Preflight>& preflight);

// Each finding with its consequence and its hint; with `measures`, those first.
std::string describe(const Preflight& preflight, bool measures);

}  // namespace falsework::cli
