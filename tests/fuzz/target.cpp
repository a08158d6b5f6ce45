// One fuzz target per reader (libFuzzer): FALSEWORK_FUZZ_READER names it.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/readers.h"

// Named by libFuzzer.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  falsework::test::FALSEWORK_FUZZ_READER({reinterpret_cast<const char*>(data), size});
  return 0;
}
