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
std::string sequence_options(const ShadowPair& pair) {
  const pg::SequenceShape& old = *pair.column->owned_sequence;
  const std::string type = pair.type_changes ? pair.type : old.type;
  const std::int64_t maximum = old.maximum == type_maximum(old.type) ? type_maximum(type) : old.maximum;
  const std::int64_t minimum = old.minimum == type_minimum(old.type) ? type_minimum(type) : old.minimum;
  return fmt::format("SEQUENCE NAME {} START WITH {} INCREMENT BY {} MINVALUE {} MAXVALUE {} CACHE {}{}",
                     new_sequence(pair).sql(), old.start, old.increment, minimum, maximum, old.cache,
                     old.cycle ? " CYCLE" : "");
}

}  // namespace

std::vector<pg::Ddl> move_identity(const pg::Table& table, const ShadowPair& pair) {
  const pg::SequenceShape& old = *pair.column->owned_sequence;
  const QualifiedName sequence = new_sequence(pair);
  std::vector<pg::Ddl> ddl;
  ddl.push_back(pg::AddIdentity{table.name, pair.final_name, pair.column->identity, sequence_options(pair)});
  ddl.push_back(pg::CopySequencePosition{old.name, sequence});
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

std::vector<pg::Ddl> finish_identity(const ShadowPair& pair) {
  if (pair.column->identity == 0) return {};
  return {pg::RenameSequence{new_sequence(pair), pair.column->owned_sequence->name.name}};
}

std::vector<pg::Ddl> widen_sequence(const ShadowPair& pair) {
  const pg::SequenceShape& sequence = *pair.column->owned_sequence;
  const bool wider = pair.type_changes && (pair.type == "integer" || pair.type == "bigint") &&
                     type_maximum(pair.type) > type_maximum(sequence.type);
  if (!wider) return {};
  return {pg::AlterSequence{sequence.name, "AS " + pair.type}};
}

}  // namespace falsework
