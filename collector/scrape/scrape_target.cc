#include "collector/scrape/internal/scrape_target.h"

#include <limits>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/exposition/parser.h"

namespace nines::collector {
namespace {

constexpr std::string_view kParamPrefix = "__param_";

std::string url_of(const LabelSet& discovered, const ScrapeConfig& config) {
  // The first value of a parameter may be set by its label.
  std::map<std::string, std::vector<std::string>> params = config.params;
  for (const Label& label : discovered) {
    if (!label.name.starts_with(kParamPrefix)) continue;
    std::vector<std::string>& values = params[label.name.substr(kParamPrefix.size())];
    if (values.empty()) values.emplace_back();
    values.front() = label.value;
  }
  std::string url(discovered.get("__scheme__"));
  url += "://";
  url += discovered.get("__address__");
  const std::string_view path = discovered.get("__metrics_path__");
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

LabelSet kept_labels(const LabelSet& discovered) {
  LabelBuilder labels;
  for (const Label& label : discovered) {
    if (!label.name.starts_with("__")) labels.set(label.name, label.value);
  }
  if (labels.get("instance").empty()) labels.set("instance", discovered.get("__address__"));
  return labels.build();
}

}  // namespace

std::vector<ScrapeTarget> targets_of(std::shared_ptr<const ScrapeConfig> config) {
  std::vector<ScrapeTarget> out;
  for (const StaticConfig& group : config->static_configs) {
    for (const std::string& address : group.targets) {
      LabelBuilder discovered;
      discovered.set("job", config->job_name);
      discovered.set("__scheme__", config->scheme);
      discovered.set("__metrics_path__", config->metrics_path);
      discovered.set("__scrape_interval__", format_duration(config->scrape_interval));
      discovered.set("__scrape_timeout__", format_duration(config->scrape_timeout));
      for (const auto& [name, values] : config->params) {
        if (!values.empty()) discovered.set(std::string(kParamPrefix) + name, values.front());
      }
      discovered.set("__address__", address);
      for (const auto& [name, value] : group.labels) discovered.set(name, value);
      ScrapeTarget target;
      target.config = config;
      target.discovered = discovered.build();
      target.labels = kept_labels(target.discovered);
      target.url = url_of(target.discovered, *config);
      out.push_back(std::move(target));
    }
  }
  return out;
}

HttpRequest ScrapeTarget::request() const {
  HttpRequest request;
  request.url = url;
  request.headers = {
      {"Accept", accept_header(config->scrape_protocols)},
      {"X-Prometheus-Scrape-Timeout-Seconds", format_double(to_seconds(config->scrape_timeout))}};
  if (!config->bearer_token.empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + config->bearer_token);
  }
  request.basic_user = config->basic_auth_username;
  request.basic_password = config->basic_auth_password;
  request.timeout = config->scrape_timeout;
  request.body_bytes_max = config->body_size_limit == 0
                               ? std::numeric_limits<std::size_t>::max()
                               : static_cast<std::size_t>(config->body_size_limit);
  request.follow_redirects = true;
  request.accept_compressed = true;
  return request;
}

TargetStatus ScrapeTarget::status() const {
  TargetStatus status;
  status.pool = config->job_name;
  status.url = url;
  status.kind = "scrape";
  status.discovered = discovered;
  status.labels = labels;
  status.interval = config->scrape_interval;
  status.timeout = config->scrape_timeout;
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
  add(std::to_string(c.scrape_interval.count()));
  add(std::to_string(c.scrape_timeout.count()));
  add(std::to_string(c.honor_labels) + std::to_string(c.honor_timestamps));
  add(std::to_string(c.body_size_limit));
  add(std::to_string(c.sample_limit));
  add(std::to_string(c.label_limit));
  add(std::to_string(c.label_name_length_limit));
  add(std::to_string(c.label_value_length_limit));
  add(c.basic_auth_username);
  add(c.basic_auth_password);
  add(c.bearer_token);
  add(accept_header(c.scrape_protocols));
  if (c.fallback_scrape_protocol) add(to_string(*c.fallback_scrape_protocol));
  return hash64(all);
}

}  // namespace nines::collector
