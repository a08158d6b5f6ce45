// PostgreSQL's scanner, owned. Private to postgres/sql.
#pragma once

#include <memory>
#include <string>

struct PgQuery__ScanResult;
struct PgQuery__ScanToken;

namespace falsework::pg {

// The tokens of a text, comments included; token positions are bytes. A text that the scanner refuses has no tokens and
// says so in `error`.
class Tokens {
 public:
  explicit Tokens(const std::string& sql);

  std::size_t size() const;
  const PgQuery__ScanToken& operator[](std::size_t i) const;
  const std::string& error() const { return error_; }
  std::size_t error_offset() const { return error_offset_; }

 private:
  struct Free {
    void operator()(PgQuery__ScanResult* result) const;
  };
  std::unique_ptr<PgQuery__ScanResult, Free> result_;
  std::string error_;
  std::size_t error_offset_ = 0;
};

}  // namespace falsework::pg
