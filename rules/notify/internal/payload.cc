#include "rules/notify/internal/payload.h"

#include <algorithm>
#include <cstdint>

#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::notify {
namespace {

void write_labels(JsonWriter& json, const LabelSet& labels) {
  json.begin_object();
  for (const Label& label : labels) json.field(label.name, label.value);
  json.end_object();
}

// What all of the sets agree on.
LabelSet common(const std::vector<alerts::Alert>& alerts,
                const LabelSet& (*of)(const alerts::Alert&)) {
  if (alerts.empty()) return {};
  LabelBuilder out(of(alerts.front()));
  for (const Label& label : of(alerts.front())) {
    const bool shared = std::all_of(alerts.begin(), alerts.end(), [&](const alerts::Alert& alert) {
      return of(alert).get(label.name) == label.value;
    });
    if (!shared) out.remove(label.name);
  }
  return out.build();
}

void write_alert(JsonWriter& json, const alerts::Alert& alert) {
  json.begin_object();
  json.field("status", is_resolved(alert) ? "resolved" : "firing");
  json.key("labels");
  write_labels(json, alert.labels);
  json.key("annotations");
  write_labels(json, alert.annotations);
  json.field("startsAt", payload_time(alert.fired_at));
  json.field("endsAt", payload_time(is_resolved(alert) ? alert.resolved_at : Timestamp{}));
  json.field("generatorURL", alert.generator_url);
  json.field("fingerprint", hex(alert.fingerprint()));
  json.end_object();
}

}  // namespace

bool is_resolved(const alerts::Alert& alert) {
  return alert.resolved_at != Timestamp{};
}

std::uint64_t instance_id(const alerts::Alert& alert) {
  return hash64(hex(alert.fingerprint()) + "/" + std::to_string(to_millis(alert.fired_at)));
}

std::string payload_time(Timestamp at) {
  return at == Timestamp{} ? "0001-01-01T00:00:00Z" : format_time(at);
}

std::string webhook_payload(const PayloadInput& given) {
  PayloadInput input = given;
  for (alerts::Alert& alert : input.alerts) {
    LabelBuilder labels(alert.labels);
    for (const Label& label : input.external_labels) {
      if (labels.get(label.name).empty()) labels.set(label.name, label.value);
    }
    alert.labels = labels.build();
  }
  const bool any_firing = std::any_of(input.alerts.begin(), input.alerts.end(),
                                      [](const auto& alert) { return !is_resolved(alert); });
  std::size_t listed = input.alerts.size();
  if (input.max_alerts != 0) listed = std::min(listed, input.max_alerts);
  JsonWriter json;
  json.begin_object();
  json.field("receiver", input.receiver);
  json.field("status", any_firing ? "firing" : "resolved");
  json.key("alerts").begin_array();
  for (std::size_t i = 0; i < listed; ++i) write_alert(json, input.alerts[i]);
  json.end_array();
  json.key("groupLabels");
  write_labels(json, input.group_labels);
  json.key("commonLabels");
  write_labels(json, common(input.alerts,
                            [](const alerts::Alert& a) -> const LabelSet& { return a.labels; }));
  json.key("commonAnnotations");
  write_labels(json, common(input.alerts, [](const alerts::Alert& a) -> const LabelSet& {
                 return a.annotations;
               }));
  json.field("externalURL", input.external_url);
  json.field("version", "4");
  json.field("groupKey", input.group_key);
  json.field("truncatedAlerts", static_cast<std::uint64_t>(input.alerts.size() - listed));
  json.end_object();
  return json.take();
}

}  // namespace nines::notify
