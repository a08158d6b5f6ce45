#include <sys/resource.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "engine/cli/program.h"

namespace {

// A core would hold the connection's password; files that we make are for their owner.
void keep_to_ourselves() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  umask(077);
}

int end_with(const falsework::Error& error, const std::vector<std::string>& arguments) {
  falsework::cli::print_error(error, arguments);
  return static_cast<int>(error.exit());
}

}  // namespace

int main(int count, char** given) {
  const std::vector<std::string> arguments(given + (count > 0 ? 1 : 0), given + count);
  falsework::cli::hide_passwords(count, given);
  keep_to_ourselves();
  falsework::install_stop_signals();
  try {
    return static_cast<int>(falsework::cli::run(arguments));
  } catch (const falsework::Error& error) {
    return end_with(error, arguments);
  } catch (const std::exception& error) {
    return end_with(falsework::Error(falsework::errors::kInternal, error.what(), "This is a bug; please report it."),
                    arguments);
  }
}
