#pragma once
// The metric store: appends, pages, recovery, queries.

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/api/reading_on.h"
#include "storage/metrics/internal/catalog.h"
#include "storage/metrics/internal/exemplar_codec.h"
#include "storage/metrics/internal/exemplar_store.h"
#include "storage/metrics/internal/page_cache.h"
#include "storage/metrics/internal/page_log.h"
#include "storage/metrics/internal/read_ahead.h"
#include "storage/metrics/internal/selected_series.h"
#include "storage/metrics/internal/series_limits.h"
#include "storage/metrics/internal/series_run.h"
#include "storage/metrics/internal/tier_page.h"
#include "storage/metrics/internal/tombstones.h"
#include "storage/metrics/metric_store.h"

namespace nines::storage {

// A generous guess at what a series takes in a layout. A layout must fit a segment, so a group has
// at most as many series as that allows.
inline constexpr std::size_t kLayoutBytesPerSeries = 160;
// A group with more open points that fit no row than this and 16 per series is written to pages.
inline constexpr std::size_t kOddPointsMax = 4096;

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
  ~StoreImpl() override;
  StoreImpl(const StoreImpl&) = delete;
  StoreImpl& operator=(const StoreImpl&) = delete;
  Result<void> recover();

  Result<std::unique_ptr<GroupWriter>> open_group(const GroupSpec& spec) override;
  void set_metadata(const std::string& family, const Metadata& metadata) override;
  Result<std::unique_ptr<SeriesSelection>> select(std::span<const Matcher> matchers,
                                                  TimeRange range, std::size_t series_max,
                                                  const StopFlag* stop) const override;
  Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers, TimeRange range,
                                               std::size_t limit,
                                               const StopFlag* stop) const override;
  Result<std::vector<std::string>> label_values(const std::string& name,
                                                std::span<const Matcher> matchers, TimeRange range,
                                                std::size_t limit,
                                                const StopFlag* stop) const override;
  std::vector<SeriesExemplars> exemplars(std::span<const std::vector<Matcher>> sets,
                                         TimeRange range) const override;
  Retention retention() const override;
  std::map<std::string, Metadata> metadata() const override;
  Result<void> delete_series(std::span<const std::vector<Matcher>> sets, TimeRange range) override;
  Result<void> clean_deletions() override;
  std::optional<Timestamp> take_late() override;
  Result<void> sync() override;
  void tend() override;
  Result<void> flush() override;
  void add_status(StoreStatus& status, std::size_t top) const override;

  // For GroupWriter.
  Result<Slot> slot(Group& group, const LabelSet& labels);
  Result<AppendOutcome> append(Group& group, Timestamp at, std::span<const Row> rows);
  Result<ExemplarOutcome> append_exemplars(Group& group, std::span<const ExemplarRow> rows);
  void close(Group& group);

  // For SeriesSelection: where a series has samples; and those in the range.
  using Place = SeriesPlace;
  using Versions = SelectedSeries::Versions;
  // The pages that hold a block of slots in a span of time, kept for the next series of the block:
  // neighbours lie in the same ones.
  struct PageShelf {
    const Version* version = nullptr;  // null: the pages are good for one reading only
    std::uint32_t block = 0;           // slots from block * kPageSlots on
    std::int64_t from = 0;
    std::int64_t to = 0;
    std::uint64_t changes = 0;  // of the directory, when they were found
    std::vector<ShelvedPage> pages;
    PageMisses* misses = nullptr;
  };
  // `shelf` belongs to one thread, and to readings of one list of versions.
  Result<void> read_series(const Versions& versions, std::span<const Place> places, TimeRange range,
                           const std::vector<DeletedSpan>& deleted, SampleColumns& out,
                           PageShelf* shelf = nullptr) const;
  // For SeriesRun: the pages of its slots and their open samples, as they are at one moment.
  void fill_run(SeriesRun& run) const;
  std::shared_ptr<const Page> load(const ring::Location& location, std::size_t& damaged,
                                   PageMisses* misses = nullptr) const;
  // Pages that are read soon, and are not in memory.
  struct Ahead {
    std::int64_t from = 0;  // of their samples
    std::int64_t to = 0;
    std::set<std::pair<const Version*, std::uint32_t>> blocks;  // looked at
    std::vector<ring::Location> pages;
    std::uint64_t bytes = 0;  // of the pages
  };
  // Of pages brought at once, packed; 0: they are read one by one.
  std::uint64_t ahead_bytes_max() const;
  // Adds the pages of a slot and its neighbours.
  void expect(const Version& version, std::uint32_t slot, Ahead& ahead) const;
  std::shared_ptr<ReadAhead> bring(Ahead ahead) const;
  void help(ReadAhead& ahead, const StopFlag* stop) const;
  // As SeriesReader::latest(), of a place each; kNoVersion: it is not known.
  static constexpr std::uint32_t kNoVersion = UINT32_MAX;
  void latest(const Versions& versions, std::span<const Place> places, TimeRange range,
              std::span<LatestSample> out) const;
  // The windows whose ends are in the range.
  Result<void> read_windows(const Versions& versions, std::span<const Place> places, Tier tier,
                            TimeRange range, const std::vector<DeletedSpan>& deleted,
                            std::vector<TierWindow>& out) const;

 private:
  // All of these with mutex_ held.
  bool accept(Group& group, const Row& row, std::int64_t at, std::int64_t now,
              AppendOutcome& outcome, Entry& entry) const;
  bool find_paged(const Version& version, std::uint32_t slot, std::int64_t time, Point& out) const;
  // Returns the earliest of their times.
  std::int64_t keep(Group& group, Version& version, std::int64_t at,
                    std::span<const Entry> entries);
  // Open rows become pages, now or when the store tends to them.
  void page_rows(Group& group);
  // AppendOutcome::worn, looked at once in the out-of-order window (10 minutes at least).
  bool worn(Version& version, std::int64_t now) const;
  Result<void> journal(Version& version, std::int64_t at, std::span<const Entry> entries);
  Result<void> define_in_journal(Version& version);
  Result<ring::Location> journal_frame(std::uint8_t type, std::uint32_t tag,
                                       std::string_view payload);
  void begin_journal_epoch();
  void make_journal_room();
  void next_journal_segment();
  void journal_broke();
  // Calls `visit` for each version with something live; it may flush.
  template <typename Visit>
  void each_live(Visit&& visit) {
    for (const auto& [name, group] : catalog_.groups()) {
      for (const std::shared_ptr<Version>& version : group->versions) {
        if (version->live) visit(version);
      }
    }
  }
  Result<void> flush_all();
  Result<void> flush_version(const std::shared_ptr<Version>& version);
  struct FlushedPage {
    PageHead head;
    std::string columns;
  };
  std::vector<FlushedPage> encode_pages(const GroupHead& rows) const;  // without mutex_, too
  Result<void> write_pages(const std::shared_ptr<Version>& version, std::uint64_t sequence,
                           std::vector<FlushedPage> pages);
  Result<void> write_closing(const std::shared_ptr<Version>& version,
                             std::vector<FlushedPage> pages);
  void release_journal();
  void forget_segment(const ring::SegmentInfo& segment);

  // label_queries.cc
  using Texts = std::set<std::string>;
  using CollectSome = void(const series::SeriesIndex& index, std::span<const std::uint32_t> slots,
                           const LabelSet& base, Texts& found);
  using CollectOne = void(const LabelSet& labels, Texts& found);
  Result<std::vector<std::string>> collect(std::span<const Matcher> matchers, TimeRange range,
                                           std::size_t limit, const StopFlag* stop,
                                           const std::function<CollectSome>& some,
                                           const std::function<CollectOne>& one) const;
  void count_series(const Version& version);
  std::uint64_t series_of_metric(std::string_view metric);

  // deletions.cc
  void load_deletions();
  Result<void> save_deletions(Tombstones now);
  Result<void> forget_deletions();
  std::shared_ptr<const Tombstones> deletions() const;  // without mutex_, as the next
  Result<std::unique_ptr<SeriesSelection>> undeleted(std::span<const Matcher> matchers,
                                                     TimeRange range, const StopFlag* stop) const;

  // exemplars.cc
  Result<void> journal_exemplars(std::span<const StoredExemplar> exemplars);
  void wait_for_page(std::span<const StoredExemplar> exemplars, std::uint64_t generation,
                     std::uint64_t sequence);
  Result<void> page_exemplars();
  bool page_exemplars_or_log();
  void recover_exemplar_pages(const std::vector<LooseFrame>& pages);
  bool recover_exemplar_frame(const ring::Frame& frame);  // false: damaged
  void report_exemplars();

  // tiers.cc
  // A tier's next pages of one version.
  struct Fold {
    std::shared_ptr<Version> version;
    Tier tier = Tier::k5m;
    std::int64_t after = 0;  // until here the tier has everything
    std::int64_t from = 0;   // the oldest there is after it
    std::int64_t to = 0;
    std::uint32_t slots = 0;
    std::vector<PageRef> pages;  // to be made of, ascending by slot
    bool open = false;           // and of samples that are in no page: then with mutex_ held
    std::shared_ptr<const Tombstones> deletions;  // what of them is not made of anything
    std::vector<DeletedSpan> deleted(std::uint32_t slot) const;
  };
  struct FoldedPage {
    TierPageHead head;
    std::string columns;
  };
  struct Flushed {
    bool any = false;
    bool all = true;
    std::uint64_t journal_epoch = 0;  // when it was looked what is due
  };
  void tend_pages();
  Flushed flush_due();  // takes mutex_ for a moment at a time
  Result<void> flush_due(const std::shared_ptr<Version>& version);
  bool has_tiers() const;
  struct WindowSpan {
    std::int64_t step = 0;
    std::int64_t from = 0;  // of samples
    std::int64_t to = 0;
  };
  bool read_place_windows(const Versions& versions, const Place& place, Tier tier,
                          const WindowSpan& span, const std::vector<DeletedSpan>& deleted,
                          std::vector<TierWindow>& out, std::size_t& damaged) const;
  std::int64_t settled(const Version& version, std::int64_t now, bool& ended) const;
  std::int64_t due_until(const Version& version, Tier tier, std::int64_t now) const;
  std::optional<Fold> next_fold(const std::shared_ptr<Version>& version, Tier tier,
                                std::int64_t limit) const;
  Result<void> write_fold(const Fold& fold, std::vector<FoldedPage>& pages);
  void fold_until(const std::shared_ptr<Version>& version, Tier tier, std::int64_t limit);
  void leave_now(const ring::SegmentInfo& segment);
  void raise_dropped(const ring::TimeBounds& times);
  void forget_left();
  void note_raw();
  void load_dropped();
  void save_dropped();
  // These without it.
  void look_for_due(std::int64_t now);
  bool fold_next(const std::shared_ptr<Version>& version, Tier tier, std::int64_t now);
  void fold_due();
  void leave(const ring::SegmentInfo& segment);
  std::vector<FoldedPage> fold_pages(const Fold& fold) const;
  void gather_samples(const Fold& fold, SlotRange slots, std::span<const PageRef> pages,
                      std::vector<std::vector<TierWindow>>& out) const;
  void gather_windows(const Fold& fold, SlotRange slots, std::span<const PageRef> pages,
                      std::vector<std::vector<TierWindow>>& out) const;
  std::shared_ptr<const TierPage> load_tier(const ring::Location& location,
                                            std::size_t& damaged) const;

  // The slots of each version that have samples in the range and that all matchers match; versions
  // without any are left out. Once stopped: any part of that.
  void find_pages(const Versions& versions, std::span<const Place> places, std::int64_t from,
                  std::int64_t to, PageShelf& shelf) const;
  struct Live {
    std::shared_ptr<const Version> version;
    std::vector<std::uint32_t> slots;  // ascending
  };
  // With `sought` in another range than one of samples: whatever a later query may find.
  struct Sought {
    std::int64_t since = 0;  // versions that ended before it are left out
    std::size_t most = 0;    // slots; found more: `too_many`, and the answer is a part
    bool too_many = false;
    std::vector<SelectionCache::Seen> seen;  // versions looked through
  };
  std::vector<Live> live(std::span<const Matcher> matchers, TimeRange range,
                         const StopFlag* stop = nullptr, Sought* sought = nullptr) const;
  // select.cc
  std::shared_ptr<const SelectedSeries> kept_selection(std::span<const Matcher> matchers,
                                                       TimeRange range, const StopFlag* stop) const;
  std::unique_ptr<SeriesSelection> sampled(std::shared_ptr<const SelectedSeries> all,
                                           TimeRange range, const StopFlag* stop) const;
  static bool surely_sampled(const Version& version, TimeRange range,
                             std::span<const std::uint32_t> slots);
  void keep_sampled(const Version& version, TimeRange range,
                    std::vector<std::uint32_t>& slots) const;

  // How many pages of each flush of a version were found: it is whole when all its parts are there.
  struct PagesSeen {
    std::vector<LooseFrame> exemplars;  // in order of writing
    std::map<std::pair<const Version*, std::uint64_t>, std::uint32_t> parts;
    std::map<const Version*, std::uint64_t> flushed;
    // Of a tier: the newest pages of a version that were made together, and what was before them.
    struct Together {
      std::int64_t to = INT64_MIN;
      std::int64_t before = INT64_MIN;
      std::uint32_t parts = 0;
      std::vector<ring::Location> pages;
    };
    std::map<Version*, Together> tier;
    void add_tier(Version& version, const IndexedPage& page);
    void add(const Version* version, const IndexedPage& page);
  };
  // What the definitions in one segment came to.
  struct Definitions {
    std::map<std::uint64_t, std::shared_ptr<Layout>> layouts;  // by the id in the segment's frames
    std::map<std::uint32_t, std::shared_ptr<Version>> versions;  // by tag
    std::map<std::uint32_t, std::uint32_t>
        places;  // of GROUP frames in the segment's index, by tag
  };
  struct SeenLayout {
    std::uint64_t id = 0;
    std::shared_ptr<Layout> layout;
    std::uint32_t end = 0;  // one past the piece's last slot
  };
  // Null, false: damaged, or pieces before it are.
  const SeenLayout* defined_layout(std::string_view payload, Definitions& known);
  bool define_group(const ring::Frame& frame, Definitions& known);
  std::shared_ptr<Version> defined_version(std::string_view payload, const Definitions& known);
  bool recover_index(PageLog& log, const ring::SegmentInfo& segment, PagesSeen& seen);
  Result<void> recover_pages(PageLog& log, const ring::SegmentInfo& segment, PagesSeen& seen);
  bool recover_page(PageLog& log, const ring::SegmentInfo& segment, const ring::Frame& frame,
                    Definitions& known, PagesSeen& seen);
  void recover_list(PageLog& log, Version& version, const IndexedPage& page, PagesSeen& seen);
  static void recover_tier_marks(Tier tier, const PagesSeen& seen);
  struct Replay {  // of one journal segment
    Definitions known;
    struct Rows {
      RowsState state;
      // Rows that are in pages already, since the last key row: read only when one comes that is
      // relative to them.
      std::vector<std::string> paged;
    };
    std::map<std::uint32_t, Rows> rows;  // by tag
  };
  Result<void> recover_journal(const ring::SegmentInfo& segment, const PagesSeen& seen);
  Result<void> note_holes(const ring::SegmentInfo& segment, const Result<ring::ScanReport>& report);
  bool replay_rows(const ring::Frame& frame, Replay& replay, const PagesSeen& seen);
  void load_metadata();
  void save_metadata();

  const MetricStoreOptions options_;
  MetricStoreParts parts_;
  // Guards everything below. Held across journal and page writes: frames of one class must be
  // appended one at a time anyway. Reads of pages happen without it.
  // Recursive for leave(), which the ring calls from within an append.
  mutable std::recursive_mutex mutex_;
  Catalog catalog_;
  std::uint64_t journal_epoch_ = 1;
  std::unordered_map<std::uint64_t, std::uint32_t> journal_layouts_;  // slots defined, by id
  std::unordered_map<std::uint64_t, SeenLayout> layouts_seen_;        // by hash, while recovering
  PageLog raw_;
  std::array<PageLog, kTiers> tiers_;
  std::optional<std::int64_t> dropped_until_;       // see Retention
  std::map<std::uint64_t, std::int64_t> raw_held_;  // newest times of raw segments by generation
  std::int64_t folded_ms_ = INT64_MIN;              // clock at the last look for what is due
  std::vector<std::pair<std::shared_ptr<Version>, Tier>> due_;  // of the thread that tends
  std::array<bool, kTiers> writing_{};  // pages of a tier are on their way to its ring
  std::uint64_t segments_left_ = 0;     // of pages
  // Segments that left while somebody else held mutex_.
  mutable std::mutex left_mutex_;
  std::vector<ring::SegmentInfo> left_;
  bool rows_at_risk_ = false;  // a journal segment failed with unsynced rows in it
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
  std::uint64_t appended_ = 0, recovered_ = 0, lost_frames_ = 0;
  std::int64_t late_ms_ = INT64_MAX;  // the earliest that came late; see take_late()
  SeriesRefusals refusals_;
  std::int64_t refusals_told_ms_ = INT64_MIN / 2;
  MetricCounts metric_counts_;  // of counted_ series; counted anew when that is not all
  std::uint64_t counted_ = 0;
  std::int64_t counted_at_ms_ = INT64_MIN / 2;
  std::shared_ptr<const Tombstones> deletions_ = std::make_shared<const Tombstones>();
  std::vector<std::string> damage_;
  mutable PageCache<Page> cache_;
  const ring::PieceReader* const piece_reader_;  // the ring; null: it is none
  mutable PageCache<TierPage> tier_cache_;
  mutable SelectionCache selections_;
};

}  // namespace nines::storage
