// The parts of resolve(), a subject each: names are looked up, changes are read into drafts of columns, and each draft
// settles as work on its table.
//
// One rule: what is refused names the declaration's line that asked for it (Resolution::where).
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "planner/work.h"

namespace falsework {

// A column that changes, as the changes read so far leave it.
struct ColumnDraft {
  const pg::Table* table = nullptr;
  const pg::Column* column = nullptr;
  std::string name;  // as the next change would call it
  std::string type;
  std::optional<QualifiedName> collation;
  bool type_declared = false, implied = false, not_null_declared = false, accept_loss = false;
  std::optional<std::string> up, down, fill;
  std::string up_name;  // what `up` and `down` call the column
  std::string time_zone;
  bool zone_given = false;  // `up` and `down` name their zone themselves
  std::string where;
  std::vector<std::size_t> changes;  // indexes into Migration::changes

  bool renamed() const { return name != column->name; }
  bool type_changes() const { return type_declared && (type != column->type.name || collation != column->collation); }
};

// A migration on its way to be work.
struct Resolution {
  const Migration& migration;
  const pg::Snapshot& snapshot;
  Work work;
  std::deque<ColumnDraft> drafts;  // references stay valid
  std::size_t index = 0;           // of the change that is read
  std::string where;               // of what is looked at, for messages; may be empty

  Resolution(const Migration& the_migration, const pg::Snapshot& the_snapshot)
      : migration(the_migration), snapshot(the_snapshot) {}

  // Throws an Error that begins with `where`.
  [[noreturn]] void fail(const ErrorKind& kind, const std::string& message, const std::string& hint) const;
};

// Finds a table, by the search_path where no schema is written; refuses one that no change of ours can be made to.
const pg::Table& find_table(const Resolution& resolution, const WrittenTable& written);

// Finds the draft of a column by the name that it has by now, or begins one.
ColumnDraft& find_column(Resolution& resolution, const pg::Table& table, const std::string& name);

// Read one change each.
void read(Resolution& resolution, const RenameColumn& change);
void read(Resolution& resolution, const ChangeType& change);
void read(Resolution& resolution, const SetNotNull& change);
void read(Resolution& resolution, const AddForeignKey& change);

// Drafts the columns that reference a key whose type changes: they change together.
void follow_keys(Resolution& resolution);

// Chooses how a column gets what was declared for it, and adds that to its table's work.
void settle(Resolution& resolution, ColumnDraft& draft);

// The same for one that gets a shadow column.
void settle_shadow(const Resolution& resolution, const ColumnDraft& draft, const pg::TypeChange& change,
                   TableWork& work);

// Refuse what a whole table's work could not be carried through with.
void check_shadows(Resolution& resolution, const TableWork& work);
void check_archives(Resolution& resolution);

// Counts the writes of the old shape where a gate or an archive asks for them.
void count_old_writes(Resolution& resolution);

}  // namespace falsework
