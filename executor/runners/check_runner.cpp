#include <fmt/format.h>

#include "base/error_kinds.h"
#include "base/failpoint.h"
#include "base/stop.h"
#include "executor/backfill/epoch.h"
#include "executor/backfill/ranges.h"
#include "executor/drift.h"
#include "executor/runners/runner.h"
#include "executor/runners/transaction.h"

namespace falsework {

namespace {

constexpr std::int64_t kRangeBlocks =
    2048;  // 16 MB: long enough to be quick, short enough to hold no snapshot for long
constexpr std::size_t kSampleBytes = 400;

struct Findings {
  std::int64_t count = 0;
  std::string samples;

  void add(const pg::Rows& rows) {
    if (rows.empty()) return;
    count += rows.number(0, 0);
    if (rows.columns.size() < 2 || !rows.rows[0][1] || rows.rows[0][1]->empty()) return;
    if (samples.size() >= kSampleBytes) return;
    if (!samples.empty()) samples += ", ";
    samples += *rows.rows[0][1];
  }
};

// Range by range, each in a short transaction of its own. A table that is rewritten meanwhile is counted anew.
Findings count_by_ranges(RunContext& context, const Step& step) {
  const std::string& query = step.sql.back();
  for (;;) {
    const TableEpoch epoch = read_epoch(*context.session, step.check->relation);
    Findings findings;
    for (std::int64_t first = 0; first < epoch.blocks || first == 0; first += kRangeBlocks) {
      const bool last = first + kRangeBlocks >= epoch.blocks;
      const BlockRange range{first, last ? kPastLastBlock : first + kRangeBlocks};
      findings.add(run_cancellable(*context.session, query, {lower_tid(range), upper_tid(range)}));
      failpoint("check.range");
      stop_point("a check");
    }
    if (read_epoch(*context.session, step.check->relation).filenode == epoch.filenode) return findings;
  }
}

Findings ask(RunContext& context, const Step& step) {
  for (std::size_t i = 0; i + 1 < step.sql.size(); ++i) context.session->query(step.sql[i]);
  if (step.check->by_ranges) return count_by_ranges(context, step);
  Findings findings;
  findings.add(run_cancellable(*context.session, step.sql.back()));
  return findings;
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

std::string fill(std::string text, const Findings& findings) {
  replace_all(text, "{count}", std::to_string(findings.count));
  replace_all(text, "{samples}", findings.samples);
  return text;
}

[[noreturn]] void fail_proof(RunContext& context, const Step& step, const std::string& message) {
  JournalStep row = context.next_row(step, JournalState::kProofFailed);
  row.detail = message;
  record_alone(context, row);
  failpoint("check.proof_failed");
  context.tell(EventKind::kProofFailed, &step, message);
  throw Error(errors::kProofFailed, message,
              step.check->hint.empty()
                  ? fmt::format("Nothing is contracted. Go back with: falsework rollback {}.", context.run)
                  : step.check->hint);
}

}  // namespace

std::int64_t run_check(RunContext& context, const Step& step) {
  require_no_row_security(*context.session, step);
  require_no_drift(*context.session, context);
  const Findings findings = ask(context, step);
  failpoint("check.asked");
  if (findings.count > 0) {
    const std::string message = fill(step.check->message, findings);
    if (step.check->proof) fail_proof(context, step, message);
    throw Error(errors::kCheckFailed, message, fill(step.check->hint, findings));
  }
  record_alone(context, context.next_row(step, JournalState::kDone));
  return -1;
}

}  // namespace falsework
