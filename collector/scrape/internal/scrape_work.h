#pragma once
// From a target's answer to rows in the store.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "collector/exposition/parser.h"
#include "collector/scrape/internal/description_table.h"
#include "collector/scrape/internal/scrape_target.h"
#include "collector/scrape/internal/series_cache.h"
#include "collector/scrape/internal/start_times.h"
#include "collector/scrape/target_pool.h"
#include "storage/api/appender.h"

namespace nines::collector {

// nines's own numbers about scraping, shared by all targets.
struct ScrapeCounters {
  explicit ScrapeCounters(Telemetry& telemetry);
  Counter& scrapes;
  Counter& failed;
  Counter& samples;
  Counter& refused;     // by the store: too old, too far ahead, conflicting, past a series limit
  Counter& duplicates;  // the same series twice in one body
  // Of one target, by its job and instance; null when kNamedTargetsMax have one already.
  Counter* past_limit(const LabelSet& target);

  static constexpr std::uint32_t kNamedTargetsMax = 10'000;

 private:
  Telemetry& telemetry_;
  std::atomic<std::uint32_t> named_{0};
};

struct ScrapeWorkParts {
  storage::Appender& appender;
  const Clock& clock;
  Log& log;
  ScrapeCounters& counters;
  LineBlocks& lines;
  DescriptionTable& descriptions;
};

// All or nothing: a body that breaks off, is no exposition or passes a limit leaves `up` 0,
// staleness markers for what the target had, and nothing of its own.
class ScrapeWork final : public TargetWork, private ExpositionVisitor {
 public:
  // `self`, when set, gives the body in place of HTTP.
  ScrapeWork(ScrapeTarget target, ScrapeWorkParts parts, SelfScrape self);

  std::optional<HttpRequest> request() const override;
  TargetReport work(Timestamp at, Instant began,
                    std::optional<Result<HttpResponse>> answer) override;
  void end(Timestamp at) override;

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return static_cast<std::size_t>(hash64(text));
    }
  };
  enum Report : std::size_t { kUp, kDuration, kScraped, kKept, kAdded, kReports };

  Result<void> on_sample(const ExposedSample& sample) override;
  ExpectedLines expected_lines() const override {
    return settled_for_ == format_ && !relearn_ ? cache_.expected_lines() : ExpectedLines();
  }
  Result<void> on_expected(std::span<const double> values, bool leads) override;
  ExpectedSample expected() const override {
    ExpectedSample next = cache_.expected();
    if (relearn_) next.lead_hash = ~next.lead_hash;
    return next;
  }
  void on_type(std::string_view family, MetricType type) override;
  void on_help(std::string_view family, std::string_view help) override;
  void on_unit(std::string_view family, std::string_view unit) override;

  Result<void> open(bool anew = false);
  void begin_anew();
  Result<void> take_body(const HttpResponse& answer, TargetReport& report);
  Result<void> take_text(std::string_view body, ExpositionFormat format, TargetReport& report);
  Result<SeriesCache::Place> place_of(const ExposedSample& sample);
  // Nothing when metric relabelling drops the series.
  Result<std::optional<LabelSet>> labels_of(const LabelSet& exposed) const;
  Result<CachedSeries> learn(const ExposedSample& sample, bool known);
  std::optional<StartTimes::Part> part_of(const ExposedSample& sample,
                                          const LabelSet& exposed) const;
  Result<void> keep_histogram(const Histogram& h, storage::Row& row);
  Result<void> check_limits(const LabelSet& labels) const;
  std::uint32_t& seen_at(storage::Slot slot);
  void discard();
  void mark_vanished();
  void note_refused(TargetReport& report);
  std::optional<storage::Slot> report_slot(Report which);
  void add_reports(bool up, Instant began);
  void add_report(Report which, double value);
  Result<bool> append(Timestamp at);  // true: the group is worn
  void keep_exemplars(const storage::Row& row, std::span<const ExposedExemplar> exposed);
  void append_exemplars(Timestamp at);
  Metadata* metadata_of(std::string_view family);
  void describe();

  const ScrapeTarget target_;
  const ScrapeWorkParts parts_;
  const SelfScrape self_;
  std::unique_ptr<storage::GroupWriter> writer_;  // opened by the first turn
  SeriesCache cache_;
  std::uint32_t turn_ = 0;
  std::vector<std::uint32_t> seen_;  // by slot: the turn that wrote it last
  std::vector<storage::Slot> live_;  // series that get a marker when they vanish
  std::vector<storage::Slot> live_next_;
  std::vector<storage::Row> rows_;
  std::vector<std::unique_ptr<Histogram>> histograms_;  // of rows_, which point to them
  std::vector<storage::ExemplarRow> exemplars_;
  StartTimes starts_;
  ExpositionFormat format_ = ExpositionFormat::kText004;  // of this scrape
  std::optional<storage::Slot> reports_[kReports];
  std::uint64_t scraped_ = 0;
  std::uint64_t kept_ = 0;  // of them, by metric relabelling
  std::uint64_t added_ = 0;
  std::uint64_t refused_ = 0;
  std::string refusal_;            // the last one's text, while some are refused
  Counter* past_limit_ = nullptr;  // of this target, since its first refusal
  std::unordered_map<std::string, Metadata, TextHash, std::equal_to<>> metadata_;
  std::shared_ptr<const FamilyDescriptions> described_;  // shared with others that say the same
  bool lead_skipped_ = false;  // this scrape has comments that were not reported again
  bool relearn_ = false;       // this scrape reports all of them
  std::optional<ExpositionFormat> settled_for_;  // cache_.settled(), as far as anybody looked
};

}  // namespace nines::collector
