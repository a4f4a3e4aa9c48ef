// http_sd_configs: targets in the answer of an HTTP service.
#include <memory>
#include <string_view>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/discovery/internal/sources.h"
#include "collector/discovery/internal/target_file.h"

namespace nines::collector {
namespace {

Result<TargetGroups> groups_of(const Result<HttpResponse>& answer) {
  if (!answer) return answer.error();
  if (answer->status != 200) {
    return Error(ErrorCode::kUnavailable, "HTTP status " + std::to_string(answer->status));
  }
  const std::string_view type = answer->header("content-type");
  if (to_lower(trim(type.substr(0, type.find(';')))) != "application/json") {
    return Error(ErrorCode::kInvalid,
                 "Content-Type is " + quote_go(type) + ", it must be application/json");
  }
  return parse_targets_json(answer->body);
}

FoundTargets found_in(const std::string& url, const Result<HttpResponse>& answer) {
  FoundTargets found;
  Result<TargetGroups> groups = groups_of(answer);
  if (groups) {
    for (StaticConfig& group : *groups) group.labels["__meta_url"] = url;
    found.groups = *std::move(groups);
  } else {
    found.errors.push_back(url + ": " + groups.error().what());
  }
  return found;
}

class HttpSource final : public TargetSource {
 public:
  HttpSource(HttpSdConfig config, const DiscoveryParts& parts)
      : config_(std::move(config)), http_(parts.http), executor_(parts.executor) {}

  std::string kind() const override { return "http"; }
  std::string what() const override { return config_.url; }
  std::string key() const override {
    return config_.url + "\n" + std::to_string(config_.refresh_interval.count()) + "\n" +
           to_key(config_.access);
  }
  Duration refresh_interval() const override { return config_.refresh_interval; }

  void refresh(FoundDone done) override {
    HttpRequest request;
    request.url = config_.url;
    request.headers = {{"Accept", "application/json"},
                       {"X-Prometheus-Refresh-Interval-Seconds",
                        format_double(to_seconds(config_.refresh_interval))}};
    add_access(config_.access, request);
    request.accept_compressed = true;
    request.timeout = config_.refresh_interval;
    // Thousands of targets take a moment, and the client's threads have others to serve.
    http_.send(std::move(request), [&executor = executor_, url = config_.url,
                                    done = std::move(done)](Result<HttpResponse> answer) {
      const auto held = std::make_shared<const Result<HttpResponse>>(std::move(answer));
      const auto take = [url, done, held] { done(found_in(url, *held)); };
      if (!executor.post(take)) take();
    });
  }

 private:
  const HttpSdConfig config_;
  HttpClient& http_;
  Executor& executor_;
};

}  // namespace

std::unique_ptr<TargetSource> make_http_source(HttpSdConfig config, const DiscoveryParts& parts) {
  return std::make_unique<HttpSource>(std::move(config), parts);
}

}  // namespace nines::collector
