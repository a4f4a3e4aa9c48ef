#pragma once
// The webhook's body, version 4 of Alertmanager's format.
// Source: prometheus.io/docs/alerting/latest/configuration, "webhook_config".

#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/model/labels.h"
#include "rules/alerts/alert.h"

namespace nines::notify {

struct PayloadInput {
  std::string receiver;
  std::string group_key;
  LabelSet group_labels;
  LabelSet external_labels;  // added to alerts that have no such label
  std::string external_url;
  std::vector<alerts::Alert> alerts;  // firing ones and resolved ones, in the order to be listed
  std::size_t max_alerts = 0;         // 0: all; the rest is counted in truncatedAlerts
};

bool is_resolved(const alerts::Alert& alert);

std::string webhook_payload(const PayloadInput& input);

// An alert as the notification log knows it: the same alert firing again later is another one.
std::uint64_t instance_id(const alerts::Alert& alert);

// The time as Go prints it; the zero time is "0001-01-01T00:00:00Z".
std::string payload_time(Timestamp at);

}  // namespace nines::notify
