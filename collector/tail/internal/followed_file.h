#pragma once
// One file being followed: where we are in it, and how we know it is still the same file.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/result.h"
#include "base/fs/fs.h"

namespace nines::collector {

// Identity beyond the inode, which the kernel reuses: a hash of the first bytes.
struct Fingerprint {
  std::uint64_t bytes = 0;  // how many of the first bytes are hashed, at most kFingerprintBytes
  std::uint64_t hash = 0;
  bool operator==(const Fingerprint&) const = default;
};
inline constexpr std::uint64_t kFingerprintBytes = 1024;

struct FilePlace {
  std::string path;  // where it was found
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;  // after the last whole line
  Fingerprint fingerprint;
};

class FollowedFile {
 public:
  // Opens `path` and checks it against `known`: the same file goes on at its offset; a file whose
  // beginning differs, or that is shorter than the offset, starts at 0.
  static Result<std::unique_ptr<FollowedFile>> open(Fs& fs, const std::string& path,
                                                    const FilePlace* known,
                                                    std::uint64_t line_bytes_max);

  // Gives whole lines from the offset on, at most `bytes_max` of them in bytes, without their
  // newline. Lines longer than the limit are cut and end in " [cut]". Truncation starts over at 0
  // (counted). True while there is more.
  Result<bool> read(std::uint64_t bytes_max, const std::function<void(std::string_view)>& line);

  const FilePlace& place() const { return place_; }
  std::uint64_t size() const { return size_; }
  std::uint64_t truncations() const { return truncations_; }
  void skip_to_end() { place_.offset = size_; }

 private:
  FollowedFile(std::unique_ptr<File> file, std::uint64_t line_bytes_max)
      : file_(std::move(file)), line_bytes_max_(line_bytes_max) {}
  Result<Fingerprint> fingerprint(std::uint64_t bytes) const;
  Result<void> look();  // size, truncation, fingerprint

  std::unique_ptr<File> file_;
  const std::uint64_t line_bytes_max_;
  FilePlace place_;
  std::uint64_t size_ = 0;
  std::uint64_t truncations_ = 0;
  bool cutting_ = false;  // inside a line that was already given, cut
};

}  // namespace nines::collector
