// dns_sd_configs: targets that DNS names.
#include <algorithm>
#include <string_view>
#include <utility>

#include "base/text/text.h"
#include "collector/discovery/internal/sources.h"

namespace nines::collector {
namespace {

constexpr Duration kAskMax{10'000};  // for one name

std::string host_port(std::string_view host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string_view::npos;
  return (v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + std::to_string(port);
}

class DnsSource final : public TargetSource {
 public:
  DnsSource(DnsSdConfig config, const DiscoveryParts& parts, const StopSignal& stop)
      : config_(std::move(config)),
        type_(dns_type(config_.type).value_or(kDnsSrv)),
        resolver_(parts.resolver),
        clock_(parts.scheduler.clock()),
        stop_(stop) {}

  std::string kind() const override { return "dns"; }
  std::string what() const override { return config_.type + " " + join(config_.names, ", "); }
  std::string key() const override {
    return what() + "\n" + std::to_string(config_.port) + "\n" + join(config_.servers, ",") + "\n" +
           std::to_string(config_.refresh_interval.count());
  }
  Duration refresh_interval() const override { return config_.refresh_interval; }

  void refresh(FoundDone done) override {
    FoundTargets found;
    found.groups.emplace();
    for (const std::string& name : config_.names) {
      Result<TargetGroups> groups = groups_of(name);
      if (groups) {
        last_good_[name] = *std::move(groups);
      } else {
        found.errors.push_back(config_.type + " " + name + ": " + groups.error().what());
      }
      const TargetGroups& known = last_good_[name];
      found.groups->insert(found.groups->end(), known.begin(), known.end());
    }
    done(std::move(found));
  }

 private:
  Result<TargetGroups> groups_of(const std::string& name) {
    const Patience patience(clock_, std::min(kAskMax, config_.refresh_interval), &stop_);
    NINES_TRY(const DnsMessage answer, resolver_.ask(name, type_, config_.servers, patience));
    // A name that does not exist has no targets; that is no failure.
    if (answer.rcode != 0 && answer.rcode != 3) {
      return Error(ErrorCode::kUnavailable, "DNS answered " + dns_rcode_name(answer.rcode));
    }
    TargetGroups groups;
    for (const DnsRecord& record : answer.answers) {
      if (record.type != type_) continue;  // CNAMEs on the way
      StaticConfig group;
      std::string_view host = record.host;
      if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
      group.targets = {host_port(host, type_ == kDnsSrv ? record.port : config_.port)};
      group.labels["__meta_dns_name"] = name;
      if (type_ == kDnsSrv) {
        group.labels["__meta_dns_srv_record_target"] = record.host;
        group.labels["__meta_dns_srv_record_port"] = std::to_string(record.port);
      } else if (type_ == kDnsMx) {
        group.labels["__meta_dns_mx_record_target"] = record.host;
      } else if (type_ == kDnsNs) {
        group.labels["__meta_dns_ns_record_target"] = record.host;
      }
      groups.push_back(std::move(group));
    }
    // Servers turn their answers round; that is no change.
    std::sort(groups.begin(), groups.end(),
              [](const StaticConfig& a, const StaticConfig& b) { return a.targets < b.targets; });
    return groups;
  }

  const DnsSdConfig config_;
  const std::uint16_t type_;
  Resolver& resolver_;
  const Clock& clock_;
  const StopSignal& stop_;
  std::map<std::string, TargetGroups> last_good_;
};

}  // namespace

std::unique_ptr<TargetSource> make_dns_source(DnsSdConfig config, const DiscoveryParts& parts,
                                              const StopSignal& stop) {
  return std::make_unique<DnsSource>(std::move(config), parts, stop);
}

}  // namespace nines::collector
