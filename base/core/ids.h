#pragma once
// Identifiers that cannot be mixed up: SeriesId{7} == GroupId{7} does not compile.

#include <cstdint>

namespace nines {
enum class SeriesId : std::uint64_t {};
enum class GroupId : std::uint64_t {};
}  // namespace nines
