#pragma once
// Strings as small numbers: each text is kept once.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace nines::storage::series {

// Not thread-safe; reading while nobody adds is.
class SymbolTable {
 public:
  std::uint32_t add(std::string_view text);  // the old number when the text is known
  std::optional<std::uint32_t> find(std::string_view text) const;
  const std::string& text(std::uint32_t symbol) const { return texts_[symbol]; }
  std::size_t size() const { return texts_.size(); }

 private:
  std::deque<std::string> texts_;  // never moves a string
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
};

}  // namespace nines::storage::series
