#include "collector/receive/graphite.h"

#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/receive/internal/group_table.h"
#include "collector/receive/internal/line_server.h"
#include "collector/receive/internal/plain_names.h"

namespace nines::collector {
namespace {

constexpr const char* kComponent = "receive";

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return out;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    out.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

}  // namespace

struct GraphiteReceiver::Impl {
  Impl(GraphiteParts p, GraphiteOptions o)
      : parts(p),
        options(std::move(o)),
        groups(p.appender, p.clock, "graphite",
               {options.labels_max, options.label_bytes_max, 10'000, Duration(3'600'000)}),
        samples(p.telemetry.counter("nines_graphite_samples_total",
                                    "Samples received as Graphite plaintext and kept.")),
        refused(p.telemetry.counter("nines_graphite_samples_refused_total",
                                    "Lines of Graphite plaintext refused.")) {}

  std::optional<std::int64_t> time_of(std::string_view word) const {
    if (word == "N" || word == "-1") return to_millis(parts.clock.now());
    const std::optional<double> seconds = parse_double(word);
    if (!seconds || !(std::abs(*seconds) < 1e12)) return std::nullopt;
    return std::llround(*seconds * 1000);
  }

  Result<PushedSeries> read(std::string_view line) const {
    const std::vector<std::string_view> words = words_of(line);
    const auto invalid = [&](const char* what) {
      return Error(ErrorCode::kInvalid,
                   std::string(what) + ": " + quote_go(line.substr(0, 100)));
    };
    if (words.size() < 2 || words.size() > 3) return invalid("expected PATH VALUE [TIME]");
    const std::optional<double> value = parse_double(words[1]);
    if (!value) return invalid("the value is no number");
    const auto time_ms = time_of(words.size() == 3 ? words[2] : "N");
    if (!time_ms) return invalid("the time is no number of seconds");
    const std::vector<std::string_view> path = split(words[0], ';');
    std::map<std::string, std::string> names;
    for (std::size_t i = 1; i < path.size(); ++i) {
      const std::size_t equals = path[i].find('=');
      if (equals == std::string_view::npos || equals == 0) return invalid("expected ;TAG=VALUE");
      const std::string tag(path[i].substr(0, equals));
      if (equals + 1 == path[i].size()) continue;  // no label has an empty value
      names[options.sanitize_names ? plain_label_name(tag) : tag] = path[i].substr(equals + 1);
    }
    const std::string name(path[0]);
    names[std::string(kMetricName)] = options.sanitize_names ? plain_metric_name(name) : name;
    if (name.empty()) return invalid("the path is empty");
    const WrittenLabels written(names.begin(), names.end());
    NINES_TRY(LabelSet labels, checked_labels(written, "a series", groups.limits()));
    return PushedSeries{std::move(labels), {{*time_ms, *value, 0, {}}}, {}};
  }

  const GraphiteParts parts;
  const GraphiteOptions options;
  GroupTable groups;
  Counter& samples;
  Counter& refused;
  std::unique_ptr<LineServer> server;
};

GraphiteReceiver::GraphiteReceiver(GraphiteParts parts, GraphiteOptions options)
    : impl_(std::make_unique<Impl>(parts, std::move(options))) {}
GraphiteReceiver::~GraphiteReceiver() = default;

Result<void> GraphiteReceiver::start() {
  const GraphiteOptions& o = impl_->options;
  if (o.listen.empty()) return {};
  Result<std::unique_ptr<LineServer>> server = LineServer::start(
      {o.listen, o.connections_max, o.line_bytes_max, o.idle_max}, impl_->parts.clock,
      impl_->parts.log, [this](std::string_view lines) { take(lines); });
  if (!server) return std::move(server).error().in("[graphite] listen: ");
  impl_->server = *std::move(server);
  return {};
}

void GraphiteReceiver::stop() {
  impl_->server.reset();
}

int GraphiteReceiver::port() const {
  return impl_->server ? impl_->server->port() : 0;
}

void GraphiteReceiver::take(std::string_view lines) {
  PushOutcome outcome;
  std::vector<PushedSeries> series;
  for (const std::string_view line : split(lines, '\n')) {
    if (trim(line).empty()) continue;
    Result<PushedSeries> one = impl_->read(line);
    if (one) {
      series.push_back(*std::move(one));
    } else {
      outcome.refuse(1, one.error().what());
    }
  }
  impl_->groups.write(std::move(series), outcome);
  impl_->samples.add(static_cast<double>(outcome.samples));
  if (outcome.refused == 0) return;
  impl_->refused.add(static_cast<double>(outcome.refused));
  impl_->parts.log.debug(kComponent, "graphite refused={} why=\"{}\"", outcome.refused,
                         join(outcome.reasons, "; "));
}

}  // namespace nines::collector
