#include "state/postgres/schema.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "base/error_kinds.h"
#include "base/identifier.h"

namespace falsework::journal {

namespace {

constexpr std::string_view kTables[] = {
    R"(CREATE TABLE falsework.meta (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  incarnation uuid NOT NULL,
  format_version integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
))",
    R"(CREATE TABLE falsework.run (
  run text PRIMARY KEY,
  name text NOT NULL,
  plan_digest text NOT NULL,
  plan_text text NOT NULL,
  lineage text NOT NULL,
  relations text[] NOT NULL,
  state text NOT NULL CHECK (state IN ('active', 'done', 'rolled_back')),
  epoch bigint NOT NULL,
  holder text NOT NULL,
  held_since timestamptz,
  past_no_return boolean NOT NULL,
  ledger_serial bigint NOT NULL DEFAULT 0,
  ledger_hash text NOT NULL DEFAULT '',
  entries bigint NOT NULL DEFAULT 0,
  head text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
))",
    R"(CREATE TABLE falsework.journal (
  run text NOT NULL REFERENCES falsework.run,
  step text NOT NULL,
  state text NOT NULL CHECK (state IN ('intent', 'done', 'undo_intent', 'undone', 'proof_failed')),
  generation integer NOT NULL,
  epoch bigint NOT NULL,
  plan_digest text NOT NULL,
  cursor jsonb,
  rows bigint NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (run, step)
))",
    R"(CREATE TABLE falsework.history (
  serial bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run text NOT NULL,
  entry bigint NOT NULL,
  step text NOT NULL,
  event text NOT NULL,
  generation integer NOT NULL,
  epoch bigint NOT NULL,
  rows bigint NOT NULL,
  duration_ms bigint NOT NULL,
  sqlstate text NOT NULL,
  detail text NOT NULL,
  actor text NOT NULL,
  role text NOT NULL,
  pid integer NOT NULL,
  at timestamptz NOT NULL,
  previous_hash text NOT NULL,
  hash text NOT NULL,
  UNIQUE (run, entry)
))",
    R"(CREATE TABLE falsework.gate (
  run text NOT NULL REFERENCES falsework.run,
  step text NOT NULL,
  condition text NOT NULL,
  actor text NOT NULL,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  PRIMARY KEY (run, step, condition)
))",
    R"(CREATE TABLE falsework.fact (
  serial bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run text NOT NULL,
  step text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('release', 'approval', 'backup', 'override')),
  subject text NOT NULL,
  plan_digest text NOT NULL,
  comment text NOT NULL,
  actor text NOT NULL,
  as_of timestamptz NOT NULL,
  role text NOT NULL DEFAULT SESSION_USER,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
))",
    R"(CREATE TABLE falsework.sighting (
  run text NOT NULL REFERENCES falsework.run,
  step text NOT NULL,
  condition text NOT NULL,
  value text NOT NULL,
  detail text NOT NULL,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  PRIMARY KEY (run, step, condition)
))",
    R"(CREATE TABLE falsework.fingerprint (
  run text PRIMARY KEY REFERENCES falsework.run,
  fingerprint jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
))",
    R"(CREATE TABLE falsework.copy_slot (
  run text NOT NULL REFERENCES falsework.run,
  step text NOT NULL,
  slot integer NOT NULL,
  generation integer NOT NULL,
  position jsonb NOT NULL,
  rows bigint NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (run, step, slot)
) WITH (fillfactor = 20))",
    R"(CREATE TABLE falsework.copy_control (
  run text NOT NULL REFERENCES falsework.run,
  passing boolean NOT NULL,
  revision bigint NOT NULL,
  paused boolean NOT NULL DEFAULT false,
  workers integer CHECK (workers BETWEEN 1 AND 64),
  wal_rate bigint CHECK (wal_rate >= 0),
  max_lag_ms bigint CHECK (max_lag_ms >= 0),
  hold_while text,
  until timestamptz,
  actor text NOT NULL,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  PRIMARY KEY (run, passing)
))",
    R"(CREATE TABLE falsework.backend (
  run text NOT NULL REFERENCES falsework.run,
  epoch bigint NOT NULL,
  pid integer NOT NULL,
  backend_start timestamptz NOT NULL,
  role text NOT NULL,
  host text NOT NULL,
  PRIMARY KEY (run, pid, backend_start)
))",
};

// The order respects the references between them.
constexpr std::string_view kDropTables =
    "DROP TABLE falsework.backend, falsework.copy_control, falsework.copy_slot, falsework.fact, falsework.sighting, "
    "falsework.fingerprint, falsework.gate, "
    "falsework.history, falsework.journal, "
    "falsework.run, falsework.meta";

struct Place {
  bool schema_exists = false;
  bool meta_exists = false;
  bool empty = true;  // nothing of anybody in the schema
  bool ours = false;  // the role has the owner's rights
  std::string owner;  // of the schema
  std::string database, role;
};

Place look(pg::Session& session) {
  const pg::Rows rows = session.query(
      "SELECT n.oid IS NOT NULL, "
      "EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.relnamespace = n.oid AND c.relname = 'meta'), "
      "NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass "
      "AND d.refobjid = n.oid), "
      "n.oid IS NOT NULL AND pg_catalog.pg_has_role(n.nspowner, 'USAGE'), "
      "coalesce(pg_catalog.pg_get_userbyid(n.nspowner), ''), pg_catalog.current_database(), current_user "
      "FROM (SELECT 1) AS one LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'falsework'");
  return {rows.boolean(0, 0), rows.boolean(0, 1), rows.boolean(0, 2), rows.boolean(0, 3),
          rows.text(0, 4),    rows.text(0, 5),    rows.text(0, 6)};
}

[[noreturn]] void refuse_foreign(const Place& place) {
  throw Error(errors::kObjectForeign,
              fmt::format("schema falsework exists in database {} and is not a journal", place.database),
              "Rename that schema: Falsework keeps its journal in a schema of this name.");
}

// Membership in the owner is the whole of what is needed, and the one thing that holds for every later step too.
void require_owner(const Place& place) {
  if (place.ours) return;
  throw Error(errors::kPrivilegeMissing,
              fmt::format("role {} may not use the journal in database {}: schema falsework belongs to {}", place.role,
                          place.database, place.owner),
              fmt::format("Let a superuser or that role run: GRANT {} TO {};", quote_identifier(place.owner),
                          quote_identifier(place.role)));
}

// Default privileges may have granted rights to others at the moment of creation.
void revoke_everything(pg::Session& session) {
  const pg::Rows grantees = session.query(
      "SELECT DISTINCT CASE WHEN acl.grantee = 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(acl.grantee) END "
      "FROM (SELECT nspacl AS acl, nspowner AS owner FROM pg_catalog.pg_namespace WHERE nspname = 'falsework' "
      "UNION ALL SELECT c.relacl, c.relowner FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n "
      "ON n.oid = c.relnamespace WHERE n.nspname = 'falsework') AS held, "
      "LATERAL pg_catalog.aclexplode(held.acl) AS acl WHERE acl.grantee <> held.owner");
  std::vector<std::string> names{"PUBLIC"};
  for (const auto& row : grantees.rows) {
    if (row[0]) names.push_back(quote_identifier(*row[0]));
  }
  for (const std::string& grantee : names) {
    session.query(fmt::format("REVOKE ALL ON SCHEMA falsework FROM {}", grantee));
    session.query(fmt::format("REVOKE ALL ON ALL TABLES IN SCHEMA falsework FROM {}", grantee));
    session.query(fmt::format("REVOKE ALL ON ALL SEQUENCES IN SCHEMA falsework FROM {}", grantee));
  }
}

void create_tables(pg::Session& session, const Place& place) {
  if (!place.schema_exists) session.query("CREATE SCHEMA falsework");
  for (const std::string_view sql : kTables) session.query(sql);
  session.query("INSERT INTO falsework.meta (incarnation, format_version) VALUES (pg_catalog.gen_random_uuid(), $1)",
                {std::to_string(kFormatVersion)});
  revoke_everything(session);
  // The owner as well: history is only ever added to. It could grant itself the right again, but not by accident.
  session.query("REVOKE UPDATE, DELETE, TRUNCATE ON falsework.history, falsework.fact FROM CURRENT_USER");
}

}  // namespace

std::optional<std::string> find(pg::Session& session) {
  const Place place = look(session);
  if (!place.schema_exists) return std::nullopt;
  if (!place.meta_exists) {
    if (!place.empty) refuse_foreign(place);
    return std::nullopt;
  }
  require_owner(place);
  const pg::Rows columns = session.query(
      "SELECT count(*) FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = 'falsework.meta'::regclass "
      "AND NOT a.attisdropped AND a.attname IN ('one', 'incarnation', 'format_version')");
  if (columns.number(0, 0) != 3) refuse_foreign(place);
  const pg::Rows meta = session.query("SELECT incarnation, format_version FROM falsework.meta");
  if (meta.size() != 1) refuse_foreign(place);
  if (meta.number(0, 1) > kFormatVersion) {
    throw Error(errors::kLedgerUnusable,
                fmt::format("the journal in database {} was written by a newer version: its format is {}, this program "
                            "knows {}",
                            place.database, meta.number(0, 1), kFormatVersion),
                "Use the newer version of Falsework that wrote it.");
  }
  return meta.text(0, 0);
}

void create(pg::Session& session) {
  const Place place = look(session);
  if (place.schema_exists) {
    if (!place.empty) refuse_foreign(place);
    require_owner(place);
  }
  try {
    create_tables(session, place);
  } catch (const pg::SqlError& failure) {
    if (pg::classify_sqlstate(failure.sqlstate()) != pg::SqlClass::kInsufficientPrivilege) throw;
    throw Error(errors::kPrivilegeMissing,
                fmt::format("role {} may not create schema falsework in database {}", place.role, place.database),
                fmt::format("Let the owner of the database run: GRANT CREATE ON DATABASE {} TO {};",
                            quote_identifier(place.database), quote_identifier(place.role)));
  }
}

void drop(pg::Session& session) {
  const Place place = look(session);
  session.query(kDropTables);
  try {
    session.query("DROP SCHEMA falsework");
  } catch (const pg::SqlError& failure) {
    if (failure.sqlstate() != "2BP01") throw;
    throw Error(errors::kObjectForeign,
                fmt::format("schema falsework in database {} holds objects that are not the journal's", place.database),
                "Move them to another schema; then the journal can be removed.");
  }
}

}  // namespace falsework::journal
