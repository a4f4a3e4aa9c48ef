// A backup back into a data folder.
#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/text/numbers.h"
#include "storage/offline/backup.h"
#include "storage/offline/internal/manifest.h"
#include "storage/ring/check.h"
#include "storage/ring/crc32c.h"
#include "storage/ring/ring.h"

namespace nines::storage {
namespace {

constexpr std::uint64_t kManifestBytesMax = 64u << 20;
constexpr std::size_t kChunkBytes = 1u << 20;

// The start that follows takes about a sixteenth of its budget for state.db.
std::uint64_t state_room(std::uint64_t ring_bytes) {
  return std::clamp<std::uint64_t>(ring_bytes / 15, 4u << 20, 256u << 20);
}

bool is_ours(const std::string& name) {
  return name == "super" || name.rfind("seg-", 0) == 0 || name.rfind("state.", 0) == 0;
}

class Restorer {
 public:
  Restorer(Fs& fs, const RestoreOptions& options, const BackupStep& step)
      : fs_(fs), options_(options), step_(step) {}

  // What was made so far goes unless all of it was.
  ~Restorer() {
    if (done_) return;
    if (lock_ && folder_is_new_) {
      made_.push_back(options_.data + "/lock");
      made_.push_back(options_.data);
    }
    for (const std::string& path : made_) {
      const Result<void> removed = fs_.remove(path);  // the error that brought us here says enough
      static_cast<void>(removed);
    }
  }
  Restorer(const Restorer&) = delete;
  Restorer& operator=(const Restorer&) = delete;

  Result<RestoreReport> run() {
    if (auto read = read_backup(); !read) return std::move(read).error();
    folder_is_new_ = !fs_.info(options_.data);
    if (auto made = fs_.make_dirs(options_.data); !made) return std::move(made).error();
    auto lock = fs_.lock(options_.data + "/lock");
    if (!lock) {
      if (lock.error().code() != ErrorCode::kUnavailable) return std::move(lock).error();
      return Error(ErrorCode::kUnavailable,
                   options_.data + " is in use: stop the nines there first (" +
                       lock.error().what() + ")");
    }
    lock_ = *std::move(lock);
    NINES_TRY(const std::vector<std::string> old, old_files());
    if (auto room = check_room(old); !room) return std::move(room).error();
    for (const std::string& name : old) {
      if (auto removed = fs_.remove(options_.data + "/" + name); !removed)
        return std::move(removed).error();
    }
    if (auto wrote = write_all(); !wrote) return std::move(wrote).error();
    done_ = true;
    return report();
  }

  Result<RestoreReport> check() {
    done_ = true;  // nothing is made
    if (auto read = read_backup(); !read) return std::move(read).error();
    return report();
  }

 private:
  std::uint64_t ring_bytes() const {
    std::uint64_t bytes = std::uint64_t{manifest_.segments} * manifest_.segment_bytes;
    if (const auto it = by_name_.find("super"); it != by_name_.end()) bytes += it->second->bytes;
    return bytes;
  }

  RestoreReport report() const {
    RestoreReport out;
    out.files = manifest_.files.size();
    out.ring_bytes = ring_bytes();
    out.taken_at = manifest_.taken_at;
    out.damage = manifest_.damage;
    return out;
  }

  // Every byte of it.
  Result<void> read_backup() {
    const auto text = read_file(fs_, options_.from + "/" + kManifestName, kManifestBytesMax);
    if (!text) {
      if (text.error().code() != ErrorCode::kNotFound) return text.error();
      return Error(ErrorCode::kNotFound,
                   options_.from + " holds no backup (no " + kManifestName + ")");
    }
    auto manifest = read_manifest(*text);
    if (!manifest) return std::move(manifest).error().in(options_.from);
    manifest_ = *std::move(manifest);
    for (const ManifestFile& file : manifest_.files) {
      if (auto go_on = step("check " + file.name); !go_on) return go_on;
      by_name_[file.name] = &file;
      const auto sum = sum_file(fs_, options_.from + "/" + file.name);
      if (!sum && sum.error().code() != ErrorCode::kNotFound) return sum.error();
      if (!sum) return damaged(file, "is missing");
      if (sum->bytes != file.bytes) {
        return damaged(file, fmt::format("has {} bytes and should have {}", sum->bytes,
                                         file.bytes));
      }
      if (sum->crc != file.crc) return damaged(file, "differs from its checksum");
    }
    if (!by_name_.contains("super"))
      return Error(ErrorCode::kCorrupt, options_.from + ": its list of files has no superblock");
    // Of a format this nines opens, and the ring the list speaks of.
    NINES_TRY(const ring::RingSize size, ring::stored_ring_size(fs_, options_.from));
    if (size.segment_bytes != manifest_.segment_bytes ||
        size.bytes / size.segment_bytes != manifest_.segments)
      return Error(ErrorCode::kCorrupt, options_.from + ": its list of files is of another ring");
    return {};
  }

  Error damaged(const ManifestFile& file, const std::string& how) const {
    return Error(ErrorCode::kCorrupt,
                 fmt::format("{}/{} {}: this backup is damaged", options_.from, file.name, how));
  }

  // What stands in the way; the superblock first, so that what is left is no ring any more.
  Result<std::vector<std::string>> old_files() {
    NINES_TRY(std::vector<std::string> names, fs_.list(options_.data));
    std::erase(names, "lock");
    if (!names.empty() && !options_.force) {
      return Error(ErrorCode::kInvalid,
                   fmt::format("{} is not empty (it holds {}): name another folder, or --force to "
                               "replace what nines keeps there",
                               options_.data, names.front()));
    }
    std::erase_if(names, [](const std::string& name) { return !is_ours(name); });
    std::stable_partition(names.begin(), names.end(),
                          [](const std::string& name) { return name == "super"; });
    return names;
  }

  Result<void> check_room(const std::vector<std::string>& old) {
    std::uint64_t state = state_room(ring_bytes());
    if (const auto it = by_name_.find("state.db"); it != by_name_.end())
      state = std::max(state, it->second->bytes);
    const std::uint64_t needed = ring_bytes() + state;
    NINES_TRY(const DiskSpace space, fs_.space(options_.data));
    std::uint64_t free = space.free;
    for (const std::string& name : old) {
      if (const auto info = fs_.info(options_.data + "/" + name)) free += info->allocated;
    }
    if (free >= needed) return {};
    return Error(ErrorCode::kLimit,
                 fmt::format("{} has no room for this backup: ring and state take {} at their full "
                             "size, and {} are free",
                             options_.data, format_bytes(needed), format_bytes(free)));
  }

  Result<void> write_all() {
    if (const auto it = by_name_.find("state.db"); it != by_name_.end()) {
      if (auto wrote = write(it->second, "state.db", 0); !wrote) return wrote;
    }
    for (std::uint32_t i = 0; i < manifest_.segments; ++i) {
      const std::string name = ring::segment_name(i);
      const auto it = by_name_.find(name);
      const ManifestFile* file = it == by_name_.end() ? nullptr : it->second;
      if (auto wrote = write(file, name, manifest_.segment_bytes); !wrote) return wrote;
    }
    if (auto synced = fs_.sync_dir(options_.data); !synced) return synced;
    const ManifestFile* super = by_name_.at("super");
    if (auto wrote = write(super, "super", super->bytes); !wrote) return wrote;
    return fs_.sync_dir(options_.data);
  }

  // `size`: the file's, when it is larger than what the backup has of it. Null: only the room.
  Result<void> write(const ManifestFile* file, const std::string& name, std::uint64_t size) {
    if (auto go_on = step(name); !go_on) return go_on;
    const std::string path = options_.data + "/" + name;
    NINES_TRY(const auto out, fs_.open(path, OpenMode::kCreate));
    made_.push_back(path);
    if (size > 0) {
      if (auto allocated = out->allocate(size); !allocated) return allocated;
    }
    if (!file) return {};
    NINES_TRY(const auto in, fs_.open(options_.from + "/" + name, OpenMode::kRead));
    std::vector<std::byte> chunk(kChunkBytes);
    std::uint32_t crc = 0;
    for (std::uint64_t at = 0; at < file->bytes;) {
      const auto want =
          static_cast<std::size_t>(std::min<std::uint64_t>(kChunkBytes, file->bytes - at));
      NINES_TRY(const std::size_t got, in->pread(at, std::span(chunk).first(want)));
      if (got != want) return damaged(*file, "became shorter while it was read");
      crc = ring::crc32c(std::span(chunk).first(got), crc);
      if (auto wrote = out->pwrite(at, std::span(chunk).first(got)); !wrote) return wrote;
      at += got;
    }
    if (crc != file->crc) return damaged(*file, "changed while it was read");
    return out->sync();
  }

  Result<void> step(const std::string& what) { return step_ ? step_(what) : Result<void>(); }

  Fs& fs_;
  const RestoreOptions& options_;
  const BackupStep& step_;
  Manifest manifest_;
  std::map<std::string, const ManifestFile*> by_name_;
  std::unique_ptr<File> lock_;
  bool folder_is_new_ = false;
  std::vector<std::string> made_;
  bool done_ = false;
};

}  // namespace

Result<RestoreReport> restore(Fs& fs, const RestoreOptions& options, const BackupStep& step) {
  return Restorer(fs, options, step).run();
}

Result<RestoreReport> check_backup(Fs& fs, const std::string& folder) {
  const RestoreOptions options{folder, {}, false};
  const BackupStep none;
  return Restorer(fs, options, none).check();
}

bool is_backup(Fs& fs, const std::string& folder) {
  return fs.info(folder + "/" + kManifestName).has_value();
}

}  // namespace nines::storage
