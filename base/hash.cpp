#include "base/hash.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include <array>
#include <cstdint>

#include "base/error.h"

namespace falsework {

namespace {

template <typename Bytes>
std::string hexadecimal(const Bytes& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xFU];
  }
  return text;
}

}  // namespace

std::string sha256(std::string_view bytes) {
  std::array<std::uint8_t, 32> digest{};
  unsigned int size = 0;
  FALSEWORK_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  FALSEWORK_CHECK(size == digest.size());
  return hexadecimal(digest);
}

std::string random_uuid() {
  std::array<std::uint8_t, 16> bytes{};
  // Up to 256 bytes are never cut short nor interrupted (getrandom(2)).
  FALSEWORK_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0FU) | 0x40U);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);
  const std::string hex = hexadecimal(bytes);
  return hex.substr(0, 8) + '-' + hex.substr(8, 4) + '-' + hex.substr(12, 4) + '-' + hex.substr(16, 4) + '-' +
         hex.substr(20);
}

}  // namespace falsework
