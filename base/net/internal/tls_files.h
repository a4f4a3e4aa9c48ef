#pragma once
// PEM files as they stand now, read again only when they have changed.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/core/result.h"

namespace nines::net {

inline constexpr std::size_t kTlsFileBytesMax = 4u << 20;  // all of a system's authorities: 250 KB

// One thread. A file counts as changed when its size, its time of change or its inode differ: a
// look costs one call of the kernel.
class TlsFiles {
 public:
  // kUnavailable: it cannot be read, is empty or larger than kTlsFileBytesMax; the text names it.
  Result<std::shared_ptr<const std::string>> read(const std::string& path);

 private:
  struct Known {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = 0, changed_s = 0, changed_ns = 0;
    bool operator==(const Known&) const = default;
  };
  struct File {
    Known known;
    std::shared_ptr<const std::string> text;  // shared with the transfers that use it
  };
  std::unordered_map<std::string, File> files_;
};

}  // namespace nines::net
