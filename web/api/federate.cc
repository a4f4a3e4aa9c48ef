// /federate: the newest sample of each matching series, for another Prometheus to scrape.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/exposition/names.h"
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
  const collector::TextAnswer how = collector::negotiate_text(request.header("accept"));
  // Order of labels, so families need not come together by themselves: a name may sort among them.
  std::map<std::string, std::vector<std::pair<LabelSet, Newest>>> families;
  for (const auto& [labels, newest] : found) {
    LabelSet said = collector::escape_names(labels, how.escaping);
    std::string name(said.metric_name());
    families[std::move(name)].emplace_back(std::move(said), newest);
  }
  std::string out;
  for (const auto& [name, series] : families) {
    if (name.empty()) continue;  // the format has no place for it
    out += "# TYPE " + (is_legacy_metric_name(name) ? name : '"' + escape_label_value(name) + '"') +
           " untyped\n";
    for (const auto& [labels, newest] : series) {
      std::string text = collector::exposed_text(labels);
      // As in Prometheus: an empty label keeps a scrape that honours labels from adding its own.
      if (!labels.has("instance")) {
        const bool bare = text.back() != '}';
        if (!bare) text.pop_back();
        text += bare ? "{instance=\"\"}" : ",instance=\"\"}";
      }
      out += text + " " + format_double(newest.value) + " " + std::to_string(newest.time_ms) + "\n";
    }
  }
  Response response = text_response(200, std::move(out));
  response.content_type = how.content_type;
  return response;
}

}  // namespace

void add_federate(Router& router, QueryParts parts) {
  router.add("GET", "/federate", Pool::kSlow,
             [parts](const Request& request) { return federate(parts, request); });
}

}  // namespace nines::web
