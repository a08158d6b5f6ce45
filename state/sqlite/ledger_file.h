// The ledger's file before SQLite sees it: where it is, whose it is, and whether it is one.
//
// One rule: a file is never repaired, truncated or replaced here; what is not a ledger of ours is refused.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>

namespace falsework::sqlite {

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

// Resolves symbolic links in the directory, but not in the last part. With `create`, makes the directories that are
// absent, with mode 0700. Throws Error(ledger.unreachable) when that fails.
std::filesystem::path resolve(const std::filesystem::path& path, bool create);

// Whether anything is at the path, be it a dangling link.
bool exists(const std::filesystem::path& path);

// Makes the file through a new one beside it, which `fill` writes, and a rename that replaces nothing: at the path
// there is a whole ledger or none. Another process that was first is no error.
void create_whole(const std::filesystem::path& path, const std::function<void(const std::filesystem::path&)>& fill);

// Throws Error(ledger.unusable) for what cannot be a ledger of ours (a link, a directory, an empty file, another
// format), Error(ledger.unreachable) for one that may not be written. Takes others' permissions on the file away.
void inspect(const std::filesystem::path& path);

// What is at the path now, links not followed; a zero identity when nothing is.
FileIdentity identity_of(const std::filesystem::path& path);

}  // namespace falsework::sqlite
