// One function per kind of statement: the index of all kinds, by subject. Private to postgres/sql.
//
// One rule: every name is qualified by its schema and quoted, so that no search_path can change what a statement means.
#pragma once

#include <string>
#include <vector>

#include "postgres/sql/ddl.h"

namespace falsework::pg {

// Columns (render_column.cpp).
std::string render_one(const AddColumn& ddl);
std::string render_one(const DropColumn& ddl);
std::string render_one(const RenameColumn& ddl);
std::string render_one(const AlterColumnType& ddl);
std::string render_one(const SetDefault& ddl);
std::string render_one(const DropDefault& ddl);
std::string render_one(const SetNotNull& ddl);
std::string render_one(const DropNotNull& ddl);
std::string render_one(const SetStorage& ddl);
std::string render_one(const SetCompression& ddl);
std::string render_one(const SetStatisticsTarget& ddl);
std::string render_one(const SetColumnOptions& ddl);
std::string render_one(const AddIdentity& ddl);
std::string render_one(const DropIdentity& ddl);

// Constraints (render_constraint.cpp).
std::string render_one(const AddCheck& ddl);
std::string render_one(const AddNotNullConstraint& ddl);
std::string render_one(const AddForeignKey& ddl);
std::string render_one(const AddUniqueUsingIndex& ddl);
std::string render_one(const ValidateConstraint& ddl);
std::string render_one(const DropConstraint& ddl);
std::string render_one(const RenameConstraint& ddl);

// Indexes and what a table says of them (render_index.cpp).
std::string render_one(const CreateIndex& ddl);
std::string render_one(const DropIndex& ddl);
std::string render_one(const RenameIndex& ddl);
std::string render_one(const SetIndexStatistics& ddl);
std::string render_one(const SetReplicaIdentity& ddl);
std::string render_one(const ClusterOn& ddl);

// Functions, triggers and views (render_routine.cpp).
std::vector<std::string> render_one(const CreateTriggerFunction& ddl);
std::string render_one(const DropFunction& ddl);
std::vector<std::string> render_one(const CreateTrigger& ddl);
std::string render_one(const DropTrigger& ddl);
std::vector<std::string> render_one(const ReplaceTrigger& ddl);
std::string render_one(const CreateView& ddl);
std::string render_one(const DropView& ddl);

// What rides on objects, sequences, and the table as a whole (render_object.cpp).
std::string render_one(const LockTables& ddl);
std::string render_one(const Comment& ddl);
std::string render_one(const Grant& ddl);
std::string render_one(const AlterOwner& ddl);
std::string render_one(const AlterPolicy& ddl);
std::string render_one(const CreateStatistics& ddl);
std::string render_one(const RenameStatistics& ddl);
std::string render_one(const DropStatistics& ddl);
std::string render_one(const SetStatisticsObjectTarget& ddl);
std::vector<std::string> render_one(const CreateCounter& ddl);
std::string render_one(const DropSequence& ddl);
std::string render_one(const SequenceOwnedBy& ddl);
std::string render_one(const RenameSequence& ddl);
std::string render_one(const AlterSequence& ddl);
std::string render_one(const CopySequencePosition& ddl);
std::string render_one(const Analyze& ddl);
std::string render_one(const Vacuum& ddl);

// render_archive.cpp
std::vector<std::string> render_one(const CreateArchive& ddl);
std::string render_one(const FillArchive& ddl);
std::string render_one(const RequireFreshArchive& ddl);
std::string render_one(const DropArchive& ddl);
std::string render_one(const CreateArchiveLookup& ddl);
std::string render_one(const DropArchiveLookup& ddl);
std::string render_one(const RestoreColumns& ddl);

// `ALTER TABLE s.t` and the action.
std::string alter_table(const QualifiedName& table, const std::string& action);
// `name=value` pairs, as pg_class.reloptions and pg_attribute.attoptions hold them, as `(name='value', …)`.
std::string render_storage_options(const std::vector<std::string>& options);

}  // namespace falsework::pg
