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

#include "storage/metrics/internal/store_state.h"
#include "storage/metrics/metric_store.h"

namespace nines::storage {

// Frame types of the classes kJournal and kRaw.
inline constexpr std::uint8_t kSeriesFrame = 1;
inline constexpr std::uint8_t kRowsFrame = 2;
inline constexpr std::uint8_t kLayoutFrame = 3;
inline constexpr std::uint8_t kColsFrame = 4;

// A generous guess at what a series takes in a layout. A layout must fit a segment, so a group has at
// most as many series as that allows.
inline constexpr std::size_t kLayoutBytesPerSeries = 160;

// Unpacked pages, the least recently used dropped first. Thread-safe.
class PageCache {
 public:
  explicit PageCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  std::shared_ptr<const Page> get(const ring::Location& location);
  void put(const ring::Location& location, std::shared_ptr<const Page> page);

 private:
  using Key = std::pair<std::uint64_t, std::uint32_t>;  // generation, offset
  struct Kept {
    Key key;
    std::shared_ptr<const Page> page;
  };
  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  std::list<Kept> order_;  // newest first
  std::map<Key, std::list<Kept>::iterator> by_key_;
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
  std::map<std::string, Metadata> metadata() const override;
  Result<void> sync() override;
  void tend() override;
  Result<void> flush() override;
  void add_status(StoreStatus& status, std::size_t top) const override;

  // For GroupWriter.
  Result<Slot> slot(Group& group, const LabelSet& labels);
  Result<AppendOutcome> append(Group& group, Timestamp at, std::span<const Row> rows);
  void close(Group& group);

  // For SeriesSelection: the points of a series in the range, from pages and open columns.
  Result<void> read_series(std::uint32_t id, TimeRange range, std::vector<Point>& out) const;

 private:
  // All of these with mutex_ held.
  bool accept(Group& group, const Row& row, std::int64_t at, std::int64_t now,
              AppendOutcome& outcome, Entry& entry) const;
  void keep(Group& group, const Entry& entry);
  Result<void> journal(Group& group, std::int64_t at, std::span<const Entry> entries);
  Result<ring::Location> journal_frame(std::uint8_t type, Group& group, std::string_view payload);
  void make_journal_room();
  Result<void> flush_group(Group& group);
  Result<PageRef> write_page(Group& group, std::string_view payload, ring::TimeBounds times);
  void seal_raw();
  Result<ring::Location> raw_frame(std::uint8_t type, std::uint32_t tag, std::string_view payload,
                                   ring::TimeBounds times);
  std::string raw_footer() const;
  Result<void> write_layout(Group& group);
  void release_journal();
  void forget_segment(const ring::SegmentInfo& segment);
  std::vector<std::uint32_t> live(std::span<const Matcher> matchers, TimeRange range) const;
  bool has_samples(std::uint32_t id, TimeRange range) const;

  Result<void> recover_raw(const ring::SegmentInfo& segment,
                           std::map<std::string, std::uint64_t>& flushed);
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
  struct FooterPage {
    std::uint32_t layout = 0;
    PageRef page;
    std::uint64_t flushed = 0;
  };
  std::vector<FooterPage> footer_pages_;
  std::size_t footer_bytes_ = 0;
  std::map<std::string, Metadata> metadata_;
  bool metadata_changed_ = false;
  std::uint64_t appended_ = 0, recovered_ = 0, refused_ = 0, lost_frames_ = 0;
  std::vector<std::string> damage_;
  mutable PageCache cache_;
};

}  // namespace nines::storage
