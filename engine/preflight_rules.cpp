// What the facts mean for the steps ahead. Pure: no session, no clock.
#include <fmt/format.h>

#include <algorithm>

#include "base/duration.h"
#include "base/error_kinds.h"
#include "engine/preflight.h"
#include "engine/runbook/words.h"

namespace falsework {

namespace {

using Severity = PreflightFinding::Severity;
using std::chrono::milliseconds;

constexpr milliseconds kLongTransaction{300000};
constexpr milliseconds kLagWorthAWord{30000};
constexpr milliseconds kLagTooLong{300000};
constexpr std::int64_t kLagTooFar = std::int64_t{1} << 30;
constexpr std::int64_t kMuchRetained = std::int64_t{10} << 30;
// The server itself warns below 40 million (PG source, SetTransactionIdLimit).
constexpr std::int64_t kHeadroomLeast = 40000000;
constexpr std::int64_t kHeadroomLow = 500000000;
constexpr std::int64_t kLargeIndex = std::int64_t{1} << 30;
constexpr std::int64_t kLittleMemory = std::int64_t{128} << 20;

std::string bytes(std::int64_t count) { return runbook::render_bytes(count); }

class Judgement {
 public:
  Judgement(const PreflightFacts& facts, const PreflightQuestion& question) : facts_(facts), question_(question) {}

  Preflight run() {
    judge_place();
    if (!facts_.server.in_recovery) {
      judge_privileges();
      judge_leftovers();
      judge_archives();
      judge_holders();
      judge_transactions();
      judge_prepared();
      judge_replication();
      judge_disk();
      judge_index_builds();
      judge_headroom();
    }
    std::stable_sort(result_.findings.begin(), result_.findings.end(),
                     [](const auto& a, const auto& b) { return a.severity > b.severity; });
    return std::move(result_);
  }

 private:
  bool any_of(StepKind kind) const {
    return std::any_of(question_.ahead.begin(), question_.ahead.end(),
                       [&](const Step* step) { return step->kind == kind; });
  }

  std::int64_t needed_bytes() const {
    std::int64_t sum = 0;
    for (const Step* step : question_.ahead) sum += step->estimate.bytes;
    return sum;
  }

  void measure(const std::string& name, const std::string& value) { result_.measures.push_back({name, value}); }

  PreflightFinding& add(const char* code, Severity severity, const std::string& message, const std::string& consequence,
                        const std::string& hint) {
    result_.findings.push_back({code, severity, message, consequence, hint, nullptr, false});
    return result_.findings.back();
  }

  // One that a person may know better.
  void add_acceptable(const char* code, Severity severity, const std::string& message, const std::string& consequence,
                      const std::string& hint) {
    PreflightFinding& finding = add(code, severity, message, consequence, hint);
    finding.acceptable = severity != Severity::kWarning;
    if (!question_.accepted.contains(code)) return;
    finding.severity = Severity::kWarning;
    finding.acceptable = false;
  }

  void judge_place() {
    const pg::DatabaseIdentity& here = facts_.identity;
    if (facts_.server.in_recovery) {
      add("server.standby", Severity::kRefuse, fmt::format("the server of {} is a standby", here.database),
          "It takes no writes.", "Connect to the primary.")
          .kind = &errors::kDatabaseForeign;
    }
    const Plan& plan = question_.plan;
    const std::string planned = question_.run == nullptr ? plan.system_identifier : question_.run->system_identifier;
    const bool other_server = !planned.empty() && !here.system_identifier.empty() && planned != here.system_identifier;
    const bool other_database = question_.run != nullptr && question_.run->database_oid != here.database_oid;
    if (other_server || other_database) {
      const std::string what =
          question_.run == nullptr
              ? fmt::format("the plan {} was made for another server than that of {}", plan.name, here.database)
              : fmt::format("run {} belongs to {}, not to this database", question_.run->run, question_.run->database);
      add("server.other", Severity::kRefuse, what, "Its steps would meet another catalog and other rows.",
          question_.run == nullptr ? "Connect to the server that the plan was made for, or make the plan anew."
                                   : "Connect to the database that the run was begun in.")
          .kind = &errors::kDatabaseForeign;
    }
    if (here.superuser && !question_.allow_superuser) {
      add("role.superuser", Severity::kRefuse, fmt::format("{} is a superuser", here.user),
          "A superuser that updates a table runs the code of its owner's triggers as superuser.",
          "Connect as the role that owns the tables, or add --allow-superuser.")
          .kind = &errors::kSuperuserRefused;
    }
    measure("role", here.user);
  }

  // Whether a step ahead needs more than to refer to the relation: its owner's rights.
  bool needs_owner(const std::string& relation) const {
    return std::any_of(question_.ahead.begin(), question_.ahead.end(), [&](const Step* step) {
      if (step->kind == StepKind::kNote || step->kind == StepKind::kGate || step->kind == StepKind::kCheck)
        return false;
      return std::any_of(step->locks.begin(), step->locks.end(), [&](const pg::TakenLock& lock) {
        return sql_name(lock.relation) == relation &&
               (lock.mode == pg::LockMode::kAccessExclusive || step->kind == StepKind::kConcurrent);
      });
    });
  }

  void judge_privileges() {
    const std::string& role = facts_.server.role;
    if (!facts_.has_journal && !facts_.may_create_schema) {
      add("privilege.journal", Severity::kRefuse,
          fmt::format("role {} may not create schema falsework in database {}", role, facts_.identity.database),
          "The journal, without which nothing is run, could not be made.",
          fmt::format("Let the owner of the database run: GRANT CREATE ON DATABASE {} TO {};",
                      quote_identifier(facts_.identity.database), quote_identifier(role)))
          .kind = &errors::kPrivilegeMissing;
    }
    std::set<std::string> schemas;
    for (const pg::RelationFacts& relation : facts_.relations) {
      if (!relation.exists || !needs_owner(relation.relation)) continue;
      if (!relation.owned) {
        add("privilege.owner", Severity::kRefuse,
            fmt::format("role {} does not own {}, which belongs to {}", role, relation.relation, relation.owner),
            "A step would fail in the middle of the run: must be owner of the table.",
            fmt::format("Connect as {}, or let it or a superuser run: GRANT {} TO {};", relation.owner,
                        quote_identifier(relation.owner), quote_identifier(role)));
      }
      if (relation.may_create || !schemas.insert(relation.schema).second) continue;
      add("privilege.schema", Severity::kRefuse,
          fmt::format("role {} may create nothing in schema {}", role, relation.schema),
          "A trigger's function or an index could not be made there.",
          fmt::format("Let the schema's owner run: GRANT CREATE ON SCHEMA {} TO {};", quote_identifier(relation.schema),
                      quote_identifier(role)));
    }
  }

  void judge_leftovers() {
    const std::string plan_text = render_plan(question_.plan);
    for (const pg::HealthFinding& leftover : facts_.leftovers) {
      const bool in_the_way = question_.run == nullptr && plan_text.find(leftover.object) != std::string::npos;
      const bool elsewhere = leftover.code == "leftover.function" && !in_the_way;
      if (elsewhere) continue;
      add("leftover.found", in_the_way ? Severity::kRefuse : Severity::kWarning, leftover.message,
          in_the_way ? "This plan makes an object of that name, and would fail there." : leftover.consequence,
          leftover.hint);
    }
  }

  // A step that finds a table under the name of the archive that it is to make fails in the middle of the run.
  void judge_archives() {
    for (const ArchiveView& archive : facts_.archives) {
      const Step* maker = maker_of(question_.plan, archive.archive);
      if (maker == nullptr || (question_.run != nullptr && archive.run == question_.run->run)) continue;
      const bool ahead = std::any_of(question_.ahead.begin(), question_.ahead.end(),
                                     [&](const Step* step) { return step->id == maker->id; });
      const std::string since = archive.since.empty() ? "" : fmt::format(", since {}", archive.since);
      add("archive.exists", question_.run == nullptr || ahead ? Severity::kRefuse : Severity::kWarning,
          archive.run.empty()
              ? fmt::format("the archive {} is there already, of no run of the journal", archive.archive)
              : fmt::format("the archive {} is there already, of run {}{}", archive.archive, archive.run, since),
          fmt::format("Step {} makes a table of that name, and would fail in the middle of the run.", maker->id),
          archive.run.empty()
              ? "See what it holds, and rename or drop it; or give the migration another name and plan it anew."
              : fmt::format(
                    "Give the migration another name and plan it anew. Or, if nobody will roll run {0} back any "
                    "more, drop its archive with: falsework archive drop {0} --confirm {1}.",
                    archive.run, archive.migration));
    }
  }

  void judge_holders() {
    for (const Holder& holder : facts_.holders) {
      if (holder.pid == 0) {
        add_acceptable("relation.prepared", Severity::kWait, describe(holder),
                       "A step waits for it, and nobody but a person ends it.",
                       fmt::format("COMMIT PREPARED {0}; or ROLLBACK PREPARED {0};", quote_literal(holder.gid)));
        continue;
      }
      if (holder.autovacuum && !holder.to_prevent_wraparound) continue;
      const bool old = holder.age && *holder.age > question_.lock_budget;
      const bool ended = question_.terminate_blockers && !holder.to_prevent_wraparound;
      const bool idle = holder.state.rfind("idle in transaction", 0) == 0;
      const char* code = idle ? "relation.idle_in_transaction" : "relation.busy";
      if (!old && !idle && holder.age.value_or(milliseconds(0)) < milliseconds(1000)) continue;
      add_acceptable(
          code, old && !ended ? Severity::kWait : Severity::kWarning, describe(holder),
          ended ? "It is ended when a step cannot get its lock."
                : fmt::format("A step waits for it, for {} at most.", humanize(question_.lock_budget)),
          fmt::format("End it with SELECT pg_terminate_backend({}); or give --terminate-blockers.", holder.pid));
    }
  }

  void judge_transactions() {
    const auto& open = facts_.server.transactions;
    std::string value =
        open.empty()
            ? "none"
            : fmt::format("{}, pid {} ({}{}{}), {}", humanize(open.front().age), open.front().pid, open.front().user,
                          open.front().application.empty() ? "" : ", ", open.front().application, open.front().state);
    if (!facts_.server.sees_all_statistics) {
      value += fmt::format("; those of other roles cannot be seen by {} (pg_read_all_stats)", facts_.server.role);
    }
    measure("oldest transaction", value);
    const bool matters = any_of(StepKind::kBackfill) || any_of(StepKind::kConcurrent);
    for (const pg::OpenTransaction& each : open) {
      if (!matters || each.age < kLongTransaction) continue;
      add("transaction.long", Severity::kWarning,
          fmt::format("pid {} ({}) has had a transaction open for {}", each.pid, each.user, humanize(each.age)),
          any_of(StepKind::kConcurrent)
              ? "A concurrent index build waits for its end, and rows that the copy replaces are not pruned before."
              : "Rows that the copy replaces are not pruned before its end, so the table grows.",
          fmt::format("Let it end, or end it with: SELECT pg_terminate_backend({});", each.pid));
    }
  }

  void judge_prepared() {
    const auto& prepared = facts_.server.prepared;
    measure("prepared transactions", prepared.empty() ? "none" : std::to_string(prepared.size()));
    for (const pg::PreparedTransaction& each : prepared) {
      if (each.age < kLongTransaction) continue;
      const bool said = std::any_of(facts_.holders.begin(), facts_.holders.end(),
                                    [&](const Holder& holder) { return holder.pid == 0 && holder.gid == each.gid; });
      if (said) continue;
      add("transaction.prepared", Severity::kWarning,
          fmt::format("transaction {} of {} has been prepared for {}", each.gid, each.owner, humanize(each.age)),
          "Rows that the copy replaces are not pruned before its end.",
          fmt::format("COMMIT PREPARED {0}; or ROLLBACK PREPARED {0};", quote_literal(each.gid)));
    }
  }

  void judge_replication() {
    std::string lag = facts_.server.standbys.empty() ? "no standby" : "";
    for (const pg::Standby& standby : facts_.server.standbys) {
      if (!lag.empty()) lag += "; ";
      lag += standby.application + ": ";
      if (!standby.bytes_behind) {
        lag += "cannot be seen by this role (pg_monitor)";
        continue;
      }
      const milliseconds late = standby.replay_lag.value_or(milliseconds(0));
      lag += fmt::format("{}, {}", humanize(late), bytes(*standby.bytes_behind));
      if (!any_of(StepKind::kBackfill)) continue;
      const bool far = late >= kLagTooLong || *standby.bytes_behind >= kLagTooFar;
      if (!far && late < kLagWorthAWord) continue;
      add_acceptable("replication.lag", far ? Severity::kWait : Severity::kWarning,
                     fmt::format("standby {} is {} and {} behind", standby.application, humanize(late),
                                 bytes(*standby.bytes_behind)),
                     "The copy writes WAL and makes it fall further behind.", "Wait until it has caught up.");
    }
    measure("replication lag", lag);
    judge_slots();
  }

  void judge_slots() {
    std::vector<std::string> shown;
    for (const pg::ReplicationSlot& slot : facts_.server.slots) {
      shown.push_back(fmt::format("{} keeps {}", slot.name, bytes(slot.retained)));
      if (slot.wal_status == "lost") {
        add("replication.slot_lost", Severity::kWarning, fmt::format("replication slot {} has lost its WAL", slot.name),
            "Whoever reads it must begin anew; the run changes nothing about that.",
            fmt::format("Drop it with: SELECT pg_drop_replication_slot({});", quote_literal(slot.name)));
        continue;
      }
      if (slot.safe_bytes && *slot.safe_bytes < needed_bytes()) {
        add_acceptable(
            "replication.slot_short", Severity::kRefuse,
            fmt::format("replication slot {} has room for {} more of WAL, and the steps ahead write at least {}",
                        slot.name, bytes(*slot.safe_bytes), bytes(needed_bytes())),
            "Its reader would lose the WAL that it has not read, and have to begin anew.",
            "Let its reader catch up, or raise max_slot_wal_keep_size.");
      } else if (!slot.active && slot.retained >= kMuchRetained) {
        add("replication.slot_idle", Severity::kWarning,
            fmt::format("nobody reads replication slot {}, and it keeps {}", slot.name, bytes(slot.retained)),
            "All WAL of the run stays on the disk as well.", "Let its reader catch up, or drop the slot.");
      }
    }
    measure("replication slots", shown.empty() ? "none" : fmt::format("{}", fmt::join(shown, "; ")));
  }

  void judge_disk() {
    const std::int64_t needed = needed_bytes();
    measure("disk needed", fmt::format("{} at least, WAL apart", bytes(needed)));
    const std::optional<std::int64_t> free = question_.free_disk ? question_.free_disk : facts_.server.free_bytes;
    measure("disk free", free ? bytes(*free) : fmt::format("cannot be known: {}", facts_.server.free_unknown));
    if (needed == 0) return;
    if (!free) {
      // Said where it matters: what is needed is a large part of what there is.
      if (needed < facts_.server.database_bytes / 10) return;
      add("disk.unknown", Severity::kWarning,
          fmt::format("the steps ahead need {}, and how much is free cannot be known: {}", bytes(needed),
                      facts_.server.free_unknown),
          "A full disk fails every write of the database until there is room.",
          "Look on the server, and tell it with --free-disk.");
    } else if (*free < needed) {
      add_acceptable("disk.short", Severity::kRefuse,
                     fmt::format("{} are free, and the steps ahead need {}", bytes(*free), bytes(needed)),
                     "A full disk fails every write of the database until there is room.", "Make room first.");
    } else if (*free < 2 * needed) {
      add("disk.tight", Severity::kWarning,
          fmt::format("{} are free, and the steps ahead need {}, WAL apart", bytes(*free), bytes(needed)),
          "The WAL of the copy takes about as much again until it is recycled.", "Watch the disk, or make room first.");
    }
  }

  void judge_index_builds() {
    if (!any_of(StepKind::kConcurrent)) return;
    const std::int64_t memory = facts_.server.maintenance_work_mem;
    const std::optional<std::int64_t> limit = facts_.server.temp_file_limit;
    measure("maintenance_work_mem", bytes(memory));
    measure("temp_file_limit", limit ? bytes(*limit) : "none");
    for (const Step* step : question_.ahead) {
      if (step->kind != StepKind::kConcurrent || step->estimate.bytes <= memory) continue;
      const std::int64_t size = step->estimate.bytes;
      if (limit && *limit < size) {
        add_acceptable("index.temp_file_limit", Severity::kRefuse,
                       fmt::format("step {} sorts about {} on the disk, and temp_file_limit is {}", step->id,
                                   bytes(size), bytes(*limit)),
                       "The build fails (SQLSTATE 53400) after most of its work.",
                       fmt::format("Let a superuser run: ALTER ROLE {} SET temp_file_limit = -1;",
                                   quote_identifier(facts_.server.role)));
      } else if (size >= kLargeIndex && memory < kLittleMemory) {
        add("index.little_memory", Severity::kWarning,
            fmt::format("step {} builds an index of about {} with maintenance_work_mem = {}", step->id, bytes(size),
                        bytes(memory)),
            "It sorts on the disk, and takes longer than it needs to.",
            fmt::format("ALTER ROLE {} SET maintenance_work_mem = '1GB';", quote_identifier(facts_.server.role)));
      }
    }
  }

  void judge_headroom() {
    measure("transactions until wraparound", runbook::render_count(facts_.server.xid_headroom));
    const struct {
      const char* code;
      const char* what;
      std::int64_t left;
    } kinds[] = {{"wraparound.transactions", "transaction ids", facts_.server.xid_headroom},
                 {"wraparound.multixacts", "multixact ids", facts_.server.multixact_headroom}};
    for (const auto& kind : kinds) {
      if (kind.left >= kHeadroomLow) continue;
      add_acceptable(
          kind.code, kind.left < kHeadroomLeast ? Severity::kRefuse : Severity::kWarning,
          fmt::format("{} {} are left before the server refuses writes", runbook::render_count(kind.left), kind.what),
          "The copy uses one for each batch, and its row versions are one more thing that vacuum must freeze.",
          "Let VACUUM (FREEZE) of the oldest tables finish first.");
    }
  }

  const PreflightFacts& facts_;
  const PreflightQuestion& question_;
  Preflight result_;
};

}  // namespace

std::string_view name(PreflightFinding::Severity severity) {
  switch (severity) {
    case Severity::kWarning: return "warning";
    case Severity::kWait: return "wait";
    case Severity::kRefuse: return "refuse";
  }
  FALSEWORK_CHECK(false);
}

Preflight judge(const PreflightFacts& facts, const PreflightQuestion& question) {
  return Judgement(facts, question).run();
}

}  // namespace falsework
