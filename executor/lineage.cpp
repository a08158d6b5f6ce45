#include "executor/lineage.h"

#include <fmt/format.h>

#include "base/error_kinds.h"

namespace falsework {

LedgerStanding standing_of(const JournalRun& entry, const Ledger& ledger) {
  if (entry.lineage != ledger.lineage()) return LedgerStanding::kOtherLineage;
  if (ledger.has(entry.mark)) return LedgerStanding::kKeeps;
  return ledger.serial() < entry.mark.serial ? LedgerStanding::kOlder : LedgerStanding::kParted;
}

void require_our_ledger(const JournalRun& entry, const Ledger& ledger) {
  const std::string hint = fmt::format(
      "Use the ledger that the run was last carried on with: --state names it. If that is lost: falsework adopt {}.",
      entry.run);
  const std::string path = ledger.path().string();
  switch (standing_of(entry, ledger)) {
    case LedgerStanding::kKeeps: return;
    case LedgerStanding::kOtherLineage:
      throw Error(errors::kLedgerForeign,
                  fmt::format("run {} of this database is kept in another ledger than {}", entry.run, path), hint);
    case LedgerStanding::kOlder:
      throw Error(errors::kLedgerStale,
                  fmt::format("the ledger {} is an older copy: it ends at event {}, and run {} was carried on with "
                              "event {}",
                              path, ledger.serial(), entry.run, entry.mark.serial),
                  hint);
    case LedgerStanding::kParted:
      throw Error(errors::kLedgerStale,
                  fmt::format("the ledger {} is a copy that went another way: its event {} is not the one that run {} "
                              "was carried on with",
                              path, entry.mark.serial, entry.run),
                  hint);
  }
}

}  // namespace falsework
