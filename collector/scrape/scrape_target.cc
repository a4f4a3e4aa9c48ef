#include "collector/scrape/internal/scrape_target.h"

#include <limits>
#include <map>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/exposition/parser.h"

namespace nines::collector {
namespace {

constexpr std::string_view kParamPrefix = "__param_";

std::string url_of(const LabelSet& labels, const ScrapeConfig& config) {
  // The first value of a parameter may be set by its label.
  std::map<std::string, std::vector<std::string>> params = config.params;
  for (const Label& label : labels) {
    if (!label.name.starts_with(kParamPrefix)) continue;
    std::vector<std::string>& values = params[label.name.substr(kParamPrefix.size())];
    if (values.empty()) values.emplace_back();
    values.front() = label.value;
  }
  std::string url(labels.get("__scheme__"));
  url += "://";
  url += labels.get("__address__");
  const std::string_view path = labels.get("__metrics_path__");
  if (!path.starts_with('/')) url += '/';
  url += path;
  char separator = url.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [name, values] : params) {
    for (const std::string& value : values) {
      url += separator;
      url += url_encode(name) + "=" + url_encode(value);
      separator = '&';
    }
  }
  return url;
}

// Of a loopback or private address, as written: names are not resolved for this.
bool is_near(std::string_view url) {
  std::string_view host = url.substr(url.find("://") + 3);
  host = host.substr(0, host.find('/'));
  if (host.starts_with('[')) {
    host.remove_prefix(1);
    return host.starts_with("::1]") || host.starts_with("fc") || host.starts_with("fd") ||
           host.starts_with("fe80:");
  }
  host = host.substr(0, host.find(':'));
  if (host == "localhost") return true;
  const std::vector<std::string_view> parts = split(host, '.');
  std::vector<std::int64_t> numbers;
  for (const std::string_view part : parts) {
    const std::optional<std::int64_t> number = parse_int(part);
    if (!number || *number < 0 || *number > 255) return false;
    numbers.push_back(*number);
  }
  if (numbers.size() != 4) return false;
  return numbers[0] == 127 || numbers[0] == 10 || (numbers[0] == 192 && numbers[1] == 168) ||
         (numbers[0] == 172 && numbers[1] >= 16 && numbers[1] <= 31) ||
         (numbers[0] == 169 && numbers[1] == 254);
}

LabelSet discovered_labels(const ScrapeConfig& config, const StaticConfig& group,
                           const std::string& address) {
  LabelBuilder labels;
  labels.set("job", config.job_name);
  labels.set("__scheme__", config.scheme);
  labels.set("__metrics_path__", config.metrics_path);
  labels.set("__scrape_interval__", format_duration(config.scrape_interval));
  labels.set("__scrape_timeout__", format_duration(config.scrape_timeout));
  for (const auto& [name, values] : config.params) {
    if (!values.empty()) labels.set(std::string(kParamPrefix) + name, values.front());
  }
  labels.set("__address__", address);
  for (const auto& [name, value] : group.labels) labels.set(name, value);
  return labels.build();
}

LabelSet kept_labels(const LabelSet& relabelled) {
  LabelBuilder labels;
  for (const Label& label : relabelled) {
    if (!label.name.starts_with("__")) labels.set(label.name, label.value);
  }
  if (labels.get("instance").empty()) labels.set("instance", relabelled.get("__address__"));
  return labels.build();
}

Result<Duration> time_label(const LabelSet& labels, std::string_view name) {
  Result<Duration> value = parse_duration(labels.get(name));
  if (!value) return std::move(value).error().in(std::string(name));
  if (*value <= Duration(0)) {
    return Error(ErrorCode::kInvalid, std::string(name) + " must be above 0s");
  }
  return value;
}

// Fills what relabelling decided.
Result<void> settle(ScrapeTarget& target, const LabelSet& relabelled) {
  if (relabelled.get("__address__").empty()) {
    return Error(ErrorCode::kInvalid, "relabelling left no __address__");
  }
  const std::string_view scheme = relabelled.get("__scheme__");
  if (scheme != "http" && scheme != "https") {
    return Error(ErrorCode::kInvalid,
                 "relabelling left __scheme__ " + quote_go(scheme) + ": it is http or https");
  }
  NINES_TRY(target.interval, time_label(relabelled, "__scrape_interval__"));
  NINES_TRY(target.timeout, time_label(relabelled, "__scrape_timeout__"));
  if (target.timeout > target.interval) {
    return Error(ErrorCode::kInvalid, "__scrape_timeout__ (" + format_duration(target.timeout) +
                                          ") is longer than __scrape_interval__ (" +
                                          format_duration(target.interval) + ")");
  }
  for (const Label& label : target.labels) {
    if (!is_valid_utf8(label.name) || !is_valid_utf8(label.value)) {
      return Error(ErrorCode::kInvalid, "label " + quote_go(label.name) + " is not valid UTF-8");
    }
  }
  return {};
}

ScrapeTarget make_target(const std::shared_ptr<const ScrapeConfig>& config, LabelSet discovered,
                         const LabelSet& relabelled) {
  ScrapeTarget target;
  target.config = config;
  target.discovered = std::move(discovered);
  target.labels = kept_labels(relabelled);
  target.url = url_of(relabelled, *config);
  if (Result<void> settled = settle(target, relabelled); !settled) {
    target.refused = settled.error().what();
    target.interval = config->scrape_interval;
    target.timeout = config->scrape_timeout;
  }
  return target;
}

void add_targets(const std::shared_ptr<const ScrapeConfig>& config, const StaticConfig& group,
                 JobTargets& out) {
  for (const std::string& address : group.targets) {
    LabelSet discovered = discovered_labels(*config, group, address);
    const std::optional<LabelSet> kept = relabel(discovered, config->relabel_configs);
    if (kept) {
      out.targets.push_back(make_target(config, std::move(discovered), *kept));
    } else {
      out.dropped.push_back(std::move(discovered));
    }
  }
}

}  // namespace

JobTargets targets_of(std::shared_ptr<const ScrapeConfig> config, const TargetGroups& discovered) {
  JobTargets out;
  for (const TargetGroups* groups : {&config->static_configs, &discovered}) {
    for (const StaticConfig& group : *groups) add_targets(config, group, out);
  }
  const std::uint64_t most = config->target_limit;
  if (most != 0 && out.targets.size() > most) {
    for (ScrapeTarget& target : out.targets) {
      target.refused = "target_limit of " + std::to_string(most) + " exceeded: job " +
                       quote_go(config->job_name) + " has " + std::to_string(out.targets.size()) +
                       " targets";
    }
  }
  std::map<std::pair<Duration, bool>, std::shared_ptr<const HttpRequest>> ways;
  for (ScrapeTarget& target : out.targets) {
    if (!target.refused.empty()) continue;
    auto& way = ways[{target.timeout, is_near(target.url)}];
    if (!way) way = std::make_shared<const HttpRequest>(target.request());
    target.asked_so = way;
  }
  return out;
}

HttpRequest ScrapeTarget::request() const {
  HttpRequest request;
  if (asked_so) {
    request = *asked_so;
    request.url = url;
    return request;
  }
  request.url = url;
  request.headers = {
      {"Accept", accept_header(config->scrape_protocols, config->metric_name_escaping_scheme)},
      {"X-Prometheus-Scrape-Timeout-Seconds", format_double(to_seconds(timeout))}};
  if (!config->enable_compression.value_or(!is_near(url))) {
    request.headers.emplace_back("Accept-Encoding", "identity");
  }
  add_access(*config, request);
  request.timeout = timeout;
  request.body_bytes_max = config->body_size_limit == 0
                               ? std::numeric_limits<std::size_t>::max()
                               : static_cast<std::size_t>(config->body_size_limit);
  request.accept_compressed = true;  // some compress unasked
  return request;
}

TargetStatus ScrapeTarget::status() const {
  TargetStatus status;
  status.pool = config->job_name;
  status.url = url;
  status.kind = "scrape";
  status.discovered = discovered;
  status.labels = labels;
  status.interval = interval;
  status.timeout = timeout;
  return status;
}

std::string ScrapeTarget::group_name() const {
  // Two targets may differ in nothing but their labels.
  return "scrape/" + config->job_name + "/" + url + " " + hex(labels.hash());
}

std::uint64_t fingerprint_of(const ScrapeConfig& c) {
  std::string all;
  const auto add = [&all](const auto& part) {
    all += part;
    all += '\0';
  };
  add(std::to_string(c.honor_labels) + std::to_string(c.honor_timestamps));
  add(std::to_string(c.body_size_limit));
  add(std::to_string(c.sample_limit));
  add(std::to_string(c.label_limit));
  add(std::to_string(c.label_name_length_limit));
  add(std::to_string(c.label_value_length_limit));
  for (const RelabelRule& rule : c.metric_relabel_configs) {
    add(join(rule.source_labels, ","));
    add(rule.separator);
    add(rule.regex_text);
    add(std::to_string(rule.modulus));
    add(rule.target_label);
    add(rule.replacement);
    add(to_string(rule.action));
  }
  add(to_key(c));
  add(std::to_string(c.track_timestamps_staleness));
  add(c.enable_compression ? std::to_string(*c.enable_compression) : "");
  add(accept_header(c.scrape_protocols, c.metric_name_escaping_scheme));
  add(std::to_string(c.legacy_names_only) + std::to_string(c.scrape_native_histograms) +
      std::to_string(c.always_scrape_classic_histograms) +
      std::to_string(c.convert_classic_histograms_to_nhcb));
  add(std::to_string(c.native_histogram_bucket_limit));
  add(format_double(c.native_histogram_min_bucket_factor));
  if (c.fallback_scrape_protocol) add(to_string(*c.fallback_scrape_protocol));
  return hash64(all);
}

}  // namespace nines::collector
