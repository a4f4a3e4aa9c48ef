#include "rules/notify/internal/acknowledgements.h"

#include <utility>

#include "base/text/json.h"
#include "base/text/numbers.h"

namespace nines::notify {
namespace {

constexpr std::string_view kAcknowledged = "acknowledged";
constexpr std::string_view kWithdrawn = "unacknowledged";

}  // namespace

Result<void> Acknowledgements::add(const std::string& episode, const std::string& alert,
                                   Acknowledgement ack) {
  storage::IncidentEvent event;
  event.episode = episode;
  event.at = ack.at;
  event.kind = kAcknowledged;
  event.text = ack.by + " works on " + alert;
  if (ack.expires_at != Timestamp{}) event.text += " until " + format_time(ack.expires_at);
  event.text += ack.comment.empty() ? "." : ": " + ack.comment;
  JsonWriter detail;
  detail.begin_object().field("by", ack.by).field("comment", ack.comment);
  detail.field("expires_at_ms", to_millis(ack.expires_at)).end_object();
  event.detail_json = detail.take();
  if (auto added = incidents_.add_event(event); !added) return added;
  held_[episode] = std::move(ack);
  return {};
}

Result<void> Acknowledgements::withdraw(const std::string& episode, const std::string& alert,
                                        const std::string& by, Timestamp at) {
  storage::IncidentEvent event;
  event.episode = episode;
  event.at = at;
  event.kind = kWithdrawn;
  event.text = by + " withdrew the acknowledgement of " + alert + ".";
  JsonWriter detail;
  detail.begin_object().field("by", by).end_object();
  event.detail_json = detail.take();
  if (auto added = incidents_.add_event(event); !added) return added;
  held_.erase(episode);
  return {};
}

void Acknowledgements::recall(const std::string& episode) {
  const auto events = incidents_.events(episode);
  if (!events) {
    log_.error("notify", "incident {} not read, it counts as not acknowledged: {}", episode,
               events.error().what());
    return;
  }
  for (const storage::IncidentEvent& event : *events) {
    if (event.kind == kWithdrawn) held_.erase(episode);
    if (event.kind != kAcknowledged) continue;
    const auto detail = Json::parse(event.detail_json);
    if (!detail) continue;
    Acknowledgement ack;
    ack.by = (*detail)["by"].as_string();
    ack.comment = (*detail)["comment"].as_string();
    ack.at = event.at;
    ack.expires_at = from_millis((*detail)["expires_at_ms"].as_int());
    held_[episode] = std::move(ack);
  }
}

std::optional<Acknowledgement> Acknowledgements::find(const std::string& episode,
                                                      Timestamp now) const {
  const auto it = held_.find(episode);
  if (it == held_.end()) return std::nullopt;
  const Timestamp end = it->second.expires_at;
  if (end != Timestamp{} && end <= now) return std::nullopt;
  return it->second;
}

}  // namespace nines::notify
