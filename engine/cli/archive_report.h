// How commands show the archives of runs: as JSON, and for people.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/archives.h"

namespace falsework::cli {

// [{"archive","table","run","migration","since","rows","bytes","only_copy"}]; what is not known is null.
nlohmann::ordered_json json_of(const std::vector<ArchiveView>& archives);

// What it is, of whom, how large and since when; and what can be done with it.
std::string describe(const ArchiveView& archive);

}  // namespace falsework::cli
