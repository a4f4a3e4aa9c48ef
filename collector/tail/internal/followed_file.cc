#include "collector/tail/internal/followed_file.h"

#include <algorithm>
#include <vector>

#include "base/text/text.h"

namespace nines::collector {
namespace {

constexpr std::uint64_t kReadBytes = 256u << 10;
constexpr std::string_view kCut = " [cut]";

}  // namespace

Result<Fingerprint> FollowedFile::fingerprint(std::uint64_t bytes) const {
  std::vector<std::byte> head(static_cast<std::size_t>(std::min(bytes, kFingerprintBytes)));
  NINES_TRY(const std::size_t got, file_->pread(0, head));
  return Fingerprint{got,
                     hash64(std::string_view(reinterpret_cast<const char*>(head.data()), got))};
}

Result<std::unique_ptr<FollowedFile>> FollowedFile::open(Fs& fs, const std::string& path,
                                                         const FilePlace* known,
                                                         std::uint64_t line_bytes_max) {
  NINES_TRY(auto file, fs.open(path, OpenMode::kRead));
  std::unique_ptr<FollowedFile> followed(new FollowedFile(std::move(file), line_bytes_max));
  NINES_TRY(const FileInfo info, followed->file_->info());
  followed->place_.device = info.device;
  followed->place_.inode = info.inode;
  followed->size_ = info.size;
  if (known && known->device == info.device && known->inode == info.inode &&
      known->offset <= info.size) {
    NINES_TRY(const Fingerprint now, followed->fingerprint(known->fingerprint.bytes));
    if (now == known->fingerprint) followed->place_ = *known;
  }
  return followed;
}

Result<void> FollowedFile::look() {
  NINES_TRY(const FileInfo info, file_->info());
  size_ = info.size;
  bool again = size_ < place_.offset;
  if (!again && place_.fingerprint.bytes > 0) {
    // Truncated and grown past the offset between two looks: only the beginning can tell.
    NINES_TRY(const Fingerprint now, fingerprint(place_.fingerprint.bytes));
    again = !(now == place_.fingerprint);
  }
  if (again) {
    place_.offset = 0;
    place_.fingerprint = {};
    cutting_ = false;
    ++truncations_;
  }
  if (place_.fingerprint.bytes < kFingerprintBytes && size_ > place_.fingerprint.bytes) {
    NINES_TRY(place_.fingerprint, fingerprint(std::min(size_, kFingerprintBytes)));
  }
  return {};
}

Result<bool> FollowedFile::read(std::uint64_t bytes_max,
                                const std::function<void(std::string_view)>& line) {
  if (Result<void> looked = look(); !looked) return std::move(looked).error();
  std::uint64_t given = 0;
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::max(kReadBytes, line_bytes_max_ + 1)));
  while (given < bytes_max && place_.offset < size_) {
    NINES_TRY(const std::size_t got, file_->pread(place_.offset, buffer));
    if (got == 0) break;
    const std::string_view text(reinterpret_cast<const char*>(buffer.data()), got);
    std::size_t at = 0;
    for (;;) {
      const std::size_t end = text.find('\n', at);
      if (end == std::string_view::npos) break;
      if (!cutting_) {
        std::string_view whole = text.substr(at, end - at);
        if (whole.ends_with('\r')) whole.remove_suffix(1);
        if (whole.size() > line_bytes_max_) {
          line(std::string(whole.substr(0, static_cast<std::size_t>(line_bytes_max_))) +
               std::string(kCut));
        } else {
          line(whole);
        }
      }
      cutting_ = false;
      at = end + 1;
    }
    if (at == 0 && got > line_bytes_max_) {
      if (!cutting_)
        line(std::string(text.substr(0, static_cast<std::size_t>(line_bytes_max_))) +
             std::string(kCut));
      cutting_ = true;
      at = got;
    }
    if (at == 0) break;  // a line that is not whole yet waits for its end
    place_.offset += at;
    given += at;
  }
  return given >= bytes_max && place_.offset < size_;
}

}  // namespace nines::collector
