#pragma once
// Watches Consul's catalog by blocking queries: one for the list of services, one for each service.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/mutex.h"
#include "base/core/scheduler.h"
#include "base/net/http_client.h"
#include "collector/discovery/discovery.h"
#include "collector/discovery/target_source.h"

namespace nines::collector {

// Thread-safe. A query under way outlives the refresh() that began it: Consul answers it when
// something changes. Callbacks hold this weakly; its owner decides how long it lives.
class ConsulWatch : public std::enable_shared_from_this<ConsulWatch> {
 public:
  ConsulWatch(ConsulSdConfig config, const DiscoveryParts& parts);

  // Begins what is not under way and calls `done` when something has been answered since the last
  // time; not, though, before each service known has been answered once, so that targets of a job
  // appear together.
  void refresh(FoundDone done);
  void stop();  // calls off what is under way; `done` is not called any more

 private:
  struct Query {
    std::string path;  // with its parameters, but for those of blocking
    std::uint64_t index = 0;
    std::uint64_t round = 0;  // tells an answer that is waited for from one that is not
    HttpCallId call = HttpCallId::kNone;
    bool asking = false;
    bool answered = false;  // once, well or not
    std::string error;      // of the last answer
  };
  struct Service : Query {
    TargetGroups groups;
  };
  enum class Kind : std::uint8_t { kAgent, kCatalog, kService };
  struct Ask {
    Kind kind{};
    std::string service;
    std::uint64_t round = 0;
    HttpRequest request;
  };

  Query* find(Kind kind, const std::string& service) NINES_REQUIRES(mutex_);
  void plan(std::vector<Ask>& asks) NINES_REQUIRES(mutex_);
  void plan_one(Kind kind, const std::string& service, Query& query, std::vector<Ask>& asks)
      NINES_REQUIRES(mutex_);
  void send(std::vector<Ask> asks);
  void take(Kind kind, const std::string& service, std::uint64_t round,
            const Result<HttpResponse>& answer);
  Result<void> read(Kind kind, const std::string& service, Query& query, const HttpResponse& answer,
                    std::vector<HttpCallId>& gone) NINES_REQUIRES(mutex_);
  void take_services(const std::map<std::string, std::vector<std::string>>& found,
                     std::vector<HttpCallId>& gone) NINES_REQUIRES(mutex_);
  bool wants(const std::string& name, const std::vector<std::string>& tags) const;
  void add_service(const std::string& name) NINES_REQUIRES(mutex_);
  bool settled() const NINES_REQUIRES(mutex_);
  FoundTargets found() const NINES_REQUIRES(mutex_);
  void tell();
  std::string params() const NINES_REQUIRES(mutex_);

  Result<std::string> token() const;

  const ConsulSdConfig config_;
  Fs& fs_;
  HttpClient& http_;
  Executor& executor_;
  const bool watches_catalog_;
  Mutex mutex_;
  bool stopped_ NINES_GUARDED_BY(mutex_) = false;
  bool fresh_ NINES_GUARDED_BY(mutex_) = false;  // something to tell
  FoundDone done_ NINES_GUARDED_BY(mutex_);
  std::string datacenter_ NINES_GUARDED_BY(mutex_);
  Query agent_ NINES_GUARDED_BY(mutex_);
  Query catalog_ NINES_GUARDED_BY(mutex_);
  bool knows_services_ NINES_GUARDED_BY(mutex_) = false;
  std::map<std::string, Service> services_ NINES_GUARDED_BY(mutex_);
};

}  // namespace nines::collector
