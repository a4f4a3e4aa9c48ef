#include "rules/alerts/internal/incident_writer.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/text/json.h"
#include "base/text/numbers.h"

namespace nines::alerts {
namespace {

constexpr std::size_t kAtOnce = 500;

std::string name_of(const Alert& alert) {
  return std::string(alert.labels.get(kAlertName));
}

const char* kind_of(AlertEvent event) {
  switch (event) {
    case AlertEvent::kPending:
      return "pending";
    case AlertEvent::kFiring:
      return "firing";
    case AlertEvent::kResolved:
    case AlertEvent::kNeverFired:
    case AlertEvent::kDropped:
      return "resolved";
    case AlertEvent::kFlapping:
    case AlertEvent::kSteady:
      break;
  }
  return "note";
}

std::string sentence(AlertEvent event, const Alert& alert, Duration hold) {
  const std::string name = name_of(alert);
  switch (event) {
    case AlertEvent::kPending:
      return name + " is pending with value " + format_double_g(alert.value) +
             ": it fires when its condition has held for " + format_duration(hold) + ".";
    case AlertEvent::kFiring: {
      std::string text = name + " fires with value " + format_double_g(alert.value);
      if (alert.fired_at > alert.active_at) {
        text += ", its condition holds since " + format_time(alert.active_at);
      }
      return text + ".";
    }
    case AlertEvent::kResolved:
      return name + " resolved, it fired for " +
             format_duration(alert.resolved_at - alert.fired_at) + ".";
    case AlertEvent::kNeverFired:
      return name + " ended and never fired: its condition was seen for " +
             format_duration(alert.resolved_at - alert.active_at) + " of the " +
             format_duration(hold) + " it needs.";
    case AlertEvent::kFlapping:
      return name + " flaps: its condition comes and goes. While it does, the alert is held.";
    case AlertEvent::kSteady:
      return name + " flaps no more.";
    case AlertEvent::kDropped:
      return name + " was dropped, because its rule exceeded its limit of alerts.";
  }
  return name;
}

storage::Incident incident_of(const Alert& alert) {
  storage::Incident incident;
  incident.episode = alert.episode();
  incident.labels = alert.labels;
  incident.annotations = alert.annotations;
  incident.started_at = alert.active_at;
  incident.fired_at = alert.fired_at;
  incident.resolved_at = alert.resolved_at;
  return incident;
}

storage::IncidentEvent event_of(const Alert& alert, Timestamp at, const std::string& kind,
                                const std::string& text) {
  JsonWriter detail;
  detail.begin_object().field("rule", alert.rule).field("value", format_double(alert.value));
  return {0, alert.episode(), at, kind, text, detail.end_object().take()};
}

// Calls `write` with one piece of `all` after the other.
template <typename T, typename Write>
void in_pieces(const std::vector<T>& all, const Write& write) {
  for (std::size_t from = 0; from < all.size(); from += kAtOnce) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(from);
    const std::size_t size = std::min(kAtOnce, all.size() - from);
    write(std::vector<T>(begin, begin + static_cast<std::ptrdiff_t>(size)));
  }
}

}  // namespace

void IncidentWriter::flush() {
  in_pieces(std::exchange(records_, {}), [this](const std::vector<storage::IncidentRecord>& some) {
    if (auto kept = store_.record(some); !kept) {
      log_.error("alerts", "{} incidents not saved, of which the first is {}: {}", some.size(),
                 some.front().incident.episode, kept.error().what());
    }
  });
  in_pieces(std::exchange(events_, {}), [this](const std::vector<storage::IncidentEvent>& some) {
    if (auto kept = store_.add_events(some); !kept) {
      log_.error("alerts", "{} events not saved, of which the first is of incident {}: {}",
                 some.size(), some.front().episode, kept.error().what());
    }
  });
}

void IncidentWriter::record(const AlertChange& change, Timestamp at, Duration hold,
                            const std::string& why) {
  const std::string text = why.empty() ? sentence(change.event, change.alert, hold)
                                       : name_of(change.alert) + why;
  records_.push_back(
      {incident_of(change.alert), event_of(change.alert, at, kind_of(change.event), text)});
}

void IncidentWriter::reconcile(const Alert& alert, Timestamp now, Duration hold) {
  const Result<storage::Incident> known = store_.incident(alert.episode());
  const bool missing = !known && known.error().code() == ErrorCode::kNotFound;
  if (!known && !missing) {
    log_.error("alerts", "incident {} not read: {}", alert.episode(), known.error().what());
    return;
  }
  const Timestamp none{};
  if (alert.fired_at != none && (missing || known->fired_at == none)) {
    Alert then = alert;  // as it stood when it began to fire
    then.resolved_at = none;
    record({AlertEvent::kFiring, then}, alert.fired_at, hold);
  } else if (missing) {
    record({AlertEvent::kPending, alert}, alert.active_at, hold);
  }
  if (alert.state == AlertState::kInactive) {
    if (missing || known->resolved_at == none) {
      record({AlertEvent::kResolved, alert}, alert.resolved_at, hold);
    }
    return;
  }
  const bool firing = alert.state == AlertState::kFiring;
  events_.push_back(event_of(
      alert, now, "restarted",
      "nines was started again; " + name_of(alert) + (firing ? " fires" : " is pending") +
          " since " + format_time(firing ? alert.fired_at : alert.active_at) + " as before."));
}

}  // namespace nines::alerts
