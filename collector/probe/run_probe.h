#pragma once
// One probe of one target, now.

#include <string>

#include "base/net/http_client.h"
#include "base/net/resolver.h"
#include "collector/probe/module.h"
#include "collector/probe/probe_result.h"

namespace nines::collector {

struct ProbeTools {
  HttpClient& http;
  Resolver& resolver;
  const Clock& clock;
};

// Blocks until there is a verdict, at most `timeout` or the module's own when that is less; `stop`
// (may be null) ends it at once. Never an error: what went wrong is in the result. `hostname` is
// the Host header of an HTTP probe, in place of the target's; may be empty.
ProbeResult run_probe(const ProbeModule& module, const std::string& target,
                      const std::string& hostname, Duration timeout, const ProbeTools& tools,
                      const StopSignal* stop);

}  // namespace nines::collector
