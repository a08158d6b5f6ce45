// Who holds what we are about to ask for: a look that takes no lock and queues behind nobody.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "plans/plan.h"
#include "postgres/session/session.h"

namespace falsework {

struct Holder {
  int pid = 0;      // 0: a prepared transaction
  std::string gid;  // of a prepared transaction
  std::string user, application, state;
  std::string query;  // cut, without string literals
  std::string relation, mode;
  std::optional<std::chrono::milliseconds> age;  // of its transaction; nullopt: not ours to see
  bool autovacuum = false;
  bool to_prevent_wraparound = false;  // never evicted by anybody
  bool waits = false;                  // holds nothing yet: it stands before us in the queue
};

// Sessions and prepared transactions that hold a lock in conflict with one of `locks`, oldest first. Relations that do
// not exist have none.
std::vector<Holder> find_holders(pg::Session& session, const std::vector<pg::TakenLock>& locks);

// Sessions and prepared transactions that the backend `pid`, which waits for a lock, waits for at this moment; none
// when it does not wait. `locks` are those it asks for.
std::vector<Holder> find_blockers(pg::Session& session, int pid, const std::vector<pg::TakenLock>& locks);

// `pid 4711 (app, psql) holds AccessShareLock on users for 3.4s, idle in transaction: SELECT …`
std::string describe(const Holder& holder);

// A relation's display name as it stands in SQL: `users` is `public.users`.
std::string sql_name(const std::string& display);

}  // namespace falsework
