#pragma once
// Writes a series as the text formats do, so that every format has the same cache keys.

#include <string>
#include <string_view>

namespace nines::collector {

// A bound or quantile as OpenMetrics writes it: always with a point or an exponent, "+Inf".
std::string format_bound(double value);

// name_suffix{labels,...}. Labels of a metric are collected once, then written behind each of its
// names.
class SeriesText {
 public:
  void begin_labels() { labels_.clear(); }
  void add_label(std::string_view name, std::string_view value);
  // The view lives until the next call. `extra_value` is written as it is: it needs no escapes.
  std::string_view series(std::string_view name, std::string_view suffix,
                          std::string_view extra_label = {}, std::string_view extra_value = {});

 private:
  std::string labels_, text_;
};

}  // namespace nines::collector
