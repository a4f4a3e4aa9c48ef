#include "collector/scrape/internal/scrape_work.h"

#include <algorithm>
#include <utility>

#include "base/core/release.h"
#include "base/text/text.h"
#include "collector/exposition/native_histogram.h"

namespace nines::collector {
namespace {

constexpr std::size_t kBodyStartMax = 1024;   // shown of a body that failed
constexpr std::size_t kFamiliesMax = 10'000;  // whose metadata is kept per target
constexpr std::uint8_t kRefusedFor = 10;      // scrapes before a refused series is offered again
constexpr const char* kComponent = "scrape";
constexpr std::size_t kSpareRowsMax = 10'000;  // a thread keeps room for between scrapes

constexpr const char* kReportNames[] = {"up", "scrape_duration_seconds", "scrape_samples_scraped",
                                        "scrape_samples_post_metric_relabeling",
                                        "scrape_series_added"};

std::vector<storage::Row>& spare_rows() {
  thread_local std::vector<storage::Row> rows;
  return rows;
}

// The beginning of a body that failed.
std::string shown(std::string_view body, ExpositionFormat format) {
  const std::string_view start = body.substr(0, kBodyStartMax);
  if (format != ExpositionFormat::kProtobuf) return std::string(start);
  return quote_go(start).substr(0, kBodyStartMax);
}

Error limit(const char* name, std::uint64_t value, std::string_view what) {
  return {ErrorCode::kLimit,
          std::string(name) + " of " + std::to_string(value) + " exceeded" + std::string(what)};
}

}  // namespace

ScrapeCounters::ScrapeCounters(Telemetry& t)
    : scrapes(t.counter("nines_scrapes_total", "Scrapes finished, failed ones included.")),
      failed(t.counter("nines_scrapes_failed_total", "Scrapes that left up at 0.")),
      samples(t.counter("nines_scrape_samples_total", "Samples of targets written to the store.")),
      refused(t.counter("nines_scrape_samples_refused_total",
                        "Samples the store refused: out of order, conflicting, past a limit.")),
      duplicates(t.counter("nines_scrape_duplicate_series_total",
                           "Series that stood twice in one body; the first one counts.")),
      telemetry_(t) {}

Counter* ScrapeCounters::past_limit(const LabelSet& target) {
  if (named_.load() >= kNamedTargetsMax || named_.fetch_add(1) >= kNamedTargetsMax) return nullptr;
  return &telemetry_.counter(
      "nines_scrape_target_samples_refused_total",
      "Samples refused by a series limit, of the targets that had any.",
      {{"instance", std::string(target.get("instance"))}, {"job", std::string(target.get("job"))}});
}

ScrapeWork::ScrapeWork(ScrapeTarget target, ScrapeWorkParts parts, SelfScrape self)
    : target_(std::move(target)),
      parts_(parts),
      self_(std::move(self)),
      cache_(parts.lines, target_.config->job_name) {}

std::optional<HttpRequest> ScrapeWork::request() const {
  if (self_ || !target_.refused.empty()) return std::nullopt;
  return target_.request();
}

Result<void> ScrapeWork::open(bool anew) {
  if (writer_) return {};
  storage::GroupSpec spec(target_.group_name(), target_.labels,
                          "scrape/" + target_.config->job_name);
  spec.anew = anew;
  NINES_TRY(writer_, parts_.appender.open_group(spec));
  // Before the target's own: one that exposes more than it may still has its `up`.
  for (std::size_t which = 0; which < kReports; ++which) report_slot(static_cast<Report>(which));
  return {};
}

// Most series the target ever had are gone. Those of this scrape go on under new slots, so that the
// target may have new ones for ever.
void ScrapeWork::begin_anew() {
  std::vector<std::optional<storage::Slot>> moved(seen_.size());
  std::vector<bool> was_live(seen_.size());
  for (const storage::Slot slot : live_) was_live[static_cast<std::size_t>(slot)] = true;
  writer_.reset();
  settled_for_.reset();
  std::fill(std::begin(reports_), std::end(reports_), std::nullopt);
  seen_.clear();
  live_.clear();
  const Result<void> opened = open(true);
  for (SeriesCache::Place line = 0; line < cache_.size(); ++line) {
    CachedSeries& series = cache_.at(line);
    if (!series.known || series.dropped || series.created) continue;
    const auto old = static_cast<std::size_t>(series.slot);
    const bool had_slot = series.retry_in == 0;
    series.known = false;  // asked again, should the rest not come off
    if (!opened || !had_slot) continue;
    const Result<LabelSet> exposed = parse_series(cache_.text(line));
    if (!exposed) continue;
    const auto labels = labels_of(*exposed);
    if (!labels || !*labels) continue;
    const Result<storage::Slot> slot = writer_->slot(**labels);
    if (!slot) continue;
    series.known = true;
    series.slot = *slot;
    seen_at(*slot) = turn_;
    if (moved[old]) continue;
    moved[old] = *slot;
    if (was_live[old]) live_.push_back(*slot);
  }
  starts_.move(moved);
}

TargetReport ScrapeWork::work(Timestamp at, Instant began,
                              std::optional<Result<HttpResponse>> answer) {
  TargetReport report;
  parts_.counters.scrapes.add();
  if (Result<void> opened = open(); !opened) {
    report.error = "store: " + opened.error().what();
    parts_.counters.failed.add();
    return report;
  }
  ++turn_;
  rows_.swap(spare_rows());
  discard();
  scraped_ = kept_ = added_ = refused_ = 0;
  Result<void> taken;
  if (!target_.refused.empty()) {
    taken = Error(ErrorCode::kInvalid, target_.refused);
  } else if (!answer) {
    taken = take_text(self_(), ExpositionFormat::kText004, report);
  } else if (!*answer) {
    taken = std::move(*answer).error();
    const std::string most = std::to_string(target_.config->body_size_limit);
    if (taken.error().code() == ErrorCode::kLimit &&
        taken.error().what().find(most) != std::string::npos) {
      taken = std::move(taken).error().in("body_size_limit exceeded");
    }
  } else {
    taken = take_body(**answer, report);
  }
  if (taken) {
    cache_.commit();
    if (format_ == ExpositionFormat::kOpenMetrics) starts_.fill(rows_);
    for (const auto& [family, metadata] : metadata_) parts_.appender.set_metadata(family, metadata);
    describe();
  } else {
    parts_.counters.failed.add();
    report.error = taken.error().what();
    discard();
  }
  if (settled_for_ != format_ && cache_.settled(format_ == ExpositionFormat::kOpenMetrics)) {
    settled_for_ = format_;
  }
  mark_vanished();
  add_reports(taken.has_value(), began);
  report.up = taken.has_value();
  report.described = described_;
  report.samples = scraped_;
  note_refused(report);
  if (const Result<bool> worn = append(at); !worn) {
    parts_.log.error(kComponent, "write pool={} url={} error=\"{}\"", target_.config->job_name,
                     target_.url, worn.error().what());
  } else if (*worn && report.up) {
    begin_anew();
  }
  // Ten thousand targets wait between their scrapes: what only a scrape needs goes, the rows to the
  // thread's next scrape.
  rows_.clear();
  if (rows_.capacity() > kSpareRowsMax) rows_.shrink_to_fit();
  spare_rows().swap(rows_);
  if (histograms_.capacity() > 0) release(histograms_);
  release(metadata_);
  return report;
}

// A target that brings more series than it may is up, and says all the same what it lost.
void ScrapeWork::note_refused(TargetReport& report) {
  if (!report.up) return;
  if (refused_ == 0) {
    refusal_.clear();
    return;
  }
  report.cut = true;
  report.error = std::to_string(refused_) + " of " + std::to_string(kept_) +
                 " samples refused by a limit of the store, the last: " + refusal_;
  if (past_limit_ == nullptr) past_limit_ = parts_.counters.past_limit(target_.labels);
  if (past_limit_ != nullptr) past_limit_->add(static_cast<double>(refused_));
}

// Nothing of a failed scrape is kept.
void ScrapeWork::discard() {
  rows_.clear();
  rows_.reserve(live_.size() + kReports);
  release(exemplars_);
  histograms_.clear();
  starts_.discard();
  live_next_.clear();
  cache_.begin();
  lead_skipped_ = false;
}

Result<void> ScrapeWork::take_body(const HttpResponse& answer, TargetReport& report) {
  if (answer.status != 200) {
    return Error(ErrorCode::kUnavailable,
                 "server returned HTTP status " + std::to_string(answer.status));
  }
  const auto format =
      exposition_format(answer.header("content-type"), target_.config->fallback_scrape_protocol);
  if (!format) {
    report.body_start = answer.body.substr(0, kBodyStartMax);
    return Error(format.error());
  }
  return take_text(answer.body, *format, report);
}

Result<void> ScrapeWork::take_text(std::string_view body, ExpositionFormat format,
                                   TargetReport& report) {
  const std::uint64_t most = target_.config->body_size_limit;
  if (most != 0 && body.size() > most) {
    report.body_start = shown(body, format);
    return limit("body_size_limit", most, "");
  }
  format_ = format;
  const ScrapeConfig& c = *target_.config;
  Result<void> parsed =
      parse_exposition(body, format, *this,
                       {c.scrape_native_histograms, c.convert_classic_histograms_to_nhcb,
                        c.always_scrape_classic_histograms});
  if (!parsed) report.body_start = shown(body, format);
  return parsed;
}

// The series of a sample, with its slot; a new one is checked before it is remembered, so that a
// text in the cache is one that may be stored.
Result<SeriesCache::Place> ScrapeWork::place_of(const ExposedSample& sample) {
  std::optional<SeriesCache::Place> place =
      sample.as_expected ? cache_.expected_place() : cache_.find(sample.series);
  // The line of a start is one in OpenMetrics alone.
  const bool known = place && cache_.at(*place).known &&
                     (!cache_.at(*place).created || format_ == ExpositionFormat::kOpenMetrics);
  if (known && cache_.at(*place).retry_in != 1) return *place;
  NINES_TRY(const CachedSeries series, learn(sample, known));
  if (!place) place = cache_.add(sample.series);
  cache_.at(*place) = series;
  return *place;
}

Result<CachedSeries> ScrapeWork::learn(const ExposedSample& sample, bool known) {
  NINES_TRY(const LabelSet exposed, parse_series(sample.series));
  CachedSeries series;
  series.known = true;
  settled_for_.reset();
  const std::optional<StartTimes::Part> part = part_of(sample, exposed);
  if (part && part->created) {
    series.created = true;
    series.slot = storage::Slot(static_cast<std::uint32_t>(starts_.line(part->metric)));
    return series;
  }
  NINES_TRY(const std::optional<LabelSet> labels, labels_of(exposed));
  if (!labels) {
    series.dropped = true;
  } else {
    if (Result<void> fits = check_limits(*labels); !fits) return std::move(fits).error();
    const Result<storage::Slot> slot = writer_->slot(*labels);
    if (!slot && slot.error().code() != ErrorCode::kLimit) return Error(slot.error());
    if (!known) ++added_;
    series.retry_in = slot ? 0 : kRefusedFor + 1;
    if (!slot) refusal_ = slot.error().what();
    if (slot) {
      series.slot = *slot;
      seen_at(*slot);
      if (part) starts_.add(part->metric, *slot);
    }
  }
  return series;
}

// Only OpenMetrics has lines that say when others began.
std::optional<StartTimes::Part> ScrapeWork::part_of(const ExposedSample& sample,
                                                    const LabelSet& exposed) const {
  if (format_ != ExpositionFormat::kOpenMetrics) return std::nullopt;
  const std::optional<DeclaredFamily> family = declared_family(sample.comments, format_);
  return family ? StartTimes::part_of(exposed, *family) : std::nullopt;
}

std::uint32_t& ScrapeWork::seen_at(storage::Slot slot) {
  const auto index = static_cast<std::size_t>(slot);
  if (index >= seen_.size()) seen_.resize(index + 1);
  return seen_[index];
}

Result<void> ScrapeWork::on_sample(const ExposedSample& sample) {
  ++scraped_;
  if (sample.lead_known && sample.lead_bytes != 0) lead_skipped_ = true;
  NINES_TRY(const SeriesCache::Place place, place_of(sample));
  CachedSeries& series = cache_.at(place);
  cache_.use(place, sample);
  if (series.dropped) return {};
  if (series.created) {
    --scraped_;
    starts_.set(StartTimes::Line(static_cast<std::uint32_t>(series.slot)), sample.value);
    return {};
  }
  const std::uint64_t most = target_.config->sample_limit;
  if (++kept_ > most && most != 0) return limit("sample_limit", most, "");
  if (series.retry_in > 0) {
    --series.retry_in;
    ++refused_;
    return {};
  }
  std::uint32_t& seen = seen_[static_cast<std::size_t>(series.slot)];
  const bool own_time = sample.time_ms && target_.config->honor_timestamps;
  if (seen == turn_ && !own_time) {
    parts_.counters.duplicates.add();
    return {};
  }
  // Series that carry their own times end without a marker, unless somebody wants one: nobody knows
  // when they did.
  if ((!own_time || target_.config->track_timestamps_staleness) && seen != turn_) {
    live_next_.push_back(series.slot);
  }
  seen = turn_;
  storage::Row row;
  row.slot = series.slot;
  row.value = sample.value;
  if (own_time) row.own_time_ms = *sample.time_ms;
  row.start_time_ms = sample.start_ms;
  if (sample.histogram != nullptr) {
    if (Result<void> kept = keep_histogram(*sample.histogram, row); !kept) return kept;
  }
  rows_.push_back(row);
  if (!sample.exemplars.empty()) keep_exemplars(row, sample.exemplars);
  return {};
}

// on_sample() for lines that are as they were, in a settled cache.
Result<void> ScrapeWork::on_expected(std::span<const double> values, bool leads) {
  lead_skipped_ |= leads;
  SeriesCache::Place place = cache_.expected_place();
  cache_.use_expected(values.size());
  const std::uint64_t most = target_.config->sample_limit;
  for (const double value : values) {
    ++scraped_;
    const CachedSeries& series = cache_.at(place++);
    if (series.dropped) continue;
    if (series.created) {
      --scraped_;
      starts_.set(StartTimes::Line(static_cast<std::uint32_t>(series.slot)), value);
      continue;
    }
    if (++kept_ > most && most != 0) return limit("sample_limit", most, "");
    std::uint32_t& seen = seen_[static_cast<std::size_t>(series.slot)];
    if (seen == turn_) {
      parts_.counters.duplicates.add();
      continue;
    }
    live_next_.push_back(series.slot);
    seen = turn_;
    storage::Row& row = rows_.emplace_back();
    row.slot = series.slot;
    row.value = value;
  }
  return {};
}

Result<void> ScrapeWork::keep_histogram(const Histogram& h, storage::Row& row) {
  const ScrapeConfig& c = *target_.config;
  Histogram& own = *histograms_.emplace_back(std::make_unique<Histogram>(h));
  reduce_resolution(own, schema_of_factor(c.native_histogram_min_bucket_factor));
  const std::uint64_t most = c.native_histogram_bucket_limit;
  if (most != 0 && !fit_buckets(own, most)) {
    return limit("native_histogram_bucket_limit", most,
                 " by a histogram that cannot be made coarser");
  }
  row.histogram = &own;
  return {};
}

// One without a time of its own has its sample's; what is not known yet is set when the scrape is
// written.
void ScrapeWork::keep_exemplars(const storage::Row& row, std::span<const ExposedExemplar> all) {
  const auto first = static_cast<std::ptrdiff_t>(exemplars_.size());
  for (const ExposedExemplar& exposed : all) {
    Exemplar exemplar{exposed.labels, exposed.value, row.own_time_ms, exposed.time_ms.has_value()};
    if (exposed.time_ms) exemplar.time_ms = *exposed.time_ms;
    exemplars_.push_back({row.slot, std::move(exemplar)});
  }
  // A histogram's come by bucket, the store wants them by time.
  std::stable_sort(exemplars_.begin() + first, exemplars_.end(), [](const auto& a, const auto& b) {
    return a.exemplar.time_ms < b.exemplar.time_ms;
  });
}

// The target's labels join the exposed ones. Where both have a name, honor_labels lets the exposed
// one win; otherwise it moves to exported_<name>.
Result<std::optional<LabelSet>> ScrapeWork::labels_of(const LabelSet& exposed) const {
  LabelBuilder labels(exposed);
  for (const Label& label : target_.labels) {
    const std::string_view theirs = exposed.get(label.name);
    if (!theirs.empty()) {
      if (target_.config->honor_labels) continue;
      std::string moved = "exported_" + label.name;
      while (exposed.has(moved) || target_.labels.has(moved)) moved.insert(0, "exported_");
      labels.set(moved, theirs);
    }
    labels.set(label.name, label.value);
  }
  if (target_.config->metric_relabel_configs.empty()) return std::optional(labels.build());
  std::optional<LabelSet> kept = relabel(labels.build(), target_.config->metric_relabel_configs);
  if (kept && kept->metric_name().empty()) {
    return Error(ErrorCode::kInvalid, "metric_relabel_configs left " +
                                          quote_go(exposed.to_string().substr(0, 200)) +
                                          " without a name");
  }
  return kept;
}

Result<void> ScrapeWork::check_limits(const LabelSet& labels) const {
  const ScrapeConfig& c = *target_.config;
  const auto of = [&] { return " by " + labels.to_string().substr(0, 200); };
  if (c.label_limit != 0 && labels.size() > c.label_limit) {
    return limit("label_limit", c.label_limit, of());
  }
  if (c.legacy_names_only && !is_legacy_metric_name(labels.metric_name())) {
    return Error(ErrorCode::kInvalid,
                 "metric_name_validation_scheme = \"legacy\" refuses the name" + of());
  }
  for (const Label& label : labels) {
    if (c.legacy_names_only && !is_legacy_label_name(label.name)) {
      return Error(ErrorCode::kInvalid,
                   "metric_name_validation_scheme = \"legacy\" refuses label " +
                       quote_go(label.name) + of());
    }
    if (c.label_name_length_limit != 0 && label.name.size() > c.label_name_length_limit) {
      return limit("label_name_length_limit", c.label_name_length_limit, of());
    }
    if (c.label_value_length_limit != 0 && label.value.size() > c.label_value_length_limit) {
      return limit("label_value_length_limit", c.label_value_length_limit, of());
    }
  }
  return {};
}

// A marker for each series of the last scrape that is not in this one: all, when this one failed.
void ScrapeWork::mark_vanished() {
  const bool failed = rows_.empty();
  for (const storage::Slot slot : live_) {
    if (!failed && seen_[static_cast<std::size_t>(slot)] == turn_) continue;
    storage::Row row;
    row.slot = slot;
    row.value = stale_nan();
    rows_.push_back(row);
  }
  live_.swap(live_next_);
  live_next_.clear();
}

std::optional<storage::Slot> ScrapeWork::report_slot(Report which) {
  if (reports_[which]) return reports_[which];
  const Result<storage::Slot> slot =
      writer_->slot(target_.labels.with(kMetricName, kReportNames[which]));
  if (slot) {
    reports_[which] = *slot;
  } else {
    parts_.log.warn(kComponent, "no room for {} url={} error=\"{}\"", kReportNames[which],
                    target_.url, slot.error().what());
  }
  return reports_[which];
}

void ScrapeWork::add_report(Report which, double value) {
  if (!report_slot(which)) return;
  // A target may expose a series of this very name and labels; ours is the one that counts.
  if (seen_at(*reports_[which]) != 0) {
    std::erase_if(rows_, [&](const storage::Row& row) { return row.slot == *reports_[which]; });
    std::erase(live_, *reports_[which]);
  }
  storage::Row row;
  row.slot = *reports_[which];
  row.value = value;
  rows_.push_back(row);
}

void ScrapeWork::add_reports(bool up, Instant began) {
  const std::chrono::duration<double> took = parts_.clock.elapsed() - began;
  add_report(kUp, up ? 1 : 0);
  add_report(kDuration, took.count());
  add_report(kScraped, static_cast<double>(scraped_));
  add_report(kKept, static_cast<double>(kept_ - refused_));
  add_report(kAdded, static_cast<double>(up ? added_ : 0));
  // They have the group's first slots: in front, where the store finds all rows in the order it
  // keeps them in, and need not sort them.
  const auto last = static_cast<std::ptrdiff_t>(std::min<std::size_t>(kReports, rows_.size()));
  const auto own = std::find_if(rows_.end() - last, rows_.end(), [&](const storage::Row& row) {
    return reports_[kUp] && row.slot == *reports_[kUp];
  });
  std::rotate(rows_.begin(), own, rows_.end());
}

Result<bool> ScrapeWork::append(Timestamp at) {
  NINES_TRY(const storage::AppendOutcome outcome, writer_->append(at, rows_));
  const std::uint64_t refused =
      refused_ + outcome.conflicts + outcome.out_of_order + outcome.too_far_ahead;
  parts_.counters.samples.add(outcome.appended);
  append_exemplars(at);
  if (refused == 0) return outcome.worn;
  parts_.counters.refused.add(static_cast<double>(refused));
  parts_.log.debug(
      kComponent, "samples refused url={} series_limit={} conflicts={} out_of_order={} ahead={}",
      target_.url, refused_, outcome.conflicts, outcome.out_of_order, outcome.too_far_ahead);
  return outcome.worn;
}

void ScrapeWork::append_exemplars(Timestamp at) {
  if (exemplars_.empty()) return;
  for (storage::ExemplarRow& row : exemplars_) {
    if (row.exemplar.time_ms == storage::Row::kBatchTime) row.exemplar.time_ms = to_millis(at);
  }
  if (const auto kept = writer_->append_exemplars(exemplars_); !kept) {
    parts_.log.error(kComponent, "write exemplars url={} error=\"{}\"", target_.url,
                     kept.error().what());
  } else if (kept->out_of_order + kept->too_long > 0) {
    parts_.log.debug(kComponent, "exemplars refused url={} out_of_order={} too_long={}",
                     target_.url, kept->out_of_order, kept->too_long);
  }
}

void ScrapeWork::end(Timestamp at) {
  if (!writer_) return;
  discard();
  for (const std::optional<storage::Slot>& slot : reports_) {
    if (slot && std::find(live_.begin(), live_.end(), *slot) == live_.end()) {
      live_.push_back(*slot);
    }
  }
  mark_vanished();
  if (const Result<bool> appended = append(at); !appended) {
    parts_.log.error(kComponent, "end series url={} error=\"{}\"", target_.url,
                     appended.error().what());
  }
  writer_.reset();
}

// Of this scrape, as far as its comments are not those of the last one. Null when it describes more
// families than are kept.
Metadata* ScrapeWork::metadata_of(std::string_view family) {
  const auto found = metadata_.find(family);
  if (found != metadata_.end()) return &found->second;
  if (metadata_.size() >= kFamiliesMax) return nullptr;
  return &metadata_[std::string(family)];
}

// Comments that stood there the last time are not taken apart again. So when some have changed, or
// nobody has read them for this target, the next scrape reads them all.
void ScrapeWork::describe() {
  if (lead_skipped_) {
    relearn_ = !metadata_.empty() || !described_;
    return;
  }
  relearn_ = false;
  if (metadata_.empty() && described_ && described_->empty()) return;
  FamilyDescriptions all;
  all.reserve(metadata_.size());
  for (const auto& [family, metadata] : metadata_) all.push_back({family, metadata});
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.family < b.family; });
  described_ = parts_.descriptions.share(std::move(all));
}

void ScrapeWork::on_type(std::string_view family, MetricType type) {
  if (Metadata* known = metadata_of(family)) known->type = type;
}

void ScrapeWork::on_help(std::string_view family, std::string_view help) {
  if (Metadata* known = metadata_of(family)) known->help = help;
}

void ScrapeWork::on_unit(std::string_view family, std::string_view unit) {
  if (Metadata* known = metadata_of(family)) known->unit = unit;
}

}  // namespace nines::collector
