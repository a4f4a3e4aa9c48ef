#pragma once
// Loops over whole columns, in the shapes compilers make vector code of.

#include <cstddef>
#include <cstdint>

namespace nines::storage::chunk {

inline constexpr unsigned kGroupWidthMost = 56;  // bits
// Unpacks groups of eight values of `width` bits (1 to kGroupWidthMost): a group is `width` bytes.
// Eight bytes behind the last one may be read.
void unpack_groups(const unsigned char* bytes, std::size_t groups, unsigned width,
                   std::uint64_t* out);

// Adds `base` to each.
void add_base(std::uint64_t* values, std::size_t count, std::uint64_t base);
// Differences without `base` become what they lead to from `first` on: values[0] is first + base +
// its difference.
void sum_up(std::uint64_t* values, std::size_t count, std::uint64_t base, std::uint64_t first);

// Whole numbers as doubles, multiplied by `factor`, or divided by `by` and then by `again`, or by
// `by` alone. What is beyond 2^53 is rounded as a conversion does.
void multiply_wholes(const std::int64_t* wholes, std::size_t count, double factor, double* out);
void divide_wholes(const std::int64_t* wholes, std::size_t count, double by, double* out);
void divide_wholes_twice(const std::int64_t* wholes, std::size_t count, double by, double again,
                         double* out);

}  // namespace nines::storage::chunk
