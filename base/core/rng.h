#pragma once
// Randomness, injected: jitter, ids, seeds of tests.

#include <cstdint>
#include <string>
#include <string_view>

namespace nines {

// Thread-safe.
class Rng {
 public:
  virtual ~Rng() = default;
  virtual std::uint64_t next() = 0;

  // Uniform in [0, bound); 0 for bound 0.
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
};

// A random (version 4) UUID in its usual text form.
std::string make_uuid(Rng& rng);

}  // namespace nines
