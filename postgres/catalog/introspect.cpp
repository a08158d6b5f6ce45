#include "postgres/catalog/introspect.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <tuple>

#include "base/error_kinds.h"
#include "postgres/catalog/catalog_queries.h"
#include "postgres/catalog/fingerprint.h"
#include "postgres/catalog/search_path.h"
#include "postgres/catalog/snapshot_json.h"

namespace falsework::pg {

namespace {

constexpr int kTries = 10;
constexpr std::chrono::milliseconds kPause{50};

// internal_error: what those functions raise for an object that was there and has gone.
constexpr const char* kChangedMeanwhile = "XX000";

// The text form of a text[]; every element quoted.
std::string array_literal(const std::vector<std::string>& elements) {
  std::string text = "{";
  for (const std::string& element : elements) {
    if (text.size() > 1) text += ',';
    text += '"';
    for (const char c : element) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + "}";
}

template <typename T>
void sort_by_name(std::vector<T>& parts) {
  std::sort(parts.begin(), parts.end(), [](const T& a, const T& b) { return a.name < b.name; });
}

// One reading of the catalog: the relations in scope by their OID, which is known only here.
class Reading {
 public:
  explicit Reading(Session& session) : session_(session) {}

  Snapshot read(const Scope& scope);

 private:
  std::vector<std::string> role_search_path();
  void find_scope(const Scope& scope);
  void read_relations();
  void read_parts();
  void read_ties();
  void read_database();
  void read_fingerprints();
  void require_whole() const;
  void sort();

  template <typename Part>
  std::vector<Part> read_list(const std::string& sql, const char* what);
  // Calls place(table or nullptr, view or nullptr, part) for each row of a query over the scope.
  template <typename Part, typename Place>
  void read_into(const std::string& sql, const char* what, Place place);

  Session& session_;
  Snapshot snapshot_;
  std::string oids_;
  std::map<std::string, Table> tables_;
  std::map<std::string, View> views_;
};

// Without a setting of the role or database the default of the server counts (PG docs, runtime-config-client).
std::vector<std::string> Reading::role_search_path() {
  const Rows setting = session_.query(search_path_query());
  const std::string text = setting.empty() ? "\"$user\", public" : setting.text(0, 0);
  std::vector<std::string> names = parse_search_path(text);
  const std::string user = session_.query("SELECT session_user").text(0, 0);
  std::replace(names.begin(), names.end(), std::string("$user"), user);
  const Rows existing = session_.query(
      "SELECT w.name FROM unnest($1::text[]) WITH ORDINALITY w(name, place) JOIN pg_namespace n ON n.nspname = w.name"
      " WHERE n.nspname !~ '^pg_' GROUP BY w.name ORDER BY min(w.place)",
      {array_literal(names)});
  std::vector<std::string> schemas;
  for (std::size_t row = 0; row < existing.size(); ++row) schemas.push_back(existing.text(row, 0));
  return schemas;
}

void Reading::find_scope(const Scope& scope) {
  std::vector<std::string> schemas;
  std::vector<std::string> names;
  for (const QualifiedName& table : scope.tables) {
    schemas.push_back(table.schema);
    names.push_back(table.name);
  }
  const Rows found = session_.query(
      scope_query(), {array_literal(schemas), array_literal(names), array_literal(snapshot_.search_path)});
  oids_ = "{";
  for (std::size_t row = 0; row < found.size(); ++row) {
    if (row > 0) oids_ += ',';
    oids_ += found.text(row, 0);
  }
  oids_ += '}';
}

template <typename Part>
std::vector<Part> Reading::read_list(const std::string& sql, const char* what) {
  const Rows rows = session_.query(sql);
  std::vector<Part> parts;
  parts.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) parts.push_back(parse_part<Part>(rows.text(row, 0), what));
  return parts;
}

template <typename Part, typename Place>
void Reading::read_into(const std::string& sql, const char* what, Place place) {
  const Rows rows = session_.query(sql, {oids_});
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto table = tables_.find(rows.text(row, 0));
    const auto view = views_.find(rows.text(row, 0));
    place(table == tables_.end() ? nullptr : &table->second, view == views_.end() ? nullptr : &view->second,
          parse_part<Part>(rows.text(row, 1), what));
  }
}

void Reading::read_relations() {
  const Rows tables = session_.query(tables_query(), {oids_});
  for (std::size_t row = 0; row < tables.size(); ++row) {
    tables_[tables.text(row, 0)] = parse_part<Table>(tables.text(row, 1), "tables");
  }
  const Rows views = session_.query(views_query(), {oids_});
  for (std::size_t row = 0; row < views.size(); ++row) {
    views_[views.text(row, 0)] = parse_part<View>(views.text(row, 1), "views");
  }
}

void Reading::read_parts() {
  const int major = session_.server_major();
  const auto into_table = [](auto member) {
    return [member](Table* table, View*, auto part) {
      if (table != nullptr) (table->*member).push_back(std::move(part));
    };
  };
  read_into<Column>(columns_query(), "columns", into_table(&Table::columns));
  read_into<Constraint>(constraints_query(major), "constraints", into_table(&Table::constraints));
  read_into<Policy>(policies_query(), "policies", into_table(&Table::policies));
  read_into<PublicationMember>(publications_query(major), "publications", into_table(&Table::publications));
  // Those of materialized views are theirs to keep; the planner has no use for them.
  read_into<ExtendedStatistics>(statistics_query(), "statistics", into_table(&Table::statistics));
  read_into<Index>(indexes_query(major), "indexes", [](Table* table, View* view, Index index) {
    if (table != nullptr) {
      table->indexes.push_back(std::move(index));
    } else if (view != nullptr) {
      view->indexes.push_back(std::move(index));
    }
  });
  read_into<Trigger>(triggers_query(), "triggers", [](Table* table, View* view, Trigger trigger) {
    if (table != nullptr) {
      table->triggers.push_back(std::move(trigger));
    } else if (view != nullptr) {
      view->triggers.push_back(std::move(trigger));
    }
  });
}

void Reading::read_ties() {
  const Rows rows = session_.query(ties_query(), {oids_});
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const std::string& kind = rows.text(row, 1);
    const std::string& a = rows.text(row, 2);
    const std::string& b = rows.text(row, 3);
    if (const auto view = views_.find(rows.text(row, 0)); view != views_.end()) {
      if (kind == "rule") view->second.rules.push_back(a);
      if (kind == "dependent") view->second.dependents.push_back({a, b});
    } else if (const auto table = tables_.find(rows.text(row, 0)); table != tables_.end()) {
      if (kind == "rule") table->second.rules.push_back(a);
      if (kind == "parent") table->second.parents.push_back({a, b});
      if (kind == "child") table->second.children.push_back({a, b});
      if (kind == "generated_from") table->second.generated_from.push_back(a);
      if (kind == "dependent") table->second.dependents.push_back({a, b});
    }
  }
}

void Reading::read_database() {
  snapshot_.functions = read_list<Function>(functions_query(), "functions");
  snapshot_.sequences = read_list<SequenceShape>(sequences_query(), "sequences");
  std::vector<std::string> schemas;
  for (const auto& [oid, table] : tables_) schemas.push_back(table.name.schema);
  const Rows names = session_.query(names_query(), {array_literal(schemas)});
  for (std::size_t row = 0; row < names.size(); ++row) {
    QualifiedName name{names.text(row, 1), names.text(row, 2)};
    if (names.text(row, 0) == "type")
      snapshot_.types.push_back(std::move(name));
    else if (names.text(row, 0) == "operator")
      snapshot_.operators.push_back(std::move(name));
    else
      snapshot_.relation_names.push_back(name.display());
  }
  const Rows volatility = session_.query(builtin_volatility_query());
  for (std::size_t row = 0; row < volatility.size(); ++row) {
    snapshot_.builtin_volatility[volatility.text(row, 0)] = volatility.text(row, 1).at(0);
  }
}

void Reading::read_fingerprints() {
  std::vector<std::string> names;
  std::map<std::string, Table*> by_name;
  for (auto& [oid, table] : tables_) {
    names.push_back(table.name.sql());
    by_name[table.name.display()] = &table;
  }
  const Rows rows = session_.query(fingerprint_query(), {array_literal(names)});
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto table = by_name.find(rows.text(row, 0));
    FALSEWORK_CHECK(table != by_name.end());
    table->second->fingerprint[rows.text(row, 1)] = rows.text(row, 2);
  }
}

// The functions that print definitions see what was committed since (PG docs, functions-info), and answer NULL for what
// has gone.
void Reading::require_whole() const {
  const auto require = [](const auto& parts) {
    for (const auto& one : parts) {
      if (one.definition.empty()) throw SqlError(kChangedMeanwhile, "an object was dropped while the catalog was read");
    }
  };
  for (const auto& [oid, table] : tables_) {
    require(table.indexes);
    require(table.constraints);
    require(table.triggers);
    require(table.statistics);
  }
  for (const auto& [oid, view] : views_) {
    require(view.indexes);
    require(view.triggers);
    if (view.query.empty()) throw SqlError(kChangedMeanwhile, "a view was dropped while the catalog was read");
  }
}

template <typename Relation>
void sort_shared(Relation& relation) {
  sort_by_name(relation.indexes);
  sort_by_name(relation.triggers);
  std::sort(relation.rules.begin(), relation.rules.end());
  std::sort(relation.dependents.begin(), relation.dependents.end());
  relation.dependents.erase(std::unique(relation.dependents.begin(), relation.dependents.end()),
                            relation.dependents.end());
}

void Reading::sort() {
  for (auto& [oid, table] : tables_) {
    sort_shared(table);
    sort_by_name(table.constraints);
    sort_by_name(table.policies);
    sort_by_name(table.statistics);
    std::sort(table.publications.begin(), table.publications.end(),
              [](const auto& a, const auto& b) { return a.publication < b.publication; });
    std::sort(table.children.begin(), table.children.end());
    std::sort(table.generated_from.begin(), table.generated_from.end());
    snapshot_.tables.push_back(std::move(table));
  }
  for (auto& [oid, view] : views_) {
    sort_shared(view);
    std::sort(view.depends_on.begin(), view.depends_on.end());
    snapshot_.views.push_back(std::move(view));
  }
  sort_by_name(snapshot_.tables);
  sort_by_name(snapshot_.views);
  sort_by_name(snapshot_.sequences);
  std::sort(snapshot_.types.begin(), snapshot_.types.end());
  std::sort(snapshot_.operators.begin(), snapshot_.operators.end());
  std::sort(snapshot_.relation_names.begin(), snapshot_.relation_names.end());
  for (Function& function : snapshot_.functions) std::sort(function.depends_on.begin(), function.depends_on.end());
  std::sort(snapshot_.functions.begin(), snapshot_.functions.end(), [](const Function& a, const Function& b) {
    return std::tie(a.name, a.arguments) < std::tie(b.name, b.arguments);
  });
}

Snapshot Reading::read(const Scope& scope) {
  const DatabaseIdentity identity = identify(session_);
  snapshot_.server_version = session_.server_version();
  snapshot_.database = identity.database;
  snapshot_.system_identifier = identity.system_identifier;
  snapshot_.search_path = role_search_path();
  find_scope(scope);
  read_relations();
  read_parts();
  read_ties();
  read_database();
  read_fingerprints();
  require_whole();
  sort();
  return std::move(snapshot_);
}

Snapshot read_in_transaction(Session& session, const Scope& scope) {
  Transaction transaction(session);
  session.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
  // Compiling takes longer than the queries run.
  session.query("SET LOCAL jit = off");
  Snapshot snapshot = Reading(session).read(scope);
  transaction.commit();
  return snapshot;
}

}  // namespace

Snapshot introspect(Session& session, const Scope& scope) {
  if (session.in_transaction()) return Reading(session).read(scope);
  for (int tries = 1;; ++tries) {
    try {
      return read_in_transaction(session, scope);
    } catch (const SqlError& error) {
      if (error.sqlstate() != kChangedMeanwhile || tries == kTries) throw;
    }
    std::this_thread::sleep_for(kPause * tries);
  }
}

}  // namespace falsework::pg
