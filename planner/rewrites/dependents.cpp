#include "planner/rewrites/dependents.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace falsework {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool reads(const pg::View& view, const QualifiedName& relation, const std::vector<std::string>* columns) {
  return std::any_of(view.depends_on.begin(), view.depends_on.end(), [&](const pg::View::Dependency& dependency) {
    return dependency.relation == relation && (columns == nullptr || contains(*columns, dependency.column));
  });
}

void visit(const pg::View* view, const std::set<const pg::View*>& wanted, std::set<const pg::View*>& seen,
           std::vector<const pg::View*>& ordered) {
  if (!seen.insert(view).second) return;
  for (const pg::View* other : wanted) {
    if (other != view && reads(*view, other->name, nullptr)) visit(other, wanted, seen, ordered);
  }
  ordered.push_back(view);
}

bool names_any(const std::vector<std::string>& mentions, const std::vector<std::string>& columns) {
  return std::any_of(mentions.begin(), mentions.end(),
                     [&](const std::string& name) { return contains(columns, name); });
}

}  // namespace

std::vector<const pg::View*> dependent_views(const pg::Snapshot& snapshot, const pg::Table& table,
                                             const std::vector<std::string>& columns) {
  std::set<const pg::View*> wanted;
  for (const pg::View& view : snapshot.views) {
    if (reads(view, table.name, &columns)) wanted.insert(&view);
  }
  for (bool grown = true; grown;) {
    grown = false;
    for (const pg::View& view : snapshot.views) {
      const bool reader = std::any_of(wanted.begin(), wanted.end(),
                                      [&](const pg::View* read) { return reads(view, read->name, nullptr); });
      if (reader) grown = wanted.insert(&view).second || grown;
    }
  }
  std::vector<const pg::View*> ordered;
  std::set<const pg::View*> seen;
  for (const pg::View& view : snapshot.views) {  // in the snapshot's order, so that plans do not depend on addresses
    if (wanted.contains(&view)) visit(&view, wanted, seen, ordered);
  }
  return ordered;
}

std::vector<pg::Ddl> drop_views(const std::vector<const pg::View*>& views) {
  std::vector<pg::Ddl> ddl;
  for (auto view = views.rbegin(); view != views.rend(); ++view) ddl.push_back(pg::DropView{(*view)->name});
  return ddl;
}

std::vector<pg::Ddl> create_views(const std::vector<const pg::View*>& views) {
  std::vector<pg::Ddl> ddl;
  for (const pg::View* view : views) {
    const QualifiedName& name = view->name;
    ddl.push_back(pg::CreateView{name, view->query, view->columns, view->options, false});
    for (const auto& [column, expression] : view->column_defaults)
      ddl.push_back(pg::SetDefault{name, column, expression});
    ddl.push_back(pg::AlterOwner{"VIEW " + name.sql(), view->owner, name});
    for (const std::string& grant : view->grants) ddl.push_back(pg::Grant{grant, name});
    if (view->comment) ddl.push_back(pg::Comment{"VIEW " + name.sql(), view->comment, name});
    for (const auto& [column, comment] : view->column_comments) {
      ddl.push_back(pg::Comment{fmt::format("COLUMN {}.{}", name.sql(), quote_identifier(column)), comment, name});
    }
    for (const pg::Trigger& trigger : view->triggers) {
      ddl.push_back(pg::ReplaceTrigger{name, trigger.name, trigger.definition, trigger.enabled});
    }
  }
  return ddl;
}

std::vector<const pg::View*> readers_of(const std::vector<const pg::View*>& views, const pg::Table& table,
                                        const std::vector<std::string>& columns) {
  std::vector<const pg::View*> readers;
  for (const pg::View* view : views) {
    if (reads(*view, table.name, &columns)) readers.push_back(view);
  }
  return readers;
}

std::vector<pg::Ddl> lock_views(const std::vector<const pg::View*>& views) {
  std::vector<pg::Ddl> ddl;
  for (auto view = views.rbegin(); view != views.rend(); ++view) {
    // LOCK TABLE on a view locks all its tables as strongly (PG docs, sql-lock); to give it to its owner locks it
    // alone.
    ddl.push_back(pg::AlterOwner{"VIEW " + (*view)->name.sql(), (*view)->owner, (*view)->name});
  }
  return ddl;
}

std::vector<pg::Ddl> replace_views(const std::vector<const pg::View*>& views) {
  std::vector<pg::Ddl> ddl;
  for (const pg::View* view : views) {
    ddl.push_back(pg::CreateView{view->name, view->query, view->columns, view->options, true});
  }
  return ddl;
}

std::vector<pg::Ddl> replay_policies_and_triggers(const pg::Table& table, const std::vector<std::string>& columns) {
  std::vector<pg::Ddl> ddl;
  for (const pg::Policy& policy : table.policies) {
    if (names_any(policy.mentions, columns)) {
      ddl.push_back(pg::AlterPolicy{table.name, policy.name, policy.using_expression, policy.check_expression});
    }
  }
  for (const pg::Trigger& trigger : table.triggers) {
    if (names_any(trigger.mentions, columns)) {
      ddl.push_back(pg::ReplaceTrigger{table.name, trigger.name, trigger.definition, trigger.enabled});
    }
  }
  return ddl;
}

}  // namespace falsework
