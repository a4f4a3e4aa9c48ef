// Which samples should stand together on disk? Two queries over a day at 15 s, on real files,
// against two ways to cut what 16 targets of 512 series flush:
//   by target   a page is 64 series of one target (what nines writes)
//   by family   a page is the four series of one family of 16 targets
// Prints reads, bytes and times; cold after dropping the files from the page cache (posix_fadvise).
//
//   batching_bench [FOLDER]
#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/core/real_clock.h"
#include "storage/metrics/internal/page.h"

namespace {

using namespace nines;           // NOLINT: a program of one file
using namespace nines::storage;  // NOLINT

constexpr std::uint32_t kRows = 64;
constexpr std::uint32_t kFamily = 4;    // series
constexpr std::uint32_t kSeries = 512;  // of a target
constexpr std::uint32_t kBatch = 16;    // targets
constexpr std::uint32_t kTargets = 1008;
constexpr std::uint32_t kFlushes = 90;  // a day
constexpr std::uint64_t kSlack = 4096;  // of a page's place in the file, at most this long

// Open rows of `slots` series from `first` of a target: most of them still, the others counters.
std::string page_of(std::uint32_t target, std::uint32_t flush, std::uint32_t first,
                    std::uint32_t slots) {
  GroupHead head;
  head.grow(slots);
  std::vector<Entry> entries(slots);
  for (std::uint32_t row = 0; row < kRows; ++row) {
    const std::int64_t at =
        1'700'000'000'000 + (std::int64_t{flush} * kRows + row) * 15'000 + target * 13 + row % 3;
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
      const std::uint32_t i = first + slot;
      const std::uint64_t noise = (i * 7919ULL + (flush * kRows + row) * 104'729ULL + target) % 97;
      double value = i * 1000.0;
      if (i % 5 >= 3) value += static_cast<double>(row * 50 + noise) / (i % 10 == 4 ? 100 : 1);
      entries[slot] = {slot, at, value, nullptr, 0};
    }
    head.keep(at, entries);
  }
  PageHead page;
  page.slots = {0, slots};
  std::string columns;
  encode_columns(head, page, columns);
  std::string out;
  encode_page_head(page, out);
  return out + columns;
}

struct Reads {
  std::uint64_t reads = 0, bytes = 0, samples = 0;
};

class File {
 public:
  explicit File(const std::string& path)
      : path_(path), fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600)) {
    if (fd_ < 0) std::exit(1);
  }
  ~File() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  void put(std::uint64_t place, const std::string& bytes) {
    if (bytes.size() > kSlack ||
        ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(place * kSlack)) < 0)
      std::exit(1);
  }
  std::string get(std::uint64_t place, std::size_t bytes, Reads& reads) const {
    std::string out(bytes, '\0');
    if (::pread(fd_, out.data(), bytes, static_cast<off_t>(place * kSlack)) < 0) std::exit(1);
    ++reads.reads;
    reads.bytes += bytes;
    return out;
  }
  void forget() const {
    ::fsync(fd_);
    ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
  }

 private:
  const std::string path_;
  const int fd_;
};

void read_slots(std::string_view page, std::uint32_t first, Reads& reads) {
  const auto opened = Page::open(page);
  if (!opened) std::exit(1);
  SampleColumns columns;
  for (std::uint32_t slot = first; slot < first + kFamily; ++slot) {
    columns.clear();
    if (!(*opened)->read(slot, columns)) std::exit(1);
    reads.samples += columns.size();
  }
}

template <typename Query>
void time(const char* what, const File& file, Query&& query) {
  const std::unique_ptr<Clock> clock = make_real_clock();
  for (const char* how : {"cold", "warm"}) {
    if (how == std::string_view("cold")) file.forget();
    const Instant begin = clock->elapsed();
    const Reads reads = query();
    const double ms = std::chrono::duration<double, std::milli>(clock->elapsed() - begin).count();
    std::cout << what << ", " << how << ": " << reads.reads << " reads, "
              << static_cast<double>(reads.bytes) / 1e6 << " MB, " << reads.samples
              << " samples in " << ms << " ms\n";
  }
}

// One family of every target.
void fleet(const std::string& folder) {
  const std::uint32_t family = 64 + 20;  // its first series
  {
    File file(folder + "/by-target");
    std::vector<std::uint32_t> lengths;
    for (std::uint32_t flush = 0; flush < kFlushes; ++flush) {
      for (std::uint32_t target = 0; target < kTargets; ++target) {
        const std::string page = page_of(target, flush, 64, 64);
        // Seven other pages of the target stand between them.
        file.put((std::uint64_t{flush} * kTargets + target) * 8 + 1, page);
        lengths.push_back(static_cast<std::uint32_t>(page.size()));
      }
    }
    time("one family of 1,008 targets, by target", file, [&] {
      Reads reads;
      for (std::uint64_t i = 0; i < lengths.size(); ++i)
        read_slots(file.get(i * 8 + 1, lengths[i], reads), family - 64, reads);
      return reads;
    });
  }
  File file(folder + "/by-family");
  std::vector<std::array<std::uint32_t, kBatch + 1>> ends;
  for (std::uint32_t flush = 0; flush < kFlushes; ++flush) {
    for (std::uint32_t batch = 0; batch < kTargets / kBatch; ++batch) {
      std::string page;
      auto& end = ends.emplace_back();
      for (std::uint32_t t = 0; t < kBatch; ++t) {
        page += page_of(batch * kBatch + t, flush, family, kFamily);
        end[t + 1] = static_cast<std::uint32_t>(page.size());
      }
      file.put((std::uint64_t{flush} * (kTargets / kBatch) + batch) * (kSeries / kFamily) + 21,
               page);
    }
  }
  time("one family of 1,008 targets, by family", file, [&] {
    Reads reads;
    for (std::uint64_t i = 0; i < ends.size(); ++i) {
      const std::string page = file.get(i * (kSeries / kFamily) + 21, ends[i][kBatch], reads);
      for (std::uint32_t t = 0; t < kBatch; ++t)
        read_slots(std::string_view(page).substr(ends[i][t], ends[i][t + 1] - ends[i][t]), 0,
                   reads);
    }
    return reads;
  });
}

// Thirty families of one target.
void dashboard(const std::string& folder) {
  constexpr std::uint32_t kFamilies = 30;
  const auto family = [](std::uint32_t n) { return n * 17 % (kSeries / kFamily); };
  {
    File file(folder + "/by-target");
    std::vector<std::uint32_t> lengths;
    for (std::uint32_t flush = 0; flush < kFlushes; ++flush) {
      for (std::uint32_t p = 0; p < 8; ++p) {
        const std::string page = page_of(7, flush, p * 64, 64);
        file.put(std::uint64_t{flush} * kTargets * 8 + p, page);
        lengths.push_back(static_cast<std::uint32_t>(page.size()));
      }
    }
    time("30 families of one target, by target", file, [&] {
      Reads reads;
      for (std::uint32_t flush = 0; flush < kFlushes; ++flush) {
        for (std::uint32_t p = 0; p < 8; ++p) {
          std::string page;
          for (std::uint32_t n = 0; n < kFamilies; ++n) {
            if (family(n) * kFamily / 64 != p) continue;
            if (page.empty())
              page =
                  file.get(std::uint64_t{flush} * kTargets * 8 + p, lengths[flush * 8 + p], reads);
            read_slots(page, family(n) * kFamily % 64, reads);
          }
        }
      }
      return reads;
    });
  }
  File file(folder + "/by-family");
  std::vector<std::array<std::uint32_t, 3>>
      places;  // begin and end of the target's part, length of all
  for (std::uint32_t flush = 0; flush < kFlushes; ++flush) {
    for (std::uint32_t n = 0; n < kFamilies; ++n) {
      std::string page;
      auto& place = places.emplace_back();
      for (std::uint32_t t = 0; t < kBatch; ++t) {
        if (t == 7) place[0] = static_cast<std::uint32_t>(page.size());
        page += page_of(t, flush, family(n) * kFamily, kFamily);
        if (t == 7) place[1] = static_cast<std::uint32_t>(page.size());
      }
      place[2] = static_cast<std::uint32_t>(page.size());
      file.put(std::uint64_t{flush} * 63 * 128 + family(n), page);
    }
  }
  time("30 families of one target, by family", file, [&] {
    Reads reads;
    for (std::uint32_t flush = 0; flush < kFlushes; ++flush) {
      for (std::uint32_t n = 0; n < kFamilies; ++n) {
        const auto& place = places[flush * kFamilies + n];
        const std::string page =
            file.get(std::uint64_t{flush} * 63 * 128 + family(n), place[2], reads);
        read_slots(std::string_view(page).substr(place[0], place[1] - place[0]), 0, reads);
      }
    }
    return reads;
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : "/tmp";
  fleet(folder);
  dashboard(folder);
  return 0;
}
