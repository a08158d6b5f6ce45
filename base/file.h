// Whole files, read and written.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace falsework {

// Reads a file; `-` is standard input. Throws Error(file.unreadable) with the path and the reason.
std::string read_file(const std::filesystem::path& path);

// Writes a file through a temporary one beside it and a rename, so that a reader sees the old or the new text, whole.
// A symbolic link stays, and the file that it names is written; a device or a pipe is written as it stands. Throws
// Error(file.unwritable).
void write_file(const std::filesystem::path& path, std::string_view text, int mode = 0644);

}  // namespace falsework
