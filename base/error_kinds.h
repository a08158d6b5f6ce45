// Every way in which a command can fail, by its stable dotted code.
//
// One rule: a kind is never renamed or given another exit code, for scripts depend on both. docs/reference/errors.md
// lists them all, and a test checks that it does.
#pragma once

#include <vector>

#include "base/error.h"

namespace falsework::errors {

inline constexpr ErrorKind kInternal{"internal", ExitCode::kBug, "a bug in Falsework"};

// Usage and input.
inline constexpr ErrorKind kUsage{"usage", ExitCode::kInput, "the command line is not understood"};
inline constexpr ErrorKind kFileUnreadable{"file.unreadable", ExitCode::kInput, "a file cannot be read"};
inline constexpr ErrorKind kFileUnwritable{"file.unwritable", ExitCode::kInput, "a file cannot be written"};
inline constexpr ErrorKind kDeclarationInvalid{"declaration.invalid", ExitCode::kInput,
                                               "a declaration is malformed or not understood"};
inline constexpr ErrorKind kDeclarationEmpty{"declaration.empty", ExitCode::kInput, "a declaration holds no change"};
inline constexpr ErrorKind kObjectMissing{"object.missing", ExitCode::kInput, "a named object does not exist"};
inline constexpr ErrorKind kObjectExists{"object.exists", ExitCode::kInput, "an object of that name exists already"};
inline constexpr ErrorKind kChangeRefused{"change.refused", ExitCode::kInput,
                                          "the change cannot be made safely; what stands in the way is named"};
inline constexpr ErrorKind kExpressionInvalid{"expression.invalid", ExitCode::kInput,
                                              "an expression is malformed, or not immutable"};
inline constexpr ErrorKind kSnapshotInvalid{"snapshot.invalid", ExitCode::kInput, "a snapshot file is malformed"};
inline constexpr ErrorKind kPlanInvalid{"plan.invalid", ExitCode::kInput, "a plan file is malformed"};
inline constexpr ErrorKind kRunUnknown{"run.unknown", ExitCode::kInput, "no such run"};
inline constexpr ErrorKind kStepUnknown{"step.unknown", ExitCode::kInput, "no such step in the plan"};
inline constexpr ErrorKind kPrivilegeMissing{"privilege.missing", ExitCode::kInput, "the role lacks a privilege"};
inline constexpr ErrorKind kServerUnsupported{"server.unsupported", ExitCode::kInput,
                                              "the server's version is not supported"};

// Refused.
inline constexpr ErrorKind kPlanDigest{"plan.digest_mismatch", ExitCode::kRefused,
                                       "the plan was changed after it was stamped, or is not the one of the run"};
inline constexpr ErrorKind kPlanStale{"plan.stale", ExitCode::kRefused,
                                      "the catalog has drifted from what the plan relies on"};
inline constexpr ErrorKind kPlanConflict{"plan.conflict", ExitCode::kRefused,
                                         "another run in flight touches the same relation"};
inline constexpr ErrorKind kLedgerForeign{"ledger.foreign", ExitCode::kRefused,
                                          "the ledger is of another lineage, older, or ahead of the database"};
inline constexpr ErrorKind kLedgerStale{"ledger.stale", ExitCode::kRefused,
                                        "the ledger is an older copy of the one that the run was carried on with"};
inline constexpr ErrorKind kLedgerUnusable{"ledger.unusable", ExitCode::kRefused,
                                           "the ledger is corrupt, of a newer version, or not a ledger"};
inline constexpr ErrorKind kDatabaseForeign{"database.foreign", ExitCode::kRefused,
                                            "this is not the database that the run or the plan belongs to"};
inline constexpr ErrorKind kGateClosed{"gate.closed", ExitCode::kRefused, "the step lies behind a closed gate"};
inline constexpr ErrorKind kApprovalRefused{"approval.refused", ExitCode::kRefused,
                                            "who approves may not: four eyes are asked for"};
inline constexpr ErrorKind kConfirmationMissing{"confirmation.missing", ExitCode::kRefused,
                                                "an irreversible step needs its confirmation"};
inline constexpr ErrorKind kIrreversible{"step.irreversible", ExitCode::kRefused, "what was done cannot be undone"};
inline constexpr ErrorKind kObjectForeign{"object.foreign", ExitCode::kRefused,
                                          "an object with a name of ours exists and is not ours"};
inline constexpr ErrorKind kSuperuserRefused{"role.superuser", ExitCode::kRefused,
                                             "a superuser would run the table owner's code as superuser"};
inline constexpr ErrorKind kPoolerRefused{"connection.pooled", ExitCode::kRefused,
                                          "the connection goes through a transaction pooler"};
inline constexpr ErrorKind kPreflightRefused{"preflight.refused", ExitCode::kRefused,
                                             "what was looked at before the run would make it fail or do harm"};

// Findings.
inline constexpr ErrorKind kDrift{"drift.found", ExitCode::kFindings, "the catalog has drifted"};

// A step failed; the run is intact.
inline constexpr ErrorKind kStepFailed{"step.failed", ExitCode::kStepFailed, "a step failed; the run is resumable"};
inline constexpr ErrorKind kCheckFailed{"check.failed", ExitCode::kStepFailed, "a check step found what must not be"};
inline constexpr ErrorKind kProofFailed{"proof.failed", ExitCode::kStepFailed,
                                        "rows of old and new shape disagree after the copy"};
inline constexpr ErrorKind kRowSecurity{"backfill.row_security", ExitCode::kStepFailed,
                                        "row security would hide rows from the copy"};

// Temporary.
inline constexpr ErrorKind kLockBudget{"lock.budget_exhausted", ExitCode::kTemporary,
                                       "a lock was not had within the budget"};
inline constexpr ErrorKind kBuildTimeout{"build.timeout", ExitCode::kTemporary,
                                         "a concurrent index build was not over within its limit of time"};
inline constexpr ErrorKind kPreflightWait{"preflight.wait", ExitCode::kTemporary,
                                          "what was looked at before the run makes it wait for long; it may pass"};
inline constexpr ErrorKind kRunHeld{"run.held", ExitCode::kTemporary, "the run is held by another process"};
inline constexpr ErrorKind kDatabaseUnreachable{"database.unreachable", ExitCode::kTemporary,
                                                "the database cannot be reached, or the connection was lost"};
inline constexpr ErrorKind kLedgerUnreachable{"ledger.unreachable", ExitCode::kTemporary,
                                              "the ledger is locked, full, or cannot be written"};

// Stopped by a person.
inline constexpr ErrorKind kInterrupted{"stopped.interrupt", ExitCode::kInterrupted, "stopped by SIGINT"};
inline constexpr ErrorKind kTerminated{"stopped.terminate", ExitCode::kTerminated, "stopped by SIGTERM"};

// Lists every kind, in the order of this file.
const std::vector<const ErrorKind*>& all();

}  // namespace falsework::errors
