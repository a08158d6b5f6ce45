// What a server says of itself that decides whether a change may begin now: numbers, no judgement.
//
// One rule: what the role may not see is absent and said to be so, never taken for nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "postgres/session/session.h"

namespace falsework::pg {

struct OpenTransaction {
  int pid = 0;
  std::string user, application, state;  // state as in pg_stat_activity
  std::chrono::milliseconds age{0};
};

struct PreparedTransaction {
  std::string gid, owner;
  std::chrono::milliseconds age{0};
};

struct ReplicationSlot {
  std::string name;
  bool active = false;
  std::string wal_status;                  // reserved, extended, unreserved, lost; empty: no WAL kept
  std::int64_t retained = 0;               // bytes of WAL that it keeps
  std::optional<std::int64_t> safe_bytes;  // that may still be written before it is lost; nullopt: no limit
};

struct Standby {
  std::string application, state;
  std::optional<std::chrono::milliseconds> replay_lag;  // nullopt: none measured, or hidden
  std::optional<std::int64_t> bytes_behind;             // nullopt: hidden
};

struct ServerFacts {
  bool in_recovery = false;
  std::string role;
  bool sees_all_statistics = false;           // else transactions of other roles show no age, standbys no lag
  std::vector<OpenTransaction> transactions;  // of other sessions in this database, oldest first
  std::vector<PreparedTransaction> prepared;  // in this database, oldest first
  std::vector<ReplicationSlot> slots;
  std::vector<Standby> standbys;
  std::int64_t xid_headroom = 0;                // transactions until the server refuses new ones; of the worst database
  std::int64_t multixact_headroom = 0;          // the same for multixacts
  std::int64_t maintenance_work_mem = 0;        // bytes
  std::optional<std::int64_t> temp_file_limit;  // bytes; nullopt: none
  std::int64_t database_bytes = 0;
  std::optional<std::int64_t> free_bytes;  // of the file system that has least, of those that the relations are on
  std::string free_unknown;                // why free_bytes is not known
};

// `relations`: in SQL, whose tablespaces count for free_bytes.
ServerFacts read_server_facts(Session& session, const std::vector<std::string>& relations);

// What the role may do with a relation.
struct RelationFacts {
  std::string relation;  // as it was asked for
  bool exists = false;
  std::string owner;
  bool owned = false;       // the role has the owner's rights
  bool may_create = false;  // in its schema
  bool may_reference = false;
  std::string schema;
  std::int64_t bytes = 0;  // of its heap
};

std::vector<RelationFacts> read_relation_facts(Session& session, const std::vector<std::string>& relations);

}  // namespace falsework::pg
