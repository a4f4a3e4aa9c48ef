#include "storage/offline/internal/overlay_fs.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace nines::storage {
namespace {

constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t kRoom = 1ULL << 60;

Error missing(const std::string& path) {
  return Error(ErrorCode::kNotFound, "open " + path + ": No such file or directory");
}

}  // namespace

class OverlayFs::Node {
 public:
  Node(std::unique_ptr<File> base, const FileInfo& info, std::atomic<std::uint64_t>& held)
      : base_(std::move(base)), info_(info), held_(held), base_bytes_(info.size) {}
  ~Node() { held_ -= pages_.size() * kPageBytes; }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  Result<std::size_t> pread(std::uint64_t offset, std::span<std::byte> out) {
    const MutexLock lock(mutex_);
    if (offset >= info_.size) return std::size_t{0};
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(),
                                                                    info_.size - offset));
    out = out.first(n);
    NINES_TRY(const std::size_t from_base, read_base(offset, out));
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(from_base), out.end(), std::byte{0});
    const std::uint64_t end = offset + n;
    for (auto it = pages_.lower_bound(offset / kPageBytes);
         it != pages_.end() && it->first * kPageBytes < end; ++it) {
      const std::uint64_t at = it->first * kPageBytes;
      const std::uint64_t first = std::max(at, offset);
      const std::uint64_t last = std::min(at + kPageBytes, end);
      std::memcpy(out.data() + (first - offset), it->second->data() + (first - at), last - first);
    }
    return n;
  }

  Result<void> pwrite(std::uint64_t offset, std::span<const std::byte> bytes) {
    const MutexLock lock(mutex_);
    const std::uint64_t end = offset + bytes.size();
    for (std::uint64_t at = offset; at < end;) {
      const std::uint64_t begin = at / kPageBytes * kPageBytes;
      const std::uint64_t last = std::min(begin + kPageBytes, end);
      NINES_TRY(PageBytes* const page, page_at(begin / kPageBytes));
      std::memcpy(page->data() + (at - begin), bytes.data() + (at - offset), last - at);
      at = last;
    }
    info_.size = std::max(info_.size, end);
    return {};
  }

  void resize(std::uint64_t size) {
    const MutexLock lock(mutex_);
    if (size < info_.size) {
      // What is cut off reads as zeros should the file grow again.
      base_bytes_ = std::min(base_bytes_, size);
      const auto gone = pages_.lower_bound((size + kPageBytes - 1) / kPageBytes);
      held_ -= static_cast<std::uint64_t>(std::distance(gone, pages_.end())) * kPageBytes;
      pages_.erase(gone, pages_.end());
      if (const auto it = pages_.find(size / kPageBytes); it != pages_.end())
        std::fill(it->second->begin() + static_cast<std::ptrdiff_t>(size % kPageBytes),
                  it->second->end(), std::byte{0});
    }
    info_.size = size;
  }

  FileInfo info() {
    const MutexLock lock(mutex_);
    return info_;
  }

 private:
  using PageBytes = std::array<std::byte, kPageBytes>;

  Result<std::size_t> read_base(std::uint64_t offset, std::span<std::byte> out) const
      NINES_REQUIRES(mutex_) {
    if (!base_ || offset >= base_bytes_) return std::size_t{0};
    const auto n =
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), base_bytes_ - offset));
    return base_->pread(offset, out.first(n));
  }

  Result<PageBytes*> page_at(std::uint64_t number) NINES_REQUIRES(mutex_) {
    if (const auto it = pages_.find(number); it != pages_.end()) return it->second.get();
    auto page = std::make_unique<PageBytes>();
    if (const auto read = read_base(number * kPageBytes, *page); !read) return read.error();
    held_ += kPageBytes;
    return (pages_[number] = std::move(page)).get();
  }

  const std::unique_ptr<File> base_;  // null: the file is only here
  Mutex mutex_;
  FileInfo info_ NINES_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t>& held_;
  std::uint64_t base_bytes_ NINES_GUARDED_BY(mutex_);  // of the base, still part of the file
  std::map<std::uint64_t, std::unique_ptr<PageBytes>> pages_ NINES_GUARDED_BY(mutex_);
};

class OverlayFs::Handle final : public File {
 public:
  explicit Handle(std::shared_ptr<Node> node) : node_(std::move(node)) {}
  Result<std::size_t> pread(std::uint64_t offset, std::span<std::byte> out) const override {
    return node_->pread(offset, out);
  }
  Result<void> pwrite(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return node_->pwrite(offset, bytes);
  }
  Result<void> sync() override { return {}; }
  Result<void> allocate(std::uint64_t size) override { return truncate(size); }
  Result<void> truncate(std::uint64_t size) override {
    node_->resize(size);
    return {};
  }
  Result<FileInfo> info() const override { return node_->info(); }

 private:
  std::shared_ptr<Node> node_;  // shared: the name may go while the file is open
};

Result<std::shared_ptr<OverlayFs::Node>> OverlayFs::node(const std::string& path, bool create) {
  const auto known = nodes_.find(path);
  if (known != nodes_.end() && known->second) return known->second;
  if (known == nodes_.end()) {
    auto file = base_.open(path, OpenMode::kRead);
    if (file) {
      NINES_TRY(const FileInfo info, (*file)->info());
      auto made = std::make_shared<Node>(*std::move(file), info, held_);
      nodes_[path] = made;
      return made;
    }
    if (file.error().code() != ErrorCode::kNotFound) return std::move(file).error();
  }
  if (!create) return std::shared_ptr<Node>();
  auto made = std::make_shared<Node>(nullptr, FileInfo{}, held_);
  nodes_[path] = made;
  return made;
}

Result<std::unique_ptr<File>> OverlayFs::open(const std::string& path, OpenMode mode) {
  const MutexLock lock(mutex_);
  NINES_TRY(std::shared_ptr<Node> found, node(path, mode == OpenMode::kCreate));
  if (!found) return missing(path);
  return std::unique_ptr<File>(std::make_unique<Handle>(std::move(found)));
}

Result<FileInfo> OverlayFs::info(const std::string& path) {
  const MutexLock lock(mutex_);
  const auto known = nodes_.find(path);
  if (known == nodes_.end()) return base_.info(path);
  if (!known->second) return missing(path);
  return known->second->info();
}

Result<std::vector<std::string>> OverlayFs::list(const std::string& dir) {
  NINES_TRY(std::vector<std::string> names, base_.list(dir));
  const MutexLock lock(mutex_);
  const std::string prefix = dir + "/";
  for (const auto& [path, found] : nodes_) {
    if (path.rfind(prefix, 0) != 0 || path.find('/', prefix.size()) != path.npos) continue;
    const std::string name = path.substr(prefix.size());
    std::erase(names, name);
    if (found) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> OverlayFs::make_dirs(const std::string&) {
  return {};
}

Result<void> OverlayFs::rename(const std::string& from, const std::string& to) {
  const MutexLock lock(mutex_);
  NINES_TRY(std::shared_ptr<Node> found, node(from, false));
  if (!found) return missing(from);
  nodes_[from] = nullptr;
  nodes_[to] = std::move(found);
  return {};
}

Result<void> OverlayFs::remove(const std::string& path) {
  const MutexLock lock(mutex_);
  NINES_TRY(const std::shared_ptr<Node> found, node(path, false));
  if (!found) return missing(path);
  nodes_[path] = nullptr;
  return {};
}

Result<void> OverlayFs::sync_dir(const std::string&) {
  return {};
}

Result<DiskSpace> OverlayFs::space(const std::string&) {
  DiskSpace space;
  space.total = space.free = space.free_to_root = kRoom;
  return space;
}

Result<std::unique_ptr<File>> OverlayFs::lock(const std::string& path) {
  return open(path, OpenMode::kCreate);
}

}  // namespace nines::storage
