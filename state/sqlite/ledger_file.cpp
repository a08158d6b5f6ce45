#include "state/sqlite/ledger_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error_kinds.h"
#include "base/hash.h"
#include "base/log.h"
#include "state/sqlite/schema.h"

namespace falsework::sqlite {

namespace {

constexpr const char* kHintOtherFile = "Name another file with --state, or set FALSEWORK_STATE.";
constexpr const char* kHintPermissions = "Check the permissions of the file and of its directory, then try again.";

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

std::string reason(int number) { return std::generic_category().message(number); }

[[noreturn]] void unusable(const std::filesystem::path& path, std::string_view what,
                           const char* hint = kHintOtherFile) {
  throw Error(errors::kLedgerUnusable, fmt::format("the ledger {} {}", path.string(), what), hint);
}

[[noreturn]] void unreachable(const std::filesystem::path& path, std::string_view what) {
  throw Error(errors::kLedgerUnreachable, fmt::format("the ledger {} {}", path.string(), what), kHintPermissions);
}

std::filesystem::path directory_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

void make_directories(const std::filesystem::path& path, const std::filesystem::path& directory) {
  if (std::error_code ignored; directory.empty() || std::filesystem::exists(directory, ignored)) return;
  make_directories(path, directory.parent_path());
  // Another process may be making it at the same time.
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    unreachable(path, fmt::format("cannot be created: directory {}: {}", directory.string(), reason(errno)));
  }
}

// A rename is on the disk when its directory is.
void sync_directory(const std::filesystem::path& path) {
  const Descriptor directory(open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.number() < 0 || fsync(directory.number()) != 0) {
    unreachable(path, fmt::format("cannot be created: {}", reason(errno)));
  }
}

void make_empty_file(const std::filesystem::path& path, const std::filesystem::path& temporary) {
  const Descriptor file(open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  // The mode is set again because a umask may have taken away even our own permissions.
  if (file.number() < 0 || fchmod(file.number(), 0600) != 0) {
    unreachable(path, fmt::format("cannot be created: {}", reason(errno)));
  }
}

void check_directory(const std::filesystem::path& path) {
  const std::filesystem::path directory = directory_of(path);
  struct stat status {};
  if (stat(directory.c_str(), &status) != 0) unreachable(path, fmt::format("cannot be opened: {}", reason(errno)));
  if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
    unusable(path, fmt::format("lies in {}, to which everyone may write", directory.string()),
             "Take that permission away with chmod o-w, or name a file elsewhere with --state.");
  }
  // SQLite puts its journal beside the file.
  if (faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    unreachable(path, fmt::format("cannot be written: directory {}: {}", directory.string(), reason(errno)));
  }
}

// Looks at the first bytes (sqlite.org/fileformat.html, 1.3) before SQLite touches a file that may be somebody else's.
void check_header(const std::filesystem::path& path, int file) {
  std::array<unsigned char, 100> header{};
  const ssize_t count = pread(file, header.data(), header.size(), 0);
  if (count < 0) unreachable(path, fmt::format("cannot be read: {}", reason(errno)));
  if (count == 0) {
    unusable(path, "is an empty file, not a ledger",
             "Remove it to begin a new ledger, or restore a lost one from a backup.");
  }
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  if (static_cast<std::size_t>(count) < header.size() ||
      std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0) {
    unusable(path, "is not a ledger: it is no SQLite file");
  }
  std::uint32_t application_id = 0;
  for (std::size_t i = 68; i < 72; ++i) application_id = (application_id << 8U) | header[i];
  if (application_id != kApplicationId) unusable(path, "is not a ledger: it is a SQLite file of another program");
}

}  // namespace

std::filesystem::path resolve(const std::filesystem::path& path, bool create) {
  if (!path.has_filename() || path.filename() == "." || path.filename() == "..") unusable(path, "names no file");
  if (create) make_directories(path, path.parent_path());
  std::error_code failure;
  const std::filesystem::path directory = std::filesystem::canonical(directory_of(path), failure);
  // An absent directory holds no ledger; that is said where the file is looked for.
  if (failure == std::errc::no_such_file_or_directory && !create) return path;
  if (failure) unreachable(path, fmt::format("cannot be opened: {}", failure.message()));
  return directory / path.filename();
}

bool exists(const std::filesystem::path& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0) return true;
  if (errno == ENOENT) return false;
  unreachable(path, fmt::format("cannot be opened: {}", reason(errno)));
}

void create_whole(const std::filesystem::path& path, const std::function<void(const std::filesystem::path&)>& fill) {
  check_directory(path);
  std::filesystem::path temporary = path;
  temporary += fmt::format(".{}.new", random_uuid().substr(0, 8));
  make_empty_file(path, temporary);
  std::error_code ignored;
  try {
    fill(temporary);
    const int failure =
        renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
    if (failure != 0 && failure != EEXIST) unreachable(path, fmt::format("cannot be created: {}", reason(failure)));
    if (failure == EEXIST) std::filesystem::remove(temporary, ignored);
    sync_directory(path);
  } catch (...) {
    std::filesystem::remove(temporary, ignored);
    std::filesystem::remove(temporary.string() + "-journal", ignored);
    throw;
  }
}

void inspect(const std::filesystem::path& path) {
  // Without O_NONBLOCK a FIFO would make us wait for its reader.
  const Descriptor file(open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.number() < 0) {
    if (errno == ELOOP) unusable(path, "is a symbolic link", "Name the file itself with --state.");
    if (errno == EISDIR) unusable(path, "is a directory");
    unreachable(path, fmt::format("cannot be written: {}", reason(errno)));
  }
  struct stat status {};
  if (fstat(file.number(), &status) != 0) unreachable(path, fmt::format("cannot be read: {}", reason(errno)));
  if (!S_ISREG(status.st_mode)) unusable(path, "is not a regular file");
  if (status.st_nlink != 1) {
    unusable(path, "has a second name (a hard link)", "Copy it to a file of its own, and name that with --state.");
  }
  check_header(path, file.number());
  check_directory(path);
  if ((status.st_mode & 0077) != 0) {
    if (fchmod(file.number(), 0600) != 0) unreachable(path, fmt::format("cannot be made private: {}", reason(errno)));
    log_warning(fmt::format("the ledger {} was open to others; its mode is 0600 now", path.string()));
  }
}

FileIdentity identity_of(const std::filesystem::path& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

}  // namespace falsework::sqlite
