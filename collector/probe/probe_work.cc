#include "collector/probe/internal/probe_work.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text/text.h"

namespace nines::collector {
namespace {

constexpr std::size_t kBodyMax = 10u
                                 << 20;  // read of an answer; a page beyond is not a health check
constexpr const char* kComponent = "probe";

double seconds(std::chrono::microseconds us) {
  return static_cast<double>(us.count()) / 1e6;
}

// As announced; -1 when the answer does not say.
double content_length(const HttpResponse& response) {
  const std::string_view text = response.header("content-length");
  std::int64_t length = -1;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return static_cast<double>(length);
}

std::vector<std::shared_ptr<const Regex>> compile(const std::vector<std::string>& patterns,
                                                  std::string& bad) {
  std::vector<std::shared_ptr<const Regex>> out;
  for (const std::string& pattern : patterns) {
    Result<std::shared_ptr<const Regex>> regex = Regex::compile(pattern, RegexAnchor::kNone);
    if (regex) {
      out.push_back(*std::move(regex));
    } else {
      bad = "bad regex " + quote_go(pattern) + ": " + regex.error().what();
    }
  }
  return out;
}

}  // namespace

ProbePlan::ProbePlan(ProbeConfig from)
    : config(std::move(from)),
      refuse(compile(config.http.fail_if_body_matches_regexp, bad_regex)),
      want(compile(config.http.fail_if_body_not_matches_regexp, bad_regex)) {}

ProbeVerdict judge(const ProbePlan& plan, const HttpResponse& response) {
  const std::vector<int>& codes = plan.config.http.valid_status_codes;
  const bool good = codes.empty()
                        ? response.status >= 200 && response.status < 300
                        : std::find(codes.begin(), codes.end(), response.status) != codes.end();
  if (!good) return {false, false, "HTTP status " + std::to_string(response.status)};
  if (!plan.bad_regex.empty()) return {false, false, plan.bad_regex};
  for (const auto& regex : plan.refuse) {
    if (regex->matches(response.body)) {
      return {false, true, "body matches " + quote_go(regex->pattern())};
    }
  }
  for (const auto& regex : plan.want) {
    if (!regex->matches(response.body)) {
      return {false, true, "body does not match " + quote_go(regex->pattern())};
    }
  }
  return {true, false, ""};
}

ProbeWork::ProbeWork(std::shared_ptr<const ProbePlan> plan, std::string url, LabelSet labels,
                     std::string group, storage::Appender& appender, const Clock& clock, Log& log)
    : plan_(std::move(plan)),
      url_(std::move(url)),
      labels_(std::move(labels)),
      group_(std::move(group)),
      appender_(appender),
      clock_(clock),
      log_(log) {}

std::optional<HttpRequest> ProbeWork::request() const {
  const HttpProbeModule& http = plan_->config.http;
  HttpRequest request;
  request.method = http.method;
  request.url = url_;
  request.headers.assign(http.headers.begin(), http.headers.end());
  request.body = http.body;
  request.timeout = plan_->config.scrape_timeout;
  request.body_bytes_max = kBodyMax;
  request.follow_redirects = http.follow_redirects;
  request.verify_tls = !http.insecure_skip_verify;
  request.fresh_connection = true;  // what a new visitor would see
  return request;
}

TargetReport ProbeWork::work(Timestamp at, Instant began,
                             std::optional<Result<HttpResponse>> answer) {
  TargetReport report;
  if (!writer_) {
    Result<std::unique_ptr<storage::GroupWriter>> opened = appender_.open_group({group_, labels_, "probe"});
    if (!opened) {
      report.error = "store: " + opened.error().what();
      return report;
    }
    writer_ = *std::move(opened);
  }
  ++turn_;
  rows_.clear();
  ProbeVerdict verdict;
  HttpResponse nothing;  // a probe without an answer reports zeros, as blackbox_exporter does
  nothing.http_version = 0;
  if (answer && *answer) {
    verdict = judge(*plan_, **answer);
    add_response(**answer);
  } else {
    if (answer) verdict.reason = answer->error().what();
    add_response(nothing);
  }
  const std::chrono::duration<double> took = clock_.elapsed() - began;
  add("up", 1);  // the probe itself took place; whether it went well is probe_success
  add("probe_success", verdict.success ? 1 : 0);
  add("probe_failed_due_to_regex", verdict.failed_due_to_regex ? 1 : 0);
  add("probe_duration_seconds", took.count());
  report.samples = rows_.size();
  mark_vanished();
  append(at);
  report.up = verdict.success;
  report.error = std::move(verdict.reason);
  return report;
}

void ProbeWork::add_response(const HttpResponse& r) {
  const bool answered = r.status != 0;
  const bool tls = r.tls_not_after != 0 || r.phases.tls.count() > 0;
  add("probe_http_status_code", r.status);
  add("probe_http_version", r.http_version / 10.0);
  add("probe_http_ssl", tls ? 1 : 0);
  add("probe_http_redirects", r.redirects);
  add("probe_http_content_length", answered ? content_length(r) : 0);
  add("probe_http_uncompressed_body_length", static_cast<double>(r.body.size()));
  add("probe_dns_lookup_time_seconds", seconds(r.phases.resolve));
  add("probe_http_duration_seconds", seconds(r.phases.resolve), "resolve");
  add("probe_http_duration_seconds", seconds(r.phases.connect), "connect");
  add("probe_http_duration_seconds", seconds(r.phases.tls), "tls");
  add("probe_http_duration_seconds", seconds(r.phases.processing), "processing");
  add("probe_http_duration_seconds", seconds(r.phases.transfer), "transfer");
  if (answered) add("probe_ip_protocol", r.remote_ip.find(':') == std::string::npos ? 4 : 6);
  if (r.tls_not_after != 0) {
    add("probe_ssl_earliest_cert_expiry", static_cast<double>(r.tls_not_after));
  }
}

void ProbeWork::add(const char* name, double value, const char* phase) {
  const std::pair<std::string_view, std::string_view> key(name, phase != nullptr ? phase : "");
  auto known = known_.find(key);
  if (known == known_.end()) {
    const Result<storage::Slot> slot =
        writer_->slot(labels_.with(kMetricName, name).with("phase", key.second));
    if (!slot) {
      log_.warn(kComponent, "no room for {} url={} error=\"{}\"", name, url_, slot.error().what());
      return;
    }
    known = known_.emplace(key, Known{*slot, 0, false}).first;
  }
  known->second.turn = turn_;
  known->second.live = true;
  storage::Row row;
  row.slot = known->second.slot;
  row.value = value;
  rows_.push_back(row);
}

void ProbeWork::mark_vanished() {
  for (auto& [key, known] : known_) {
    if (!known.live || known.turn == turn_) continue;
    known.live = false;
    storage::Row row;
    row.slot = known.slot;
    row.value = stale_nan();
    rows_.push_back(row);
  }
}

void ProbeWork::append(Timestamp at) {
  const Result<storage::AppendOutcome> outcome = writer_->append(at, rows_);
  if (!outcome) {
    log_.error(kComponent, "write url={} error=\"{}\"", url_, outcome.error().what());
  }
}

void ProbeWork::end(Timestamp at) {
  if (!writer_) return;
  ++turn_;
  rows_.clear();
  mark_vanished();
  append(at);
  writer_.reset();
}

}  // namespace nines::collector
