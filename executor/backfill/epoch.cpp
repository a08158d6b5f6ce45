#include "executor/backfill/epoch.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error_kinds.h"

namespace falsework {

TableEpoch read_epoch(pg::Session& session, const std::string& relation) {
  const pg::Rows rows = session.query(
      "SELECT pg_catalog.pg_relation_filenode(c.oid), "
      "pg_catalog.pg_relation_size(c.oid, 'main') / pg_catalog.current_setting('block_size')::bigint "
      "FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass($1)",
      {relation});
  if (rows.empty() || !rows.rows[0][0]) {
    throw Error(errors::kStepFailed, fmt::format("{} is gone, or has no rows of its own", relation),
                "Compare the catalog with the plan: falsework drift names what differs.");
  }
  return {rows.text(0, 0), rows.number(0, 1)};
}

CopyCursor begin_epoch(const CopyCursor& cursor, const TableEpoch& table) {
  CopyCursor fresh;
  fresh.table = table;
  fresh.rows = cursor.rows;
  fresh.rewrites = cursor.rewrites + 1;
  return fresh;
}

std::string render_cursor(const CopyCursor& cursor) {
  nlohmann::ordered_json json{{"filenode", cursor.table.filenode}, {"blocks", cursor.table.blocks},
                              {"group", cursor.position.group},    {"stripe", cursor.position.stripe},
                              {"next", cursor.position.next},      {"rows", cursor.rows},
                              {"rewrites", cursor.rewrites}};
  json["deferred"] = nlohmann::ordered_json::array();
  for (const BlockRange& range : cursor.deferred) json["deferred"].push_back({range.first, range.end});
  return json.dump();
}

CopyCursor parse_cursor(const std::string& text) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    CopyCursor cursor;
    cursor.table = {json.at("filenode").get<std::string>(), json.at("blocks").get<std::int64_t>()};
    cursor.position = {json.at("group").get<std::int64_t>(), json.at("stripe").get<int>(),
                       json.at("next").get<std::int64_t>()};
    cursor.rows = json.at("rows").get<std::int64_t>();
    cursor.rewrites = json.at("rewrites").get<int>();
    for (const nlohmann::json& range : json.at("deferred")) {
      cursor.deferred.push_back({range.at(0).get<std::int64_t>(), range.at(1).get<std::int64_t>()});
    }
    return cursor;
  } catch (const nlohmann::json::exception& error) {
    throw Error(errors::kInternal, fmt::format("the journal holds a cursor that is none: {}", error.what()));
  }
}

}  // namespace falsework
