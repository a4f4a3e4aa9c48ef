#include "rules/slo/internal/policy_watch.h"

#include <cmath>

#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::slo {
namespace {

std::string key_of(const SloConfig& slo) {
  return "slo/policy/" + slo.name;
}

LabelSet alert_labels(const SloConfig& slo, const PolicyStep& step) {
  LabelBuilder labels{LabelSet()};
  for (const auto& [name, value] : slo.labels) labels.set(name, value);
  for (const auto& [name, value] : step.labels) labels.set(name, value);
  labels.set(std::string(kAlertName), kPolicyAlert);
  labels.set("service", slo.service);
  labels.set("slo", slo.name);
  labels.set("remaining_below", step_name(step));
  return labels.build();
}

std::string percent(double share) {
  return format_double(std::round(share * 1'000) / 10) + "%";
}

}  // namespace

std::string step_name(const PolicyStep& step) {
  return format_double(step.remaining_below);
}

PolicyWatch::PolicyWatch(const SloConfig& slo, const ServiceParts& parts)
    : slo_(slo), parts_(parts), steps_(slo.policy.size()) {
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < steps_.size(); ++i) steps_[i].state.step = slo_.policy[i];
}

// What held before the restart. A step that the configuration no longer has is forgotten.
void PolicyWatch::load() {
  loaded_ = true;
  if (parts_.values == nullptr) return;
  const auto stored = parts_.values->get_value(key_of(slo_));
  if (!stored) {
    parts_.log.error("slo", "SLO \"{}\": the state of its policy cannot be read: {}", slo_.name,
                     stored.error().what());
    return;
  }
  if (!stored->has_value()) return;
  const auto json = Json::parse(**stored);
  if (!json) return;
  const MutexLock lock(mutex_);
  for (const Json& one : (*json)["steps"].items()) {
    for (Step& step : steps_) {
      if (step_name(step.state.step) != one["remaining_below"].as_string()) continue;
      step.state.active = one["active"].as_bool();
      step.state.since = from_millis(one["since"].as_int());
      step.began = from_millis(one["began"].as_int());
      step.told = one["told"].as_bool();
    }
  }
}

bool PolicyWatch::keep(const std::vector<Step>& steps) {
  {
    const MutexLock lock(mutex_);
    steps_ = steps;
  }
  if (parts_.values == nullptr) return true;
  JsonWriter json;
  json.begin_object().key("steps").begin_array();
  for (const Step& step : steps) {
    json.begin_object().field("remaining_below", step_name(step.state.step));
    json.field("active", step.state.active).field("told", step.told);
    json.field("since", to_millis(step.state.since));
    json.field("began", to_millis(step.began)).end_object();
  }
  json.end_array().end_object();
  const auto kept = parts_.values->set_value(key_of(slo_), json.take());
  if (!kept) {
    parts_.log.error("slo", "SLO \"{}\": the state of its policy cannot be kept: {}", slo_.name,
                     kept.error().what());
  }
  return kept.has_value();
}

void PolicyWatch::tell(const PolicyStep& step, const Step& state, double remaining,
                       Timestamp now) const {
  alerts::Alert alert;
  alert.labels = alert_labels(slo_, step);
  alert.rule = "slo/" + slo_.name;
  alert.value = remaining;
  alert.state = state.state.active ? alerts::AlertState::kFiring : alerts::AlertState::kInactive;
  alert.active_at = alert.fired_at = state.began;
  if (!state.state.active) alert.resolved_at = state.state.since;
  alert.told_at = now;
  alert.annotations = LabelSet{
      {"summary", "SLO " + slo_.name + " of " + slo_.service + " has " + percent(remaining) +
                      " of its error budget left" +
                      (state.state.active ? ", less than " + percent(step.remaining_below)
                                          : ", again more than " + percent(step.remaining_below))}};
  const std::string key = "slo/" + slo_.name + "/" + step_name(step) + "/" +
                          std::to_string(to_millis(state.state.since)) +
                          (state.state.active ? "" : "/over");
  for (const std::string& receiver : step.receivers) {
    if (!parts_.page) continue;
    if (auto paged = parts_.page(receiver, alert, key); !paged) {
      parts_.log.error("slo", "SLO \"{}\": receiver \"{}\" cannot be told of its budget: {}",
                       slo_.name, receiver, paged.error().what());
    }
  }
}

void PolicyWatch::judge(const SloStatus& status, Timestamp now) {
  if (slo_.policy.empty()) return;
  if (!loaded_) load();
  std::vector<Step> steps;
  {
    const MutexLock lock(mutex_);
    steps = steps_;
  }
  const double remaining = status.budget_remaining;
  bool changed = false;
  if (status.state != "no_data") {
    for (Step& step : steps) {
      const PolicyStep& of = step.state.step;
      const bool begins = !step.state.active && remaining < of.remaining_below;
      const bool ends = step.state.active && remaining >= of.remaining_below + of.hysteresis;
      if (!begins && !ends) continue;
      step.state.active = begins;
      step.state.since = now;
      if (begins) step.began = now;
      step.told = of.receivers.empty();
      changed = true;
      parts_.log.warn("slo",
                      "SLO \"{}\" has {} of its error budget left: the policy's step below "
                      "{} {}",
                      slo_.name, percent(remaining), percent(of.remaining_below),
                      begins ? "begins" : "is over");
    }
  }
  if (changed) keep(steps);
  bool told = false;
  for (Step& step : steps) {
    if (step.told) continue;
    tell(step.state.step, step, remaining, now);
    step.told = told = true;
  }
  if (told) keep(steps);
}

std::vector<PolicyState> PolicyWatch::states() const {
  std::vector<PolicyState> out;
  const MutexLock lock(mutex_);
  for (const Step& step : steps_) out.push_back(step.state);
  return out;
}

}  // namespace nines::slo
