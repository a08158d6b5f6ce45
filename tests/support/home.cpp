#include "tests/support/home.h"

#include <sys/statvfs.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

#include "tests/support/watcher.h"

namespace falsework::test {

namespace {

constexpr unsigned long long kPlenty = 6ULL << 30U;

unsigned long long available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  unsigned long long kilobytes = 0;
  while (file >> key >> kilobytes) {
    if (key == "MemAvailable:") return kilobytes << 10U;
    std::getline(file, unit);
  }
  return 0;
}

// Room for the servers of every program that runs at the same time, and programs may be started there.
bool is_roomy(const char* directory) {
  if (available_memory() < kPlenty) return false;
  struct statvfs found {};
  if (statvfs(directory, &found) != 0 || (found.f_flag & ST_NOEXEC) != 0) return false;
  return static_cast<unsigned long long>(found.f_bavail) * found.f_frsize >= kPlenty;
}

}  // namespace

const std::filesystem::path& home() {
  static const std::filesystem::path directory = [] {
    const std::string parent = is_roomy("/dev/shm") ? "/dev/shm" : "/tmp";
    std::string pattern = parent + "/fwt-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a directory in " + parent);
    // The server's user passes through, and sees nothing but what is its own.
    using std::filesystem::perms;
    std::filesystem::permissions(pattern, perms::owner_all | perms::group_exec | perms::others_exec);
    return std::filesystem::path(pattern);
  }();
  static const Watcher watcher(directory);
  return directory;
}

}  // namespace falsework::test
