#include "storage/series/symbols.h"

namespace nines::storage::series {

std::uint32_t SymbolTable::add(std::string_view text) {
  if (const auto known = numbers_.find(text); known != numbers_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(texts_.size());
  const std::string& kept = texts_.emplace_back(text);
  numbers_.emplace(kept, number);
  return number;
}

std::optional<std::uint32_t> SymbolTable::find(std::string_view text) const {
  const auto known = numbers_.find(text);
  if (known == numbers_.end()) return std::nullopt;
  return known->second;
}

}  // namespace nines::storage::series
