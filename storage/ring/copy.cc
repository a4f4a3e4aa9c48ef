#include "storage/ring/copy.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "storage/ring/crc32c.h"
#include "storage/ring/internal/layout.h"
#include "storage/ring/internal/quotas.h"
#include "storage/ring/internal/read_super.h"
#include "storage/ring/internal/scanner.h"

namespace nines::storage::ring {
namespace {

constexpr std::size_t kChunkBytes = 1u << 20;
constexpr std::size_t kPacedChunkBytes = 16u << 10;
// A frame or header that is being written just now reads as damaged; a moment later it does not.
constexpr int kLooks = 3;
constexpr int kPins = 20;  // a segment lasts far longer than reading all headers takes

struct Pinned {
  std::uint32_t segment = 0;
  HeaderBytes page{};  // of the first header, as it lies there
  SegmentHeader header;
  std::optional<SegmentHeader> sealed;
};

// Writes one file of the copy and sums it up.
class Target {
 public:
  Target(std::string name, std::unique_ptr<File> file) : file_(std::move(file)) {
    out_.name = std::move(name);
  }
  Result<void> write(std::span<const std::byte> bytes) {
    if (auto wrote = file_->pwrite(out_.bytes, bytes); !wrote) return wrote;
    out_.bytes += bytes.size();
    out_.crc = crc32c(bytes, out_.crc);
    return {};
  }
  // A header in a page of its own.
  Result<void> write_page(const HeaderBytes& header) {
    std::array<std::byte, kPage> page{};
    std::copy(header.begin(), header.end(), page.begin());
    return write(page);
  }
  Result<CopiedFile> finish() {
    if (auto synced = file_->sync(); !synced) return std::move(synced).error();
    return out_;
  }

 private:
  std::unique_ptr<File> file_;
  CopiedFile out_;
};

class Copier {
 public:
  Copier(Fs& fs, const std::string& from, const std::string& to, const CopyStep& step,
         const CopyPace& pace)
      : fs_(fs), from_(from), to_(to), step_(step), pace_(pace) {}

  Result<RingCopy> run() {
    NINES_TRY(super_, read_super(fs_, from_, &out_.damage));
    for (const std::uint8_t byte : super_.uuid) out_.uuid += fmt::format("{:02x}", byte);
    out_.segment_bytes = super_.segment_bytes;
    out_.segments = super_.segments;
    for (const bool journals : {true, false}) {
      NINES_TRY(const std::vector<Pinned> pinned, pin_settled(journals));
      for (const Pinned& segment : pinned) {
        if (auto copied = copy(segment); !copied) return std::move(copied).error();
      }
    }
    if (auto noted = note_generations(); !noted) return std::move(noted).error();
    if (auto wrote = write_super(); !wrote) return std::move(wrote).error();
    return std::move(out_);
  }

  // The segments of the journals, or of the other classes, in the order to copy them: the oldest of
  // each class first, because they are the next to be used again.
  Result<std::vector<Pinned>> pin(bool journals) {
    std::array<std::vector<Pinned>, kSegmentClasses> by_class;
    for (std::uint32_t i = 0; i < super_.segments; ++i) {
      auto file = fs_.open(from_ + "/" + segment_name(i), OpenMode::kRead);
      if (!file && file.error().code() == ErrorCode::kNotFound) {
        if (!journals) add_damage(i, 0, std::nullopt, "the file is missing");
        continue;
      }
      if (!file) return std::move(file).error();
      NINES_TRY(const std::optional<Pinned> found, look(**file, i, !journals));
      if (!found || found->header.state == HeaderState::kReleased) continue;
      if (is_journal(found->header.cls) != journals) continue;
      by_class[static_cast<std::size_t>(found->header.cls)].push_back(*found);
    }
    std::size_t most = 0;
    for (std::vector<Pinned>& all : by_class) {
      std::sort(all.begin(), all.end(), [](const Pinned& a, const Pinned& b) {
        return a.header.generation < b.header.generation;
      });
      most = std::max(most, all.size());
    }
    std::vector<Pinned> out;
    for (std::size_t rank = 0; rank < most; ++rank) {
      for (const std::vector<Pinned>& all : by_class) {
        if (rank < all.size()) out.push_back(all[rank]);
      }
    }
    return out;
  }

  void use(const Super& super) { super_ = super; }

 private:
  // Headers are read one after the other. What leaves a segment may go into one whose header was
  // read before: only a list that reads the same twice has all of it.
  Result<std::vector<Pinned>> pin_settled(bool journals) {
    std::vector<Pinned> pinned;
    for (int n = 0; n < kPins; ++n) {
      const std::size_t damage = out_.damage.size();
      NINES_TRY(std::vector<Pinned> again, pin(journals));
      const bool same = std::equal(pinned.begin(), pinned.end(), again.begin(), again.end(),
                                   [](const Pinned& a, const Pinned& b) {
                                     return a.segment == b.segment &&
                                            a.header.generation == b.header.generation;
                                   });
      if (n > 0) out_.damage.resize(damage);  // named the first time
      pinned = std::move(again);
      if (n > 0 && same) return pinned;
    }
    return Error(ErrorCode::kUnavailable,
                 "the running nines begins new segments faster than their headers can be read; try "
                 "again at a quieter time, or set a larger budget");
  }

  void add_damage(std::uint32_t i, std::uint64_t offset, std::optional<SegmentClass> cls,
                  std::string what) {
    out_.damage.push_back({segment_name(i), offset, cls, std::move(what)});
  }

  // What the headers say; none: the segment was never used.
  Result<std::optional<Pinned>> look(const File& file, std::uint32_t i, bool name_damage) {
    std::optional<SegmentClass> cls;
    std::array<bool, 2> bad{};
    for (int n = 0; n < kLooks; ++n) {
      std::array<HeaderBytes, 2> pages{};
      std::array<std::optional<SegmentHeader>, 2> found;
      for (std::size_t page = 0; page < 2; ++page) {
        NINES_TRY(const std::size_t got, file.pread(page * kPage, pages[page]));
        found[page] = decode_header(std::span(pages[page]).first(got));
        // Of another ring: bytes of an earlier use of the disk.
        const bool other = found[page] && found[page]->uuid != super_.uuid;
        if (other) found[page].reset();
        bad[page] = !found[page] && !other && pages[page] != HeaderBytes{};
      }
      if (bad[0] && n + 1 < kLooks) continue;
      if (!found[0] && !found[1]) break;
      Pinned out;
      out.segment = i;
      out.page = found[0] ? pages[0] : pages[1];
      out.header = found[0] ? *found[0] : *found[1];
      if (found[1] && found[1]->generation == out.header.generation) out.sealed = found[1];
      cls = out.header.cls;
      if (name_damage && bad[0]) add_damage(i, 0, cls, "the segment's header is damaged");
      return std::optional(out);
    }
    if (name_damage && bad[0]) add_damage(i, 0, cls, "the segment's header is damaged");
    return std::optional<Pinned>();
  }

  // Where the data ends; damage on the way is noted.
  Result<std::uint32_t> find_end(const File& file, const Pinned& pinned) {
    NINES_TRY(const FileInfo info, file.info());
    const auto limit =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(info.size, super_.segment_bytes));
    const std::uint32_t seed = frame_seed(super_.uuid, pinned.header.generation);
    for (int n = 1;; ++n) {
      SegmentScanner scanner(file, pinned.segment, pinned.header.generation, limit, seed);
      NINES_TRY(const ScanReport report, scanner.run([](const Frame&) { return false; }));
      const std::uint32_t end =
          pinned.sealed ? std::min(pinned.sealed->data_end, limit) : report.data_end;
      const bool short_of_end = pinned.sealed && report.data_end < end;
      if ((report.holes > 0 || short_of_end) && n < kLooks) continue;
      for (const std::uint32_t hole : scanner.holes())
        found_.push_back({segment_name(pinned.segment), hole, pinned.header.cls,
                          "a frame is damaged"});
      if (short_of_end) {
        found_.push_back({segment_name(pinned.segment), report.data_end, pinned.header.cls,
                          "the index or a frame before it is damaged"});
      }
      return end;
    }
  }

  Result<void> copy(const Pinned& pinned) {
    const std::string name = segment_name(pinned.segment);
    if (step_) {
      if (auto go_on = step_(name); !go_on) return go_on;
    }
    found_.clear();
    NINES_TRY(const auto file, fs_.open(from_ + "/" + name, OpenMode::kRead));
    NINES_TRY(const std::uint32_t end, find_end(*file, pinned));
    NINES_TRY(auto made, fs_.open(to_ + "/" + name, OpenMode::kCreate));
    Target target(name, std::move(made));
    if (auto wrote = target.write_page(pinned.page); !wrote) return wrote;
    if (auto wrote =
            target.write_page(pinned.sealed ? encode_header(*pinned.sealed) : HeaderBytes{});
        !wrote)
      return wrote;
    std::vector<std::byte> chunk(pace_ ? kPacedChunkBytes : kChunkBytes);
    for (std::uint64_t at = kDataBegin; at < end;) {
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), end - at));
      NINES_TRY(const std::size_t got, file->pread(at, std::span(chunk).first(want)));
      if (got != want) return Error(ErrorCode::kIo, from_ + "/" + name + " became shorter");
      if (auto wrote = target.write(std::span(chunk).first(got)); !wrote) return wrote;
      at += got;
      if (pace_) pace_(got);
    }
    NINES_TRY(CopiedFile copied, target.finish());
    // The writer puts a new life's header on disk before its first frame: with the old header still
    // there, all that was read is of the life that was meant.
    NINES_TRY(const std::optional<Pinned> now, look(*file, pinned.segment, false));
    const bool same = now && now->header.generation == pinned.header.generation &&
                      now->header.state != HeaderState::kReleased;
    if (!same && is_journal(pinned.header.cls)) return fs_.remove(to_ + "/" + name);
    if (!same) return lapped(pinned);
    copied.cls = pinned.header.cls;
    copied.generation = pinned.header.generation;
    out_.files.push_back(std::move(copied));
    out_.damage.insert(out_.damage.end(), found_.begin(), found_.end());
    return {};
  }

  Error lapped(const Pinned& pinned) const {
    return Error(ErrorCode::kUnavailable,
                 fmt::format("{} ({}) was used again by the running nines before it was copied: "
                             "the ring turns faster than this copy. Try again at a quieter time or "
                             "onto a faster disk, or set a larger budget",
                             segment_name(pinned.segment), to_string(pinned.header.cls)));
  }

  Result<void> note_generations() {
    out_.generation = super_.generations_given;
    for (std::uint32_t i = 0; i < super_.segments; ++i) {
      auto file = fs_.open(from_ + "/" + segment_name(i), OpenMode::kRead);
      if (!file && file.error().code() == ErrorCode::kNotFound) continue;  // named already
      if (!file) return std::move(file).error();
      NINES_TRY(const std::optional<Pinned> found, look(**file, i, false));
      if (found) out_.generation = std::max(out_.generation, found->header.generation);
    }
    return {};
  }

  Result<void> write_super() {
    Super super = super_;
    super.sequence = 2;  // goes into the first slot
    super.segments_filled = 0;
    super.generations_given = out_.generation;
    NINES_TRY(auto made, fs_.open(to_ + "/super", OpenMode::kCreate));
    Target target("super", std::move(made));
    if (auto wrote = target.write_page(encode_super(super)); !wrote) return wrote;
    if (auto wrote = target.write_page(HeaderBytes{}); !wrote) return wrote;
    NINES_TRY(CopiedFile copied, target.finish());
    out_.files.push_back(std::move(copied));
    return {};
  }

  Fs& fs_;
  const std::string from_, to_;
  const CopyStep& step_;
  const CopyPace& pace_;
  Super super_;
  RingCopy out_;
  std::vector<Damage> found_;  // of the segment being copied
};

}  // namespace

Result<RingCopy> copy_ring(Fs& fs, const std::string& from, const std::string& to,
                           const CopyStep& step, const CopyPace& pace) {
  return Copier(fs, from, to, step, pace).run();
}

Result<std::uint64_t> copy_bytes_max(Fs& fs, const std::string& from) {
  NINES_TRY(const Super super, read_super(fs, from, nullptr));
  const CopyStep none;
  const CopyPace at_once;
  Copier copier(fs, from, {}, none, at_once);
  copier.use(super);
  std::uint64_t sum = kSuperBytes;
  for (const bool journals : {true, false}) {
    NINES_TRY(const auto pinned, copier.pin(journals));
    for (const auto& segment : pinned)
      sum += segment.sealed ? segment.sealed->data_end : super.segment_bytes;
  }
  return sum;
}

}  // namespace nines::storage::ring
