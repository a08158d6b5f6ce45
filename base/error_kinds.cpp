#include "base/error_kinds.h"

namespace falsework::errors {

const std::vector<const ErrorKind*>& all() {
  static const std::vector<const ErrorKind*> kinds = {
      &kInternal,
      // Usage and input.
      &kUsage, &kFileUnreadable, &kFileUnwritable, &kDeclarationInvalid, &kDeclarationEmpty, &kObjectMissing,
      &kObjectExists, &kChangeRefused, &kExpressionInvalid, &kSnapshotInvalid, &kPlanInvalid, &kRunUnknown,
      &kStepUnknown, &kPrivilegeMissing, &kServerUnsupported,
      // Refused.
      &kPlanDigest, &kPlanStale, &kPlanConflict, &kLedgerForeign, &kLedgerStale, &kLedgerUnusable, &kDatabaseForeign,
      &kGateClosed, &kApprovalRefused, &kConfirmationMissing, &kIrreversible, &kObjectForeign, &kSuperuserRefused,
      &kPoolerRefused, &kPreflightRefused,
      // Findings.
      &kDrift,
      // A step failed; the run is intact.
      &kStepFailed, &kCheckFailed, &kProofFailed, &kRowSecurity,
      // Temporary.
      &kLockBudget, &kBuildTimeout, &kPreflightWait, &kRunHeld, &kDatabaseUnreachable, &kLedgerUnreachable,
      // Stopped by a person.
      &kInterrupted, &kTerminated};
  return kinds;
}

}  // namespace falsework::errors
