#include "postgres/catalog/builtin_type.h"

#include <charconv>
#include <map>
#include <set>
#include <string_view>
#include <vector>

namespace falsework::pg {

namespace {

const std::map<std::string, BuiltinBase>& bases() {
  using enum BuiltinBase;
  static const std::map<std::string, BuiltinBase> kBases = {{"smallint", kInt2},
                                                            {"integer", kInt4},
                                                            {"bigint", kInt8},
                                                            {"numeric", kNumeric},
                                                            {"real", kFloat4},
                                                            {"double precision", kFloat8},
                                                            {"money", kMoney},
                                                            {"oid", kOid},
                                                            {"regclass", kRegclass},
                                                            {"boolean", kBool},
                                                            {"text", kText},
                                                            {"character varying", kVarchar},
                                                            {"character", kBpchar},
                                                            {"bpchar", kBpchar},
                                                            {"name", kName},
                                                            {"\"char\"", kChar},
                                                            {"date", kDate},
                                                            {"time without time zone", kTime},
                                                            {"time with time zone", kTimetz},
                                                            {"timestamp without time zone", kTimestamp},
                                                            {"timestamp with time zone", kTimestamptz},
                                                            {"uuid", kUuid},
                                                            {"json", kJson},
                                                            {"jsonb", kJsonb},
                                                            {"xml", kXml},
                                                            {"bytea", kBytea},
                                                            {"inet", kInet},
                                                            {"cidr", kCidr},
                                                            {"macaddr", kMacaddr},
                                                            {"macaddr8", kMacaddr8},
                                                            {"bit", kBit},
                                                            {"bit varying", kVarbit},
                                                            {"point", kPoint},
                                                            {"box", kBox},
                                                            {"path", kPath},
                                                            {"polygon", kPolygon},
                                                            {"line", kPlain},
                                                            {"lseg", kPlain},
                                                            {"circle", kPlain},
                                                            {"tsvector", kPlain},
                                                            {"tsquery", kPlain},
                                                            {"jsonpath", kPlain},
                                                            {"pg_lsn", kPlain},
                                                            {"int4range", kPlain},
                                                            {"int8range", kPlain},
                                                            {"numrange", kPlain},
                                                            {"int4multirange", kPlain},
                                                            {"int8multirange", kPlain},
                                                            {"nummultirange", kPlain}};
  return kBases;
}

// Types that parse_builtin_type knows nothing of, or whose conversions depend on settings.
const std::set<std::string>& others() {
  static const std::set<std::string> kOthers = {"\"bit\"",
                                                "aclitem",
                                                "cid",
                                                "datemultirange",
                                                "daterange",
                                                "gtsvector",
                                                "int2vector",
                                                "oidvector",
                                                "pg_brin_bloom_summary",
                                                "pg_brin_minmax_multi_summary",
                                                "pg_dependencies",
                                                "pg_mcv_list",
                                                "pg_ndistinct",
                                                "pg_node_tree",
                                                "pg_snapshot",
                                                "refcursor",
                                                "regcollation",
                                                "regconfig",
                                                "regdictionary",
                                                "regnamespace",
                                                "regoper",
                                                "regoperator",
                                                "regproc",
                                                "regprocedure",
                                                "regrole",
                                                "regtype",
                                                "tid",
                                                "tsmultirange",
                                                "tsrange",
                                                "tstzmultirange",
                                                "tstzrange",
                                                "txid_snapshot",
                                                "xid",
                                                "xid8"};
  return kOthers;
}

// Cuts `(10,-2)` out of the text; nullopt when there is none. Numbers that are none make the type unknown.
struct Modifiers {
  std::vector<int> numbers;
  bool valid = true;
};

std::optional<Modifiers> cut_modifiers(std::string& text) {
  const std::size_t open = text.find('(');
  if (open == std::string::npos) return std::nullopt;
  const std::size_t close = text.find(')', open);
  Modifiers modifiers;
  if (close == std::string::npos) return Modifiers{{}, false};
  const char* at = text.data() + open + 1;
  const char* const end = text.data() + close;
  while (at < end && modifiers.valid) {
    int number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    modifiers.valid = error == std::errc() && (next == end || *next == ',');
    modifiers.numbers.push_back(number);
    at = next + 1;
  }
  text.erase(open, close - open + 1);
  return modifiers;
}

BuiltinType interval(const std::string& text, const std::optional<Modifiers>& modifiers) {
  constexpr std::string_view kWord = "interval";
  BuiltinType type;
  type.base = BuiltinBase::kInterval;
  if (text.size() > kWord.size()) type.fields = text.substr(kWord.size() + 1);
  if (modifiers && !modifiers->numbers.empty()) type.length = modifiers->numbers.front();
  return type;
}

}  // namespace

BuiltinType parse_builtin_type(const std::string& spelling) {
  std::string text = spelling;
  BuiltinType type;
  if (text.ends_with("[]")) {
    text.resize(text.size() - 2);
    type.array = true;
  }
  const std::optional<Modifiers> modifiers = cut_modifiers(text);
  if (modifiers && !modifiers->valid) return {};
  if (text == "interval" || text.starts_with("interval ")) {
    const bool array = type.array;
    type = interval(text, modifiers);
    type.array = array;
    return type;
  }
  const auto found = bases().find(text);
  if (found == bases().end()) return {};
  type.base = found->second;
  if (modifiers && !modifiers->numbers.empty()) {
    type.length = modifiers->numbers[0];
    if (modifiers->numbers.size() > 1) type.scale = modifiers->numbers[1];
  }
  // `bit` without a length is a type of its own, which the server writes in quotes.
  if (type.base == BuiltinBase::kBit && !type.length) return {};
  return type;
}

bool is_builtin_type(const std::string& spelling) {
  std::string text = spelling;
  while (text.ends_with("[]")) text.resize(text.size() - 2);
  if (parse_builtin_type(text).base != BuiltinBase::kUnknown) return true;
  cut_modifiers(text);
  return text == "bit" || others().contains(text);
}

}  // namespace falsework::pg
