#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "planner/declare/forms.h"
#include "planner/declare/gates.h"
#include "planner/declare/options.h"
#include "planner/declare/values.h"
#include "planner/declare/vocabulary.h"
#include "postgres/sql/alter_table.h"
#include "postgres/sql/syntax.h"

namespace falsework::declare {

namespace {

// The names of every change kind that knows the option.
std::vector<std::string> kinds_with(std::string_view option) {
  std::vector<std::string> kinds;
  for (const ChangeWords& words : change_words()) {
    const Key* key = find_key(words.keys, option);
    if (key != nullptr && key->option) kinds.emplace_back(words.kind);
  }
  return kinds;
}

std::vector<std::string> option_names(const Keys& keys) {
  std::vector<std::string> names;
  for (const Key& key : keys) {
    if (key.option) names.emplace_back(key.name);
  }
  return names;
}

bool takes(const Change& change, const Option& option) {
  const Key* key = find_key(change_keys(kind(change)), option.key);
  return key != nullptr && key->option;
}

bool flag(const Option& option) {
  const std::string value = plain_value(option);
  if (value == "true") return true;
  if (value == "false") return false;
  refuse(option.where, fmt::format("the option {} is {}", option.key, value), "Write true or false.");
}

WrittenTable table_of(const pg::WrittenName& name, const std::string& where) {
  if (name.schema) check_name(*name.schema, where);
  check_name(name.name, where);
  return {name.schema.value_or(""), name.name};
}

// Turns what the parser understood into a change.
class ActionReader {
 public:
  ActionReader(const pg::WrittenChange& written, std::string where) : written_(written), where_(std::move(where)) {}

  Change read() const {
    return {
        std::visit([this](const auto& action) -> decltype(Change::action) { return read(action); }, written_.action),
        where_};
  }

 private:
  RenameColumn read(const pg::WrittenRenameColumn& written) const {
    return {table(), name(written.from), name(written.to)};
  }

  ChangeType read(const pg::WrittenColumnType& written) const {
    ChangeType change;
    change.table = table();
    change.column = name(written.column);
    change.to = read_type(written.type, where_);
    if (written.collation) change.collation = read_qualified(*written.collation, where_);
    if (written.using_expression) change.up = read_expression(*written.using_expression, "up", where_);
    return change;
  }

  SetNotNull read(const pg::WrittenSetNotNull& written) const { return {table(), name(written.column), std::nullopt}; }

  AddForeignKey read(const pg::WrittenForeignKey& written) const {
    if (written.not_valid) {
      refuse(where_, "a foreign key is declared NOT VALID",
             "Remove NOT VALID: what is declared is the end; Falsework goes there by NOT VALID itself.");
    }
    AddForeignKey change;
    change.table = table();
    if (written.name) change.name = name(*written.name);
    for (const std::string& column : written.columns) change.columns.push_back(name(column));
    change.references = table_of(written.references, where_);
    for (const std::string& column : written.referenced_columns) change.referenced_columns.push_back(name(column));
    change.match = written.match;
    change.on_update = written.on_update;
    change.on_delete = written.on_delete;
    for (const std::string& column : written.on_delete_columns) change.on_delete_columns.push_back(name(column));
    change.deferrable = written.deferrable;
    change.initially_deferred = written.initially_deferred;
    return change;
  }

  WrittenTable table() const { return table_of(written_.table, where_); }

  const std::string& name(const std::string& written) const {
    check_name(written, where_);
    return written;
  }

  const pg::WrittenChange& written_;
  const std::string where_;
};

// Sets an option on the change that it belongs to; the vocabulary has said that the kind knows it.
struct OptionSetter {
  const Option& option;

  void operator()(RenameColumn&) const { FALSEWORK_CHECK(!"rename_column has no options"); }

  void operator()(ChangeType& change) const {
    if (option.key == "up") {
      if (change.up) {
        refuse(option.where, "up= and USING say the same thing twice", "Keep one of the two.");
      }
      change.up = read_expression(option.value, option.key, option.where);
    } else if (option.key == "down") {
      change.down = read_expression(option.value, option.key, option.where);
    } else if (option.key == "time_zone") {
      change.time_zone = plain_value(option);
      check_label(*change.time_zone, option.key, option.where);
    } else {
      FALSEWORK_CHECK(option.key == "accept");
      const std::string value = plain_value(option);
      if (value != "data_loss") {
        refuse(option.where, fmt::format("\"{}\" is not understood", value), suggestion(value, {"data_loss"}));
      }
      change.accept_loss = true;
    }
  }

  void operator()(SetNotNull& change) const {
    FALSEWORK_CHECK(option.key == "fill");
    change.fill = read_expression(option.value, option.key, option.where);
  }

  void operator()(AddForeignKey& change) const {
    FALSEWORK_CHECK(option.key == "index" || option.key == "gate");
    (option.key == "index" ? change.create_index : change.gate) = flag(option);
  }
};

[[noreturn]] void refuse_option(const std::vector<Change>& changes, const Option& option) {
  if (find_key(head_options(), option.key) != nullptr) {
    refuse(option.where, fmt::format("the option {} belongs to the whole migration", option.key),
           "Write it in a comment before the first statement.");
  }
  const std::string found(kind(changes.front()));
  if (const auto kinds = kinds_with(option.key); !kinds.empty()) {
    refuse(option.where, fmt::format("the option {} does not belong to {}", option.key, found),
           fmt::format("It is an option of {}.", enumerate(kinds)));
  }
  std::vector<std::string> known;
  for (const Change& change : changes) {
    if (find_key(change_keys(kind(change)), option.key) != nullptr) {
      refuse(option.where, fmt::format("{} is not an option", option.key),
             "In SQL it is part of the statement itself.");
    }
    for (const std::string& name : option_names(change_keys(kind(change)))) {
      if (std::find(known.begin(), known.end(), name) == known.end()) known.push_back(name);
    }
  }
  refuse(option.where, fmt::format("unknown option {}", option.key),
         known.empty() ? fmt::format("\"{}\" has no options.", found) : suggestion(option.key, known));
}

// In the head, where options of the migration and of the first statement may stand.
void refuse_unknown(const Option& option) {
  if (!kinds_with(option.key).empty()) return;
  std::vector<std::string> known = option_names(head_options());
  for (const ChangeWords& words : change_words()) {
    for (std::string& name : option_names(words.keys)) known.push_back(std::move(name));
  }
  refuse(option.where, fmt::format("unknown option {}", option.key), suggestion(option.key, known));
}

void apply(std::vector<Change>& changes, const Option& option) {
  const auto takers =
      std::count_if(changes.begin(), changes.end(), [&](const Change& each) { return takes(each, option); });
  if (takers == 0) refuse_option(changes, option);
  if (takers > 1) {
    refuse(option.where, fmt::format("the option {} could belong to {} changes of one statement", option.key, takers),
           "Write one statement for each change.");
  }
  const auto taker =
      std::find_if(changes.begin(), changes.end(), [&](const Change& each) { return takes(each, option); });
  std::visit(OptionSetter{option}, taker->action);
}

// What to do about statements that people write around DDL, by their first word.
struct Advice {
  std::string_view words;  // separated by spaces
  const char* hint;
};
constexpr std::array<Advice, 4> kAdvice{{
    {"BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE PREPARE",
     "Remove it: Falsework decides what runs in one transaction, and what must not."},
    {"SET RESET DISCARD LOCK",
     "Remove it: each step brings its own settings and locks. Write schemas in full instead of setting search_path."},
    {"UPDATE INSERT DELETE MERGE COPY TRUNCATE",
     "Remove it: Falsework copies and fills rows itself, in batches; say how with up=, down= or fill=."},
    {"SELECT WITH VALUES DO CALL EXPLAIN CREATE DROP COMMENT GRANT REVOKE VACUUM ANALYZE REINDEX CLUSTER REFRESH",
     "Take it out of the declaration and run it by itself."},
}};

std::string first_word(std::string_view statement) {
  std::string word;
  for (const char c : statement) {
    if (c >= 'a' && c <= 'z') {
      word += static_cast<char>(c - 'a' + 'A');
    } else if (c >= 'A' && c <= 'Z') {
      word += c;
    } else {
      break;
    }
  }
  return word;
}

void refuse_by_name(const pg::ScriptStatement& statement, const std::string& where) {
  if (statement.text.front() == '\\') {
    refuse(where,
           fmt::format("`{}` is a command of psql, not SQL", statement.text.substr(0, statement.text.find('\n'))),
           "Remove it.");
  }
  const std::string word = first_word(statement.text);
  if (word.empty()) return;
  for (const Advice& advice : kAdvice) {
    if (fmt::format(" {} ", advice.words).find(fmt::format(" {} ", word)) == std::string::npos) continue;
    refuse(where, fmt::format("a declaration cannot hold {}", word), advice.hint);
  }
}

class SqlReader {
 public:
  SqlReader(const std::string& text, const std::string& file) : text_(text), file_(file) {}

  Written read() {
    const pg::Script script = pg::split_script(text_, file_);
    std::vector<Option> waiting;  // options above the first statement that are its own
    for (const std::string& comment : script.header) {
      for (Option& option : options_of(comment)) {
        if (find_key(head_options(), option.key) != nullptr) {
          read_head(option);
        } else {
          refuse_unknown(option);
          waiting.push_back(std::move(option));
        }
      }
    }
    for (const pg::ScriptStatement& statement : script.statements) {
      for (const std::string& comment : statement.comments) {
        for (Option& option : options_of(comment)) waiting.push_back(std::move(option));
      }
      read_statement(statement, waiting);
      waiting.clear();
    }
    return std::move(written_);
  }

 private:
  // A comment's line is where its text stands next; comments are asked for in their order.
  std::vector<Option> options_of(const std::string& comment) {
    if (!is_ours(comment)) return {};
    const std::size_t found = text_.find(comment, seen_);
    const std::size_t at = found == std::string::npos ? seen_ : found;
    seen_ = at + (found == std::string::npos ? 0 : comment.size());
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return read_options(comment, fmt::format("{}:{}", file_, line));
  }

  void read_head(const Option& option) {
    const std::string value = plain_value(option);
    if (option.key == "name") {
      if (written_.name) refuse(option.where, "the option name stands twice", "Remove one of the two.");
      check_migration_name(value, option.where);
      written_.name = value;
      return;
    }
    if (option.key == "author") {
      if (written_.author) refuse(option.where, "the option author stands twice", "Remove one of the two.");
      check_label(value, option.key, option.where);
      written_.author = value;
      return;
    }
    if (option.key == "archive") {
      if (written_.archive) refuse(option.where, "the option archive stands twice", "Remove one of the two.");
      written_.archive = flag(option);
      return;
    }
    if (find_key(release_keys(), option.key) == nullptr) {
      read_wish(option, value);
      return;
    }
    check_label(value, option.key, option.where);
    if (!written_.releases.emplace(option.key, value).second) {
      refuse(option.where, fmt::format("the option {} stands twice", option.key), "Remove one of the two.");
    }
  }

  // `contract_soak`: the gate's name, and the key of its condition.
  void read_wish(const Option& option, const std::string& value) {
    const std::size_t cut = option.key.find('_');
    const std::string gate = option.key.substr(0, cut), key = option.key.substr(cut + 1);
    if (!wishes_.insert(option.key).second) {
      refuse(option.where, fmt::format("the option {} stands twice", option.key), "Remove one of the two.");
    }
    set_wish(written_.gates[gate], key, value, option.where);
  }

  void read_statement(const pg::ScriptStatement& statement, const std::vector<Option>& options) {
    const std::string where = fmt::format("{}:{}", file_, statement.line);
    refuse_by_name(statement, where);
    check_identifiers(statement.text, where);
    std::vector<Change> changes;
    for (const pg::WrittenChange& each : understood(statement, where))
      changes.push_back(ActionReader(each, where).read());
    for (std::size_t i = 0; i < options.size(); ++i) {
      const auto same = [&](const Option& other) { return other.key == options[i].key; };
      if (std::any_of(options.begin(), options.begin() + static_cast<std::ptrdiff_t>(i), same)) {
        refuse(options[i].where, fmt::format("the option {} stands twice", options[i].key), "Remove one of the two.");
      }
      apply(changes, options[i]);
    }
    for (Change& change : changes) {
      check_change(change);
      written_.changes.push_back(std::move(change));
    }
  }

  static std::vector<pg::WrittenChange> understood(const pg::ScriptStatement& statement, const std::string& where) {
    try {
      return pg::read_alter_table(statement.text);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("{}: {}", where, error.what()), error.hint());
    }
  }

  const std::string& text_;
  const std::string& file_;
  std::size_t seen_ = 0;
  Written written_;
  std::set<std::string> wishes_;  // options of gates that were read
};

}  // namespace

Written read_sql(const std::string& text, const std::string& file) { return SqlReader(text, file).read(); }

}  // namespace falsework::declare
