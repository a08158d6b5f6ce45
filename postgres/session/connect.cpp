#include <fmt/format.h>

#include "base/error_kinds.h"
#include "postgres/session/conninfo.h"
#include "postgres/session/pqxx_session.h"
#include "postgres/session/settings.h"

namespace falsework::pg {

namespace {

constexpr int kOldest = 14;
constexpr int kNewest = 18;
constexpr int kFirstSoundOfOldest = 140004;  // before it, concurrent index builds could miss rows (PG 14.4 notes)

bool holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// From `connection to server at "h", port 1 failed: FATAL:  reason` + more lines to `reason`.
std::string reason_of(const std::string& text) {
  std::string reason = text.substr(0, text.find('\n'));
  if (const std::size_t failed = reason.find(" failed: "); failed != std::string::npos) {
    reason = reason.substr(failed + 9);
  }
  if (const std::size_t severity = reason.find(":  "); severity < 24) {
    reason = reason.substr(severity + 3);
  }
  return reason.empty() ? "no reason given" : reason;
}

// Where libpq looked for a server when nobody named one: `on socket "/run/postgresql/.s.PGSQL.5432"`.
std::string default_socket(const std::string& text, const std::string& where) {
  constexpr std::string_view kOnSocket = " on socket \"";
  const std::size_t at = text.find(kOnSocket);
  if (at == std::string::npos || !holds(where, "@local:")) return {};
  const std::size_t begin = at + kOnSocket.size();
  return text.substr(begin, text.find('"', begin) - begin);
}

std::string hint_for(std::string_view reason) {
  if (holds(reason, "password") || holds(reason, "authentication") || holds(reason, "pg_hba.conf")) {
    return "Check the user, and the password in .pgpass, the service file or PGPASSWORD.";
  }
  if (holds(reason, "does not exist")) return "Check the names of the database and the role.";
  if (holds(reason, "too many clients") || holds(reason, "connection slots")) {
    return "Try again when the server has a free connection.";
  }
  return "Check that the server runs there and accepts connections.";
}

[[noreturn]] void refuse_connection(const std::string& text, const std::string& where) {
  if (holds(text, "unsupported startup parameter") || holds(text, "unsupported options startup parameter")) {
    throw Error(errors::kPoolerRefused, fmt::format("{} is a pooler that refuses startup options", where),
                "Connect to the server itself: a pooler drops the settings and locks that Falsework relies on.");
  }
  const std::string reason = reason_of(text);
  if (holds(reason, "definition of service") || holds(reason, "service file")) {
    throw Error(errors::kUsage, fmt::format("cannot connect to {}: {}", where, reason),
                "Look into the service file: PGSERVICEFILE, or .pg_service.conf in the home directory.");
  }
  if (const std::string socket = default_socket(text, where); !socket.empty()) {
    throw Error(errors::kDatabaseUnreachable, fmt::format("cannot connect to {} through {}: {}", where, socket, reason),
                "No server is named. Name one with -d or DATABASE_URL, or check that one runs on this machine.");
  }
  throw Error(errors::kDatabaseUnreachable, fmt::format("cannot connect to {}: {}", where, reason), hint_for(reason));
}

void check_version(const Session& session) {
  const int version = session.server_version();
  const int major = session.server_major();
  if (major < kOldest || major > kNewest) {
    throw Error(errors::kServerUnsupported,
                fmt::format("the server is PostgreSQL {}; Falsework works with {} to {}", major, kOldest, kNewest),
                "Use a supported server, or another version of Falsework.");
  }
  if (version < kFirstSoundOfOldest) {
    throw Error(
        errors::kServerUnsupported,
        fmt::format("the server is PostgreSQL 14.{}, whose concurrent index builds can miss rows", version % 10000),
        "Update the server to 14.4 or later.");
  }
}

}  // namespace

std::unique_ptr<Session> connect(const ConnectionSettings& settings) {
  const std::map<std::string, std::string> pinned = pinned_settings(settings.settings);
  const Keywords given = parse_conninfo(settings.conninfo);
  const std::string conninfo = complete_conninfo(settings, pinned);
  const std::string where = without_secrets(describe(settings.conninfo), given);
  std::unique_ptr<Session> session;
  try {
    session = open_session(conninfo, where);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    refuse_connection(without_secrets(error.what(), given), where);
  }
  check_version(*session);
  confirm_settings(*session, pinned);
  return session;
}

}  // namespace falsework::pg
