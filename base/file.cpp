#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/error_kinds.h"
#include "base/hash.h"

namespace falsework {

namespace {

std::string reason(int number) { return std::generic_category().message(number); }

// Closes on every way out; release() hands the descriptor over.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ > STDERR_FILENO) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }
  int release() {
    const int number = number_;
    number_ = -1;
    return number;
  }

 private:
  int number_;
};

[[noreturn]] void fail_read(const std::filesystem::path& path, int number) {
  throw Error(errors::kFileUnreadable, fmt::format("cannot read {}: {}", path.string(), reason(number)),
              "Check the path and its permissions.");
}

// The caller has not reached the rename: the temporary file, if any, is removed and the old text stands.
[[noreturn]] void fail_write(const std::filesystem::path& path, const std::filesystem::path& temporary, int number) {
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  throw Error(errors::kFileUnwritable, fmt::format("cannot write {}: {}", path.string(), reason(number)),
              "Check that the directory exists, can be written and has room.");
}

// Returns 0, or the errno of the first failure.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

// A device, a pipe or a socket: a rename over it would put a file in its place.
bool is_no_file(const std::filesystem::path& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

void write_in_place(const std::filesystem::path& path, std::string_view text) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  const int failure = file.number() < 0 ? errno : write_all(file.number(), text);
  if (failure == 0) return;
  throw Error(errors::kFileUnwritable, fmt::format("cannot write {}: {}", path.string(), reason(failure)),
              "Check that it can be written.");
}

// Where the file is or is to be: behind symbolic links, if `path` is one.
std::filesystem::path behind_links(std::filesystem::path path) {
  constexpr int kMost = 40;  // as the kernel follows
  std::error_code none;
  for (int i = 0; i < kMost && std::filesystem::is_symlink(path, none); ++i) {
    // An absolute target takes the place of the directory.
    path = path.parent_path() / std::filesystem::read_symlink(path, none);
  }
  return path;
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  const bool standard_input = path == "-";
  const Descriptor file(standard_input ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) fail_read(path, errno);
  std::string text;
  char buffer[65536];
  while (true) {
    const ssize_t count = read(file.number(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_read(path, errno);
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

void write_file(const std::filesystem::path& given, std::string_view text, int mode) {
  if (is_no_file(given)) {
    write_in_place(given, text);
    return;
  }
  const std::filesystem::path path = behind_links(given);
  std::filesystem::path temporary = path;
  temporary += ".";
  temporary += random_uuid().substr(0, 8);
  Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (file.number() < 0) fail_write(path, temporary, errno);
  if (const int failure = write_all(file.number(), text); failure != 0) fail_write(path, temporary, failure);
  if (fsync(file.number()) != 0) fail_write(path, temporary, errno);
  if (close(file.release()) != 0) fail_write(path, temporary, errno);
  if (rename(temporary.c_str(), path.c_str()) != 0) fail_write(path, temporary, errno);
}

}  // namespace falsework
