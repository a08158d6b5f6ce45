#include "engine/cli/archive_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "engine/runbook/words.h"

namespace falsework::cli {

using Json = nlohmann::ordered_json;

namespace {

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string use_of(const ArchiveView& archive) {
  if (archive.run.empty()) return "no run of the journal has made it";
  if (!archive.only_copy) return "the old columns are in the table still";
  return fmt::format(
      "a rollback takes the old values from it: falsework rollback {0}\n"
      "  when nobody will need that any more: falsework archive drop {0} --confirm {1}",
      archive.run, archive.migration);
}

}  // namespace

Json json_of(const std::vector<ArchiveView>& archives) {
  Json json = Json::array();
  for (const ArchiveView& archive : archives) {
    Json each;
    each["archive"] = archive.archive;
    each["table"] = text_or_null(archive.table);
    each["run"] = text_or_null(archive.run);
    each["migration"] = text_or_null(archive.migration);
    each["since"] = text_or_null(archive.since);
    each["rows"] = archive.rows ? Json(*archive.rows) : Json(nullptr);
    each["bytes"] = archive.bytes;
    each["only_copy"] = archive.only_copy;
    json.push_back(std::move(each));
  }
  return json;
}

std::string describe(const ArchiveView& archive) {
  std::string text = fmt::format("archive {}", archive.archive);
  if (!archive.table.empty()) text += fmt::format(" of {}", archive.table);
  if (!archive.run.empty()) text += fmt::format(", of run {}", archive.run);
  text += ": ";
  if (archive.rows)
    text += fmt::format("{} {}, ", runbook::render_count(*archive.rows), *archive.rows == 1 ? "row" : "rows");
  text += runbook::render_bytes(archive.bytes);
  if (!archive.since.empty()) text += fmt::format(", since {}", archive.since);
  return fmt::format("{}\n  {}", text, use_of(archive));
}

}  // namespace falsework::cli
