#include "tests/postgres/catalog/reading.h"

namespace falsework::test {

std::unique_ptr<pg::Session> session_of(const TestDatabase& database) {
  pg::ConnectionSettings settings;
  settings.conninfo = database.url();
  return pg::connect(settings);
}

pg::Snapshot snapshot_of(const TestDatabase& database, const std::vector<QualifiedName>& tables) {
  return pg::introspect(*session_of(database), {tables});
}

}  // namespace falsework::test
