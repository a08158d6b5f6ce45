#include "executor/backfill/epoch.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error_kinds.h"

namespace falsework {

namespace {

[[noreturn]] void fail_cursor(const char* why) {
  throw Error(errors::kInternal, fmt::format("the journal holds a cursor that is none: {}", why));
}

}  // namespace

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

CopyCursor begin_epoch(const CopyCursor& cursor, const TableEpoch& table, std::int64_t rows) {
  CopyCursor fresh = cursor;
  fresh.table = table;
  fresh.rows = rows;
  ++fresh.rewrites;
  return fresh;
}

std::string render_cursor(const CopyCursor& cursor) {
  return nlohmann::ordered_json{{"filenode", cursor.table.filenode},
                                {"blocks", cursor.table.blocks},
                                {"stripes", cursor.stripes},
                                {"rows", cursor.rows},
                                {"rewrites", cursor.rewrites}}
      .dump();
}

CopyCursor parse_cursor(const std::string& text) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    CopyCursor cursor;
    cursor.table = {json.at("filenode").get<std::string>(), json.at("blocks").get<std::int64_t>()};
    cursor.stripes = json.at("stripes").get<int>();
    cursor.rows = json.at("rows").get<std::int64_t>();
    cursor.rewrites = json.at("rewrites").get<int>();
    return cursor;
  } catch (const nlohmann::json::exception& error) {
    fail_cursor(error.what());
  }
}

std::string render_slot(const SlotCursor& slot) {
  nlohmann::ordered_json json{
      {"group", {slot.at.group.first, slot.at.group.end}}, {"stripe", slot.at.stripe}, {"next", slot.at.next}};
  json["deferred"] = nlohmann::ordered_json::array();
  for (const BlockRange& range : slot.deferred) json["deferred"].push_back({range.first, range.end});
  return json.dump();
}

SlotCursor parse_slot(const std::string& text, std::int64_t rows) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    SlotCursor slot;
    slot.rows = rows;
    slot.at.group = {json.at("group").at(0).get<std::int64_t>(), json.at("group").at(1).get<std::int64_t>()};
    slot.at.stripe = json.at("stripe").get<int>();
    slot.at.next = json.at("next").get<std::int64_t>();
    for (const nlohmann::json& range : json.at("deferred")) {
      slot.deferred.push_back({range.at(0).get<std::int64_t>(), range.at(1).get<std::int64_t>()});
    }
    return slot;
  } catch (const nlohmann::json::exception& error) {
    fail_cursor(error.what());
  }
}

}  // namespace falsework
