#pragma once
// The metric store: appends, pages, recovery, queries.

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/metrics/internal/exemplar_codec.h"
#include "storage/metrics/internal/exemplar_store.h"
#include "storage/metrics/internal/store_state.h"
#include "storage/metrics/metric_store.h"

namespace nines::storage {

// Frame types of the classes kJournal and kRaw.
inline constexpr std::uint8_t kSeriesFrame = 1;
inline constexpr std::uint8_t kRowsFrame = 2;
inline constexpr std::uint8_t kLayoutFrame = 3;
inline constexpr std::uint8_t kColsFrame = 6;
inline constexpr std::uint8_t kExemplarsFrame = 7;

// A generous guess at what a series takes in a layout. A layout must fit a segment, so a group has
// at most as many series as that allows.
inline constexpr std::size_t kLayoutBytesPerSeries = 160;
// Pages are synced at the latest when so much of them is not.
inline constexpr std::size_t kUnsyncedBytesMax = 8u << 20;
// A group with more open points that fit no row than this and 16 per series is written to pages.
inline constexpr std::size_t kOddPointsMax = 4096;

// Unpacked pages, the least recently used dropped first. Thread-safe.
class PageCache {
 public:
  explicit PageCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  std::shared_ptr<const Page> get(const ring::Location& location);
  void put(const ring::Location& location, std::shared_ptr<const Page> page);

 private:
  using Key = std::pair<std::uint64_t, std::uint32_t>;  // generation, offset
  struct HashOfKey {
    std::size_t operator()(const Key& key) const {
      return (key.first * 0x9E3779B97F4A7C15ULL) ^ (key.second * 0xC2B2AE3D27D4EB4FULL >> 7);
    }
  };
  struct Kept {
    Key key;
    std::shared_ptr<const Page> page;
  };
  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  std::list<Kept> order_;  // newest first
  std::unordered_map<Key, std::list<Kept>::iterator, HashOfKey> by_key_;
};

// nines's own numbers about exemplars.
struct ExemplarCounters {
  explicit ExemplarCounters(Telemetry& telemetry);
  Counter& appended;
  Counter& out_of_order;
  Counter& too_long;
  Gauge& held;
  Gauge& series;
  Gauge& oldest;
  Gauge& most;
};

class StoreImpl final : public MetricStore {
 public:
  StoreImpl(const MetricStoreOptions& options, const MetricStoreParts& parts);
  Result<void> recover();

  Result<std::unique_ptr<GroupWriter>> open_group(const std::string& name) override;
  void set_metadata(const std::string& family, const Metadata& metadata) override;
  Result<std::unique_ptr<SeriesSelection>> select(std::span<const Matcher> matchers,
                                                  TimeRange range, std::size_t series_max,
                                                  const StopFlag* stop) const override;
  Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers, TimeRange range,
                                               std::size_t limit) const override;
  Result<std::vector<std::string>> label_values(const std::string& name,
                                                std::span<const Matcher> matchers, TimeRange range,
                                                std::size_t limit) const override;
  std::vector<SeriesExemplars> exemplars(std::span<const std::vector<Matcher>> sets,
                                         TimeRange range) const override;
  std::map<std::string, Metadata> metadata() const override;
  Result<void> sync() override;
  void tend() override;
  Result<void> flush() override;
  void add_status(StoreStatus& status, std::size_t top) const override;

  // For GroupWriter.
  Result<Slot> slot(Group& group, const LabelSet& labels);
  Result<AppendOutcome> append(Group& group, Timestamp at, std::span<const Row> rows);
  Result<ExemplarOutcome> append_exemplars(Group& group, std::span<const ExemplarRow> rows);
  void close(Group& group);

  // For SeriesSelection: the samples of a series in the range, from pages and open columns.
  Result<void> read_series(std::uint32_t id, TimeRange range, SampleColumns& out) const;

 private:
  // All of these with mutex_ held.
  bool accept(Group& group, const Row& row, std::int64_t at, std::int64_t now,
              AppendOutcome& outcome, Entry& entry) const;
  void keep(Group& group, std::int64_t at, std::span<const Entry> entries);
  Result<void> journal(Group& group, std::int64_t at, std::span<const Entry> entries);
  Result<ring::Location> journal_frame(std::uint8_t type, Group& group, std::string_view payload);
  void make_journal_room();
  void next_journal_segment();
  void journal_broke();
  Result<void> flush_group(Group& group);
  Result<PageRef> write_page(Group& group, std::string_view payload, const PageHead& head);
  std::shared_ptr<const Page> load(const ring::Location& location, std::size_t& damaged) const;
  void seal_raw();
  Result<ring::Location> raw_frame(std::uint8_t type, std::uint32_t tag, std::string_view payload,
                                   ring::TimeBounds times);
  std::string raw_footer() const;
  Result<void> write_layout(Group& group);
  // What the open raw segment's footer will hold.
  struct FooterPage {
    std::uint32_t layout = 0;
    PageRef page;
    std::uint64_t flushed = 0;
    std::uint32_t parts = 0;
  };
  void begin_raw_segment(std::uint64_t generation);
  std::uint32_t add_footer_layout(std::string payload);  // its place
  void add_footer_page(const FooterPage& page);
  void release_journal();
  Result<void> sync_pages();
  void rewrite_unsynced();
  bool anything_unsynced() const { return !unsynced_.empty() || !unsynced_exemplars_.empty(); }
  void forget_segment(const ring::SegmentInfo& segment);

  // exemplars.cc
  struct ExemplarRef {  // of a frame on the raw ring
    ring::Location location{};
    std::uint32_t count = 0;
  };
  struct ExemplarPage {
    ExemplarRef ref;
    std::string payload;
  };
  Result<void> journal_exemplars(std::span<const StoredExemplar> exemplars);
  void wait_for_page(std::span<const StoredExemplar> exemplars, std::uint64_t generation,
                     std::uint64_t sequence);
  Result<void> page_exemplars();
  bool page_exemplars_or_log();
  Result<ring::Location> write_exemplar_page(std::string_view payload);
  void add_footer_exemplars(const ExemplarRef& ref);
  static void recover_footer_exemplars(chunk::ByteReader& in, const ring::SegmentInfo& segment,
                                       std::vector<ExemplarRef>& out);
  void recover_exemplar_pages(std::vector<ExemplarRef>& pages);
  bool recover_exemplar_frame(const ring::Frame& frame);  // false: damaged
  void report_exemplars();

  std::vector<std::uint32_t> live(std::span<const Matcher> matchers, TimeRange range) const;
  bool has_samples(std::uint32_t id, TimeRange range) const;

  // How many pages of each flush of a group were found: it is whole when all its parts are there.
  struct PagesSeen {
    std::vector<ExemplarRef> exemplars;  // in order of writing
    std::map<std::pair<std::string, std::uint64_t>, std::uint32_t> parts;
    std::map<std::string, std::uint64_t> flushed;
    void add(const std::string& group, std::uint64_t sequence, std::uint32_t of);
  };
  Result<void> recover_raw(const ring::SegmentInfo& segment, PagesSeen& seen);
  // The slots a group's definition came to: segments repeat it word for word.
  struct Defined {
    std::string payload;
    std::vector<std::uint32_t> slots;
  };
  std::map<std::string, Defined, std::less<>> defined_;  // by group, while recovering
  Group* replay_definition(std::string_view payload, std::vector<std::uint32_t>& slots);
  Result<void> recover_journal(const ring::SegmentInfo& segment,
                               const std::map<std::string, std::uint64_t>& flushed);
  Layout* layout_from(std::string_view payload, std::string* group);
  Group& group_named(const std::string& name);
  void load_metadata();
  void save_metadata();

  struct SegmentPages;  // of the open raw segment, for its footer

  const MetricStoreOptions options_;
  MetricStoreParts parts_;
  // Guards everything below. Held across journal and page writes: frames of one class must be
  // appended one at a time anyway. Reads of pages happen without it.
  mutable std::mutex mutex_;
  StoreState state_;
  std::uint32_t last_tag_ = 0;
  std::uint64_t journal_epoch_ = 1;
  std::uint64_t raw_generation_ = 0;  // of the open raw segment; 0: none known
  std::vector<std::string> footer_layouts_;
  std::vector<FooterPage> footer_pages_;
  std::vector<ExemplarRef> footer_exemplars_;
  std::size_t footer_bytes_ = 0;
  // Pages written since the last good sync, to be written again when it fails.
  struct Unsynced {
    Group* group = nullptr;
    PageRef page;
    PageHead head;
    std::string payload;
  };
  std::vector<Unsynced> unsynced_;
  std::vector<ExemplarPage> unsynced_exemplars_;
  std::size_t unsynced_bytes_ = 0;
  bool pages_at_risk_ = false;  // a raw segment failed with unsynced pages in it
  bool rows_at_risk_ = false;   // a journal segment failed with unsynced rows in it
  ExemplarStore exemplars_;
  ExemplarCounters exemplar_counters_;
  // Exemplars that are in the journal alone.
  struct Waiting {
    std::vector<StoredExemplar> exemplars;
    std::int64_t since_ms = 0;
    std::uint64_t oldest_generation = 0;  // of the journal segment with the first of them
    std::uint64_t last_sequence = 0;      // of the journal frame with the last
  };
  Waiting waiting_;
  std::uint64_t exemplars_covered_ = 0;  // as frames read back say; see ExemplarFrame
  std::vector<Entry> entries_;           // of the append going on
  std::map<std::string, Metadata> metadata_;
  bool metadata_changed_ = false;
  std::uint64_t appended_ = 0, recovered_ = 0, refused_ = 0, lost_frames_ = 0;
  std::vector<std::string> damage_;
  mutable PageCache cache_;
};

}  // namespace nines::storage
