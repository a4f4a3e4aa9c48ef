#pragma once
// Who works on which alert: written into its incident, so that it lasts as long as the incident.

#include <map>
#include <optional>
#include <string>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/log/log.h"
#include "rules/notify/notifier.h"
#include "storage/api/incidents.h"

namespace nines::notify {

// One thread at a time.
class Acknowledgements {
 public:
  Acknowledgements(storage::IncidentStore& incidents, Log& log)
      : incidents_(incidents), log_(log) {}

  // In the incident when it returns; errors are the store's, and nothing is acknowledged.
  Result<void> add(const std::string& episode, const std::string& alert, Acknowledgement ack);
  Result<void> withdraw(const std::string& episode, const std::string& alert, const std::string& by,
                        Timestamp at);
  // After a restart: what the incident says. What cannot be read is logged and not acknowledged.
  void recall(const std::string& episode);
  void forget(const std::string& episode) { held_.erase(episode); }
  // The one in force at `now`.
  std::optional<Acknowledgement> find(const std::string& episode, Timestamp now) const;

 private:
  storage::IncidentStore& incidents_;
  Log& log_;
  std::map<std::string, Acknowledgement> held_;  // by episode
};

}  // namespace nines::notify
