#pragma once
// The last file of a backup: what belongs to it, and what each file must read like.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/fs/fs.h"

namespace nines::storage {

inline constexpr const char* kManifestName = "manifest.json";

struct ManifestFile {
  std::string name;  // "super", "state.db", "seg-00042"
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;  // CRC32C
  std::string cls;        // this and the next: of segments
  std::uint64_t generation = 0;
};

struct Manifest {
  std::string nines;  // the version that wrote it
  Timestamp taken_at{};
  std::string uuid;  // of the ring
  std::uint32_t segment_bytes = 0;
  std::uint32_t segments = 0;  // of the ring; those that held nothing have no file
  std::uint64_t generation = 0;
  std::vector<ManifestFile> files;
  std::vector<std::string> damage;  // that was copied as it is
};

// One line of JSON that ends with a checksum of all before it.
std::string write_manifest(const Manifest& manifest);
// kCorrupt: it was cut off or changed, or names what no backup has. kInvalid: of a newer format.
Result<Manifest> read_manifest(std::string_view text);

// Reads a whole file. kIo, kNotFound.
struct FileSum {
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;
};
Result<FileSum> sum_file(Fs& fs, const std::string& path);

}  // namespace nines::storage
