#pragma once
// Routes and receivers as configured, in Alertmanager's terms.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/net/http_client.h"
#include "rules/maintenance/maintenance.h"

namespace nines::notify {

struct WebhookConfig {
  std::string url;
  std::string url_file;  // where it stands, when not empty: read for every delivery
  bool send_resolved = true;
  Duration timeout{10'000};
  std::size_t max_alerts = 0;  // 0: all
  std::string secret;          // signs with Standard Webhooks headers when not empty
  std::string secret_file;     // as url_file
};

struct Receiver {
  std::string name;
  std::vector<WebhookConfig> webhook_configs;
};

struct Route {
  std::string receiver;  // inherited when empty
  std::vector<Matcher> matchers;
  std::optional<std::vector<std::string>> group_by;                     // {"..."}: by all labels
  std::optional<Duration> group_wait, group_interval, repeat_interval;  // root: 30s, 5m, 4h
  bool continue_matching = false;                                       // `continue`
  std::vector<Route> routes;
};

struct InhibitRule {
  std::vector<Matcher> source_matchers, target_matchers;
  std::vector<std::string> equal;
};

struct AlertmanagerConfig {
  std::string url;  // whole, with the path: http://host:9093/api/v2/alerts
  Duration timeout{10'000};
  // Adds credentials, TLS, proxy and headers. Null: none are needed.
  std::function<void(HttpRequest&)> prepare = nullptr;
  // An alert's labels as this Alertmanager is to see them; nothing: it is not told. Null: as they
  // are.
  std::function<std::optional<LabelSet>(const LabelSet&)> relabel = nullptr;
};

struct Config {
  std::optional<Route> route;  // none: nothing is paged
  std::vector<Receiver> receivers;
  std::vector<InhibitRule> inhibit_rules;
  std::vector<AlertmanagerConfig> alertmanagers;  // external ones, beside the own routes
  std::vector<maintenance::Maintenance> maintenance;
};

// Problems: unknown receivers, a root route with matchers or without receiver, duplicate names,
// group_interval 0. Empty: all well.
std::vector<std::string> check_config(const Config& config);

}  // namespace nines::notify
