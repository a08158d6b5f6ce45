#include "planner/rewrites/identity.h"

#include <fmt/format.h>

#include <limits>

namespace falsework {
namespace {

std::int64_t type_maximum(const std::string& type) {
  if (type == "smallint") return std::numeric_limits<std::int16_t>::max();
  if (type == "integer") return std::numeric_limits<std::int32_t>::max();
  return std::numeric_limits<std::int64_t>::max();
}

std::int64_t type_minimum(const std::string& type) {
  if (type == "smallint") return std::numeric_limits<std::int16_t>::min();
  if (type == "integer") return std::numeric_limits<std::int32_t>::min();
  return std::numeric_limits<std::int64_t>::min();
}

QualifiedName new_sequence(const ShadowPair& pair) {
  const QualifiedName& old = pair.column->owned_sequence->name;
  return {old.schema, generated_name("sequence", {old.schema, old.name})};
}

// As ALTER COLUMN TYPE does it: bounds that were the old type's become the new type's (sequence.c, init_params).
std::string sequence_options(const ShadowPair& pair, const QualifiedName& name, const std::string& type) {
  const pg::SequenceShape& old = *pair.column->owned_sequence;
  const std::int64_t maximum = old.maximum == type_maximum(old.type) ? type_maximum(type) : old.maximum;
  const std::int64_t minimum = old.minimum == type_minimum(old.type) ? type_minimum(type) : old.minimum;
  return fmt::format("SEQUENCE NAME {} START WITH {} INCREMENT BY {} MINVALUE {} MAXVALUE {} CACHE {}{}", name.sql(),
                     old.start, old.increment, minimum, maximum, old.cache, old.cycle ? " CYCLE" : "");
}

// An identity column with the old one's sequence, under another name, that goes on where `from` stands.
std::vector<pg::Ddl> identity_of(const pg::Table& table, const ShadowPair& pair, const std::string& column,
                                 const QualifiedName& sequence, const std::string& type, const QualifiedName& from) {
  const pg::SequenceShape& old = *pair.column->owned_sequence;
  std::vector<pg::Ddl> ddl;
  ddl.push_back(pg::AddIdentity{table.name, column, pair.column->identity, sequence_options(pair, sequence, type)});
  ddl.push_back(pg::CopySequencePosition{from, sequence});
  for (std::string grant : old.grants) {
    const std::string placeholder = "{sequence}";
    if (const std::size_t at = grant.find(placeholder); at != std::string::npos) {
      grant.replace(at, placeholder.size(), sequence.sql());
    }
    ddl.push_back(pg::Grant{grant, table.name});
  }
  if (old.comment) ddl.push_back(pg::Comment{"SEQUENCE " + sequence.sql(), old.comment, table.name});
  return ddl;
}

}  // namespace

std::vector<pg::Ddl> move_identity(const pg::Table& table, const ShadowPair& pair) {
  const pg::SequenceShape& old = *pair.column->owned_sequence;
  return identity_of(table, pair, pair.final_name, new_sequence(pair), pair.type_changes ? pair.type : old.type,
                     old.name);
}

std::vector<pg::Ddl> return_identity(const pg::Table& table, const ShadowPair& pair) {
  const pg::SequenceShape& old = *pair.column->owned_sequence;
  std::vector<pg::Ddl> ddl{pg::RenameSequence{old.name, new_sequence(pair).name}};
  for (pg::Ddl& statement : identity_of(table, pair, pair.old_name(), old.name, old.type, new_sequence(pair))) {
    ddl.push_back(std::move(statement));
  }
  ddl.push_back(pg::DropIdentity{table.name, pair.shadow});
  return ddl;
}

std::vector<pg::Ddl> finish_identity(const ShadowPair& pair) {
  if (pair.column->identity == 0) return {};
  return {pg::RenameSequence{new_sequence(pair), pair.column->owned_sequence->name.name}};
}

namespace {

bool widens_sequence(const ShadowPair& pair) {
  return pair.type_changes && (pair.type == "integer" || pair.type == "bigint") &&
         type_maximum(pair.type) > type_maximum(pair.column->owned_sequence->type);
}

}  // namespace

std::vector<pg::Ddl> widen_sequence(const ShadowPair& pair) {
  if (!widens_sequence(pair)) return {};
  return {pg::AlterSequence{pair.column->owned_sequence->name, "AS " + pair.type}};
}

std::vector<pg::Ddl> narrow_sequence(const ShadowPair& pair) {
  if (!widens_sequence(pair)) return {};
  return {pg::AlterSequence{pair.column->owned_sequence->name, "AS " + pair.column->owned_sequence->type}};
}

}  // namespace falsework
