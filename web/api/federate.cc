// /federate: the newest sample of each matching series, for another Prometheus to scrape.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/text/numbers.h"
#include "rules/promql/metric_selector.h"
#include "web/api/internal/client_stop.h"
#include "web/api/internal/encode.h"
#include "web/api/internal/families.h"

namespace nines::web {
namespace {

struct Newest {
  std::int64_t time_ms = 0;
  double value = 0;
};

// Series that have ended, and native histograms (the text format has none), are left out.
Result<void> collect(const QueryParts& parts, const std::vector<Matcher>& matchers,
                     const storage::StopFlag* stop, std::map<LabelSet, Newest>& out) {
  const promql::EngineOptions& options = parts.promql.options();
  const Timestamp now = parts.clock.now();
  const storage::TimeRange range{now - options.lookback_delta, now};
  NINES_TRY(const auto selection, parts.querier.select(matchers, range, options.series_max, stop));
  SampleColumns samples;
  for (std::size_t i = 0; i < selection->size(); ++i) {
    const Result<void> read = selection->read(i, range, samples);
    if (!read) return read.error();
    if (samples.size() == 0 || is_stale_nan(samples.values.back())) continue;
    if (!samples.histograms.empty() && samples.histograms.back()) continue;
    out[selection->labels(i)] = {samples.times.back(), samples.values.back()};
  }
  return {};
}

std::string with_empty_instance(const LabelSet& labels) {
  std::string text = labels.to_string();
  if (text.empty() || text.back() != '}') return text + "{instance=\"\"}";
  text.pop_back();
  return text + (text.back() == '{' ? "" : ", ") + "instance=\"\"}";
}

Response federate(const QueryParts& parts, const Request& request) {
  const ClientStop client(request);
  std::map<LabelSet, Newest> found;
  for (const std::string_view selector : request.all("match[]")) {
    const auto matchers = promql::parse_metric_selector(selector);
    if (!matchers) return text_response(400, matchers.error().what() + "\n");
    const Result<void> collected = collect(parts, *matchers, client.flag(), found);
    if (!collected) {
      const bool theirs = collected.error().code() == ErrorCode::kInvalid;
      return text_response(theirs ? 400 : 500, collected.error().what() + "\n");
    }
  }
  // Order of labels, so families need not come together by themselves: a name may sort among them.
  std::map<std::string, std::vector<std::pair<const LabelSet*, Newest>>> families;
  for (const auto& [labels, newest] : found) {
    families[std::string(labels.metric_name())].emplace_back(&labels, newest);
  }
  std::string out;
  for (const auto& [name, series] : families) {
    if (is_legacy_metric_name(name)) out += "# TYPE " + name + " untyped\n";
    for (const auto& [labels, newest] : series) {
      // As in Prometheus: an empty label keeps a scrape that honours labels from adding its own.
      const bool placed = labels->has("instance");
      out += (placed ? labels->to_string() : with_empty_instance(*labels)) + " " +
             format_double(newest.value) + " " + std::to_string(newest.time_ms) + "\n";
    }
  }
  Response response = text_response(200, std::move(out));
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

}  // namespace

void add_federate(Router& router, QueryParts parts) {
  router.add("GET", "/federate", Pool::kSlow,
             [parts](const Request& request) { return federate(parts, request); });
}

}  // namespace nines::web
