#include "web/api/internal/native_encode.h"

namespace nines::web {
namespace {

void time_field(JsonWriter& json, std::string_view name, Timestamp at) {
  json.key(name);
  write_time_or_null(json, at);
}

void write_seconds_or_never(JsonWriter& json, double seconds) {
  if (seconds < 0) {
    json.null();
  } else {
    json.value(seconds);
  }
}

// The steps of the error budget policy.
void write_policy(JsonWriter& json, const std::vector<slo::PolicyState>& policy) {
  json.key("policy").begin_array();
  for (const slo::PolicyState& state : policy) {
    json.begin_object().field("remaining_below", state.step.remaining_below);
    json.field("active", state.active);
    time_field(json, "since", state.since);
    json.key("labels").begin_object();
    for (const auto& [name, value] : state.step.labels) json.field(name, value);
    json.end_object().end_object();
  }
  json.end_array();
}

// What is counted.
const char* unit_of(const slo::SloConfig& config) {
  if (config.budgeting != slo::Budgeting::kOccurrences) return "slices";
  return config.indicator.kind == slo::IndicatorKind::kComposite ? "minutes" : "events";
}

void write_members(JsonWriter& json, const slo::IndicatorConfig& indicator) {
  json.field("method", indicator.method == slo::CompositeMethod::kWorst ? "worst" : "weighted");
  json.key("members").begin_array();
  for (const slo::CompositeMember& member : indicator.members)
    json.begin_object().field("slo", member.slo).field("weight", member.weight).end_object();
  json.end_array();
}

void write_indicator(JsonWriter& json, const slo::SloStatus& s) {
  using Kind = slo::IndicatorKind;
  const slo::IndicatorConfig& indicator = s.config.indicator;
  json.key("indicator").begin_object().field("type", slo::to_string(indicator.kind));
  json.field("counting", s.interpolation.empty() ? "exact" : "interpolated");
  if (!s.interpolation.empty()) json.field("interpolation", s.interpolation);
  if (indicator.raw != slo::RawRatio::kNone)
    json.field("raw_type", indicator.raw == slo::RawRatio::kFailure ? "failure" : "success");
  if (!indicator.good.empty()) json.field("good", indicator.good);
  if (!indicator.bad.empty()) json.field("bad", indicator.bad);
  if (indicator.kind == Kind::kThreshold) json.field("op", slo::to_string(indicator.op));
  if (indicator.kind == Kind::kThreshold || indicator.kind == Kind::kLatency ||
      indicator.kind == Kind::kLatencyNative) {
    json.field("threshold", indicator.threshold);
  }
  if (indicator.kind == Kind::kComposite) write_members(json, indicator);
  json.field("total", indicator.total).end_object();
}

}  // namespace

void write_slo(JsonWriter& json, const slo::SloStatus& s, std::uint64_t alerts_firing) {
  json.begin_object().field("name", s.config.name).field("service", s.config.service);
  json.field("definition", s.config.definition.empty() ? s.config.name : s.config.definition)
      .field("objective", s.config.objective)
      .field("grouped", s.config.grouped);
  json.key("group");
  write_labels(json, s.config.group);
  json.field("description", s.config.description)
      .field("state", s.state)
      .field("target_percent", s.config.target_percent);
  json.field("budgeting_method", slo::to_string(s.config.budgeting))
      .field("window_seconds", to_seconds(s.window_length))
      .field("min_events", s.config.min_events)
      .field("is_rolling", !s.config.calendar.has_value());
  if (s.config.budgeting != slo::Budgeting::kOccurrences) {
    json.field("time_slice_target", s.config.time_slice_target)
        .field("time_slice_seconds", to_seconds(s.config.time_slice_window));
  }
  time_field(json, "window_from", s.window_from);
  time_field(json, "window_to", s.window_to);
  json.field("sli", s.sli)
      .field("good", s.good)
      .field("valid", s.valid)
      .field("excluded", s.excluded)
      .field("excluded_minutes", s.excluded_minutes);
  json.field("budget_total", s.budget_total)
      .field("budget_consumed", s.budget_consumed)
      .field("budget_remaining_events", s.budget_total - s.budget_consumed);
  json.field("budget_minutes_total", s.budget_minutes_total)
      .field("budget_minutes_consumed", s.budget_minutes_total - s.budget_minutes_remaining)
      .field("budget_minutes_remaining", s.budget_minutes_remaining)
      .field("forecast_remaining", s.forecast_remaining);
  json.field("budget_remaining", s.budget_remaining).key("burn_rates").begin_object();
  for (const auto& [window, rate] : s.burn_rates) json.field(window, rate);
  json.end_object().key("exhaustion_seconds");
  write_seconds_or_never(json, s.exhaustion_seconds);
  json.key("exhaustion_band").begin_object().key("soonest_seconds");
  write_seconds_or_never(json, s.exhaustion_band.soonest_seconds);
  json.key("latest_seconds");
  write_seconds_or_never(json, s.exhaustion_band.latest_seconds);
  json.end_object().field("bad_minutes", s.bad_minutes).field("unit", unit_of(s.config));
  write_indicator(json, s);
  json.key("alerting").begin_array();
  for (const slo::BurnWindow& row : s.config.alerting) {
    json.begin_object()
        .field("long_seconds", to_seconds(row.long_window))
        .field("short_seconds", to_seconds(row.short_window));
    json.field("burn_rate", row.burn_rate).field("severity", row.severity).end_object();
  }
  json.end_array();
  write_policy(json, s.policy);
  json.field("alerts_firing", alerts_firing).end_object();
}

void write_acknowledgement(JsonWriter& json, const std::optional<notify::Acknowledgement>& ack) {
  if (!ack) {
    json.null();
    return;
  }
  json.begin_object().field("by", ack->by).field("comment", ack->comment);
  time_field(json, "at", ack->at);
  time_field(json, "expires_at", ack->expires_at);
  json.end_object();
}

void write_incident(JsonWriter& json, const storage::Incident& incident,
                    const std::optional<notify::Acknowledgement>& ack) {
  const bool over = incident.resolved_at != Timestamp{};
  json.begin_object().field("episode", incident.episode).key("labels");
  write_labels(json, incident.labels);
  json.key("annotations");
  write_labels(json, incident.annotations);
  time_field(json, "started_at", incident.started_at);
  time_field(json, "fired_at", incident.fired_at);
  time_field(json, "resolved_at", incident.resolved_at);
  json.field("state", over                               ? "resolved"
                      : incident.fired_at != Timestamp{} ? "firing"
                                                         : "pending")
      .key("acknowledged");
  write_acknowledgement(json, ack);
  json.end_object();
}

void write_event(JsonWriter& json, const storage::IncidentEvent& event) {
  json.begin_object().field("id", event.id);
  time_field(json, "at", event.at);
  json.field("kind", event.kind).field("text", event.text).key("detail");
  json.raw(event.detail_json.empty() ? "{}" : event.detail_json).end_object();
}

void write_delivery(JsonWriter& json, const storage::Delivery& d) {
  const char* state = d.state == storage::DeliveryState::kQueued      ? "queued"
                      : d.state == storage::DeliveryState::kDelivered ? "delivered"
                                                                      : "given_up";
  json.begin_object()
      .field("id", d.id)
      .field("receiver", d.receiver)
      .field("group_key", d.group_key);
  json.field("state", state).field("resolved", d.resolved).field("attempts", d.attempts);
  time_field(json, "queued_at", d.queued_at);
  time_field(json, "next_attempt_at",
             d.state == storage::DeliveryState::kQueued ? d.next_attempt_at : Timestamp{});
  time_field(json, "delivered_at", d.delivered_at);
  json.field("last_error", d.last_error).field("idempotency_key", d.idempotency_key).end_object();
}

void write_run(JsonWriter& json, const storage::RemediationRun& run) {
  json.begin_object()
      .field("id", run.id)
      .field("remediation", run.remediation)
      .field("episode", run.episode);
  json.field("target", run.target).field("state", storage::to_string(run.state));
  time_field(json, "intent_at", run.intent_at);
  time_field(json, "acted_at", run.acted_at);
  time_field(json, "finished_at", run.finished_at);
  json.field("action_status", run.action_status)
      .field("output", run.output)
      .field("reason", run.reason);
  json.field("idempotency_key", run.idempotency_key).end_object();
}

void write_target(JsonWriter& json, const collector::TargetStatus& target) {
  json.begin_object()
      .field("pool", target.pool)
      .field("kind", target.kind)
      .field("url", target.url)
      .key("labels");
  write_labels(json, target.labels);
  json.field("health", collector::to_string(target.health)).field("last_error", target.last_error);
  json.field("body_start", target.body_start);
  time_field(json, "last_scrape", target.last_scrape);
  json.field("last_duration", to_seconds(target.last_duration))
      .field("last_samples", target.last_samples);
  json.field("interval", to_seconds(target.interval))
      .field("timeout", to_seconds(target.timeout))
      .end_object();
}

void write_storage(JsonWriter& json, const storage::StoreStatus& s) {
  json.begin_object().field("path", s.path).field("budget_bytes", s.budget_bytes);
  json.field("zero_filled_bytes", s.zero_filled_bytes)
      .field("head_series", s.head_series)
      .field("head_groups", s.head_groups);
  json.field("series_max", s.series_max).field("series_refused", s.series_refused);
  json.field("samples_appended", s.samples_appended)
      .field("log_lines_appended", s.log_lines_appended);
  json.field("damaged_segments", s.damaged_segments).key("damage").begin_array();
  for (const std::string& line : s.damage) json.value(line);
  json.end_array()
      .field("recovery_seconds", to_seconds(s.recovery_time))
      .key("classes")
      .begin_array();
  for (const storage::ClassStatus& c : s.classes) {
    json.begin_object()
        .field("name", c.name)
        .field("segments", c.segments)
        .field("segments_used", c.segments_used);
    json.field("bytes", c.bytes).field("bytes_used", c.bytes_used);
    time_field(json, "oldest", c.oldest);
    time_field(json, "newest", c.newest);
    json.field("bytes_per_second", c.bytes_per_second);
    json.field("projected_retention_seconds", to_seconds(c.projected_retention)).end_object();
  }
  json.end_array().end_object();
}

void write_reload(JsonWriter& json, const RuntimeInfo& info) {
  json.begin_object().field("ok", info.reload_ok).field("error", info.reload_error);
  time_field(json, "at", info.reloaded_at);
  json.end_object();
}

}  // namespace nines::web
