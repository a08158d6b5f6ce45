// A type of the server by its spelling, taken apart: what classify_type_change needs to know of it.
#pragma once

#include <optional>
#include <string>

namespace falsework::pg {

enum class BuiltinBase {
  kInt2,
  kInt4,
  kInt8,
  kNumeric,
  kFloat4,
  kFloat8,
  kMoney,
  kOid,
  kRegclass,
  kBool,
  kText,
  kVarchar,
  kBpchar,
  kName,
  kChar,  // kChar: "char", one byte
  kDate,
  kTime,
  kTimetz,
  kTimestamp,
  kTimestamptz,
  kInterval,
  kUuid,
  kJson,
  kJsonb,
  kXml,
  kBytea,
  kInet,
  kCidr,
  kMacaddr,
  kMacaddr8,
  kBit,
  kVarbit,
  kPoint,
  kBox,
  kPath,
  kPolygon,
  kPlain,    // another builtin type that converts to text only, whatever the settings: tsvector, pg_lsn, …
  kUnknown,  // not of the server, or not known here
};

struct BuiltinType {
  BuiltinBase base = BuiltinBase::kUnknown;
  bool array = false;
  std::optional<int> length;  // characters or bits; precision of numeric; of seconds for times
  int scale = 0;              // of numeric with a precision
  std::string fields;         // of interval: `day to second`
  bool operator==(const BuiltinType&) const = default;
};

// Parses what format_type() prints under an empty search_path; kUnknown for anything else.
BuiltinType parse_builtin_type(const std::string& spelling);

// Whether the server has a type of this spelling itself, on every supported version; modifiers and `[]` do not matter.
bool is_builtin_type(const std::string& spelling);

}  // namespace falsework::pg
