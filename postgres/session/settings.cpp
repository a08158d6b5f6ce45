#include "postgres/session/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/duration.h"
#include "base/error_kinds.h"

namespace falsework::pg {

namespace {

constexpr int kFirstWithTransactionTimeout = 17;
constexpr const char* kSynchronousCommit = "synchronous_commit";

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

struct Reading {
  std::string shown;  // as SHOW gives it
  std::string raw;    // in the base unit
  std::string unit;
  std::string source;
};

bool agrees(const std::string& wanted, const Reading& reading) {
  if (lower(wanted) == lower(reading.shown) || wanted == reading.raw) return true;
  if (reading.shown == "on" || reading.shown == "off") {
    const std::string word = lower(wanted);
    return (reading.shown == "on") == (word == "true" || word == "yes" || word == "1");
  }
  if (reading.unit == "ms") {
    const auto duration = parse_duration(wanted);
    return duration && std::to_string(duration->count()) == reading.raw;
  }
  // A size may be written in many ways; that it came from us is enough.
  return !reading.unit.empty() && (reading.source == "client" || reading.source == "session");
}

void set_setting(Session& session, const std::string& name, const std::string& value) {
  session.query("SELECT pg_catalog.set_config($1, $2, false)", {name, value});
}

std::map<std::string, Reading> read_settings(Session& session, const std::vector<std::string>& names) {
  std::string values;
  std::vector<Value> parameters;
  for (const std::string& name : names) {
    parameters.emplace_back(name);
    values += fmt::format("{}(${}::text)", values.empty() ? "" : ", ", parameters.size());
  }
  // A setting of an extension or of ours is in no row of pg_settings.
  const Rows rows = session.query(
      "SELECT n.name, coalesce(pg_catalog.current_setting(n.name, true), ''), coalesce(s.setting, ''), "
      "coalesce(s.unit, ''), coalesce(s.source, '') FROM (VALUES " +
          values +
          ") AS n (name) LEFT JOIN pg_catalog.pg_settings AS s ON pg_catalog.lower(s.name) = "
          "pg_catalog.lower(n.name)",
      parameters);
  std::map<std::string, Reading> readings;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    readings[rows.text(i, 0)] = {rows.text(i, 1), rows.text(i, 2), rows.text(i, 3), rows.text(i, 4)};
  }
  return readings;
}

void enforce(Session& session, const std::string& name, const std::string& value) {
  set_setting(session, name, value);
  const Reading reading = read_settings(session, {name}).at(name);
  if (agrees(value, reading)) return;
  throw Error(errors::kInternal,
              fmt::format("the server holds {} at \"{}\" instead of \"{}\"", name, reading.shown, value));
}

}  // namespace

std::map<std::string, std::string> pinned_settings(const std::map<std::string, std::string>& asked) {
  std::map<std::string, std::string> settings{
      {"search_path", "pg_catalog"},
      {"row_security", "off"},  // a policy that would hide rows is an error
      {"client_encoding", "UTF8"},
      {"TimeZone", "UTC"},
      {"DateStyle", "ISO, YMD"},
      {"IntervalStyle", "postgres"},
      {"extra_float_digits", "1"},
      {"bytea_output", "hex"},
      {"standard_conforming_strings", "on"},
      {"transform_null_equals", "off"},
      {"quote_all_identifiers", "off"},  // or the server would render definitions in another way
      {"jit", "off"},  // compiling a look at the catalogs could take longer than the look, under a lock
      {"lock_timeout", "5s"},
      {"statement_timeout", "0"},
      {"idle_in_transaction_session_timeout", "0"},
      {"idle_session_timeout", "0"},
      {"default_transaction_isolation", "read committed"},
  };
  for (const auto& [name, value] : asked) {
    std::erase_if(settings, [folded = lower(name)](const auto& setting) { return lower(setting.first) == folded; });
    settings[name] = value;
  }
  return settings;
}

void confirm_settings(Session& session, const std::map<std::string, std::string>& pinned) {
  const auto refuse_pooler = [](const std::string& reason) {
    throw Error(errors::kPoolerRefused, "the connection goes through a pooler: " + reason,
                "Connect to the server itself: a pooler drops the settings and locks that Falsework relies on.");
  };
  std::vector<std::string> names{kSynchronousCommit};
  for (const auto& [name, value] : pinned) names.push_back(name);
  const std::map<std::string, Reading> before = read_settings(session, names);
  const Reading& search_path = before.at("search_path");
  if (search_path.source != "client" || !agrees(pinned.at("search_path"), search_path)) {
    refuse_pooler("the session's startup options did not reach the server");
  }
  // A pooler makes up the process id that it tells its clients.
  if (session.query("SELECT pg_catalog.pg_backend_pid()").number(0, 0) != session.backend_pid()) {
    refuse_pooler("the server's process is not the one that the connection was opened with");
  }
  for (const auto& [name, value] : pinned) {
    if (!agrees(value, before.at(name))) enforce(session, name, value);
  }
  if (session.server_major() >= kFirstWithTransactionTimeout) enforce(session, "transaction_timeout", "0");
  // A journal row that a crash takes back would leave the ledger ahead of the database.
  if (!pinned.contains(kSynchronousCommit) && before.at(kSynchronousCommit).shown == "off") {
    enforce(session, kSynchronousCommit, "on");
  }
}

}  // namespace falsework::pg
