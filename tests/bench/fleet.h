#pragma once
// A fleet of made-up targets for the storage benchmarks: series with the labels of node_exporter,
// and values that move as its do.

#include <cmath>
#include <cstddef>
#include <string>

#include "base/model/labels.h"

namespace nines::bench {

inline constexpr std::size_t kTargetSeries = 512;

inline std::string fleet_instance(std::size_t target) {
  return "10.0.0." + std::to_string(target) + ":9100";
}

// What all series of a target share.
inline LabelSet fleet_target(const std::string& instance) {
  return {{"instance", instance}, {"job", "node"}};
}

// Series `i` of a target.
inline LabelSet fleet_series(const std::string& instance, std::size_t i) {
  return {{"__name__", "node_metric_" + std::to_string(i / 8) + "_total"},
          {"cpu", std::to_string(i % 8)},
          {"mode", i % 2 == 0 ? "idle" : "user"},
          {"device", "disk" + std::to_string(i % 3)},
          {"instance", instance},
          {"job", "node"}};
}

// 60 % stand still, the others are counters, a quarter of these of hundredths.
inline bool fleet_still(std::size_t i) {
  return i % 5 < 3;
}
inline bool fleet_hundredths(std::size_t i) {
  return i % 10 == 4;
}
inline double fleet_first(std::size_t i) {
  return static_cast<double>(i * 1000);
}
// What follows `value` at a scrape.
inline double fleet_next(double value, std::size_t target, std::size_t i, std::size_t scrape) {
  if (fleet_still(i)) return value;
  const auto noise = static_cast<double>((i * 7919 + scrape * 104'729 + target * 31) % 97);
  return fleet_hundredths(i) ? std::round(value * 100 + noise) / 100 : value + noise;
}

}  // namespace nines::bench
