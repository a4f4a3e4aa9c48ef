#pragma once
// Writes the series of one SLO, under Sloth's names.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/result.h"
#include "base/model/labels.h"
#include "rules/slo/config.h"
#include "rules/slo/internal/minute_table.h"
#include "storage/api/appender.h"

namespace nines::slo {

// The labels every series of the SLO has: sloth_id, sloth_service, sloth_slo, service, slo. Those
// of a group's: the group's labels too, a `service` among them instead of the SLO's, and
// slo_definition, the grouped SLO's name. And, as Sloth has it, those of own_labels().
LabelSet series_labels(const SloConfig& slo);
// `labels` of the SLO that hide none of its series' own.
std::map<std::string, std::string> own_labels(const SloConfig& slo);
std::string error_ratio_series(Duration window);  // slo:sli_error:ratio_rate5m
std::string events_series(Duration window);       // slo:valid_events:increase1h

// One thread at a time.
class Exporter {
 public:
  Exporter(storage::Appender& appender, const SloConfig& slo, const std::string& version);

  // The figures at the end of the minute before `to_minute`, one per series, without those of the
  // policy's steps, which come last.
  std::vector<std::optional<double>> values(const MinuteTable& table, std::int64_t to_minute) const;
  // Writes them, stamped with that end. A minute that was written is not written again. A ratio
  // over a window without events is no sample: its series ends with a staleness marker until there
  // are events again.
  Result<void> append(std::int64_t to_minute, const std::vector<std::optional<double>>& values);
  // Goes on with those series of the other that are the same here; ending them is no longer its
  // business.
  void adopt(Exporter& old);
  // Ends all series.
  Result<void> finish(std::int64_t to_minute);

 private:
  struct Series {
    LabelSet labels;
    storage::Slot slot{};
    bool live = false;
  };
  Result<void> open();

  storage::Appender& appender_;
  const SloConfig slo_;
  std::unique_ptr<storage::GroupWriter> writer_;
  std::vector<Series> series_;
  std::int64_t written_to_ = INT64_MIN;
};

}  // namespace nines::slo
