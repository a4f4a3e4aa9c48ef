#include <charconv>
#include <utility>

#include "base/net/url.h"
#include "base/text/text.h"
#include "collector/probe/internal/http_session.h"

namespace nines::collector {
namespace {

// As announced; -1 when the answer does not say.
double content_length(const HttpResponse& response) {
  const std::string_view text = response.header("content-length");
  std::int64_t length = -1;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return static_cast<double>(length);
}

void tell_nothing(ProbeResult& out) {
  for (const char* name :
       {"probe_failed_due_to_regex", "probe_http_content_length", "probe_http_redirects",
        "probe_http_ssl", "probe_http_status_code", "probe_http_uncompressed_body_length",
        "probe_http_version"}) {
    out.set(name, 0);
  }
  for (const char* phase : {"resolve", "connect", "tls", "processing", "transfer"}) {
    out.set("probe_http_duration_seconds", 0, {{"phase", phase}});
  }
}

void tell(const HttpOutcome& outcome, ProbeResult& out) {
  const HttpResponse& r = outcome.response;
  const auto phase = [&](const char* name, std::chrono::microseconds took) {
    out.set("probe_http_duration_seconds", seconds(took), {{"phase", name}});
  };
  phase("resolve", r.phases.resolve);
  phase("connect", r.phases.connect);
  phase("tls", r.phases.tls);
  phase("processing", r.phases.processing);
  phase("transfer", r.phases.transfer);
  out.set("probe_http_redirects", outcome.redirects);
  if (r.status == 0) return;
  out.set("probe_http_status_code", r.status);
  out.set("probe_http_version", r.http_version / 10.0);
  out.set("probe_http_content_length", content_length(r));
  out.set("probe_http_uncompressed_body_length", static_cast<double>(r.body.size()));
  out.set("probe_http_ssl", outcome.tls ? 1 : 0);
  if (const auto modified = parse_http_date(std::string(r.header("last-modified")))) {
    out.set("probe_http_last_modified_timestamp_seconds", static_cast<double>(*modified));
  }
  tell_tls(r.tls, out);
}

}  // namespace

void probe_http(const ProbeCall& call) {
  const HttpProbe& http = call.module.http;
  ProbeResult& out = call.out;
  tell_nothing(out);
  const bool whole = call.target.starts_with("http://") || call.target.starts_with("https://");
  HttpAsk ask;
  ask.method = http.method;
  ask.url = whole ? call.target : "http://" + call.target;
  ask.headers = http.headers;
  if (!call.hostname.empty()) ask.headers["Host"] = call.hostname;
  ask.body = http.body;
  ask.follow_redirects = http.follow_redirects;
  ask.http2 = http.enable_http2;
  ask.compression = http.compression;
  HttpSession session(call, http.access, http.ip, http.body_bytes_max);
  const Result<HttpOutcome> outcome = session.ask(std::move(ask));
  if (!outcome) {
    if (const ProbeSample* lookup = out.find("probe_dns_lookup_time_seconds")) {
      out.set("probe_http_duration_seconds", lookup->value, {{"phase", "resolve"}});
    }
    out.fail(outcome.error().what());
    return;
  }
  tell(*outcome, out);
  out.success = true;
  bool by_regex = false;
  for (const Assertion& assertion : judge(http.expect, *outcome)) {
    if (assertion.holds) continue;
    by_regex = by_regex || assertion.by_regex;
    out.fail(assertion.reason);
  }
  out.set("probe_failed_due_to_regex", by_regex ? 1 : 0);
}

}  // namespace nines::collector
