#include "storage/ring/internal/read_super.h"

#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace nines::storage::ring {

Result<Super> read_super(Fs& fs, const std::string& path, std::vector<Damage>* damage) {
  auto file = fs.open(path + "/super", OpenMode::kRead);
  if (!file) {
    if (file.error().code() != ErrorCode::kNotFound) return std::move(file).error();
    return Error(ErrorCode::kNotFound, path + " holds no data of nines (no file `super`)");
  }
  std::optional<Super> best;
  for (std::uint64_t slot = 0; slot < 2; ++slot) {
    HeaderBytes bytes{};
    NINES_TRY(const std::size_t got, (*file)->pread(slot * kPage, bytes));
    const auto version = version_of_super(std::span(bytes).first(got));
    if (version && *version != kRingVersion) {
      return Error(ErrorCode::kInvalid,
                   fmt::format("{} holds a ring of format {}, and this nines reads format {}", path,
                               *version, kRingVersion));
    }
    const auto super = decode_super(std::span(bytes).first(got));
    if (super && (!best || super->sequence > best->sequence)) best = super;
    if (!super && bytes != HeaderBytes{} && damage)
      damage->push_back({"super", slot * kPage, std::nullopt, "the superblock is damaged"});
  }
  if (!best)
    return Error(ErrorCode::kCorrupt, path + "/super: both superblocks are damaged or missing");
  return *best;
}

}  // namespace nines::storage::ring
