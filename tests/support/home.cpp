#include "tests/support/home.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "tests/support/watcher.h"

namespace falsework::test {

const std::filesystem::path& home() {
  static const std::filesystem::path directory = [] {
    std::string pattern = "/tmp/fwt-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a directory in /tmp");
    // The server's user passes through, and sees nothing but what is its own.
    using std::filesystem::perms;
    std::filesystem::permissions(pattern, perms::owner_all | perms::group_exec | perms::others_exec);
    return std::filesystem::path(pattern);
  }();
  static const Watcher watcher(directory);
  return directory;
}

}  // namespace falsework::test
