#include "storage/series/symbols.h"

#include "base/text/text.h"

namespace nines::storage::series {

std::optional<std::uint32_t> SymbolTable::find(std::string_view wanted) const {
  return table_.find(hash64(wanted), [&](std::uint32_t symbol) { return text(symbol) == wanted; });
}

std::uint32_t SymbolTable::add(std::string_view fresh) {
  if (const auto known = find(fresh)) return *known;
  const auto symbol = static_cast<std::uint32_t>(size());
  bytes_.append(fresh);
  begins_.push_back(bytes_.size());
  table_.add(hash64(text(symbol)), symbol, [&](std::uint32_t old) { return hash64(text(old)); });
  return symbol;
}

}  // namespace nines::storage::series
