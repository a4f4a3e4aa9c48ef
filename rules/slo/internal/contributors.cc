#include "rules/slo/internal/contributors.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "rules/slo/internal/indicator.h"
#include "rules/slo/internal/minute_counter.h"

namespace nines::slo {
namespace {

constexpr std::int64_t kChunkMinutes = 60;

using Sums = std::map<LabelSet, Contributor>;

bool is_of_group(const SloConfig& slo, const LabelSet& series) {
  return slo.group_by.empty() || series.keep(slo.group_by) == slo.group;
}

// The hours of the range that may have bad events: not those in which the ledger has none.
Result<std::vector<Span>> hours_to_read(const ServiceParts& parts, const SloConfig& slo,
                                        std::int64_t begin, std::int64_t end) {
  NINES_TRY(const auto rows, parts.ledger.read_minutes(slo.name, begin, end));
  const std::int64_t known_to = rows.empty() ? begin : rows.back().minute + 1;
  std::vector<Span> out;
  auto row = rows.begin();
  for (std::int64_t from = begin; from < end; from += kChunkMinutes) {
    const std::int64_t to = std::min(end, from + kChunkMinutes);
    bool bad = to > known_to;
    for (; row != rows.end() && row->minute < to; ++row) bad = bad || row->good < row->valid;
    if (bad) out.push_back({from, to});
  }
  return out;
}

// The events of each series, `le` and the name aside: they differ between good and all events.
Result<Sums> sum_series(const ServiceParts& parts, const SloConfig& slo,
                        const ContributorsQuery& query, std::int64_t& earliest_ms) {
  NINES_TRY(const Indicator indicator, Indicator::parse(slo.indicator, {}));
  Grouping grouping{Grouping::Kind::kWithout, {std::string(kMetricName), "le"}};
  if (!query.label.empty()) {
    grouping = {Grouping::Kind::kBy, slo.group_by};
    grouping.names.push_back(query.label);
    std::sort(grouping.names.begin(), grouping.names.end());
    grouping.names.erase(std::unique(grouping.names.begin(), grouping.names.end()),
                         grouping.names.end());
  }
  const MinuteCounter counter(parts.querier, parts.logs, indicator, grouping);
  std::set<LabelSet> known;
  bool full = false;
  const Admit admit = [&](const LabelSet& series) {
    if (!is_of_group(slo, series)) return false;
    if (known.size() < query.series || known.contains(series)) {
      known.insert(series);
      return true;
    }
    full = true;
    return false;
  };
  const std::int64_t begin = minute_of(to_millis(query.from) + 1);
  const std::int64_t end = minute_of(to_millis(query.to) + 1);
  Sums sums;
  NINES_TRY(const std::vector<Span> hours, hours_to_read(parts, slo, begin, end));
  for (const Span& hour : hours) {
    NINES_TRY(const CountedMinutes counted, counter.count(hour.from, hour.to, admit));
    if (full) {
      return Error(ErrorCode::kLimit,
                   "more than " + std::to_string(query.series) +
                       " series had events: ask for one label, or for less time");
    }
    earliest_ms = std::min(earliest_ms, counted.earliest_ms);
    for (const auto& [series, minutes] : counted.groups) {
      Contributor& sum = sums[series];
      for (const storage::LedgerMinute& minute : minutes) {
        sum.good += minute.good;
        sum.valid += minute.valid;
      }
    }
  }
  return sums;
}

// Which share of the bad events its largest value has, over what that value has of all events: a
// label that tells good from bad apart stands first. Of a label with one value nothing is told.
double tells(const ContributorsOfLabel& of_label, double valid) {
  if (of_label.values.empty() || of_label.bad <= 0 || valid <= 0) return 0;
  const Contributor& top = of_label.values.front();
  return top.bad / of_label.bad - top.valid / valid;
}

ContributorsOfLabel by_value(const std::string& label, const Sums& sums) {
  std::map<std::string, Contributor> values;
  for (const auto& [series, sum] : sums) {
    const std::string value(series.get(label));
    Contributor& one = values[value];
    one.value = value;
    one.good += sum.good;
    one.valid += sum.valid;
  }
  ContributorsOfLabel out{label, {}, 0};
  for (auto& [value, one] : values) {
    one.bad = std::max(0.0, one.valid - one.good);
    out.bad += one.bad;
    if (one.bad > 0) out.values.push_back(one);
  }
  std::stable_sort(out.values.begin(), out.values.end(),
                   [](const auto& a, const auto& b) { return a.bad > b.bad; });
  return out;
}

std::set<std::string> labels_to_tell(const SloConfig& slo, const ContributorsQuery& query,
                                     const Sums& sums) {
  if (!query.label.empty()) return {query.label};
  std::map<std::string, std::set<std::string_view>> values;
  for (const auto& [series, sum] : sums) {
    for (const Label& label : series) values[label.name].insert(label.value);
  }
  std::set<std::string> out;
  for (const auto& [label, all] : values) {
    bool everywhere = true;
    for (const auto& one : sums) everywhere = everywhere && one.first.has(label);
    const bool grouped =
        std::find(slo.group_by.begin(), slo.group_by.end(), label) != slo.group_by.end();
    if (!grouped && (all.size() > 1 || !everywhere)) out.insert(label);
  }
  return out;
}

}  // namespace

Result<Contributors> find_contributors(const ServiceParts& parts, const SloConfig& slo,
                                       const ContributorsQuery& query) {
  if (slo.indicator.kind == IndicatorKind::kComposite) {
    return Error(ErrorCode::kInvalid,
                 "a composite has no labels: ask for the contributors of its members");
  }
  if (query.to - query.from < Duration(kMinuteMs))
    return Error(ErrorCode::kInvalid, "contributors: needs at least one whole minute");
  std::int64_t earliest_ms = INT64_MAX;
  NINES_TRY(const Sums sums, sum_series(parts, slo, query, earliest_ms));
  Contributors out;
  out.to = query.to;
  out.from = query.from;
  if (earliest_ms != INT64_MAX) out.from = std::max(query.from, from_millis(earliest_ms));
  double valid = 0;
  for (const auto& [series, sum] : sums) valid += sum.valid;
  for (const std::string& label : labels_to_tell(slo, query, sums)) {
    ContributorsOfLabel one = by_value(label, sums);
    if (one.bad > 0) out.labels.push_back(std::move(one));
  }
  std::stable_sort(out.labels.begin(), out.labels.end(),
                   [&](const auto& a, const auto& b) { return tells(a, valid) > tells(b, valid); });
  for (ContributorsOfLabel& one : out.labels) {
    if (one.values.size() > query.values) one.values.resize(query.values);
  }
  return out;
}

}  // namespace nines::slo
