#include "tests/support/mem_fs.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/fs/read_soon.h"

namespace nines::testing {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::size_t kTraceMax = 1000;
using Page = std::array<std::byte, kPage>;
using Pages = std::map<std::uint64_t, std::shared_ptr<Page>>;  // by number; absent: zeros

// "a//b/./c/" -> "a/b/c"; "/" and "." for the roots.
std::string tidy(std::string_view path) {
  std::string out = path.starts_with('/') ? "/" : "";
  std::size_t at = 0;
  while (at < path.size()) {
    std::size_t end = path.find('/', at);
    if (end == path.npos) end = path.size();
    const std::string_view part = path.substr(at, end - at);
    if (!part.empty() && part != ".") {
      if (!out.empty() && out.back() != '/') out += '/';
      out += part;
    }
    at = end + 1;
  }
  return out.empty() ? "." : out;
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_root(const std::string& path) {
  return path == "/" || path == ".";
}

Error not_found(std::string_view call, const std::string& path) {
  return {ErrorCode::kNotFound, std::string(call) + " " + path + ": No such file or directory"};
}
Error io(std::string_view call, const std::string& path, std::string_view why) {
  return {ErrorCode::kIo, std::string(call) + " " + path + ": " + std::string(why)};
}

}  // namespace

struct MemFs::Node {
  bool is_directory = false;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::uint64_t reserved = 0;  // by allocate()
  Timestamp modified{};
  Pages pages;
  std::set<std::uint64_t> dirty;  // pages a sync would write
  bool size_dirty = false;
  std::uint64_t durable_size = 0;
  std::uint64_t durable_reserved = 0;
  Pages durable;
  std::weak_ptr<int> lock;  // alive while somebody holds the lock

  // A page nobody else shares: what is durable must not change under a write.
  Page& page_for_write(std::uint64_t number) {
    std::shared_ptr<Page>& page = pages[number];
    if (!page) {
      page = std::make_shared<Page>();
      page->fill(std::byte{0});
    } else if (page.use_count() > 1) {
      page = std::make_shared<Page>(*page);
    }
    dirty.insert(number);
    return *page;
  }

  void write(std::uint64_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::uint64_t within = offset % kPage;
      const std::size_t n = std::min<std::size_t>(bytes.size(), kPage - within);
      std::memcpy(page_for_write(offset / kPage).data() + within, bytes.data(), n);
      offset += n;
      bytes = bytes.subspan(n);
      if (offset > size) {
        size = offset;
        size_dirty = true;
      }
    }
  }

  std::size_t read(std::uint64_t offset, std::span<std::byte> out) const {
    if (offset >= size) return 0;
    const auto total = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size - offset));
    for (std::size_t done = 0; done < total;) {
      const std::uint64_t at = offset + done;
      const std::size_t n = std::min<std::size_t>(total - done, kPage - at % kPage);
      const auto page = pages.find(at / kPage);
      if (page == pages.end() || !page->second) {
        std::memset(out.data() + done, 0, n);
      } else {
        std::memcpy(out.data() + done, page->second->data() + at % kPage, n);
      }
      done += n;
    }
    return total;
  }

  void resize(std::uint64_t to) {
    if (to < size) {
      if (to % kPage != 0 && pages.contains(to / kPage)) {
        Page& last = page_for_write(to / kPage);
        std::fill(last.begin() + static_cast<std::ptrdiff_t>(to % kPage), last.end(), std::byte{0});
      }
      for (auto it = pages.lower_bound((to + kPage - 1) / kPage); it != pages.end();) {
        dirty.insert(it->first);
        it = pages.erase(it);
      }
      reserved = std::min(reserved, to);
    }
    size_dirty = size_dirty || to != size;
    size = to;
  }

  void make_durable(std::uint64_t number) {
    const auto page = pages.find(number);
    if (page == pages.end()) {
      durable.erase(number);
    } else {
      durable[number] = page->second;
    }
  }

  void sync() {
    for (const std::uint64_t number : dirty) make_durable(number);
    dirty.clear();
    size_dirty = false;
    durable_size = size;
    durable_reserved = reserved;
  }

  void lose_power() {
    pages = durable;
    size = durable_size;
    reserved = durable_reserved;
    dirty.clear();
    size_dirty = false;
    lock.reset();
  }

  std::uint64_t held() const {
    return std::max<std::uint64_t>(pages.size() * kPage, (reserved + 511) / 512 * 512);
  }
};

struct MemFs::State {
  using Names = std::map<std::string, std::shared_ptr<Node>>;

  mutable Mutex mutex;
  Names names NINES_GUARDED_BY(mutex);
  Names durable NINES_GUARDED_BY(mutex);
  std::uint64_t last_inode NINES_GUARDED_BY(mutex) = 1;
  std::uint64_t operations NINES_GUARDED_BY(mutex) = 0;
  std::uint64_t syncs NINES_GUARDED_BY(mutex) = 0;
  std::uint64_t fail_at NINES_GUARDED_BY(mutex) = 0;
  bool fail_on NINES_GUARDED_BY(mutex) = false;
  std::uint64_t capacity NINES_GUARDED_BY(mutex) = std::uint64_t{1} << 40;
  Timestamp now NINES_GUARDED_BY(mutex){};
  std::vector<std::string> trace NINES_GUARDED_BY(mutex);

  // Counts an operation; the error when it is one that shall fail.
  void note(std::string what) NINES_REQUIRES(mutex) {
    if (trace.size() >= 2 * kTraceMax) {
      trace.erase(trace.begin(), trace.begin() + static_cast<std::ptrdiff_t>(kTraceMax));
    }
    trace.push_back(std::move(what));
  }
  Result<void> step(std::string_view call, const std::string& path) NINES_REQUIRES(mutex) {
    ++operations;
    note(std::string(call) + " " + path);
    const bool fails = fail_at != 0 && (fail_on ? operations >= fail_at : operations == fail_at);
    if (fails) return io(call, path, "Input/output error (injected)");
    return {};
  }

  std::shared_ptr<Node> find(const std::string& path) const NINES_REQUIRES(mutex) {
    const auto it = names.find(path);
    return it == names.end() ? nullptr : it->second;
  }

  bool has_dir(const std::string& path) const NINES_REQUIRES(mutex) {
    if (is_root(path)) return true;
    const auto node = find(path);
    return node && node->is_directory;
  }

  std::shared_ptr<Node> make(const std::string& path, bool directory) NINES_REQUIRES(mutex) {
    auto node = std::make_shared<Node>();
    node->is_directory = directory;
    node->inode = ++last_inode;
    node->modified = now;
    names[path] = node;
    return node;
  }

  void make_names_durable(const std::string& dir) NINES_REQUIRES(mutex) {
    std::erase_if(durable, [&](const auto& e) { return parent_of(e.first) == dir; });
    for (const auto& [path, node] : names) {
      if (parent_of(path) == dir) durable[path] = node;
    }
  }

  void make_dirs(const std::string& dir) NINES_REQUIRES(mutex) {
    if (is_root(dir) || find(dir)) return;
    make_dirs(parent_of(dir));
    durable[dir] = make(dir, true);
  }

  std::uint64_t used() const NINES_REQUIRES(mutex) {
    std::uint64_t sum = 0;
    for (const auto& [path, node] : names) sum += node->held();
    return sum;
  }

  FileInfo info_of(const Node& node) const NINES_REQUIRES(mutex) {
    FileInfo info;
    info.size = node.size;
    info.allocated = node.held();
    info.device = 1;
    info.inode = node.inode;
    info.modified = node.modified;
    info.is_directory = node.is_directory;
    return info;
  }
};

class MemFs::Handle final : public File, public ReadingSoon {
 public:
  Handle(std::shared_ptr<State> state, std::shared_ptr<Node> node, std::string path, bool writable,
         std::shared_ptr<int> lock = nullptr)
      : state_(std::move(state)),
        node_(std::move(node)),
        path_(std::move(path)),
        writable_(writable),
        lock_(std::move(lock)) {}

  Result<std::size_t> pread(std::uint64_t offset, std::span<std::byte> out) const override {
    const MutexLock lock(state_->mutex);
    if (Result<void> r = state_->step("pread", path_); !r) return std::move(r).error();
    if (node_->is_directory) return io("read", path_, "Is a directory");
    return node_->read(offset, out);
  }

  void will_read(std::uint64_t offset, std::uint64_t length) const noexcept override {
    const MutexLock lock(state_->mutex);
    state_->note("will_read " + path_ + " " + std::to_string(offset) + " " +
                 std::to_string(length));
  }

  Result<void> pwrite(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const MutexLock lock(state_->mutex);
    if (!writable_) return io("write", path_, "Bad file descriptor");
    Result<void> r = state_->step("pwrite", path_);
    if (r && offset + bytes.size() > node_->held() &&
        state_->used() - node_->held() + offset + bytes.size() > state_->capacity) {
      r = io("write", path_, "No space left on device");
    }
    node_->write(offset, r ? bytes : bytes.first(bytes.size() / 2));
    node_->modified = state_->now;
    return r;
  }

  Result<void> sync() override {
    const MutexLock lock(state_->mutex);
    if (Result<void> r = state_->step("sync", path_); !r) {
      node_->dirty.clear();  // the kernel calls them clean though they never reached the disk
      return r;
    }
    node_->sync();
    ++state_->syncs;
    return {};
  }

  Result<void> allocate(std::uint64_t size) override {
    const MutexLock lock(state_->mutex);
    if (Result<void> r = state_->step("allocate", path_); !r) return r;
    if (state_->used() - node_->held() + std::max(size, node_->held()) > state_->capacity) {
      return Error(ErrorCode::kLimit, "reserve " + std::to_string(size) + " bytes for " + path_ +
                                          ": No space left on device");
    }
    node_->resize(size);
    node_->reserved = size;
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    const MutexLock lock(state_->mutex);
    if (Result<void> r = state_->step("truncate", path_); !r) return r;
    node_->resize(size);
    node_->modified = state_->now;
    return {};
  }

  Result<FileInfo> info() const override {
    const MutexLock lock(state_->mutex);
    return state_->info_of(*node_);
  }

 private:
  const std::shared_ptr<State> state_;
  const std::shared_ptr<Node> node_;
  const std::string path_;
  const bool writable_;
  const std::shared_ptr<int> lock_;
};

MemFs::MemFs() : state_(std::make_shared<State>()) {}

void MemFs::crash() {
  const MutexLock lock(state_->mutex);
  state_->names.clear();
  for (const auto& [path, node] : state_->durable) {  // sorted: a folder before what is in it
    if (!state_->has_dir(parent_of(path))) continue;
    node->lose_power();
    state_->names[path] = node;
  }
  state_->durable = state_->names;
}

void MemFs::crash(Rng& dice) {
  {
    const MutexLock lock(state_->mutex);
    for (const auto& [path, node] : state_->durable) {
      for (const std::uint64_t number : node->dirty) {
        if (dice.below(2) == 0) node->make_durable(number);
      }
      if (node->size_dirty && dice.below(2) == 0) {
        node->durable_size = node->size;
        node->durable_reserved = node->reserved;
      }
    }
  }
  crash();
}

void MemFs::fail_nth(std::uint64_t nth, bool from_then_on) {
  const MutexLock lock(state_->mutex);
  state_->fail_at = nth == 0 ? 0 : state_->operations + nth;
  state_->fail_on = from_then_on;
}
std::uint64_t MemFs::operations() const {
  const MutexLock lock(state_->mutex);
  return state_->operations;
}
std::vector<std::string> MemFs::trace() const {
  const MutexLock lock(state_->mutex);
  return state_->trace;
}
std::uint64_t MemFs::syncs() const {
  const MutexLock lock(state_->mutex);
  return state_->syncs;
}
void MemFs::set_capacity(std::uint64_t bytes) {
  const MutexLock lock(state_->mutex);
  state_->capacity = bytes;
}
void MemFs::set_now(Timestamp now) {
  const MutexLock lock(state_->mutex);
  state_->now = now;
}

void MemFs::put(const std::string& path, std::string_view text) {
  const std::string name = tidy(path);
  const MutexLock lock(state_->mutex);
  state_->make_dirs(parent_of(name));
  std::shared_ptr<Node> node = state_->find(name);
  if (!node) node = state_->make(name, false);
  node->resize(0);
  node->write(0, std::as_bytes(std::span(text)));
  node->modified = state_->now;
  node->sync();
  state_->durable[name] = node;
}

std::string MemFs::text(const std::string& path) const {
  const MutexLock lock(state_->mutex);
  const auto node = state_->find(tidy(path));
  if (!node) return {};
  std::string out(node->size, '\0');
  node->read(0, std::as_writable_bytes(std::span(out)));
  return out;
}

bool MemFs::exists(const std::string& path) const {
  const MutexLock lock(state_->mutex);
  const std::string name = tidy(path);
  return is_root(name) || state_->find(name) != nullptr;
}

void MemFs::flip_bit(const std::string& path, std::uint64_t offset, int bit) {
  const MutexLock lock(state_->mutex);
  const auto node = state_->find(tidy(path));
  if (!node || offset >= node->size) return;
  std::byte value{};
  node->read(offset, std::span(&value, 1));
  value ^= std::byte{1} << bit;
  node->write(offset, std::span(&value, 1));
  node->make_durable(offset / kPage);
}

Result<std::unique_ptr<File>> MemFs::open(const std::string& path, OpenMode mode) {
  const std::string name = tidy(path);
  const MutexLock lock(state_->mutex);
  if (Result<void> r = state_->step("open", name); !r) return std::move(r).error();
  std::shared_ptr<Node> node = state_->find(name);
  if (!node) {
    if (mode != OpenMode::kCreate || !state_->has_dir(parent_of(name))) {
      return not_found("open", name);
    }
    node = state_->make(name, false);
  }
  if (node->is_directory && mode != OpenMode::kRead) return io("open", name, "Is a directory");
  return std::unique_ptr<File>(
      std::make_unique<Handle>(state_, std::move(node), name, mode != OpenMode::kRead));
}

Result<FileInfo> MemFs::info(const std::string& path) {
  const std::string name = tidy(path);
  const MutexLock lock(state_->mutex);
  if (is_root(name)) {
    FileInfo root;
    root.device = root.inode = 1;
    root.is_directory = true;
    return root;
  }
  const auto node = state_->find(name);
  if (!node) return not_found("stat", name);
  return state_->info_of(*node);
}

Result<std::vector<std::string>> MemFs::list(const std::string& dir) {
  const std::string name = tidy(dir);
  const MutexLock lock(state_->mutex);
  if (Result<void> r = state_->step("list", name); !r) return std::move(r).error();
  if (!state_->has_dir(name)) return not_found("list", name);
  std::vector<std::string> out;
  for (const auto& [path, node] : state_->names) {
    if (parent_of(path) == name && path != name) out.push_back(path.substr(path.rfind('/') + 1));
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<void> MemFs::make_dirs(const std::string& dir) {
  const std::string name = tidy(dir);
  const MutexLock lock(state_->mutex);
  if (Result<void> r = state_->step("make_dirs", name); !r) return r;
  for (std::string at = name; !is_root(at); at = parent_of(at)) {
    const auto node = state_->find(at);
    if (node && !node->is_directory) return io("mkdir", name, "Not a directory");
  }
  state_->make_dirs(name);
  return {};
}

Result<void> MemFs::rename(const std::string& from, const std::string& to) {
  const std::string source = tidy(from);
  const std::string target = tidy(to);
  const MutexLock lock(state_->mutex);
  if (Result<void> r = state_->step("rename", source + " to " + target); !r) return r;
  const auto node = state_->find(source);
  if (!node || !state_->has_dir(parent_of(target))) return not_found("rename", source);
  // Children of a folder move with it.
  std::vector<std::pair<std::string, std::shared_ptr<Node>>> moved;
  for (auto it = state_->names.begin(); it != state_->names.end();) {
    const bool below = it->first == source || it->first.starts_with(source + "/");
    if (!below) {
      ++it;
      continue;
    }
    moved.emplace_back(target + it->first.substr(source.size()), it->second);
    state_->durable.erase(it->first);
    it = state_->names.erase(it);
  }
  for (auto& [path, moved_node] : moved) {
    if (path != target) state_->durable[path] = moved_node;
    state_->names[path] = std::move(moved_node);
  }
  state_->make_names_durable(parent_of(source));
  state_->make_names_durable(parent_of(target));
  return {};
}

Result<void> MemFs::remove(const std::string& path) {
  const std::string name = tidy(path);
  const MutexLock lock(state_->mutex);
  if (Result<void> r = state_->step("remove", name); !r) return r;
  const auto next = state_->names.upper_bound(name + "/");
  if (next != state_->names.end() && next->first.starts_with(name + "/")) {
    return io("remove", name, "Directory not empty");
  }
  if (state_->names.erase(name) == 0) return not_found("remove", name);
  return {};
}

Result<void> MemFs::sync_dir(const std::string& dir) {
  const std::string name = tidy(dir);
  const MutexLock lock(state_->mutex);
  if (Result<void> r = state_->step("sync_dir", name); !r) return r;
  if (!state_->has_dir(name)) return not_found("open", name);
  state_->make_names_durable(name);
  return {};
}

Result<DiskSpace> MemFs::space(const std::string& path) {
  const MutexLock lock(state_->mutex);
  if (Result<void> r = state_->step("space", path); !r) return std::move(r).error();
  const std::uint64_t used = state_->used();
  DiskSpace space;
  space.total = state_->capacity;
  space.free = space.free_to_root = state_->capacity > used ? state_->capacity - used : 0;
  space.inodes = 1u << 20;
  space.inodes_free = space.inodes - state_->names.size();
  return space;
}

Result<std::unique_ptr<File>> MemFs::lock(const std::string& path) {
  const std::string name = tidy(path);
  const MutexLock lock(state_->mutex);
  if (Result<void> r = state_->step("lock", name); !r) return std::move(r).error();
  std::shared_ptr<Node> node = state_->find(name);
  if (!node) {
    if (!state_->has_dir(parent_of(name))) return not_found("open", name);
    node = state_->make(name, false);
  }
  if (!node->lock.expired()) {
    return Error(ErrorCode::kUnavailable, name + " is held by another process");
  }
  auto holder = std::make_shared<int>(0);
  node->lock = holder;
  return std::unique_ptr<File>(
      std::make_unique<Handle>(state_, std::move(node), name, true, std::move(holder)));
}

}  // namespace nines::testing
