// Releases that are out, from what people have said: `advance --release` says it, `release withdraw` takes it back.
//
// One rule: the last word counts; a release is out since the first word after it was last withdrawn.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "state/postgres/facts.h"

namespace falsework {

// The facts to add (Facts::add).
Fact release_is_out(const std::string& release, const std::string& actor);
Fact release_is_withdrawn(const std::string& release, const std::string& reason, const std::string& actor);

// The releases that are out, each with the fact since when. `facts`: oldest first, of any kind.
std::map<std::string, Fact> releases_said(const std::vector<Fact>& facts);

}  // namespace falsework
