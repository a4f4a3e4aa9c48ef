#include "collector/exposition/internal/convert_classic.h"

#include <cmath>

#include "base/text/numbers.h"

namespace nines::collector {

void ConvertClassic::on_type(std::string_view family, MetricType type) {
  gauge_ = type == MetricType::kGaugeHistogram;
  family_ = gauge_ || type == MetricType::kHistogram ? family : std::string_view();
  to_.on_type(family, type);
}

Result<void> ConvertClassic::on_sample(const ExposedSample& sample) {
  NINES_TRY(const bool taken, take(sample));
  if (taken) return {};
  if (Result<void> r = flush(); !r) return r;
  return to_.on_sample(sample);
}

Result<bool> ConvertClassic::take(const ExposedSample& sample) {
  if (family_.empty() || sample.series.find(family_) == sample.series.npos) return false;
  NINES_TRY(const LabelSet labels, parse_series(sample.series));
  std::string_view suffix = labels.metric_name();
  if (!suffix.starts_with(family_)) return false;
  suffix.remove_prefix(family_.size());
  const bool bucket = suffix == "_bucket";
  const bool count = suffix == (gauge_ ? "_gcount" : "_count");
  if (!bucket && !count && suffix != (gauge_ ? "_gsum" : "_sum")) return false;
  double bound = 0;
  if (bucket) {
    const std::optional<double> le = parse_double(labels.get("le"));
    if (!le) return false;
    bound = *le;
  }
  LabelSet own = labels.without(kMetricName).without("le");
  if (labels_ != own || held_family_ != family_ ||
      (!held_.empty() && held_.front().time_ms != sample.time_ms)) {
    if (Result<void> r = flush(); !r) return std::move(r).error();
    labels_ = std::move(own);
    held_family_ = family_;
  }
  held_.push_back({sample.series,
                   sample.value,
                   sample.time_ms,
                   {sample.exemplars.begin(), sample.exemplars.end()},
                   sample.comments});
  if (!bucket) {
    (count ? count_ : sum_) = sample.value;
  } else if (std::isinf(bound) && bound > 0) {
    infinity_ = sample.value;
  } else {
    buckets_.push_back({bound, sample.value});
  }
  return true;
}

// The count may be missing where there is a bucket for +Inf, as the other way round.
Result<void> ConvertClassic::flush() {
  if (held_.empty()) return {};
  const std::vector<Held> held = std::move(held_);
  held_.clear();
  Result<Histogram> h = Error(ErrorCode::kInvalid, "no buckets");
  const bool has_buckets = !buckets_.empty() || infinity_;
  const std::optional<double> count = count_ ? count_ : infinity_;
  if (has_buckets && count) h = to_custom_buckets(buckets_, *count, sum_.value_or(0));
  if (h) {
    if (gauge_) h->reset_hint = ResetHint::kGauge;
    Held all = held.front();
    all.exemplars.clear();
    for (const Held& one : held) {
      all.exemplars.insert(all.exemplars.end(), one.exemplars.begin(), one.exemplars.end());
    }
    text_.begin_labels();
    for (const Label& label : *labels_) text_.add_label(label.name, label.value);
    if (Result<void> r = give(text_.series(held_family_, ""), all, &*h); !r) return r;
  }
  buckets_.clear();
  count_ = infinity_ = sum_ = std::nullopt;
  labels_.reset();
  if (h && !keep_classic_) return {};
  for (const Held& one : held) {
    if (Result<void> r = give(one.series, one, nullptr); !r) return r;
  }
  return {};
}

Result<void> ConvertClassic::give(std::string_view series, const Held& held, const Histogram* h) {
  ExposedSample sample;
  sample.series = series;
  sample.value = h == nullptr ? held.value : 0;
  sample.histogram = h;
  sample.time_ms = held.time_ms;
  sample.exemplars = held.exemplars;
  sample.comments = held.comments;
  const ExpectedSample guess = to_.expected();
  sample.as_expected = !guess.series.empty() && guess.series == series;
  return to_.on_sample(sample);
}

}  // namespace nines::collector
