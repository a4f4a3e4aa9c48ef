#pragma once
// Verbs by which people tell nines what they do: planned work, and who works on an incident.

#include <string>
#include <vector>

#include "app/cli/internal/verbs.h"

namespace nines::app {

struct MaintenanceOptions {
  std::string name;
  std::vector<std::string> matchers, effects, rdate, exdate;
  std::string start, duration, zone, rrule, comment, by;
};
int maintenance_list(const ClientOptions& client);
int maintenance_create(const ClientOptions& client, const MaintenanceOptions& options);
int maintenance_end(const ClientOptions& client, const std::string& name);
// The windows that a configuration file plans in [from, to), without a server. Empty: now, and 30
// days later.
int maintenance_windows(const ClientOptions& client, const std::string& file,
                        const std::string& from, const std::string& to);

int incident_list(const ClientOptions& client, int limit, bool only_open);
int incident_show(const ClientOptions& client, const std::string& episode);
struct AcknowledgeOptions {
  std::string episode, by, comment, expires_in;
};
int incident_acknowledge(const ClientOptions& client, const AcknowledgeOptions& options);
// Takes the acknowledgement back.
int incident_unacknowledge(const ClientOptions& client, const AcknowledgeOptions& options);

}  // namespace nines::app
