#include "storage/offline/backup.h"

#include <utility>

#include <fmt/format.h>

#include "base/text/numbers.h"
#include "storage/offline/internal/manifest.h"
#include "storage/offline/verify.h"
#include "storage/ring/copy.h"
#include "storage/state/sqlite_check.h"
#include "storage/state/sqlite_copy.h"

namespace nines::storage {
namespace {

constexpr std::uint64_t kManifestBytes = 4u << 20;  // the most a list of files takes

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string without_trailing_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// The folder while it is filled. What is in it goes when the work fails.
class Partial {
 public:
  Partial(Fs& fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  ~Partial() {
    if (!path_.empty() && made_) clear(true);
  }
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;

  // Takes over what a killed backup left.
  Result<void> begin() {
    if (auto made = fs_.make_dirs(path_); !made) return made;
    auto taken = fs_.lock(path_ + "/lock");
    if (!taken) {
      if (taken.error().code() != ErrorCode::kUnavailable) return std::move(taken).error();
      return Error(ErrorCode::kUnavailable, "another backup is being written: " +
                                                taken.error().what());
    }
    lock_ = *std::move(taken);
    made_ = true;
    clear(false);
    return {};
  }
  const std::string& path() const { return path_; }

  Result<void> become(const std::string& to) {
    if (auto removed = fs_.remove(path_ + "/lock"); !removed) return removed;
    if (auto synced = fs_.sync_dir(path_); !synced) return synced;
    if (auto renamed = fs_.rename(path_, to); !renamed) return renamed;
    made_ = false;
    return {};
  }

 private:
  // An error here is one too many: what stays is called .partial, and the next backup takes it.
  void clear(bool whole) {
    const auto names = fs_.list(path_);
    if (!names) return;
    for (const std::string& name : *names) {
      if (!whole && name == "lock") continue;
      const Result<void> removed = fs_.remove(path_ + "/" + name);
      static_cast<void>(removed);
    }
    if (!whole) return;
    const Result<void> removed = fs_.remove(path_);
    static_cast<void>(removed);
  }

  Fs& fs_;
  const std::string path_;
  std::unique_ptr<File> lock_;
  bool made_ = false;
};

Result<void> check_room(Fs& fs, const BackupOptions& options, const std::string& to) {
  NINES_TRY(std::uint64_t needed, ring::copy_bytes_max(fs, options.data));
  needed += kManifestBytes;
  for (const char* name : {"/state.db", "/state.db-wal"}) {
    if (const auto info = fs.info(options.data + name)) needed += info->size;
  }
  NINES_TRY(const DiskSpace space, fs.space(to));
  if (space.free >= needed) return {};
  return Error(ErrorCode::kLimit,
               fmt::format("no room for a backup in {}: it may take {} and {} are free",
                           parent_of(options.to), format_bytes(needed), format_bytes(space.free)));
}

Result<void> copy_state(Fs& fs, const std::string& from, const std::string& to,
                        Manifest& manifest) {
  if (!fs.info(from)) {
    manifest.damage.push_back("state.db is missing");
    return {};
  }
  if (auto copied = copy_sqlite_state(from, to); !copied) return copied;
  NINES_TRY(const std::vector<std::string> problems, check_sqlite_state(to));
  for (const std::string& problem : problems) manifest.damage.push_back("state.db: " + problem);
  NINES_TRY(const FileSum sum, sum_file(fs, to));
  manifest.files.push_back({"state.db", sum.bytes, sum.crc, {}, 0});
  return {};
}

void add_ring(ring::RingCopy copy, Manifest& manifest) {
  manifest.uuid = std::move(copy.uuid);
  manifest.segment_bytes = copy.segment_bytes;
  manifest.segments = copy.segments;
  manifest.generation = copy.generation;
  for (const ring::CopiedFile& file : copy.files) {
    manifest.files.push_back({file.name, file.bytes, file.crc,
                              file.cls ? std::string(ring::to_string(*file.cls)) : std::string(),
                              file.generation});
  }
  for (const ring::Damage& damage : copy.damage)
    manifest.damage.push_back(fmt::format("{} at {}: {}", damage.file, damage.offset, damage.what));
}

}  // namespace

Result<BackupReport> back_up(Fs& fs, const Clock& clock, const BackupOptions& options,
                             const BackupStep& step) {
  const std::string to = without_trailing_slash(options.to);
  if (fs.info(to))
    return Error(ErrorCode::kInvalid, to + " exists: name a folder that is not there yet");
  NINES_TRY(const ring::RingSize size, ring::stored_ring_size(fs, options.data));
  static_cast<void>(size);  // asked so that a wrong folder is refused before anything is made
  const FolderHold hold = hold_folder(fs, options.data);
  Partial partial(fs, to + ".partial");
  if (auto begun = partial.begin(); !begun) return std::move(begun).error();
  if (auto room = check_room(fs, options, partial.path()); !room) return std::move(room).error();
  Manifest manifest;
  manifest.nines = options.version;
  manifest.taken_at = clock.now();
  if (step) {
    if (auto go_on = step("state.db"); !go_on) return std::move(go_on).error();
  }
  if (auto copied = copy_state(fs, options.data + "/state.db", partial.path() + "/state.db",
                               manifest);
      !copied)
    return std::move(copied).error();
  NINES_TRY(ring::RingCopy ring, ring::copy_ring(fs, options.data, partial.path(), step,
                                                options.pace));
  add_ring(std::move(ring), manifest);
  if (auto wrote = write_file_atomically(fs, partial.path() + "/" + kManifestName,
                                         write_manifest(manifest));
      !wrote)
    return std::move(wrote).error();
  if (auto done = partial.become(to); !done) return std::move(done).error();
  BackupReport report;
  report.files = manifest.files.size() + 1;
  for (const ManifestFile& file : manifest.files) report.bytes += file.bytes;
  report.live = !hold.holder.empty();
  report.taken_at = manifest.taken_at;
  report.damage = std::move(manifest.damage);
  return report;
}

}  // namespace nines::storage
