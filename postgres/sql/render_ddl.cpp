#include "postgres/sql/render_ddl.h"

#include <fmt/format.h>

namespace falsework::pg {

namespace {

std::vector<std::string> as_list(std::string statement) { return {std::move(statement)}; }
std::vector<std::string> as_list(std::vector<std::string> statements) { return statements; }

}  // namespace

std::string alter_table(const QualifiedName& table, const std::string& action) {
  return fmt::format("ALTER TABLE {} {}", table.sql(), action);
}

std::string render_storage_options(const std::vector<std::string>& options) {
  std::string result;
  for (const std::string& option : options) {
    const std::size_t equals = option.find('=');
    result += result.empty() ? "(" : ", ";
    result += quote_identifier(option.substr(0, equals));
    if (equals != std::string::npos) result += "=" + quote_literal(option.substr(equals + 1));
  }
  return result + ")";
}

std::vector<std::string> render(const Ddl& ddl) {
  return std::visit([](const auto& kind) { return as_list(render_one(kind)); }, ddl);
}

}  // namespace falsework::pg
