// Digests.
#pragma once

#include <string>
#include <string_view>

namespace falsework {

// SHA-256 of the bytes, as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);

// A random 128-bit identifier in UUID form (version 4), from the operating system's generator.
std::string random_uuid();

}  // namespace falsework
