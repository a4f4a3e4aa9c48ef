#pragma once
// Files of which can be said what is read soon.

#include <cstdint>

namespace nines {

// A File may be one; who reads many places of it looks whether it is.
class ReadingSoon {
 public:
  virtual ~ReadingSoon() = default;
  // The disk may bring these bytes while the caller goes on. Only a hint: it cannot fail. Any
  // thread.
  virtual void will_read(std::uint64_t offset, std::uint64_t length) const noexcept = 0;
};

}  // namespace nines
