#include "postgres/catalog/snapshot_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error_kinds.h"
#include "postgres/catalog/snapshot_fields.h"

namespace falsework::pg {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;
constexpr const char* kHint = "Write the snapshot anew with `falsework snapshot`.";

// Writing. -----------------------------------------------------------------------------------------------------------

Json encode(const std::string& value) { return value; }
Json encode(bool value) { return value; }
Json encode(int value) { return value; }
Json encode(std::int64_t value) { return value; }
Json encode(double value) { return value; }
Json encode(char value) { return value == 0 ? std::string() : std::string(1, value); }

template <typename T>
Json encode(const std::vector<T>& values);
template <typename T>
Json encode(const std::optional<T>& value);
template <typename K, typename T>
Json encode(const std::map<K, T>& values);
template <typename S>
requires std::is_class_v<S> Json encode(const S& part);

template <typename T>
Json encode(const std::optional<T>& value) {
  return value ? encode(*value) : Json(nullptr);
}

template <typename T>
Json encode(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(encode(value));
  return list;
}

template <typename K, typename T>
Json encode(const std::map<K, T>& values) {
  Json object = Json::object();
  for (const auto& [key, value] : values) {
    if constexpr (std::is_same_v<K, std::string>) {
      object[key] = encode(value);
    } else {
      object[std::to_string(key)] = encode(value);
    }
  }
  return object;
}

// Members that have their default are left out: files stay readable, and a member that is added later changes none.
template <typename S>
requires std::is_class_v<S> Json encode(const S& part) {
  Json defaults = Json::object();
  const S blank{};
  visit_fields(blank, [&](const char* key, const auto& member, Role) { defaults[key] = encode(member); });
  Json object = Json::object();
  visit_fields(part, [&](const char* key, const auto& member, Role) {
    Json value = encode(member);
    if (value != defaults[key]) object[key] = std::move(value);
  });
  return object;
}

// Reading. -----------------------------------------------------------------------------------------------------------

struct Place {
  const std::string& source;
  std::string path;

  Place member(const std::string& key) const { return {source, path + "." + key}; }
  Place element(std::size_t index) const { return {source, fmt::format("{}[{}]", path, index)}; }
  [[noreturn]] void fail(const std::string& message) const {
    throw Error(errors::kSnapshotInvalid, fmt::format("{}: {}: {}", source, path, message), kHint);
  }
  [[noreturn]] void expected(const char* what, const Json& found) const {
    fail(fmt::format("expected {}, found {}", what, found.type_name()));
  }
};

void decode(const Json& json, const Place& place, std::string& value) {
  if (!json.is_string()) place.expected("a string", json);
  value = json.get<std::string>();
}

void decode(const Json& json, const Place& place, bool& value) {
  if (!json.is_boolean()) place.expected("true or false", json);
  value = json.get<bool>();
}

void decode(const Json& json, const Place& place, std::int64_t& value) {
  if (!json.is_number_integer()) place.expected("an integer", json);
  if (json.is_number_unsigned() &&
      json.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    place.fail("the integer is out of range");
  }
  value = json.get<std::int64_t>();
}

void decode(const Json& json, const Place& place, int& value) {
  std::int64_t wide = 0;
  decode(json, place, wide);
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
    place.fail("the integer is out of range");
  }
  value = static_cast<int>(wide);
}

void decode(const Json& json, const Place& place, double& value) {
  if (!json.is_number()) place.expected("a number", json);
  value = json.get<double>();
}

void decode(const Json& json, const Place& place, char& value) {
  std::string text;
  decode(json, place, text);
  if (text.size() > 1) place.fail("expected one character");
  value = text.empty() ? '\0' : text.front();
}

template <typename T>
void decode(const Json& json, const Place& place, std::vector<T>& values);
template <typename T>
void decode(const Json& json, const Place& place, std::optional<T>& value);
template <typename K, typename T>
void decode(const Json& json, const Place& place, std::map<K, T>& values);
template <typename S>
requires std::is_class_v<S>
void decode(const Json& json, const Place& place, S& part);

template <typename T>
void decode(const Json& json, const Place& place, std::optional<T>& value) {
  decode(json, place, value.emplace());
}

template <typename T>
void decode(const Json& json, const Place& place, std::vector<T>& values) {
  if (!json.is_array()) place.expected("a list", json);
  values.clear();
  values.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) decode(json[i], place.element(i), values.emplace_back());
}

template <typename K, typename T>
void decode(const Json& json, const Place& place, std::map<K, T>& values) {
  if (!json.is_object()) place.expected("an object", json);
  values.clear();
  for (const auto& [key, value] : json.items()) {
    if constexpr (std::is_same_v<K, std::string>) {
      decode(value, place.member(key), values[key]);
    } else {
      K number{};
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
      if (error != std::errc() || end != key.data() + key.size()) place.member(key).fail("the key is not a number");
      decode(value, place.member(key), values[number]);
    }
  }
}

template <typename S>
requires std::is_class_v<S>
void decode(const Json& json, const Place& place, S& part) {
  if (!json.is_object()) place.expected("an object", json);
  std::set<std::string> known;
  visit_fields(part, [&](const char* key, auto& member, Role) {
    known.insert(key);
    const auto found = json.find(key);
    if (found != json.end()) {
      decode(*found, place.member(key), member);
    } else if (std::string_view(key) == "name") {
      place.fail("\"name\" is missing");
    }
  });
  for (const auto& [key, value] : json.items()) {
    if (!known.contains(key)) place.member(key).fail("unknown key");
  }
}

int line_of(const std::string& text, std::size_t byte) {
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(byte, text.size()));
  return 1 + static_cast<int>(std::count(text.begin(), end, '\n'));
}

// Refuses what the library would let pass: of two equal keys it keeps one.
Json parse_json(const std::string& text, const std::string& source) {
  std::vector<std::set<std::string>> open;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second) {
      throw Error(errors::kSnapshotInvalid,
                  fmt::format("{}: key \"{}\" occurs twice", source, parsed.get<std::string>()), kHint);
    }
    return true;
  };
  try {
    return Json::parse(text, watch);
  } catch (const Json::parse_error& error) {
    throw Error(errors::kSnapshotInvalid, fmt::format("{}: line {}: not JSON", source, line_of(text, error.byte)),
                kHint);
  } catch (const Json::out_of_range&) {
    throw Error(errors::kSnapshotInvalid, fmt::format("{}: a number in it is too large", source), kHint);
  }
}

}  // namespace

template <typename Part>
Part parse_part(const std::string& json, const std::string& what) {
  Part part;
  decode(parse_json(json, what), Place{what, "$"}, part);
  return part;
}

template Table parse_part<Table>(const std::string&, const std::string&);
template Column parse_part<Column>(const std::string&, const std::string&);
template Index parse_part<Index>(const std::string&, const std::string&);
template Constraint parse_part<Constraint>(const std::string&, const std::string&);
template Trigger parse_part<Trigger>(const std::string&, const std::string&);
template Policy parse_part<Policy>(const std::string&, const std::string&);
template ExtendedStatistics parse_part<ExtendedStatistics>(const std::string&, const std::string&);
template PublicationMember parse_part<PublicationMember>(const std::string&, const std::string&);
template View parse_part<View>(const std::string&, const std::string&);
template Function parse_part<Function>(const std::string&, const std::string&);
template SequenceShape parse_part<SequenceShape>(const std::string&, const std::string&);

std::string render_snapshot(const Snapshot& snapshot) {
  Json document = {{"format_version", kFormatVersion}};
  document.update(encode(snapshot));
  try {
    return document.dump(2) + "\n";
  } catch (const Json::type_error&) {
    throw Error(errors::kSnapshotInvalid, "the catalog holds a name that is not UTF-8",
                "Rename it, or convert the database to UTF8.");
  }
}

Snapshot parse_snapshot(const std::string& text, const std::string& file) {
  const Json document = parse_json(text, file);
  const Place top{file, "$"};
  if (!document.is_object()) top.expected("an object", document);
  const auto version = document.find("format_version");
  if (version == document.end()) top.fail("\"format_version\" is missing: not a snapshot");
  // Before anything else: the keys of a later version are not unknown, but unreadable.
  if (*version != kFormatVersion) top.member("format_version").fail(fmt::format("expected {}", kFormatVersion));
  Snapshot snapshot;
  decode(document, top, snapshot);
  return snapshot;
}

}  // namespace falsework::pg
