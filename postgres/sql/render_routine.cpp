#include <fmt/format.h>

#include "base/error.h"
#include "postgres/sql/render_ddl.h"

namespace falsework::pg {

namespace {

constexpr std::string_view kCreate = "CREATE ";
constexpr std::string_view kOrReplace = "OR REPLACE ";
constexpr std::string_view kConstraint = "CONSTRAINT ";

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

// pg_trigger.tgenabled (PG docs, catalog-pg-trigger).
std::string_view firing(char letter) {
  switch (letter) {
    case 'O': return "ENABLE";
    case 'D': return "DISABLE";
    case 'R': return "ENABLE REPLICA";
    case 'A': return "ENABLE ALWAYS";
    default: fail_check("a letter of a trigger's firing", __FILE__, __LINE__);
  }
}

std::string set_firing(const QualifiedName& table, const std::string& trigger, char letter) {
  return alter_table(table, fmt::format("{} TRIGGER {}", firing(letter), quote_identifier(trigger)));
}

// The statement, run with the sequence's OID in it.
std::string with_oid_of(const QualifiedName& sequence, const std::string& statement) {
  const std::string body = fmt::format(
      "\nBEGIN\n  EXECUTE pg_catalog.replace({}, {}, {}::pg_catalog.regclass::pg_catalog.oid::pg_catalog.text);\nEND\n",
      dollar_quote(statement), quote_literal(kCounterOid), quote_literal(sequence.sql()));
  return "DO " + dollar_quote(body);
}

std::string without_semicolon(std::string_view query) {
  while (!query.empty() && (query.back() == ';' || query.back() == ' ' || query.back() == '\n')) query.remove_suffix(1);
  return std::string(query);
}

}  // namespace

// A VOLATILE function takes a snapshot for each expression that is not immutable. One that only moves values within
// the row has no use for it; nextval, of one that counts, makes it VOLATILE.
std::vector<std::string> render_one(const CreateTriggerFunction& ddl) {
  const std::string zone =
      ddl.time_zone.empty() ? "" : fmt::format(" SET timezone TO {}", quote_literal(ddl.time_zone));
  std::string create = fmt::format(
      "CREATE {}FUNCTION {}() RETURNS pg_catalog.trigger LANGUAGE plpgsql{} SECURITY INVOKER{} AS {}",
      ddl.replace ? "OR REPLACE " : "", ddl.function.sql(), ddl.counter ? "" : " STABLE", zone, dollar_quote(ddl.body));
  if (ddl.counter) create = with_oid_of(*ddl.counter, create);
  std::vector<std::string> statements{std::move(create)};
  if (!ddl.comment.empty()) {
    statements.push_back(fmt::format("COMMENT ON FUNCTION {}() IS {}", ddl.function.sql(), quote_literal(ddl.comment)));
  }
  return statements;
}

std::string render_one(const DropFunction& ddl) { return fmt::format("DROP FUNCTION {}()", ddl.function.sql()); }

std::vector<std::string> render_one(const CreateTrigger& ddl) {
  return {fmt::format("CREATE TRIGGER {} BEFORE {} ON {} FOR EACH ROW{} EXECUTE FUNCTION {}()",
                      quote_identifier(ddl.name), ddl.event, ddl.table.sql(),
                      ddl.when ? fmt::format(" WHEN ({})", *ddl.when) : std::string(), ddl.function.sql()),
          set_firing(ddl.table, ddl.name, 'A')};
}

std::string render_one(const DropTrigger& ddl) {
  return fmt::format("DROP TRIGGER {} ON {}", quote_identifier(ddl.name), ddl.table.sql());
}

std::vector<std::string> render_one(const ReplaceTrigger& ddl) {
  std::string_view rest = ddl.definition;
  FALSEWORK_CHECK(starts_with(rest, kCreate));
  rest.remove_prefix(kCreate.size());
  if (starts_with(rest, kOrReplace)) rest.remove_prefix(kOrReplace.size());
  std::vector<std::string> statements;
  if (starts_with(rest, kConstraint)) {  // OR REPLACE is not for them (PG docs, sql-createtrigger)
    statements.push_back(render_one(DropTrigger{ddl.table, ddl.name}));
    statements.push_back(fmt::format("{}{}", kCreate, rest));
  } else {
    statements.push_back(fmt::format("{}{}{}", kCreate, kOrReplace, rest));
  }
  // Creating a trigger anew makes it fire for origin and local again.
  if (ddl.enabled != 'O') statements.push_back(set_firing(ddl.table, ddl.name, ddl.enabled));
  return statements;
}

std::string render_one(const CreateView& ddl) {
  std::string result = fmt::format("CREATE {}VIEW {}", ddl.replace ? "OR REPLACE " : "", ddl.view.sql());
  if (!ddl.columns.empty()) result += fmt::format(" ({})", quote_identifiers(ddl.columns));
  if (!ddl.options.empty()) result += " WITH " + render_storage_options(ddl.options);
  return result + " AS " + without_semicolon(ddl.query);
}

std::string render_one(const DropView& ddl) { return fmt::format("DROP VIEW {}", ddl.view.sql()); }

}  // namespace falsework::pg
