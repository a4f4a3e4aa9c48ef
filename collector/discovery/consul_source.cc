// consul_sd_configs: the instances of services that Consul knows.
#include <memory>
#include <utility>

#include "base/text/text.h"
#include "collector/discovery/internal/consul_watch.h"
#include "collector/discovery/internal/sources.h"

namespace nines::collector {
namespace {

class ConsulSource final : public TargetSource {
 public:
  ConsulSource(const ConsulSdConfig& config, const DiscoveryParts& parts)
      : config_(config),
        watch_(std::make_shared<ConsulWatch>(config, parts)) {}
  ~ConsulSource() override { watch_->stop(); }
  ConsulSource(const ConsulSource&) = delete;
  ConsulSource& operator=(const ConsulSource&) = delete;

  std::string kind() const override { return "consul"; }
  std::string what() const override {
    return config_.server + (config_.services.empty() ? "" : " " + join(config_.services, ", "));
  }
  std::string key() const override {
    const ConsulSdConfig& c = config_;
    std::string all;
    const auto add = [&all](const std::string& part) {
      all += part;
      all += '\0';
    };
    for (const std::string* part : {&c.server, &c.scheme, &c.path_prefix, &c.token, &c.token_file,
                                    &c.datacenter, &c.ns, &c.partition, &c.filter, &c.tag_separator}) {
      add(*part);
    }
    for (const auto* list : {&c.services, &c.tags}) {
      add(std::to_string(list->size()));
      for (const std::string& one : *list) add(one);
    }
    for (const auto& [name, value] : c.node_meta) {
      add(name);
      add(value);
    }
    add(std::to_string(c.allow_stale) + std::to_string(c.refresh_interval.count()));
    add(to_key(c.access));
    return all;
  }
  Duration refresh_interval() const override { return config_.refresh_interval; }
  void refresh(FoundDone done) override { watch_->refresh(std::move(done)); }

 private:
  const ConsulSdConfig config_;
  const std::shared_ptr<ConsulWatch> watch_;  // callbacks hold it weakly
};

}  // namespace

std::unique_ptr<TargetSource> make_consul_source(const ConsulSdConfig& config,
                                                 const DiscoveryParts& parts) {
  return std::make_unique<ConsulSource>(config, parts);
}

}  // namespace nines::collector
