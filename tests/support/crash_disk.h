#pragma once
// A disk in memory that writes down every write and sync, so that a test can ask: what could the
// platters hold had the power failed right here?

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/core/rng.h"
#include "base/fs/fs.h"

namespace nines::testing {

inline constexpr std::size_t kSector = 512;  // written whole or not at all

// The bytes of a few files. Copying shares what nobody has written since.
class DiskImage {
 public:
  static constexpr std::size_t kBlock = 4096;

  std::uint32_t file(const std::string& path);       // made when missing
  std::int64_t find(const std::string& path) const;  // -1: no such file
  void remove(const std::string& path);
  std::uint64_t size(std::uint32_t file) const { return files_[file].size; }
  void resize(std::uint32_t file, std::uint64_t size);
  std::size_t read(std::uint32_t file, std::uint64_t offset, std::span<std::byte> out) const;
  void write(std::uint32_t file, std::uint64_t offset, std::span<const std::byte> bytes);
  std::vector<std::string> paths() const;

 private:
  using Block = std::array<std::byte, kBlock>;
  struct Content {
    std::string path;  // empty: removed
    std::uint64_t size = 0;
    std::vector<std::shared_ptr<Block>> blocks;  // null: zeros
  };
  std::vector<Content> files_;
};

struct DiskEvent {
  bool sync = false;  // else a write
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::vector<std::byte> bytes;
};

// Names and sizes are durable at once (MemFs is the place to test those); bytes are not. One thread
// at a time. Objects opened from it share its image and must not outlive it.
class CrashDisk final : public Fs {
 public:
  explicit CrashDisk(DiskImage image = {}) : image_(std::move(image)) {}

  const DiskImage& image() const { return image_; }
  // Everything that happened since the last call.
  std::vector<DiskEvent> take_events() { return std::exchange(events_, {}); }
  std::size_t event_count() const { return events_.size(); }
  void record(bool on) { recording_ = on; }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<FileInfo> info(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& dir) override;
  Result<void> make_dirs(const std::string&) override { return {}; }
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> sync_dir(const std::string&) override { return {}; }
  Result<DiskSpace> space(const std::string& path) override;
  Result<std::unique_ptr<File>> lock(const std::string& path) override;

 private:
  class Handle;
  DiskImage image_;
  std::vector<DiskEvent> events_;
  bool recording_ = true;
};

// Plays events again, one by one, and makes the images a power cut could leave at that point.
class PowerCut {
 public:
  explicit PowerCut(const DiskImage& start) : durable_(start), current_(start) {}

  void play(const DiskEvent& event);

  // Nothing that was not synced has reached the disk.
  const DiskImage& nothing() const { return durable_; }
  // All of it has (the same as killing the process).
  const DiskImage& everything() const { return current_; }
  // Sectors of the last write the disk may have taken or not.
  std::size_t last_sectors() const { return last_.size(); }
  // All earlier writes have reached the disk; of the last one only the first (or the last) `n`
  // sectors.
  DiskImage torn(std::size_t n, bool from_the_front) const;
  // Every sector for itself: any of the contents it had since the last sync.
  DiskImage shuffled(Rng& dice) const;

 private:
  struct Version {
    std::array<std::byte, kSector> bytes;
    std::size_t length = kSector;  // shorter at the end of the file
  };
  using SectorId = std::pair<std::uint32_t, std::uint64_t>;
  DiskImage durable_, current_, before_last_;
  std::map<SectorId, std::vector<Version>> pending_;
  std::vector<SectorId> last_;
};

}  // namespace nines::testing
