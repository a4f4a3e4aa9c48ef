#pragma once
// The kinds of discovery there are.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collector/discovery/discovery.h"
#include "collector/discovery/target_source.h"

namespace nines::collector {

std::unique_ptr<TargetSource> make_file_source(FileSdConfig config, const DiscoveryParts& parts);
// Asks with a deadline of its interval.
std::unique_ptr<TargetSource> make_http_source(HttpSdConfig config, const DiscoveryParts& parts);
// `stop` ends questions under way.
std::unique_ptr<TargetSource> make_dns_source(DnsSdConfig config, const DiscoveryParts& parts,
                                              const StopSignal& stop);

// Its refresh lasts until Consul has news.
std::unique_ptr<TargetSource> make_consul_source(const ConsulSdConfig& config,
                                                 const DiscoveryParts& parts);

// All of a job, in the order of their kinds and of the file.
std::vector<std::unique_ptr<TargetSource>> make_sources(const JobDiscovery& job,
                                                        const DiscoveryParts& parts,
                                                        const StopSignal& stop);

}  // namespace nines::collector
