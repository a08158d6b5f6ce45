#include "executor/gates/releases.h"

namespace falsework {

namespace {

constexpr const char* kRelease = "release";
constexpr const char* kWithdrawn = "withdrawn";  // stands in place of a gate, which a release has none of

}  // namespace

Fact release_is_out(const std::string& release, const std::string& actor) {
  return {"", "", kRelease, release, "", "", actor};
}

Fact release_is_withdrawn(const std::string& release, const std::string& reason, const std::string& actor) {
  return {"", kWithdrawn, kRelease, release, "", reason, actor};
}

std::map<std::string, Fact> releases_said(const std::vector<Fact>& facts) {
  std::map<std::string, Fact> out;
  for (const Fact& fact : facts) {
    if (fact.kind != kRelease) continue;
    if (fact.step == kWithdrawn) {
      out.erase(fact.subject);
    } else {
      out.emplace(fact.subject, fact);
    }
  }
  return out;
}

}  // namespace falsework
