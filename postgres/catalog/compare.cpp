#include "postgres/catalog/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "postgres/catalog/snapshot_fields.h"

namespace falsework::pg {

namespace {

// Rendering for people. ----------------------------------------------------------------------------------------------

std::string rendered(const std::string& value) { return value; }
std::string rendered(bool value) { return value ? "true" : "false"; }
std::string rendered(char value) { return value == 0 ? std::string() : std::string(1, value); }
std::string rendered(int value) { return std::to_string(value); }
std::string rendered(std::int64_t value) { return std::to_string(value); }
std::string rendered(double value) { return fmt::format("{}", value); }
std::string rendered(const QualifiedName& value) { return value.name.empty() ? std::string() : value.display(); }
std::string rendered(const IndexColumn& value) { return value.column ? *value.column : value.expression; }
std::string rendered(const Dependent& value) {
  return value.column.empty() ? value.object : fmt::format("{} on {}", value.object, value.column);
}
std::string rendered(const View::Dependency& value) {
  return value.column.empty() ? value.relation.display() : fmt::format("{}.{}", value.relation.display(), value.column);
}

template <typename T>
std::string rendered(const std::optional<T>& value);
template <typename T>
std::string rendered(const std::vector<T>& values);
template <typename K, typename T>
std::string rendered(const std::map<K, T>& values);
template <typename S>
requires std::is_class_v<S> std::string rendered(const S& part);

template <typename T>
std::string rendered(const std::optional<T>& value) {
  return value ? rendered(*value) : std::string();
}

template <typename T>
std::string rendered(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : ", ") + rendered(value);
  return text;
}

template <typename K, typename T>
std::string rendered(const std::map<K, T>& values) {
  std::string text;
  for (const auto& [key, value] : values) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", key, rendered(value));
  }
  return text;
}

template <typename S>
requires std::is_class_v<S> std::string rendered(const S& part) {
  std::string text;
  visit_fields(part, [&](const char* key, const auto& member, Role) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", key, rendered(member));
  });
  return text;
}

// A list whose elements are objects with a name of their own, each compared by itself.
template <typename T>
struct IsObjectList : std::false_type {};
template <typename T>
struct IsObjectList<std::vector<T>>
    : std::bool_constant<std::is_same_v<T, Column> || std::is_same_v<T, Index> || std::is_same_v<T, Constraint> ||
                         std::is_same_v<T, Trigger> || std::is_same_v<T, Policy> ||
                         std::is_same_v<T, ExtendedStatistics> || std::is_same_v<T, PublicationMember>> {};

class Comparison {
 public:
  explicit Comparison(const CompareOptions& options) : options_(options) {}

  void databases(const Snapshot& before, const Snapshot& after);
  std::vector<Difference> take();

 private:
  void tables(const Table& before, const Table& after);
  void views(const View& before, const View& after);
  void column_order(const Table& before, const Table& after);

  // Compares the members of two parts, object lists apart.
  template <typename Part>
  void members(const std::string& object, const Part& before, const Part& after);

  // Pairs the parts of two lists by key: those without a partner are missing or new, the others are handed to `both`.
  template <typename Part, typename Key, typename Summary, typename Both>
  void lists(const std::vector<Part>& before, const std::vector<Part>& after, Key key, Summary summary, Both both);

  // As above, for parts whose members are all there is to them.
  template <typename Part, typename Key, typename Summary>
  void lists(const std::vector<Part>& before, const std::vector<Part>& after, Key key, Summary summary) {
    lists(before, after, key, summary,
          [&](const std::string& object, const Part& a, const Part& b) { members(object, a, b); });
  }

  const CompareOptions& options_;
  std::vector<Difference> found_;
};

template <typename Part>
void Comparison::members(const std::string& object, const Part& before, const Part& after) {
  std::vector<const void*> others;  // the members of `after`, in their order
  visit_fields(after, [&](const char*, const auto& member, Role) { others.push_back(&member); });
  std::size_t place = 0;
  visit_fields(before, [&](const char* key, const auto& member, Role role) {
    using Member = std::decay_t<decltype(member)>;
    const Member& other = *static_cast<const Member*>(others[place++]);
    if (role == Role::kIgnored || IsObjectList<Member>::value || member == other) return;
    found_.push_back({object, key, rendered(member), rendered(other)});
  });
}

template <typename Part, typename Key, typename Summary, typename Both>
void Comparison::lists(const std::vector<Part>& before, const std::vector<Part>& after, Key key, Summary summary,
                       Both both) {
  std::map<std::string, const Part*> old_parts;
  for (const Part& part : before) old_parts.emplace(key(part), &part);
  for (const Part& part : after) {
    const std::string object = key(part);
    const auto partner = old_parts.find(object);
    if (partner == old_parts.end()) {
      found_.push_back({object, "", "", summary(part)});
    } else {
      both(object, *partner->second, part);
      old_parts.erase(partner);
    }
  }
  for (const auto& [object, part] : old_parts) found_.push_back({object, "", summary(*part), ""});
}

std::string of_table(const char* kind, const QualifiedName& table, const std::string& name) {
  return fmt::format("{} {}.{}", kind, table.display(), quote_identifier(name));
}

const auto kDefinition = [](const auto& part) { return part.definition; };

void Comparison::column_order(const Table& before, const Table& after) {
  std::vector<std::string> old_order;
  std::vector<std::string> new_order;
  for (const Column& column : before.columns) {
    if (after.column(column.name) != nullptr) old_order.push_back(column.name);
  }
  for (const Column& column : after.columns) {
    if (before.column(column.name) != nullptr) new_order.push_back(column.name);
  }
  if (old_order == new_order) return;
  found_.push_back({"table " + before.name.display(), "column order", rendered(old_order), rendered(new_order)});
}

void Comparison::tables(const Table& before, const Table& after) {
  const QualifiedName& table = before.name;
  members("table " + table.display(), before, after);
  if (options_.column_order) column_order(before, after);
  lists(
      before.columns, after.columns, [&](const Column& c) { return of_table("column", table, c.name); },
      [](const Column& c) { return c.type.name; });
  lists(
      before.indexes, after.indexes,
      [&](const Index& i) {
        return "index " + QualifiedName{table.schema, i.name}.display();
      },
      kDefinition);
  lists(
      before.constraints, after.constraints, [&](const Constraint& c) { return of_table("constraint", table, c.name); },
      kDefinition);
  lists(
      before.triggers, after.triggers, [&](const Trigger& t) { return of_table("trigger", table, t.name); },
      kDefinition);
  lists(
      before.policies, after.policies, [&](const Policy& p) { return of_table("policy", table, p.name); },
      [](const Policy& p) { return fmt::format("{} for {}", p.command, p.roles); });
  lists(
      before.statistics, after.statistics, [](const ExtendedStatistics& s) { return "statistics " + s.name.display(); },
      kDefinition);
  lists(
      before.publications, after.publications,
      [&](const PublicationMember& p) {
        return fmt::format("publication {} of {}", quote_identifier(p.publication), table.display());
      },
      [](const PublicationMember& p) { return p.all_columns ? std::string("all columns") : rendered(p.columns); });
}

void Comparison::views(const View& before, const View& after) {
  const QualifiedName& view = before.name;
  members("view " + view.display(), before, after);
  lists(
      before.triggers, after.triggers, [&](const Trigger& t) { return of_table("trigger", view, t.name); },
      kDefinition);
  lists(
      before.indexes, after.indexes,
      [&](const Index& i) {
        return "index " + QualifiedName{view.schema, i.name}.display();
      },
      kDefinition);
}

void Comparison::databases(const Snapshot& before, const Snapshot& after) {
  lists(
      before.tables, after.tables, [](const Table& t) { return "table " + t.name.display(); },
      [](const Table& t) { return rendered(t.kind); },
      [&](const std::string&, const Table& a, const Table& b) { tables(a, b); });
  lists(
      before.views, after.views, [](const View& v) { return "view " + v.name.display(); },
      [](const View& v) { return v.query; }, [&](const std::string&, const View& a, const View& b) { views(a, b); });
  lists(
      before.functions, after.functions,
      [](const Function& f) { return fmt::format("function {}({})", f.name.display(), f.arguments); },
      [](const Function& f) { return rendered(f.volatility); });
  lists(
      before.sequences, after.sequences, [](const SequenceShape& s) { return "sequence " + s.name.display(); },
      [](const SequenceShape& s) { return s.type; });
  const auto exists = [](const QualifiedName& name) { return name.display(); };
  lists(
      before.types, after.types, [](const QualifiedName& n) { return "type " + n.display(); }, exists);
  lists(
      before.operators, after.operators, [](const QualifiedName& n) { return "operator " + n.display(); }, exists);
}

std::vector<Difference> Comparison::take() {
  std::sort(found_.begin(), found_.end(), [](const Difference& a, const Difference& b) {
    return std::tie(a.object, a.attribute) < std::tie(b.object, b.attribute);
  });
  return std::move(found_);
}

}  // namespace

std::vector<Difference> compare(const Snapshot& before, const Snapshot& after, const CompareOptions& options) {
  Comparison comparison(options);
  comparison.databases(before, after);
  return comparison.take();
}

}  // namespace falsework::pg
