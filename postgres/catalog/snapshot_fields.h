// The members of every part of a snapshot, each listed once: JSON and comparison are both made from these lists.
//
// One rule: a member that is not listed here does not exist for files and drift; a test sees to it.
#pragma once

#include <type_traits>

#include "postgres/catalog/snapshot.h"

namespace falsework::pg {

// Whether a difference in the member is a difference of the schema.
enum class Role { kSchema, kIgnored };

template <typename S, typename T>
concept Is = std::is_same_v<std::remove_const_t<S>, T>;

template <typename V>
void visit_fields(Is<QualifiedName> auto& s, V&& v) {
  v("schema", s.schema, Role::kSchema);
  v("name", s.name, Role::kSchema);
}

template <typename V>
void visit_fields(Is<SequenceShape> auto& s, V&& v) {
  v("name", s.name, Role::kSchema);
  v("type", s.type, Role::kSchema);
  v("start", s.start, Role::kSchema);
  v("increment", s.increment, Role::kSchema);
  v("minimum", s.minimum, Role::kSchema);
  v("maximum", s.maximum, Role::kSchema);
  v("cache", s.cache, Role::kSchema);
  v("cycle", s.cycle, Role::kSchema);
  v("owner", s.owner, Role::kSchema);
  v("has_acl", s.has_acl, Role::kSchema);
  v("acl", s.acl, Role::kSchema);
  v("grants", s.grants, Role::kIgnored);
  v("comment", s.comment, Role::kSchema);
}

template <typename V>
void visit_fields(Is<TypeShape> auto& s, V&& v) {
  v("name", s.name, Role::kSchema);
  v("base", s.base, Role::kSchema);
  v("modifier", s.modifier, Role::kSchema);
  v("kind", s.kind, Role::kSchema);
  v("is_array", s.is_array, Role::kSchema);
  v("collatable", s.collatable, Role::kSchema);
  v("domain_base", s.domain_base, Role::kSchema);
  v("domain_constrained", s.domain_constrained, Role::kSchema);
  v("has_equality", s.has_equality, Role::kSchema);
}

template <typename V>
void visit_fields(Is<Column> auto& s, V&& v) {
  v("name", s.name, Role::kSchema);
  v("position", s.position, Role::kIgnored);
  v("type", s.type, Role::kSchema);
  v("collation", s.collation, Role::kSchema);
  v("not_null", s.not_null, Role::kSchema);
  v("default_expression", s.default_expression, Role::kSchema);
  v("identity", s.identity, Role::kSchema);
  v("generated", s.generated, Role::kSchema);
  v("owned_sequence", s.owned_sequence, Role::kSchema);
  v("other_sequences", s.other_sequences, Role::kSchema);
  v("storage", s.storage, Role::kSchema);
  v("type_storage", s.type_storage, Role::kSchema);
  v("compression", s.compression, Role::kSchema);
  v("statistics_target", s.statistics_target, Role::kSchema);
  v("options", s.options, Role::kSchema);
  v("has_acl", s.has_acl, Role::kSchema);
  v("acl", s.acl, Role::kSchema);
  v("grants", s.grants, Role::kIgnored);
  v("comment", s.comment, Role::kSchema);
  v("security_labels", s.security_labels, Role::kSchema);
  v("null_fraction", s.null_fraction, Role::kIgnored);
  v("average_width", s.average_width, Role::kIgnored);
}

template <typename V>
void visit_fields(Is<IndexColumn> auto& s, V&& v) {
  v("column", s.column, Role::kSchema);
  v("expression", s.expression, Role::kSchema);
}

template <typename V>
void visit_fields(Is<Index> auto& s, V&& v) {
  v("name", s.name, Role::kSchema);
  v("definition", s.definition, Role::kSchema);
  v("method", s.method, Role::kSchema);
  v("key", s.key, Role::kSchema);
  v("included", s.included, Role::kSchema);
  v("mentions", s.mentions, Role::kSchema);
  v("predicate", s.predicate, Role::kSchema);
  v("unique", s.unique, Role::kSchema);
  v("primary", s.primary, Role::kSchema);
  v("exclusion", s.exclusion, Role::kSchema);
  v("immediate", s.immediate, Role::kSchema);
  v("nulls_not_distinct", s.nulls_not_distinct, Role::kSchema);
  v("valid", s.valid, Role::kSchema);
  v("ready", s.ready, Role::kSchema);
  v("live", s.live, Role::kSchema);
  v("replica_identity", s.replica_identity, Role::kSchema);
  v("clustered", s.clustered, Role::kSchema);
  v("constraint", s.constraint, Role::kSchema);
  v("parent", s.parent, Role::kSchema);
  v("comment", s.comment, Role::kSchema);
  v("tablespace", s.tablespace, Role::kSchema);
  v("options", s.options, Role::kSchema);
  v("statistics_targets", s.statistics_targets, Role::kSchema);
  v("bytes", s.bytes, Role::kIgnored);
}

template <typename V>
void visit_fields(Is<Constraint> auto& s, V&& v) {
  v("name", s.name, Role::kSchema);
  v("kind", s.kind, Role::kSchema);
  v("definition", s.definition, Role::kSchema);
  v("columns", s.columns, Role::kSchema);
  v("mentions", s.mentions, Role::kSchema);
  v("validated", s.validated, Role::kSchema);
  v("deferrable", s.deferrable, Role::kSchema);
  v("deferred", s.deferred, Role::kSchema);
  v("no_inherit", s.no_inherit, Role::kSchema);
  v("enforced", s.enforced, Role::kSchema);
  v("local", s.local, Role::kSchema);
  v("inherited", s.inherited, Role::kSchema);
  v("comment", s.comment, Role::kSchema);
  v("index", s.index, Role::kSchema);
  v("references", s.references, Role::kSchema);
  v("referenced_columns", s.referenced_columns, Role::kSchema);
  v("on_delete_columns", s.on_delete_columns, Role::kSchema);
  v("match", s.match, Role::kSchema);
  v("on_update", s.on_update, Role::kSchema);
  v("on_delete", s.on_delete, Role::kSchema);
}

template <typename V>
void visit_fields(Is<Trigger> auto& s, V&& v) {
  v("name", s.name, Role::kSchema);
  v("definition", s.definition, Role::kSchema);
  v("enabled", s.enabled, Role::kSchema);
  v("constraint", s.constraint, Role::kSchema);
  v("inherited", s.inherited, Role::kSchema);
  v("row", s.row, Role::kSchema);
  v("before", s.before, Role::kSchema);
  v("on_insert", s.on_insert, Role::kSchema);
  v("on_update", s.on_update, Role::kSchema);
  v("on_delete", s.on_delete, Role::kSchema);
  v("on_truncate", s.on_truncate, Role::kSchema);
  v("mentions", s.mentions, Role::kSchema);
  v("function", s.function, Role::kSchema);
  v("function_source", s.function_source, Role::kSchema);
  v("comment", s.comment, Role::kSchema);
}

template <typename V>
void visit_fields(Is<Policy> auto& s, V&& v) {
  v("name", s.name, Role::kSchema);
  v("command", s.command, Role::kSchema);
  v("roles", s.roles, Role::kSchema);
  v("permissive", s.permissive, Role::kSchema);
  v("using_expression", s.using_expression, Role::kSchema);
  v("check_expression", s.check_expression, Role::kSchema);
  v("mentions", s.mentions, Role::kSchema);
  v("comment", s.comment, Role::kSchema);
}

template <typename V>
void visit_fields(Is<ExtendedStatistics> auto& s, V&& v) {
  v("name", s.name, Role::kSchema);
  v("definition", s.definition, Role::kSchema);
  v("mentions", s.mentions, Role::kSchema);
  v("owner", s.owner, Role::kSchema);
  v("target", s.target, Role::kSchema);
  v("comment", s.comment, Role::kSchema);
}

template <typename V>
void visit_fields(Is<PublicationMember> auto& s, V&& v) {
  v("publication", s.publication, Role::kSchema);
  v("all_columns", s.all_columns, Role::kSchema);
  v("columns", s.columns, Role::kSchema);
  v("row_filter", s.row_filter, Role::kSchema);
  v("mentions", s.mentions, Role::kSchema);
}

template <typename V>
void visit_fields(Is<Dependent> auto& s, V&& v) {
  v("column", s.column, Role::kSchema);
  v("object", s.object, Role::kSchema);
}

template <typename V>
void visit_fields(Is<Table> auto& s, V&& v) {
  v("name", s.name, Role::kSchema);
  v("kind", s.kind, Role::kSchema);
  v("persistence", s.persistence, Role::kSchema);
  v("owner", s.owner, Role::kSchema);
  v("has_acl", s.has_acl, Role::kSchema);
  v("acl", s.acl, Role::kSchema);
  v("options", s.options, Role::kSchema);
  v("comment", s.comment, Role::kSchema);
  v("tablespace", s.tablespace, Role::kSchema);
  v("access_method", s.access_method, Role::kSchema);
  v("replica_identity", s.replica_identity, Role::kSchema);
  v("row_security", s.row_security, Role::kSchema);
  v("force_row_security", s.force_row_security, Role::kSchema);
  v("columns", s.columns, Role::kSchema);
  v("indexes", s.indexes, Role::kSchema);
  v("constraints", s.constraints, Role::kSchema);
  v("triggers", s.triggers, Role::kSchema);
  v("policies", s.policies, Role::kSchema);
  v("statistics", s.statistics, Role::kSchema);
  v("publications", s.publications, Role::kSchema);
  v("rules", s.rules, Role::kSchema);
  v("parents", s.parents, Role::kSchema);
  v("children", s.children, Role::kSchema);
  v("partition_key", s.partition_key, Role::kSchema);
  v("partition_bound", s.partition_bound, Role::kSchema);
  v("generated_from", s.generated_from, Role::kSchema);
  v("row_type_used", s.row_type_used, Role::kSchema);
  v("dependents", s.dependents, Role::kSchema);
  v("extension", s.extension, Role::kSchema);
  v("attribute_slots", s.attribute_slots, Role::kIgnored);
  v("rows", s.rows, Role::kIgnored);
  v("bytes", s.bytes, Role::kIgnored);
  v("total_bytes", s.total_bytes, Role::kIgnored);
  v("fingerprint", s.fingerprint, Role::kIgnored);
}

template <typename V>
void visit_fields(Is<View::Dependency> auto& s, V&& v) {
  v("relation", s.relation, Role::kSchema);
  v("column", s.column, Role::kSchema);
}

template <typename V>
void visit_fields(Is<View> auto& s, V&& v) {
  v("name", s.name, Role::kSchema);
  v("kind", s.kind, Role::kSchema);
  v("query", s.query, Role::kSchema);
  v("columns", s.columns, Role::kSchema);
  v("column_types", s.column_types, Role::kSchema);
  v("owner", s.owner, Role::kSchema);
  v("has_acl", s.has_acl, Role::kSchema);
  v("acl", s.acl, Role::kSchema);
  v("grants", s.grants, Role::kSchema);
  v("options", s.options, Role::kSchema);
  v("comment", s.comment, Role::kSchema);
  v("column_comments", s.column_comments, Role::kSchema);
  v("column_defaults", s.column_defaults, Role::kSchema);
  v("triggers", s.triggers, Role::kSchema);
  v("rules", s.rules, Role::kSchema);
  v("depends_on", s.depends_on, Role::kSchema);
  v("dependents", s.dependents, Role::kSchema);
  v("indexes", s.indexes, Role::kSchema);
  v("tablespace", s.tablespace, Role::kSchema);
  v("access_method", s.access_method, Role::kSchema);
  v("populated", s.populated, Role::kSchema);
}

template <typename V>
void visit_fields(Is<Function> auto& s, V&& v) {
  v("name", s.name, Role::kSchema);
  v("arguments", s.arguments, Role::kSchema);
  v("volatility", s.volatility, Role::kSchema);
  v("security_definer", s.security_definer, Role::kSchema);
  v("depends_on", s.depends_on, Role::kSchema);
}

template <typename V>
void visit_fields(Is<Snapshot> auto& s, V&& v) {
  v("format_version", s.format_version, Role::kIgnored);
  v("server_version", s.server_version, Role::kIgnored);
  v("database", s.database, Role::kIgnored);
  v("system_identifier", s.system_identifier, Role::kIgnored);
  v("tables", s.tables, Role::kSchema);
  v("views", s.views, Role::kSchema);
  v("functions", s.functions, Role::kSchema);
  v("sequences", s.sequences, Role::kSchema);
  v("types", s.types, Role::kSchema);
  v("operators", s.operators, Role::kSchema);
  v("relation_names", s.relation_names, Role::kIgnored);
  v("builtin_volatility", s.builtin_volatility, Role::kIgnored);
  v("search_path", s.search_path, Role::kIgnored);
}

}  // namespace falsework::pg
