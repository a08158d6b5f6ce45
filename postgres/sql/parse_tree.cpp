#include "postgres/sql/parse_tree.h"

#include <fmt/format.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <cstring>

#include "base/error_kinds.h"
#include "base/identifier.h"

namespace falsework::pg {

namespace {

// Longer and deeper than people write. The parser, its tree and every walk of it are recursive: without limits a long
// chain of operators ends the process.
constexpr std::size_t kMaxStatementBytes = 32 * 1024;
constexpr std::size_t kMaxDepth = 1000;

class ParseAnswer {
 public:
  explicit ParseAnswer(const std::string& sql) : answer_(pg_query_parse_protobuf(sql.c_str())) {}
  ParseAnswer(const ParseAnswer&) = delete;
  ParseAnswer& operator=(const ParseAnswer&) = delete;
  ~ParseAnswer() { pg_query_free_protobuf_parse_result(answer_); }
  const PgQueryProtobufParseResult& operator*() const { return answer_; }

 private:
  PgQueryProtobufParseResult answer_;
};

[[noreturn]] void refuse(std::string_view expression, const std::string& reason) {
  throw Error(errors::kExpressionInvalid, fmt::format("expression `{}` is malformed: {}", excerpt(expression), reason),
              "Give one SQL expression, as it would stand in a SELECT list; the grammar is that of PostgreSQL 15.");
}

bool is_position(const ProtobufCFieldDescriptor& field) {
  return std::strcmp(field.name, "location") == 0 || std::strcmp(field.name, "stmt_location") == 0 ||
         std::strcmp(field.name, "stmt_len") == 0;
}

// How protobuf-c lays a message out: a field stands at an offset; a repeated one is a pointer to an array whose length
// stands at another; a member of a oneof is present when its case says so (protobuf-c documentation, "descriptors").
const char* at(const ProtobufCMessage& message, std::size_t offset) {
  return reinterpret_cast<const char*>(&message) + offset;
}

template <typename T>
const T& read(const char* place) {
  return *reinterpret_cast<const T*>(place);
}

std::size_t element_size(const ProtobufCFieldDescriptor& field) {
  switch (field.type) {
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void*);
    case PROTOBUF_C_TYPE_STRING: return sizeof(char*);
    case PROTOBUF_C_TYPE_BOOL: return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    default: return 4;
  }
}

struct Elements {
  const char* first = nullptr;
  std::size_t count = 0;
};

Elements elements(const ProtobufCMessage& message, const ProtobufCFieldDescriptor& field) {
  if (field.label == PROTOBUF_C_LABEL_REPEATED) {
    return {read<const char*>(at(message, field.offset)), read<std::size_t>(at(message, field.quantifier_offset))};
  }
  if ((field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
      read<std::uint32_t>(at(message, field.quantifier_offset)) != field.id) {
    return {};
  }
  const char* place = at(message, field.offset);
  if (field.type == PROTOBUF_C_TYPE_MESSAGE && read<const void*>(place) == nullptr) return {};
  return {place, 1};
}

bool same_element(const ProtobufCFieldDescriptor& field, const char* a, const char* b) {
  if (field.type == PROTOBUF_C_TYPE_MESSAGE) {
    return same_tree(*read<const ProtobufCMessage*>(a), *read<const ProtobufCMessage*>(b));
  }
  if (field.type == PROTOBUF_C_TYPE_STRING) return std::strcmp(read<const char*>(a), read<const char*>(b)) == 0;
  return std::memcmp(a, b, element_size(field)) == 0;
}

template <typename Visit>
void for_each_child(const ProtobufCMessage& message, const Visit& visit) {
  for (unsigned i = 0; i < message.descriptor->n_fields; ++i) {
    const ProtobufCFieldDescriptor& field = message.descriptor->fields[i];
    if (field.type != PROTOBUF_C_TYPE_MESSAGE) continue;
    const Elements found = elements(message, field);
    for (std::size_t e = 0; e < found.count; ++e) {
      visit(*read<const ProtobufCMessage*>(found.first + e * sizeof(void*)));
    }
  }
}

std::uint64_t read_varint(const std::uint8_t*& at, const std::uint8_t* end) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; at < end; shift += 7) {
    const std::uint8_t byte = *at++;
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

// Measures how deep messages nest without unpacking them, which is recursive with large frames. Protocol Buffers
// encoding: a field is a key (number and wire type) and a varint, 4 or 8 bytes, or a length and as many bytes.
bool too_deep(const PgQueryProtobuf& packed) {
  struct Open {
    const ProtobufCMessageDescriptor* kind;
    const std::uint8_t* end;
  };
  const auto* at = reinterpret_cast<const std::uint8_t*>(packed.data);
  std::vector<Open> open{{&pg_query__parse_result__descriptor, at + packed.len}};
  while (!open.empty()) {
    if (at >= open.back().end) {
      open.pop_back();
      continue;
    }
    const std::uint64_t key = read_varint(at, open.back().end);
    const std::uint64_t wire_type = key & 7U;
    if (wire_type == 0) read_varint(at, open.back().end);
    if (wire_type == 1) at += 8;
    if (wire_type == 5) at += 4;
    if (wire_type != 2) continue;
    const std::uint64_t length = read_varint(at, open.back().end);
    const ProtobufCFieldDescriptor* field =
        protobuf_c_message_descriptor_get_field(open.back().kind, static_cast<unsigned>(key >> 3U));
    if (field == nullptr || field->type != PROTOBUF_C_TYPE_MESSAGE) {
      at += length;
    } else {
      open.push_back({static_cast<const ProtobufCMessageDescriptor*>(field->descriptor), at + length});
      if (open.size() > kMaxDepth) return true;
    }
  }
  return false;
}

const PgQuery__Node* only_expression(const Tree& tree) {
  if (tree.size() != 1 || tree.statement(0).node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return nullptr;
  return only_target(*tree.statement(0).select_stmt);
}

bool is_star(const PgQuery__Node& node) {
  if (node.node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node.column_ref->n_fields == 0) return false;
  return node.column_ref->fields[node.column_ref->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
}

Tree parse_wrapped(std::string_view expression, std::string_view before, std::string_view after) {
  std::variant<Tree, SyntaxError> parsed = parse_sql(fmt::format("{}{}{}", before, expression, after));
  if (const SyntaxError* error = std::get_if<SyntaxError>(&parsed)) refuse(expression, error->message);
  return std::get<Tree>(std::move(parsed));
}

}  // namespace

std::string excerpt(std::string_view sql) {
  constexpr std::size_t kShown = 200;
  sql = sql.substr(0, sql.find('\0'));
  return sql.size() <= kShown ? std::string(sql) : std::string(cut_utf8(sql, kShown)) + "…";
}

void Tree::Free::operator()(PgQuery__ParseResult* result) const {
  pg_query__parse_result__free_unpacked(result, nullptr);
}

std::size_t Tree::size() const { return result_->n_stmts; }

const PgQuery__Node& Tree::statement(std::size_t i) const {
  FALSEWORK_CHECK(i < result_->n_stmts);
  return *result_->stmts[i]->stmt;
}

std::variant<Tree, SyntaxError> parse_sql(const std::string& sql) {
  if (const std::size_t nul = sql.find('\0'); nul != std::string::npos) return SyntaxError{"a NUL byte", nul};
  if (sql.size() > kMaxStatementBytes) return SyntaxError{"longer than 32 KiB", kMaxStatementBytes};
  const ParseAnswer answer(sql);
  if (const PgQueryError* error = (*answer).error) {
    const int position = error->cursorpos > 0 ? error->cursorpos - 1 : 0;
    return SyntaxError{error->message, static_cast<std::size_t>(position)};
  }
  const PgQueryProtobuf& packed = (*answer).parse_tree;
  if (too_deep(packed)) return SyntaxError{"nested too deeply", 0};
  PgQuery__ParseResult* result =
      pg_query__parse_result__unpack(nullptr, packed.len, reinterpret_cast<const std::uint8_t*>(packed.data));
  FALSEWORK_CHECK(result != nullptr);
  return Tree(result);
}

ParsedExpression parse_expression(std::string_view expression) {
  // Bare, so that `a) + (b` is an error; in parentheses, so that `ALL a` is one.
  const Tree bare = parse_wrapped(expression, "SELECT ", "\n");
  if (only_expression(bare) == nullptr) refuse(expression, "it is not one expression");
  Tree tree = parse_wrapped(expression, "SELECT (", "\n)");
  const PgQuery__Node* node = only_expression(tree);
  if (node == nullptr) refuse(expression, "it is not one expression");
  if (is_star(*node)) refuse(expression, "a star is not one expression");
  return {std::move(tree), node};
}

const PgQuery__Node* only_target(const PgQuery__SelectStmt& select) {
  const bool plain = select.n_distinct_clause == 0 && select.into_clause == nullptr && select.n_from_clause == 0 &&
                     select.where_clause == nullptr && select.n_group_clause == 0 && select.having_clause == nullptr &&
                     select.n_window_clause == 0 && select.n_values_lists == 0 && select.n_sort_clause == 0 &&
                     select.limit_offset == nullptr && select.limit_count == nullptr && select.n_locking_clause == 0 &&
                     select.with_clause == nullptr && select.op == PG_QUERY__SET_OPERATION__SETOP_NONE;
  if (!plain || select.n_target_list != 1) return nullptr;
  const PgQuery__ResTarget& target = *select.target_list[0]->res_target;
  return std::strlen(target.name) == 0 && target.n_indirection == 0 ? target.val : nullptr;
}

std::string string_of(const PgQuery__Node& name) {
  FALSEWORK_CHECK(name.node_case == PG_QUERY__NODE__NODE_STRING);
  return name.string->sval;
}

std::vector<std::string> name_parts(PgQuery__Node* const* names, std::size_t count) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < count; ++i) parts.push_back(string_of(*names[i]));
  return parts;
}

void walk(const ProtobufCMessage& message, const std::function<void(const ProtobufCMessage&)>& visit) {
  visit(message);
  for_each_child(message, [&](const ProtobufCMessage& child) { walk(child, visit); });
}

bool same_tree(const ProtobufCMessage& a, const ProtobufCMessage& b) {
  if (a.descriptor != b.descriptor) return false;
  for (unsigned i = 0; i < a.descriptor->n_fields; ++i) {
    const ProtobufCFieldDescriptor& field = a.descriptor->fields[i];
    if (is_position(field)) continue;
    const Elements left = elements(a, field);
    const Elements right = elements(b, field);
    if (left.count != right.count) return false;
    for (std::size_t e = 0; e < left.count; ++e) {
      const std::size_t offset = e * element_size(field);
      if (!same_element(field, left.first + offset, right.first + offset)) return false;
    }
  }
  return true;
}

}  // namespace falsework::pg
