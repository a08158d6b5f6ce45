// What nearly every source reads anyway, read once per build. It is precompiled and forced into each source, so a
// source that forgets an include of its own is found by the builds that leave it out: the linter's and the sanitizers'.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>
