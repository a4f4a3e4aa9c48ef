#include "collector/backfill/backfill.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace nines::collector {
namespace {

struct Series {
  LabelSet labels;
  std::uint64_t block = 0;  // the slot is of this block's group; 0: of none yet
  std::uint32_t group = 0;
  storage::Slot slot{};
  bool refused = false;
};

struct Sample {
  std::uint32_t series = 0;
  std::int64_t time_ms = 0;
  double value = 0;
};

struct SeriesExemplar {
  std::uint32_t series = 0;
  Exemplar exemplar;
};

// Counts, and knows every series by its text.
class Reader : public ExpositionVisitor {
 public:
  // The parser says where.
  Result<void> on_sample(const ExposedSample& sample) override {
    if (!sample.time_ms) {
      return Error(ErrorCode::kInvalid,
                   "expected a timestamp behind the value, got none: an import has no time of its "
                   "own");
    }
    auto known = by_text_.find(sample.series);
    if (known == by_text_.end()) {
      NINES_TRY(LabelSet labels, parse_series(sample.series));
      known = by_text_.emplace(sample.series, static_cast<std::uint32_t>(series_.size())).first;
      series_.push_back({std::move(labels)});
    }
    ++report_.samples;
    report_.oldest_ms = std::min(report_.oldest_ms, *sample.time_ms);
    report_.newest_ms = std::max(report_.newest_ms, *sample.time_ms);
    report_.series = series_.size();
    return take(known->second, sample);
  }
  void on_type(std::string_view family, MetricType type) override {
    metadata_[std::string(family)].type = type;
  }
  void on_help(std::string_view family, std::string_view help) override {
    metadata_[std::string(family)].help = help;
  }
  void on_unit(std::string_view family, std::string_view unit) override {
    metadata_[std::string(family)].unit = unit;
  }
  const BackfillReport& report() const { return report_; }

 protected:
  virtual Result<void> take(std::uint32_t, const ExposedSample&) { return {}; }

  std::unordered_map<std::string_view, std::uint32_t> by_text_;
  std::vector<Series> series_;
  std::map<std::string, Metadata> metadata_;
  BackfillReport report_;
};

class Writer final : public Reader {
 public:
  Writer(storage::Appender& appender, const BackfillOptions& options)
      : appender_(appender), options_(options) {}

  Result<BackfillReport> finish() {
    if (Result<void> wrote = write_block(); !wrote) return std::move(wrote).error();
    for (const auto& [family, metadata] : metadata_) appender_.set_metadata(family, metadata);
    for (const Series& one : series_) report_.series_refused += one.refused ? 1 : 0;
    return report_;
  }

 private:
  Result<void> take(std::uint32_t series, const ExposedSample& sample) override {
    samples_.push_back({series, *sample.time_ms, sample.value});
    for (const ExposedExemplar& exposed : sample.exemplars) {
      Exemplar exemplar;
      exemplar.labels = exposed.labels;
      exemplar.value = exposed.value;
      exemplar.time_ms = exposed.time_ms.value_or(*sample.time_ms);
      exemplar.own_time = exposed.time_ms.has_value();
      exemplars_.push_back({series, std::move(exemplar)});
    }
    if (samples_.size() < options_.samples_per_block) return {};
    return write_block();
  }

  Result<void> open_group() {
    const std::string name =
        options_.name + "/" + std::to_string(block_) + "/" + std::to_string(groups_.size());
    NINES_TRY(auto group, appender_.open_group(name));
    groups_.push_back(std::move(group));
    in_last_group_ = 0;
    return {};
  }

  // Gives the series a place in one of the block's groups, or marks it refused.
  Result<void> place(Series& series) {
    series.block = block_;
    if (groups_.empty() || in_last_group_ >= options_.series_per_group) {
      if (Result<void> opened = open_group(); !opened) return opened;
    }
    Result<storage::Slot> slot = groups_.back()->slot(series.labels);
    if (!slot && slot.error().code() == ErrorCode::kLimit && in_last_group_ > 0) {
      // A group may be full before it has as many as asked for.
      if (Result<void> opened = open_group(); !opened) return opened;
      slot = groups_.back()->slot(series.labels);
    }
    if (!slot) {
      if (slot.error().code() == ErrorCode::kIo) return std::move(slot).error();
      series.refused = true;
      note(slot.error().what());
      return {};
    }
    series.slot = *slot;
    series.group = static_cast<std::uint32_t>(groups_.size() - 1);
    ++in_last_group_;
    return {};
  }

  void note(const std::string& why) {
    if (report_.refusal.empty()) report_.refusal = why;
  }

  Result<void> write_block() {
    Result<void> wrote = write_sorted();
    if (!wrote) {
      return std::move(wrote).error().in("after " + std::to_string(report_.appended) +
                                         " samples were stored");
    }
    samples_.clear();
    exemplars_.clear();
    groups_.clear();
    return {};
  }

  Result<void> write_sorted() {
    ++block_;
    in_last_group_ = 0;
    for (const Sample& sample : samples_) {
      Series& series = series_[sample.series];
      if (series.block == block_ || series.refused) continue;
      if (Result<void> placed = place(series); !placed) return placed;
    }
    std::erase_if(samples_, [&](const Sample& sample) {
      const bool refused = series_[sample.series].refused;
      report_.samples_refused += refused ? 1 : 0;
      return refused;
    });
    std::stable_sort(samples_.begin(), samples_.end(), [&](const Sample& a, const Sample& b) {
      const std::uint32_t group_a = series_[a.series].group;
      const std::uint32_t group_b = series_[b.series].group;
      return group_a != group_b ? group_a < group_b : a.time_ms < b.time_ms;
    });
    std::vector<storage::Row> rows;
    for (std::size_t i = 0; i < samples_.size();) {
      const std::uint32_t group = series_[samples_[i].series].group;
      const std::int64_t time = samples_[i].time_ms;
      rows.clear();
      for (; i < samples_.size() && samples_[i].time_ms == time &&
             series_[samples_[i].series].group == group;
           ++i) {
        rows.push_back({series_[samples_[i].series].slot, samples_[i].value});
      }
      NINES_TRY(const storage::AppendOutcome outcome,
                groups_[group]->append(from_millis(time), rows));
      report_.appended += outcome.appended;
      report_.duplicates += outcome.duplicates;
      report_.conflicts += outcome.conflicts;
      report_.out_of_order += outcome.out_of_order;
      report_.too_far_ahead += outcome.too_far_ahead;
    }
    return write_exemplars();
  }

  Result<void> write_exemplars() {
    std::stable_sort(exemplars_.begin(), exemplars_.end(),
                     [](const SeriesExemplar& a, const SeriesExemplar& b) {
                       return a.exemplar.time_ms < b.exemplar.time_ms;
                     });
    std::vector<std::vector<storage::ExemplarRow>> by_group(groups_.size());
    for (SeriesExemplar& one : exemplars_) {
      const Series& series = series_[one.series];
      if (series.refused) continue;
      by_group[series.group].push_back({series.slot, std::move(one.exemplar)});
    }
    for (std::size_t i = 0; i < by_group.size(); ++i) {
      if (by_group[i].empty()) continue;
      NINES_TRY(const storage::ExemplarOutcome outcome, groups_[i]->append_exemplars(by_group[i]));
      report_.exemplars += outcome.appended;
      report_.exemplars_refused += outcome.out_of_order + outcome.too_long;
    }
    return {};
  }

  storage::Appender& appender_;
  const BackfillOptions& options_;
  std::vector<Sample> samples_;
  std::vector<SeriesExemplar> exemplars_;
  std::vector<std::unique_ptr<storage::GroupWriter>> groups_;  // of the block
  std::uint64_t block_ = 0;
  std::size_t in_last_group_ = 0;
};

Error explained(Error error, ExpositionFormat format) {
  if (format != ExpositionFormat::kOpenMetrics ||
      error.what().find("does not end with # EOF") == std::string::npos)
    return error;
  return {error.code(),
          error.what() +
              ": the text may be cut short; add the line when it is not, or name the "
              "format `prometheus` when it is Prometheus's own (times in milliseconds)"};
}

}  // namespace

Result<BackfillReport> check_backfill(std::string_view text, ExpositionFormat format) {
  if (format == ExpositionFormat::kProtobuf) {
    return Error(ErrorCode::kInvalid,
                 "an import is text, OpenMetrics or Prometheus's; this is protobuf");
  }
  Reader reader;
  if (Result<void> parsed = parse_exposition(text, format, reader); !parsed)
    return explained(std::move(parsed).error(), format);
  return reader.report();
}

Result<BackfillReport> backfill(std::string_view text, ExpositionFormat format,
                                storage::Appender& appender, const BackfillOptions& options) {
  NINES_TRY(const BackfillReport checked, check_backfill(text, format));
  static_cast<void>(checked);
  Writer writer(appender, options);
  if (Result<void> parsed = parse_exposition(text, format, writer); !parsed)
    return std::move(parsed).error();
  return writer.finish();
}

}  // namespace nines::collector
