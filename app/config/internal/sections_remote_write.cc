// [[remote_write]]: to whom what is stored is sent.
#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "app/config/internal/collector_keys.h"
#include "app/config/internal/sections.h"
#include "base/text/text.h"

namespace nines::config {
namespace {

constexpr std::string_view kV1 = "prometheus.WriteRequest", kV2 = "io.prometheus.write.v2.Request";

// Set by the protocol, by options of their own, or by the connection.
constexpr std::string_view kOurHeaders[] = {
    "authorization", "host",           "content-encoding",
    "content-type",  "content-length", "x-prometheus-remote-write-version",
    "user-agent",    "connection",     "keep-alive",
    "te",            "transfer-encoding", "accept-encoding"};

void at_least(TableReader& t, std::string_view key, std::size_t value, std::size_t least) {
  if (value >= least) return;
  t.fail(key, "`" + std::string(key) + "` must be at least " + std::to_string(least));
}

void read_queue(TableReader& t, collector::SendConfig& c) {
  collector::SendQueueConfig& q = c.queue;
  t.read_count("capacity", q.capacity);
  t.read_count("max_shards", q.max_shards);
  t.read_count("max_samples_per_send", q.max_samples_per_send);
  t.read("batch_send_deadline", q.batch_send_deadline);
  t.read("min_backoff", q.min_backoff);
  t.read("max_backoff", q.max_backoff);
  t.read("retry_on_http_429", q.retry_on_http_429);
  t.read("sample_age_limit", q.sample_age_limit);
  t.read("overlap", c.overlap);
  t.read_count("max_samples_per_read", c.catch_up_samples_max);
  t.accept("min_shards");  // Prometheus's; here as many requests go out as there are samples for
  at_least(t, "capacity", q.capacity, 1);
  at_least(t, "max_shards", q.max_shards, 1);
  at_least(t, "max_samples_per_send", q.max_samples_per_send, 1);
  at_least(t, "max_samples_per_read", c.catch_up_samples_max, 1);
  if (q.capacity * q.max_shards < q.max_samples_per_send) {
    t.fail("capacity", "`capacity` times `max_shards` must hold `max_samples_per_send` at least");
  }
  if (q.min_backoff == Duration(0)) t.fail("min_backoff", "`min_backoff` must be at least 1ms");
  if (q.max_backoff < q.min_backoff) {
    t.fail("max_backoff", "`max_backoff` must not be less than `min_backoff`");
  }
}

void read_headers(TableReader& t, collector::SendConfig& c) {
  std::map<std::string, std::string> headers;
  t.read("headers", headers);
  for (const auto& [name, value] : headers) {
    if (std::find(std::begin(kOurHeaders), std::end(kOurHeaders), to_lower(name)) !=
        std::end(kOurHeaders)) {
      t.fail("headers", "`headers` may not set " + quote_go(name) +
                            ": it has its own option, or belongs to the protocol");
    }
    c.access.http_headers.emplace_back(name, value);
  }
}

void read_metadata(TableReader& t, collector::SendConfig& c) {
  t.read("send", c.send_metadata);
  t.read("send_interval", c.metadata_interval);
  t.read_count("max_samples_per_send", c.metadata_per_send);
  at_least(t, "max_samples_per_send", c.metadata_per_send, 1);
  if (c.metadata_interval < Duration(1'000)) {
    t.fail("send_interval", "`send_interval` must be at least 1s");
  }
}

}  // namespace

void read_remote_writes(TableReader& root, Config& config, const Context& context) {
  std::set<std::string> seen;
  std::ostringstream text;
  root.tables("remote_write", [&](TableReader& t) {
    collector::SendConfig& c = config.remote_writes.emplace_back();
    t.read("url", c.url);
    if (c.url.empty()) {
      t.fail("url", "a [[remote_write]] needs `url`");
    } else {
      check_url(t, "url", c.url);
    }
    t.read("name", c.name);
    if (!seen.insert(c.key()).second) {
      t.fail(c.name.empty() ? "url" : "name",
             "there are two [[remote_write]] called " + quote_go(c.key()) +
                 "; give each a `name` of its own");
    }
    t.read("remote_timeout", c.remote_timeout);
    std::string message(kV1);
    t.read_one_of("protobuf_message", message, {kV1, kV2});
    if (message == kV2) c.protocol = collector::SendProtocol::kV2;
    t.read("send_exemplars", c.send_exemplars);
    t.read("send_native_histograms", c.send_native_histograms);
    c.access.follow_redirects = true;
    read_http_access(t, c.access, context);
    read_headers(t, c);
    read_relabelling(t, "write_relabel_configs", c.write_relabel_configs);
    t.table("queue_config", [&](TableReader& q) { read_queue(q, c); });
    t.table("metadata_config", [&](TableReader& m) { read_metadata(m, c); });
    text << t.raw() << '\n';
  });
  config.remote_writes_text = text.str();
}

}  // namespace nines::config
