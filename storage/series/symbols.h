#pragma once
// Strings as small numbers: each text is kept once, all of them in one run of bytes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/series/number_table.h"

namespace nines::storage::series {

// Not thread-safe; reading while nobody adds is.
class SymbolTable {
 public:
  std::uint32_t add(std::string_view text);  // the old number when the text is known
  std::optional<std::uint32_t> find(std::string_view text) const;
  // Lives until the next add().
  std::string_view text(std::uint32_t symbol) const {
    return std::string_view(bytes_).substr(begins_[symbol], begins_[symbol + 1] - begins_[symbol]);
  }
  std::size_t size() const { return begins_.size() - 1; }
  std::size_t bytes() const {  // of memory
    return bytes_.capacity() + begins_.capacity() * sizeof(std::size_t) + table_.bytes();
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> begins_{0};  // of each text; one more than there are
  NumberTable table_;
};

}  // namespace nines::storage::series
