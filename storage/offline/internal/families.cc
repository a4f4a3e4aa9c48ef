#include "storage/offline/internal/families.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace nines::storage {
namespace {

struct Suffix {
  MetricType type;
  std::string_view text;
};

// What a type's samples are called after their family. Source: OpenMetrics 1.0, "Suffixes".
constexpr std::array<Suffix, 12> kSuffixes = {{{MetricType::kCounter, "_total"},
                                               {MetricType::kGauge, ""},
                                               {MetricType::kHistogram, "_bucket"},
                                               {MetricType::kHistogram, "_count"},
                                               {MetricType::kHistogram, "_sum"},
                                               {MetricType::kGaugeHistogram, "_bucket"},
                                               {MetricType::kGaugeHistogram, "_gcount"},
                                               {MetricType::kGaugeHistogram, "_gsum"},
                                               {MetricType::kSummary, ""},
                                               {MetricType::kSummary, "_count"},
                                               {MetricType::kSummary, "_sum"},
                                               {MetricType::kInfo, "_info"}}};

struct Place {
  std::string family;
  MetricType type = MetricType::kUnknown;
  const Metadata* data = nullptr;
};

// The text format names a counter's family with its _total, and an info's with its _info.
const Metadata* metadata_of(const std::map<std::string, Metadata>& metadata,
                            const std::string& family, const Suffix& suffix) {
  const bool whole_name =
      suffix.type == MetricType::kCounter || suffix.type == MetricType::kInfo;
  for (const std::string& name : {family, family + std::string(suffix.text)}) {
    const auto it = metadata.find(name);
    if (it != metadata.end() && it->second.type == suffix.type) return &it->second;
    if (!whole_name) break;
  }
  return nullptr;
}

Place place_of(const std::string& metric, const std::map<std::string, Metadata>& metadata) {
  for (const Suffix& suffix : kSuffixes) {
    if (metric.size() <= suffix.text.size() || !metric.ends_with(suffix.text)) continue;
    std::string family = metric.substr(0, metric.size() - suffix.text.size());
    if (const Metadata* data = metadata_of(metadata, family, suffix))
      return {std::move(family), suffix.type, data};
  }
  const auto it = metadata.find(metric);
  return {metric, MetricType::kUnknown, it == metadata.end() ? nullptr : &it->second};
}

std::size_t rank(const std::string& metric) {
  for (std::size_t i = 0; i < kSuffixes.size(); ++i) {
    if (!kSuffixes[i].text.empty() && metric.ends_with(kSuffixes[i].text)) return i;
  }
  return kSuffixes.size();
}

}  // namespace

std::vector<Family> plan_families(const std::vector<std::string>& metrics,
                                  const std::map<std::string, Metadata>& metadata) {
  std::map<std::string, std::vector<std::pair<std::string, Place>>> by_family;
  for (const std::string& metric : metrics) {
    Place place = place_of(metric, metadata);
    std::string family = place.family;
    by_family[std::move(family)].emplace_back(metric, std::move(place));
  }
  // Two types of one family name (a gauge `x` beside a counter `x_total`) cannot both keep it:
  // those with a suffix become families of their own.
  std::map<std::string, Family> out;
  for (auto& [name, members] : by_family) {
    std::set<MetricType> types;
    for (const auto& [metric, place] : members) types.insert(place.type);
    for (const auto& [metric, place] : members) {
      const bool alone = types.size() > 1;
      Family& family = out[alone ? metric : name];
      family.name = alone ? metric : name;
      if (place.data) family.data = *place.data;
      family.data.type = alone ? MetricType::kUnknown : place.type;
      family.metrics.push_back(metric);
    }
  }
  std::vector<Family> families;
  for (auto& [name, family] : out) {
    std::sort(family.metrics.begin(), family.metrics.end(),
              [](const std::string& a, const std::string& b) {
                return std::pair(rank(a), std::string_view(a)) <
                       std::pair(rank(b), std::string_view(b));
              });
    families.push_back(std::move(family));
  }
  return families;
}

}  // namespace nines::storage
