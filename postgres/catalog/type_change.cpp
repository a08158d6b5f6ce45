#include "postgres/catalog/type_change.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "postgres/catalog/builtin_type.h"

namespace falsework::pg {

namespace {

using enum BuiltinBase;
using enum CastKind;

constexpr int kFullPrecision = 6;  // of seconds
constexpr int kNameBytes = 63;
constexpr int kBytesPerCharacter = 4;

// What can go wrong with a value on its way.
struct Loss {
  bool fails = false;
  bool changes = false;
  bool session = false;  // what comes out depends on the session's settings
  Loss operator|(const Loss& other) const {
    return {fails || other.fails, changes || other.changes, session || other.session};
  }
};

CastKind kind_of(const Loss& loss) {
  if (loss.fails) return loss.changes ? kPartialLossy : kPartial;
  return loss.changes ? kLossy : kTotal;
}

constexpr Loss kKeeps{};
constexpr Loss kFails{true, false, false};
constexpr Loss kChanges{false, true, false};
constexpr Loss kFailsAndChanges{true, true, false};
constexpr Loss kSession{false, false, true};
constexpr Loss kChangesBySession{false, true, true};
constexpr Loss kFailsBySession{true, false, true};

struct Cast {
  BuiltinBase from;
  BuiltinBase to;
  Loss loss;
};

// The implicit and assignment casts of pg_cast between types without modifiers, those to strings apart. "Changes" means
// that casting back does not give the value again.
constexpr std::array kCasts = {
    Cast{kInt2, kInt4, kKeeps},
    Cast{kInt2, kInt8, kKeeps},
    Cast{kInt4, kInt8, kKeeps},
    Cast{kInt4, kInt2, kFails},
    Cast{kInt8, kInt4, kFails},
    Cast{kInt8, kInt2, kFails},
    Cast{kInt2, kNumeric, kKeeps},
    Cast{kInt4, kNumeric, kKeeps},
    Cast{kInt8, kNumeric, kKeeps},
    Cast{kNumeric, kInt2, kFailsAndChanges},
    Cast{kNumeric, kInt4, kFailsAndChanges},
    Cast{kNumeric, kInt8, kFailsAndChanges},
    Cast{kNumeric, kNumeric, kKeeps},
    Cast{kInt2, kFloat4, kKeeps},
    Cast{kInt2, kFloat8, kKeeps},
    Cast{kInt4, kFloat4, kChanges},
    Cast{kInt4, kFloat8, kKeeps},
    Cast{kInt8, kFloat4, kChanges},
    Cast{kInt8, kFloat8, kChanges},
    Cast{kFloat4, kInt2, kFailsAndChanges},
    Cast{kFloat4, kInt4, kFailsAndChanges},
    Cast{kFloat4, kInt8, kFailsAndChanges},
    Cast{kFloat8, kInt2, kFailsAndChanges},
    Cast{kFloat8, kInt4, kFailsAndChanges},
    Cast{kFloat8, kInt8, kFailsAndChanges},
    Cast{kFloat4, kFloat8, kKeeps},
    Cast{kFloat8, kFloat4, kFailsAndChanges},
    Cast{kFloat4, kNumeric, kChanges},
    Cast{kFloat8, kNumeric, kChanges},
    Cast{kNumeric, kFloat4, kFailsAndChanges},
    Cast{kNumeric, kFloat8, kFailsAndChanges},
    Cast{kMoney, kNumeric, kSession},
    Cast{kNumeric, kMoney, {true, true, true}},
    Cast{kInt4, kMoney, kSession},
    Cast{kInt8, kMoney, kFailsBySession},
    Cast{kInt2, kOid, kChanges},
    Cast{kInt4, kOid, kKeeps},
    Cast{kInt8, kOid, kFails},
    Cast{kOid, kInt4, kKeeps},
    Cast{kOid, kInt8, kKeeps},
    Cast{kOid, kRegclass, kKeeps},
    Cast{kRegclass, kOid, kKeeps},
    Cast{kRegclass, kInt4, kKeeps},
    Cast{kRegclass, kInt8, kKeeps},
    Cast{kInt4, kRegclass, kKeeps},
    Cast{kInt2, kRegclass, kChanges},
    Cast{kInt8, kRegclass, kFails},
    Cast{kDate, kTimestamp, kFails},
    Cast{kDate, kTimestamptz, kFailsBySession},
    Cast{kTimestamp, kDate, kChanges},
    Cast{kTimestamptz, kDate, kChangesBySession},
    Cast{kTimestamp, kTime, kChanges},
    Cast{kTimestamptz, kTime, kChangesBySession},
    Cast{kTimestamptz, kTimetz, kChangesBySession},
    Cast{kTimestamp, kTimestamptz, kSession},
    Cast{kTimestamptz, kTimestamp, kSession},
    Cast{kTimestamp, kTimestamp, kKeeps},
    Cast{kTimestamptz, kTimestamptz, kKeeps},
    Cast{kTime, kTime, kKeeps},
    Cast{kTimetz, kTimetz, kKeeps},
    Cast{kInterval, kInterval, kKeeps},
    Cast{kTime, kTimetz, kSession},
    Cast{kTimetz, kTime, kChanges},
    // '24:00:00' is an interval of a day, which is the time '00:00:00'; since 17 there are infinite intervals.
    Cast{kTime, kInterval, kChanges},
    Cast{kInterval, kTime, kFailsAndChanges},
    Cast{kJson, kJsonb, kFailsAndChanges},
    Cast{kJsonb, kJson, kKeeps},
    Cast{kCidr, kInet, kKeeps},
    Cast{kInet, kCidr, kChanges},
    Cast{kMacaddr, kMacaddr8, kKeeps},
    Cast{kMacaddr8, kMacaddr, kFails},
    Cast{kBit, kBit, kKeeps},
    Cast{kBit, kVarbit, kKeeps},
    Cast{kVarbit, kBit, kKeeps},
    Cast{kVarbit, kVarbit, kKeeps},
    Cast{kPoint, kBox, kKeeps},
    Cast{kBox, kPolygon, kKeeps},
    Cast{kPath, kPolygon, kFails},
    Cast{kPolygon, kPath, kKeeps},
    Cast{kText, kChar, kChanges},
    Cast{kVarchar, kChar, kChanges},
    Cast{kBpchar, kChar, kChanges},
    Cast{kText, kRegclass, {true, true, true}},
    Cast{kVarchar, kRegclass, {true, true, true}},
};

bool is_string(BuiltinBase base) { return base == kText || base == kVarchar || base == kBpchar || base == kName; }

// Numbers as decimal digits before and after the point; nullopt where there is no limit.
struct Digits {
  int before;
  int after;
};

std::optional<Digits> digits(const BuiltinType& type) {
  switch (type.base) {
    case kInt2: return Digits{5, 0};
    case kInt4: return Digits{10, 0};
    case kInt8: return Digits{19, 0};
    case kMoney: return Digits{17, 2};
    case kNumeric:
      if (type.length) return Digits{*type.length - type.scale, type.scale};
      return std::nullopt;
    default: return std::nullopt;
  }
}

// Rounding can carry into one more digit: 9.99 is 10.0 with one decimal.
Loss into_numeric(const BuiltinType& from, const BuiltinType& to) {
  if (!to.length) return kKeeps;
  const std::optional<Digits> source = digits(from);
  if (!source) return kFailsAndChanges;
  const bool rounds = source->after > to.scale;
  return {source->before + (rounds ? 1 : 0) > *to.length - to.scale, rounds, false};
}

// numeric(p,s) holds NaN, which no integer does.
Loss numeric_to_integer(const BuiltinType& from) { return {true, !from.length || from.scale > 0, false}; }

// A float gives back as many decimal digits as FLT_DIG and DBL_DIG say.
Loss numeric_to_float(const BuiltinType& from, const BuiltinType& to) {
  if (!from.length) return kFailsAndChanges;
  const bool wide = to.base == kFloat8;
  const Digits source = *digits(from);
  const bool fails = source.before > (wide ? 308 : 38) || source.after > (wide ? 307 : 37);
  return {fails, *from.length > (wide ? 15 : 6), false};
}

// The most characters that a value has as text, or nullopt.
std::optional<int> text_length(const BuiltinType& type) {
  if (type.array) return std::nullopt;
  switch (type.base) {
    case kVarchar:
    case kBpchar:
    case kBit:
    case kVarbit: return type.length;
    case kNumeric: {
      const std::optional<Digits> number = digits(type);
      if (!number) return std::nullopt;
      const int fraction = number->after > 0 ? number->after + 1 : 0;
      return std::max(3, 1 + std::max(number->before, 1) + fraction);
    }
    case kInt2: return 6;
    case kInt4: return 11;
    case kInt8: return 20;
    case kOid: return 10;
    case kBool: return 5;
    case kUuid: return 36;
    case kMacaddr: return 17;
    case kMacaddr8: return 23;
    case kInet:
    case kCidr: return 43;
    case kName: return kNameBytes;
    case kChar: return 4;
    default: return std::nullopt;
  }
}

// Blanks at the end count in these; assignment to a shorter string cuts them silently, and char(n) ignores them.
bool may_end_in_blanks(const BuiltinType& type) {
  if (type.array) return false;
  return type.base == kText || type.base == kVarchar || type.base == kName || type.base == kJson || type.base == kXml ||
         type.base == kUnknown || (type.base == kBpchar && !type.length);
}

// Output functions that read DateStyle, IntervalStyle, TimeZone, lc_monetary, bytea_output or search_path.
bool prints_by_session(BuiltinBase base) {
  return base == kDate || base == kTimestamp || base == kTimestamptz || base == kInterval || base == kMoney ||
         base == kBytea || base == kRegclass || base == kUnknown;
}

Loss into_name(const BuiltinType& from) {
  const std::optional<int> length = text_length(from);
  const bool ascii = !may_end_in_blanks(from) && from.base != kBpchar && from.base != kUnknown;
  const bool fits =
      from.base == kName || from.base == kChar || (length && *length * (ascii ? 1 : kBytesPerCharacter) <= kNameBytes);
  return {false, !fits || (from.base == kBpchar && !from.length), false};
}

// Every type converts to a string on assignment (PG docs, sql-createcast: I/O conversion casts).
Loss into_string(const BuiltinType& from, const BuiltinType& to) {
  const Loss printed{false, false, prints_by_session(from.base)};
  // Without a length, bpchar keeps the blanks that conversion to another string cuts.
  const bool unpadded = from.base == kBpchar && !from.array && !from.length;
  if (unpadded && to.base != kBpchar && to.base != kName) return kChanges | Loss{to.length.has_value(), false, false};
  if (to.base == kName) return into_name(from) | printed;
  const std::optional<int> length = text_length(from);
  const bool too_long = to.length && (!length || *length > *to.length);
  const bool cuts_blanks = may_end_in_blanks(from) && (too_long || to.base == kBpchar);
  const bool same = from.base == kBpchar && to.base == kBpchar && !from.length && !to.length;
  return printed | Loss{too_long, cuts_blanks && !same, false};
}

bool has_seconds_precision(BuiltinBase base) {
  return base == kTime || base == kTimetz || base == kTimestamp || base == kTimestamptz;
}

int precision(const BuiltinType& type) {
  if (type.base == kDate) return 0;
  return std::min(type.length.value_or(kFullPrecision), kFullPrecision);
}

// As interval_support (timestamp.c): only the least field that is kept, and the precision of seconds, matter.
int least_field(const BuiltinType& type) {
  constexpr std::array<std::string_view, 6> kFields = {"second", "minute", "hour", "day", "month", "year"};
  if (type.fields.empty()) return 0;
  const auto found = std::find_if(kFields.begin(), kFields.end(),
                                  [&](std::string_view field) { return type.fields.ends_with(field); });
  return static_cast<int>(found - kFields.begin());
}

bool keeps_interval(const BuiltinType& from, const BuiltinType& to) {
  return least_field(to) <= least_field(from) && (least_field(from) > 0 || precision(to) >= precision(from));
}

Loss into_bits(const BuiltinType& from, const BuiltinType& to) {
  if (to.base == kVarbit) return {to.length && (!from.length || *from.length > *to.length), false, false};
  return {from.base == kVarbit || from.length != to.length, false, false};
}

// What the modifiers of the two types add to a cast between their bases.
Loss by_modifiers(const BuiltinType& from, const BuiltinType& to) {
  if (to.base == kNumeric) return into_numeric(from, to);
  if (to.base == kBit || to.base == kVarbit) return into_bits(from, to);
  if (to.base == kInterval) return {false, !keeps_interval(from, to), false};
  if (has_seconds_precision(to.base)) return {false, precision(to) < precision(from), false};
  return kKeeps;
}

// nullopt: no assignment cast.
std::optional<Loss> conversion(const BuiltinType& from, const BuiltinType& to) {
  if (!to.array && is_string(to.base)) return into_string(from, to);
  if (from.base == kUnknown || to.base == kUnknown || from.array != to.array) return std::nullopt;
  if (from.array && is_string(to.base)) {
    return into_string({from.base, false, from.length, from.scale, from.fields}, {to.base, false, to.length, 0, {}});
  }
  if (from == to && from.base != kPlain) return kKeeps;
  const auto cast =
      std::find_if(kCasts.begin(), kCasts.end(), [&](const Cast& c) { return c.from == from.base && c.to == to.base; });
  if (cast == kCasts.end()) return std::nullopt;
  const bool to_integer = to.base == kInt2 || to.base == kInt4 || to.base == kInt8;
  const bool to_float = to.base == kFloat4 || to.base == kFloat8;
  if (from.base == kNumeric && to_integer) return numeric_to_integer(from);
  if (from.base == kNumeric && to_float) return numeric_to_float(from, to);
  if (from.base == kNumeric && to.base == kMoney) return Loss{true, !from.length || from.scale > 2, true};
  return cast->loss | by_modifiers(from, to);
}

bool holds_all(const std::optional<int>& from, const std::optional<int>& to) { return !to || (from && *from <= *to); }

TypeChangeCost cost_of(const BuiltinType& from, const BuiltinType& to) {
  using enum TypeChangeCost;
  if (from.base == kUnknown || to.base == kUnknown) return kRewrite;
  if (from == to && from.base != kPlain) return kNothing;
  if (from.array || to.array) return kRewrite;
  const bool text_like =
      (from.base == kText || from.base == kVarchar || from.base == kXml) && (to.base == kText || to.base == kVarchar);
  if (text_like && from.base != kXml && holds_all(from.length, to.length)) return kNothing;
  if (text_like && !to.length) return kNothing;
  if (from.base == to.base) {
    switch (from.base) {
      case kNumeric: {
        const bool wider = from.length && to.length && from.scale == to.scale && *from.length <= *to.length;
        return !to.length || wider ? kNothing : kRewrite;
      }
      case kVarbit: return holds_all(from.length, to.length) ? kNothing : kRewrite;
      case kBpchar: return !to.length ? kNothing : kRewrite;
      case kTime:
      case kTimetz:
      case kTimestamp:
      case kTimestamptz: return precision(to) >= precision(from) ? kNothing : kRewrite;
      case kInterval: return keeps_interval(from, to) ? kNothing : kRewrite;
      default: return kRewrite;
    }
  }
  const auto is = [&](BuiltinBase a, BuiltinBase b) { return from.base == a && to.base == b; };
  if (is(kCidr, kInet) || is(kOid, kRegclass) || is(kRegclass, kOid)) return kNothing;
  if (is(kInt4, kOid) || is(kOid, kInt4) || is(kInt4, kRegclass) || is(kRegclass, kInt4)) return kIndexRebuild;
  if (is(kBit, kVarbit) && !to.length) return kIndexRebuild;
  // In UTC, which all of our sessions are in.
  const bool same_instant = is(kTimestamp, kTimestamptz) || is(kTimestamptz, kTimestamp);
  if (same_instant && precision(to) == kFullPrecision) return kIndexRebuild;
  const bool to_bpchar = (from.base == kText || from.base == kVarchar || from.base == kXml) && to.base == kBpchar;
  if (to_bpchar && !to.length) return kIndexRebuild;
  return kRewrite;
}

}  // namespace

TypeChange classify_type_change(const TypeShape& from, const std::string& to) {
  const bool domain = from.kind == 'd' && from.domain_base.has_value();
  const std::string& stored = domain ? *from.domain_base : from.name;
  const BuiltinType source = parse_builtin_type(stored);
  // A domain's column carries no modifier of its own, so that the server converts to one that the values have already.
  BuiltinType seen = source;
  if (domain) seen.length.reset();
  if (stored == to) {
    const bool converts = domain && source.length.has_value();
    return {converts ? cost_of(seen, source) : TypeChangeCost::kNothing, kTotal,
            from.domain_constrained ? kPartial : kTotal, false};
  }
  const BuiltinType target = parse_builtin_type(to);
  if (target.base == kUnknown) return {};
  TypeChange change;
  const std::optional<Loss> up = conversion(source, target);
  std::optional<Loss> down = conversion(target, source);
  if (down && from.domain_constrained) down = *down | kFails;
  change.cost = cost_of(seen, target);
  if (up) change.up = kind_of(*up);
  if (down) change.down = kind_of(*down);
  // Labels are printed as they are.
  change.session_dependent = from.kind != 'e' && ((up && up->session) || (down && down->session));
  return change;
}

}  // namespace falsework::pg
