#include "postgres/sql/tokens.h"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include "base/error.h"

namespace falsework::pg {

namespace {

class ScanAnswer {
 public:
  explicit ScanAnswer(const std::string& sql) : answer_(pg_query_scan(sql.c_str())) {}
  ScanAnswer(const ScanAnswer&) = delete;
  ScanAnswer& operator=(const ScanAnswer&) = delete;
  ~ScanAnswer() { pg_query_free_scan_result(answer_); }
  const PgQueryScanResult& operator*() const { return answer_; }

 private:
  PgQueryScanResult answer_;
};

}  // namespace

void Tokens::Free::operator()(PgQuery__ScanResult* result) const {
  pg_query__scan_result__free_unpacked(result, nullptr);
}

Tokens::Tokens(const std::string& sql) {
  if (const std::size_t nul = sql.find('\0'); nul != std::string::npos) {
    error_ = "a NUL byte";
    error_offset_ = nul;
    return;
  }
  const ScanAnswer answer(sql);
  if (const PgQueryError* error = (*answer).error) {
    error_ = error->message;
    // What follows is the rest of the text: all of it, for a quote that is not closed.
    if (error_.rfind("unterminated", 0) == 0) error_ = error_.substr(0, error_.find(" at or near "));
    error_offset_ = error->cursorpos > 0 ? static_cast<std::size_t>(error->cursorpos - 1) : 0;
    return;
  }
  const PgQueryProtobuf& packed = (*answer).pbuf;
  result_.reset(pg_query__scan_result__unpack(nullptr, packed.len, reinterpret_cast<const std::uint8_t*>(packed.data)));
  FALSEWORK_CHECK(result_ != nullptr);
}

std::size_t Tokens::size() const { return result_ ? result_->n_tokens : 0; }

const PgQuery__ScanToken& Tokens::operator[](std::size_t i) const {
  FALSEWORK_CHECK(i < size());
  return *result_->tokens[i];
}

}  // namespace falsework::pg
