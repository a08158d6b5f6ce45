#include "postgres/session/conninfo.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "base/error_kinds.h"
#include "base/redact.h"

namespace falsework::pg {

namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

constexpr std::string_view kFormHint =
    "Write postgresql://user@host:port/database or host=… port=… dbname=… user=…, and percent-encode special "
    "characters of a password in a URL.";

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(errors::kUsage, "the connection string is not understood: " + reason, std::string(kFormHint));
}

// The reasons of PQconninfoParse quote the string, so that only their kind is passed on.
std::string reason_of(std::string_view libpq_message) {
  const auto says = [&](std::string_view words) { return libpq_message.find(words) != std::string_view::npos; };
  if (says("unterminated quoted string")) return "a quoted value is not closed";
  if (says("missing \"=\"")) return "a keyword has no value";
  if (says("invalid connection option")) return "it holds a keyword that libpq does not know";
  if (says("URI")) return "it is not a valid URL";
  return "libpq does not accept it";
}

bool is_url(std::string_view text) { return text.starts_with("postgresql://") || text.starts_with("postgres://"); }

// libpq takes a password with an unescaped `@` or `/` apart and goes on with pieces of it as host, port or database,
// which then appear in its messages.
void check_url(std::string_view url) {
  const std::string_view rest = url.substr(url.find("//") + 2);
  const std::size_t slash = rest.find('/');
  const std::string_view authority = rest.substr(0, slash);
  const bool second_at = std::count(authority.begin(), authority.end(), '@') > 1;
  std::string_view path = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  path = path.substr(0, path.find('?'));
  if (second_at || path.find('@') != std::string_view::npos) refuse("an @ stands where none belongs");
}

void check_port(const Keywords& keywords) {
  const auto port = keywords.find("port");
  if (port == keywords.end()) return;
  if (port->second.find_first_not_of("0123456789,") != std::string::npos) refuse("the port is not a number");
}

// Names of keywords whose values are secrets.
constexpr std::array<std::string_view, 2> kSecretKeywords{"password", "sslpassword"};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

void add_missing(Keywords& keywords, const std::string& keyword, const std::string& value) {
  keywords.emplace(keyword, value);
}

}  // namespace

Keywords parse_conninfo(const std::string& conninfo) {
  if (conninfo.find('\0') != std::string::npos) refuse("it holds a NUL byte");
  if (is_url(conninfo)) check_url(conninfo);
  char* message = nullptr;
  const Options options(PQconninfoParse(conninfo.c_str(), &message), &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> owned(message, &PQfreemem);
  if (options == nullptr) refuse(reason_of(message == nullptr ? std::string_view() : std::string_view(message)));
  Keywords keywords;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) keywords.emplace(option->keyword, option->val);
  }
  check_port(keywords);
  return keywords;
}

std::string render_conninfo(const Keywords& keywords) {
  std::string text;
  for (const auto& [keyword, value] : keywords) {
    if (!text.empty()) text += ' ';
    text += keyword + "='";
    for (const char c : value) {
      if (c == '\'' || c == '\\') text += '\\';
      text += c;
    }
    text += '\'';
  }
  return text;
}

std::string render_options(const std::map<std::string, std::string>& settings) {
  std::string text;
  for (const auto& [name, value] : settings) {
    if (!text.empty()) text += ' ';
    text += "-c " + name + "=";
    for (const char c : value) {
      // The server splits at white space and takes a backslash as escape (PG source, pg_split_opts).
      if (c == '\\' || c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f') text += '\\';
      text += c;
    }
  }
  return text;
}

std::string complete_conninfo(const ConnectionSettings& settings,
                              const std::map<std::string, std::string>& server_settings) {
  Keywords keywords = parse_conninfo(settings.conninfo);
  const auto given = keywords.find("options");
  // libpq reads PGOPTIONS only where the string has no options, so that adding ours would silence it.
  const std::string before = given != keywords.end() ? given->second : environment("PGOPTIONS");
  keywords["options"] =
      before.empty() ? render_options(server_settings) : before + " " + render_options(server_settings);
  keywords["application_name"] = settings.application_name.empty() ? "falsework" : settings.application_name;
  keywords["client_encoding"] = "UTF8";  // a keyword or PGCLIENTENCODING would win over the options
  if (environment("PGCONNECT_TIMEOUT").empty()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(settings.connect_timeout).count();
    add_missing(keywords, "connect_timeout", std::to_string(std::max<std::int64_t>(seconds, 1)));
  }
  // A server that vanished without a word is noticed within about a minute.
  add_missing(keywords, "keepalives_idle", "30");
  add_missing(keywords, "keepalives_interval", "10");
  add_missing(keywords, "keepalives_count", "3");
  add_missing(keywords, "tcp_user_timeout", "60000");
  return render_conninfo(keywords);
}

std::string describe(const std::string& conninfo) {
  Keywords keywords = parse_conninfo(conninfo);
  const std::string service = keywords.contains("service") ? "service " + keywords.at("service") + ": " : "";
  const Options defaults(PQconndefaults(), &PQconninfoFree);
  for (const PQconninfoOption* option = defaults.get(); option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val != nullptr) add_missing(keywords, option->keyword, option->val);
  }
  const auto value = [&](const std::string& keyword, const std::string& otherwise) {
    const auto found = keywords.find(keyword);
    return found == keywords.end() || found->second.empty() ? otherwise : found->second;
  };
  const std::string user = value("user", "");
  const std::string host = value("host", value("hostaddr", "local"));
  const bool ipv6 = host.find(':') != std::string::npos && host.find('/') == std::string::npos;
  return fmt::format("{}{}@{}:{}/{}", service, user, ipv6 ? "[" + host + "]" : host, value("port", "5432"),
                     value("dbname", user));
}

std::string without_secrets(std::string_view text, const Keywords& keywords) {
  std::string safe = redact(text);
  const auto mask = [&](const std::string& secret) {
    if (secret.empty()) return;
    for (std::size_t at = safe.find(secret); at != std::string::npos; at = safe.find(secret, at + 3)) {
      safe.replace(at, secret.size(), "***");
    }
  };
  // A password that equals the name of its user or database is in every message anyway, and masking it only confuses.
  const auto is_public = [&](const std::string& secret) {
    return std::any_of(keywords.begin(), keywords.end(), [&](const auto& keyword) {
      return keyword.second == secret && (keyword.first == "user" || keyword.first == "dbname");
    });
  };
  for (const std::string_view keyword : kSecretKeywords) {
    const auto found = keywords.find(std::string(keyword));
    if (found != keywords.end() && !is_public(found->second)) mask(found->second);
  }
  if (const std::string password = environment("PGPASSWORD"); !is_public(password)) mask(password);
  return safe;
}

}  // namespace falsework::pg
