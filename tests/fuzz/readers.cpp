#include "tests/fuzz/readers.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/error_kinds.h"
#include "base/file.h"
#include "planner/declare/declare.h"
#include "plans/plan.h"
#include "state/ledger.h"

namespace falsework::test {

namespace {

// Lets a refusal pass, and nothing else.
template <typename Work>
void refuse_or_read(Work work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.code() == errors::kInternal.code) throw;
  }
}

void read_declaration(std::string_view bytes, const char* file) {
  refuse_or_read([&] {
    for (const Change& change : falsework::read_declaration(std::string(bytes), file).changes) naive_sql(change);
  });
}

// A directory of this process in memory, where there is one; removed when it ends.
const std::filesystem::path& scratch() {
  struct Directory {
    std::filesystem::path path;
    Directory() {
      const bool in_memory = std::filesystem::is_directory("/dev/shm");
      std::string pattern = in_memory ? "/dev/shm/fwf-XXXXXX" : "/tmp/fwf-XXXXXX";
      if (mkdtemp(pattern.data()) == nullptr) std::abort();
      path = pattern;
    }
    ~Directory() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  static const Directory directory;
  return directory.path;
}

}  // namespace

void read_declaration_json(std::string_view bytes) { read_declaration(bytes, "fuzz.json"); }

void read_declaration_sql(std::string_view bytes) { read_declaration(bytes, "fuzz.sql"); }

void read_plan(std::string_view bytes) {
  refuse_or_read([&] {
    const Plan plan = parse_plan(std::string(bytes), "fuzz.json");
    if (parse_plan(render_plan(plan), "again.json") != plan) std::abort();
  });
}

void read_ledger(std::string_view bytes) {
  const std::filesystem::path file = scratch() / "state.db";
  std::filesystem::remove(file);
  write_file(file, bytes, 0600);
  refuse_or_read([&] {
    const auto ledger = Ledger::open(file, false);
    ledger->verify_chain();
    for (const RunRecord& run : ledger->runs()) ledger->events(run.run);
  });
}

}  // namespace falsework::test
