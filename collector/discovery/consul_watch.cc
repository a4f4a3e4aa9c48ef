#include "collector/discovery/internal/consul_watch.h"

#include <algorithm>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/discovery/internal/consul_answer.h"

namespace nines::collector {
namespace {

constexpr Duration kWait{120'000};  // how long Consul holds a query without news, at most
// Consul adds up to a sixteenth to it.
constexpr Duration kPatience = kWait + kWait / 16 + Duration(15'000);
constexpr std::size_t kAnswerShown = 200;
constexpr std::size_t kTokenBytesMax = 64u << 10;

}  // namespace

ConsulWatch::ConsulWatch(ConsulSdConfig config, const DiscoveryParts& parts)
    : config_(std::move(config)),
      fs_(parts.fs),
      http_(parts.http),
      executor_(parts.executor),
      // Which services have the tags only the catalog knows.
      watches_catalog_(config_.services.empty() || !config_.tags.empty()),
      datacenter_(config_.datacenter) {
  agent_.path = "/v1/agent/self";
}

// What all queries have in common.
std::string ConsulWatch::params() const {
  std::string out = "?dc=" + url_encode(datacenter_);
  if (!config_.ns.empty()) out += "&ns=" + url_encode(config_.ns);
  if (!config_.partition.empty()) out += "&partition=" + url_encode(config_.partition);
  if (config_.allow_stale) out += "&stale=";
  for (const auto& [name, value] : config_.node_meta) {
    out += "&node-meta=" + url_encode(name + ":" + value);
  }
  return out;
}

ConsulWatch::Query* ConsulWatch::find(Kind kind, const std::string& service) {
  if (kind == Kind::kAgent) return &agent_;
  if (kind == Kind::kCatalog) return &catalog_;
  const auto found = services_.find(service);
  return found == services_.end() ? nullptr : &found->second;
}

// What stands in its file now.
Result<std::string> ConsulWatch::token() const {
  if (config_.token_file.empty()) return config_.token;
  NINES_TRY(const std::string text, read_file(fs_, config_.token_file, kTokenBytesMax));
  return std::string(trim(text));
}

void ConsulWatch::plan_one(Kind kind, const std::string& service, Query& query,
                           std::vector<Ask>& asks) {
  if (query.asking) return;
  const Result<std::string> secret = token();
  if (!secret) {
    // Tried again by the next refresh; what is known stays.
    query.error = "token_file: " + secret.error().what();
    query.answered = fresh_ = true;
    return;
  }
  query.asking = true;
  query.call = HttpCallId::kNone;
  Ask ask{kind, service, ++query.round, {}};
  ask.request.url = config_.scheme + "://" + config_.server + config_.path_prefix + query.path;
  if (kind != Kind::kAgent) {
    if (query.index != 0) ask.request.url += "&index=" + std::to_string(query.index);
    ask.request.url += "&wait=" + std::to_string(kWait.count()) + "ms";
  }
  add_access(config_.access, ask.request);
  if (!secret->empty()) ask.request.headers.emplace_back("X-Consul-Token", *secret);
  ask.request.timeout = kPatience;
  ask.request.accept_compressed = true;
  asks.push_back(std::move(ask));
}

void ConsulWatch::plan(std::vector<Ask>& asks) {
  if (stopped_) return;
  if (datacenter_.empty()) return plan_one(Kind::kAgent, "", agent_, asks);
  if (watches_catalog_) {
    if (catalog_.path.empty()) {
      catalog_.path = "/v1/catalog/services" + params();
      if (!config_.filter.empty()) catalog_.path += "&filter=" + url_encode(config_.filter);
    }
    plan_one(Kind::kCatalog, "", catalog_, asks);
  } else if (!std::exchange(knows_services_, true)) {
    for (const std::string& name : config_.services) add_service(name);
  }
  for (auto& [name, service] : services_) plan_one(Kind::kService, name, service, asks);
}

void ConsulWatch::add_service(const std::string& name) {
  const auto [at, is_new] = services_.try_emplace(name);
  if (!is_new) return;
  at->second.path = "/v1/health/service/" + url_encode(name) + params();
  for (const std::string& tag : config_.tags) at->second.path += "&tag=" + url_encode(tag);
}

void ConsulWatch::refresh(FoundDone done) {
  std::vector<Ask> asks;
  {
    const MutexLock lock(mutex_);
    done_ = std::move(done);
    plan(asks);
  }
  send(std::move(asks));
  tell();  // what came between this refresh and the last
}

void ConsulWatch::send(std::vector<Ask> asks) {
  for (Ask& ask : asks) {
    const auto take_later = [weak = weak_from_this(), &executor = executor_, kind = ask.kind,
                             service = ask.service,
                             round = ask.round](Result<HttpResponse> answer) {
      // Thousands of instances take a moment, and the client's threads have others to serve.
      const auto held = std::make_shared<const Result<HttpResponse>>(std::move(answer));
      const auto work = [weak, kind, service, round, held] {
        if (const auto self = weak.lock()) self->take(kind, service, round, *held);
      };
      if (!executor.post(work)) work();
    };
    const HttpCallId call = http_.send(std::move(ask.request), take_later);
    bool unwanted = false;
    {
      const MutexLock lock(mutex_);
      Query* query = find(ask.kind, ask.service);
      const bool waited = query != nullptr && query->asking && query->round == ask.round;
      if (waited) query->call = call;
      unwanted = stopped_ || query == nullptr;
    }
    if (unwanted) http_.cancel(call);
  }
}

void ConsulWatch::take(Kind kind, const std::string& service, std::uint64_t round,
                       const Result<HttpResponse>& answer) {
  std::vector<Ask> asks;
  std::vector<HttpCallId> gone;
  {
    const MutexLock lock(mutex_);
    Query* query = find(kind, service);
    if (stopped_ || query == nullptr || !query->asking || query->round != round) return;
    query->asking = false;
    query->answered = true;
    Result<void> done;
    if (!answer) {
      done = answer.error();
    } else if (answer->status != 200) {
      const std::string body(trim(answer->body).substr(0, kAnswerShown));
      done = Error(ErrorCode::kUnavailable, "HTTP status " + std::to_string(answer->status) +
                                                (body.empty() ? "" : ": " + body));
    } else {
      done = read(kind, service, *query, *answer, gone);
    }
    query->error = done ? ""
                        : config_.server + query->path.substr(0, query->path.find('?')) + ": " +
                              done.error().what();
    // Asked from the beginning, it is answered at once, and not only with the next news.
    if (!done) query->index = 0;
    fresh_ = true;
    // What is known now leads on: to the catalog, to the services in it. What was answered before
    // is asked again by the next refresh.
    if (done && kind == Kind::kAgent) plan(asks);
    if (done && kind == Kind::kCatalog) {
      for (auto& [name, one] : services_) {
        if (!one.answered) plan_one(Kind::kService, name, one, asks);
      }
    }
  }
  for (const HttpCallId call : gone) http_.cancel(call);
  send(std::move(asks));
  tell();
}

Result<void> ConsulWatch::read(Kind kind, const std::string& service, Query& query,
                               const HttpResponse& answer, std::vector<HttpCallId>& gone) {
  if (kind == Kind::kAgent) {
    NINES_TRY(datacenter_, read_consul_datacenter(answer.body));
    return {};
  }
  // An index that went back says that Consul has forgotten what it stood for.
  const std::uint64_t index = static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, parse_int(answer.header("x-consul-index")).value_or(0)));
  const bool same = index != 0 && index == query.index;
  if (!same) {
    if (kind == Kind::kCatalog) {
      NINES_TRY(const auto found, read_consul_services(answer.body));
      take_services(found, gone);
      knows_services_ = true;
    } else {
      NINES_TRY(services_.at(service).groups,
                read_consul_instances(answer.body, service, datacenter_, config_.tag_separator));
    }
  }
  query.index = index < query.index ? 0 : index;
  return {};
}

bool ConsulWatch::wants(const std::string& name, const std::vector<std::string>& tags) const {
  const auto has = [](const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  };
  if (!config_.services.empty() && !has(config_.services, name)) return false;
  return std::all_of(config_.tags.begin(), config_.tags.end(),
                     [&](const std::string& tag) { return has(tags, tag); });
}

void ConsulWatch::take_services(const std::map<std::string, std::vector<std::string>>& found,
                                std::vector<HttpCallId>& gone) {
  for (auto it = services_.begin(); it != services_.end();) {
    const auto still = found.find(it->first);
    if (still != found.end() && wants(still->first, still->second)) {
      ++it;
      continue;
    }
    if (it->second.asking) gone.push_back(it->second.call);
    it = services_.erase(it);
  }
  for (const auto& [name, tags] : found) {
    if (wants(name, tags)) add_service(name);
  }
}

// Nothing is on its way that was never answered.
bool ConsulWatch::settled() const {
  const auto first = [](const Query& q) { return q.asking && !q.answered; };
  return !agent_.asking && !first(catalog_) &&
         std::none_of(services_.begin(), services_.end(),
                      [&](const auto& one) { return first(one.second); });
}

FoundTargets ConsulWatch::found() const {
  FoundTargets out;
  if (knows_services_) out.groups.emplace();
  for (const auto& [name, service] : services_) {
    out.groups->insert(out.groups->end(), service.groups.begin(), service.groups.end());
  }
  for (const Query* query : {&agent_, &catalog_}) {
    if (!query->error.empty()) out.errors.push_back(query->error);
  }
  for (const auto& [name, service] : services_) {
    const bool told = !out.errors.empty() && out.errors.back() == service.error;
    if (!service.error.empty() && !told) out.errors.push_back(service.error);
  }
  return out;
}

void ConsulWatch::tell() {
  FoundDone done;
  FoundTargets all;
  {
    const MutexLock lock(mutex_);
    if (stopped_ || !done_ || !fresh_ || !settled()) return;
    fresh_ = false;
    done = std::exchange(done_, nullptr);
    all = found();
  }
  done(std::move(all));
}

void ConsulWatch::stop() {
  std::vector<HttpCallId> calls;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    done_ = nullptr;
    for (const Query* query : {&agent_, &catalog_}) calls.push_back(query->call);
    for (const auto& [name, service] : services_) calls.push_back(service.call);
  }
  for (const HttpCallId call : calls) http_.cancel(call);
}

}  // namespace nines::collector
