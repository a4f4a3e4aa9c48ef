#include "tests/support/crash_disk.h"

#include <algorithm>
#include <cstring>

namespace nines::testing {

std::int64_t DiskImage::find(const std::string& path) const {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].path == path) return static_cast<std::int64_t>(i);
  }
  return -1;
}

std::uint32_t DiskImage::file(const std::string& path) {
  if (const std::int64_t there = find(path); there >= 0) return static_cast<std::uint32_t>(there);
  files_.push_back({path, 0, {}});
  return static_cast<std::uint32_t>(files_.size() - 1);
}

void DiskImage::remove(const std::string& path) {
  if (const std::int64_t there = find(path); there >= 0) {
    files_[static_cast<std::size_t>(there)] = Content{};
  }
}

void DiskImage::resize(std::uint32_t file, std::uint64_t size) {
  files_[file].size = size;
  files_[file].blocks.resize((size + kBlock - 1) / kBlock);
}

std::size_t DiskImage::read(std::uint32_t file, std::uint64_t offset,
                            std::span<std::byte> out) const {
  const Content& content = files_[file];
  if (offset >= content.size) return 0;
  const auto total =
      static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), content.size - offset));
  for (std::size_t done = 0; done < total;) {
    const std::uint64_t at = offset + done;
    const std::size_t n = std::min<std::size_t>(total - done, kBlock - at % kBlock);
    const std::shared_ptr<Block>& block = content.blocks[at / kBlock];
    if (block) {
      std::memcpy(out.data() + done, block->data() + at % kBlock, n);
    } else {
      std::memset(out.data() + done, 0, n);
    }
    done += n;
  }
  return total;
}

void DiskImage::write(std::uint32_t file, std::uint64_t offset, std::span<const std::byte> bytes) {
  Content& content = files_[file];
  if (offset + bytes.size() > content.size) resize(file, offset + bytes.size());
  while (!bytes.empty()) {
    const std::size_t n = std::min<std::size_t>(bytes.size(), kBlock - offset % kBlock);
    std::shared_ptr<Block>& block = content.blocks[offset / kBlock];
    if (!block) {
      block = std::make_shared<Block>();
      block->fill(std::byte{0});
    } else if (block.use_count() > 1) {
      block = std::make_shared<Block>(*block);
    }
    std::memcpy(block->data() + offset % kBlock, bytes.data(), n);
    offset += n;
    bytes = bytes.subspan(n);
  }
}

std::vector<std::string> DiskImage::paths() const {
  std::vector<std::string> out;
  for (const Content& content : files_) {
    if (!content.path.empty()) out.push_back(content.path);
  }
  std::sort(out.begin(), out.end());
  return out;
}

class CrashDisk::Handle final : public File {
 public:
  Handle(CrashDisk& disk, std::uint32_t file) : disk_(disk), file_(file) {}
  Result<std::size_t> pread(std::uint64_t offset, std::span<std::byte> out) const override {
    return disk_.image_.read(file_, offset, out);
  }
  Result<void> pwrite(std::uint64_t offset, std::span<const std::byte> bytes) override {
    disk_.image_.write(file_, offset, bytes);
    if (disk_.recording_) {
      disk_.events_.push_back({false, file_, offset, {bytes.begin(), bytes.end()}});
    }
    return {};
  }
  Result<void> sync() override {
    if (disk_.recording_) disk_.events_.push_back({true, file_, 0, {}});
    return {};
  }
  Result<void> allocate(std::uint64_t size) override {
    disk_.image_.resize(file_, size);
    return {};
  }
  Result<void> truncate(std::uint64_t size) override { return allocate(size); }
  Result<FileInfo> info() const override {
    FileInfo info;
    info.size = info.allocated = disk_.image_.size(file_);
    info.device = 1;
    info.inode = file_ + 2;
    return info;
  }

 private:
  CrashDisk& disk_;
  const std::uint32_t file_;
};

Result<std::unique_ptr<File>> CrashDisk::open(const std::string& path, OpenMode mode) {
  if (mode != OpenMode::kCreate && image_.find(path) < 0) {
    return Error(ErrorCode::kNotFound, "open " + path + ": No such file or directory");
  }
  return std::unique_ptr<File>(std::make_unique<Handle>(*this, image_.file(path)));
}

Result<FileInfo> CrashDisk::info(const std::string& path) {
  const std::int64_t there = image_.find(path);
  if (there < 0) return Error(ErrorCode::kNotFound, "stat " + path + ": No such file or directory");
  return Handle(*this, static_cast<std::uint32_t>(there)).info();
}

Result<std::vector<std::string>> CrashDisk::list(const std::string& dir) {
  std::vector<std::string> out;
  for (const std::string& path : image_.paths()) {
    if (path.starts_with(dir + "/")) out.push_back(path.substr(dir.size() + 1));
  }
  return out;
}

Result<void> CrashDisk::rename(const std::string& from, const std::string& to) {
  const std::int64_t there = image_.find(from);
  if (there < 0) return Error(ErrorCode::kNotFound, "rename " + from);
  std::vector<std::byte> bytes(image_.size(static_cast<std::uint32_t>(there)));
  image_.read(static_cast<std::uint32_t>(there), 0, bytes);
  image_.remove(from);
  image_.remove(to);
  image_.write(image_.file(to), 0, bytes);
  return {};
}

Result<void> CrashDisk::remove(const std::string& path) {
  if (image_.find(path) < 0) return Error(ErrorCode::kNotFound, "remove " + path);
  image_.remove(path);
  return {};
}

Result<DiskSpace> CrashDisk::space(const std::string&) {
  DiskSpace space;
  space.total = space.free = space.free_to_root = std::uint64_t{1} << 40;
  return space;
}

Result<std::unique_ptr<File>> CrashDisk::lock(const std::string& path) {
  return open(path, OpenMode::kCreate);
}

void PowerCut::play(const DiskEvent& event) {
  if (event.sync) {
    for (auto it = pending_.lower_bound({event.file, 0});
         it != pending_.end() && it->first.first == event.file;) {
      const Version& newest = it->second.back();
      durable_.write(event.file, it->first.second * kSector,
                     std::span(newest.bytes).first(newest.length));
      it = pending_.erase(it);
    }
    last_.clear();
    before_last_ = current_;
    return;
  }
  before_last_ = current_;
  current_.write(event.file, event.offset, event.bytes);
  last_.clear();
  const std::uint64_t end = event.offset + event.bytes.size();
  for (std::uint64_t sector = event.offset / kSector; sector * kSector < end; ++sector) {
    Version version;
    version.length = current_.read(event.file, sector * kSector, version.bytes);
    pending_[{event.file, sector}].push_back(version);
    last_.emplace_back(event.file, sector);
  }
}

DiskImage PowerCut::torn(std::size_t n, bool from_the_front) const {
  DiskImage image = before_last_;
  for (std::size_t i = 0; i < n && i < last_.size(); ++i) {
    const SectorId& id = last_[from_the_front ? i : last_.size() - 1 - i];
    const Version& newest = pending_.at(id).back();
    image.write(id.first, id.second * kSector, std::span(newest.bytes).first(newest.length));
  }
  return image;
}

DiskImage PowerCut::shuffled(Rng& dice) const {
  DiskImage image = durable_;
  // Some cuts come when the disk was nearly done, some when it had hardly begun.
  const std::uint64_t laziness = 1 + dice.below(8);
  for (const auto& [id, versions] : pending_) {
    if (dice.below(8) >= laziness) continue;
    const Version& chosen =
        dice.below(4) == 0 ? versions[dice.below(versions.size())] : versions.back();
    image.write(id.first, id.second * kSector, std::span(chosen.bytes).first(chosen.length));
  }
  return image;
}

}  // namespace nines::testing
