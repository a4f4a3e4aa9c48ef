#pragma once
// Classic histograms of the text formats, turned into native ones with their bounds.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/exposition/internal/series_text.h"
#include "collector/exposition/native_histogram.h"
#include "collector/exposition/parser.h"

namespace nines::collector {

// Stands between the parser and the visitor it is for. Samples of a histogram's family are held
// back until the next metric begins, then given as one native histogram; what makes none is given
// as it came. finish() gives the last one.
class ConvertClassic final : public ExpositionVisitor {
 public:
  ConvertClassic(ExpositionVisitor& to, bool keep_classic) : to_(to), keep_classic_(keep_classic) {}

  Result<void> on_sample(const ExposedSample& sample) override;
  void on_type(std::string_view family, MetricType type) override;
  void on_help(std::string_view family, std::string_view help) override {
    to_.on_help(family, help);
  }
  void on_unit(std::string_view family, std::string_view unit) override {
    to_.on_unit(family, unit);
  }
  Result<void> finish() { return flush(); }

 private:
  struct Held {
    std::string_view series;  // in the body
    double value = 0;
    std::optional<std::int64_t> time_ms;
    std::vector<ExposedExemplar> exemplars;
    std::string_view comments;  // in the body
  };
  // Whether the sample is one of the histogram at hand, which may begin with it.
  Result<bool> take(const ExposedSample& sample);
  Result<void> flush();
  Result<void> give(std::string_view series, const Held& held, const Histogram* h);

  ExpositionVisitor& to_;
  const bool keep_classic_;
  std::string family_;  // of the last TYPE, when it is a histogram; else empty
  bool gauge_ = false;
  std::string held_family_;         // of the histogram at hand
  std::optional<LabelSet> labels_;  // its own, without name and le
  std::vector<Held> held_;
  std::vector<ClassicBucket> buckets_;
  std::optional<double> count_, infinity_, sum_;
  SeriesText text_;
};

}  // namespace nines::collector
