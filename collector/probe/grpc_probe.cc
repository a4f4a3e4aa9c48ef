#include <array>
#include <charconv>
#include <utility>

#include "base/text/text.h"
#include "collector/probe/internal/probers.h"

namespace nines::collector {
namespace {

// The messages are those of grpc.health.v1 (grpc/health/v1/health.proto), small enough by hand.
constexpr std::array<const char*, 4> kServing = {"UNKNOWN", "SERVING", "NOT_SERVING",
                                                 "SERVICE_UNKNOWN"};
constexpr int kStatusUnknown = 2, kStatusDeadline = 4, kStatusUnavailable = 14;
constexpr std::size_t kFrameHead = 5, kServiceMax = 4096;

// A frame with HealthCheckRequest{service = 1}.
std::string request_frame(const std::string& service) {
  std::string message;
  if (!service.empty()) {
    message += '\x0A';  // field 1, bytes
    std::size_t size = std::min(service.size(), kServiceMax);
    for (; size >= 0x80; size >>= 7) message += static_cast<char>(0x80 | (size & 0x7F));
    message += static_cast<char>(size);
    message += service.substr(0, kServiceMax);
  }
  std::string frame(kFrameHead, '\0');
  frame[3] = static_cast<char>(message.size() >> 8);
  frame[4] = static_cast<char>(message.size() & 0xFF);
  return frame + message;
}

// HealthCheckResponse{status = 1}; an empty message is its zero.
Result<int> read_serving(std::string_view body) {
  if (body.size() < kFrameHead || body[0] != 0) {
    return Error(ErrorCode::kInvalid, "the answer is no uncompressed gRPC message");
  }
  const std::string_view message = body.substr(kFrameHead);
  if (message.empty()) return 0;
  const bool plain = message.size() == 2 && message[0] == '\x08' && message[1] >= 0;
  if (!plain) return Error(ErrorCode::kInvalid, "the answer is no HealthCheckResponse");
  return static_cast<int>(message[1]);
}

int grpc_status(const HttpResponse& response) {
  const std::string_view text = response.header("grpc-status");
  int status = kStatusUnknown;
  std::from_chars(text.data(), text.data() + text.size(), status);
  return status;
}

HttpRequest make_request(const ProbeCall& call, const HostPort& to, const std::string& ip) {
  const GrpcProbe& grpc = call.module.grpc;
  const std::string& name = grpc.tls_options.server_name;
  const std::string host = grpc.tls && !name.empty() ? name : to.host;
  const bool v6 = host.find(':') != std::string::npos;
  HttpRequest request;
  request.method = "POST";
  request.url = std::string(grpc.tls ? "https://" : "http://") + (v6 ? "[" + host + "]" : host) +
                ":" + std::to_string(to.port) + "/grpc.health.v1.Health/Check";
  request.headers = {{"Content-Type", "application/grpc"}, {"TE", "trailers"}};
  request.body = request_frame(grpc.service);
  request.body_bytes_max = 64u << 10;
  request.fresh_connection = true;
  request.http2_only = !grpc.tls;
  request.tls = grpc.tls_options;
  request.tls.server_name.clear();  // it is the URL's host
  request.tls_details = true;
  request.keep_partial = true;
  request.address = ip;
  return request;
}

// Why the answer is not a healthy service's.
Result<void> judge(const HttpResponse& r, ProbeResult& out) {
  const auto code = [&](int status) { out.set("probe_grpc_status_code", status); };
  if (r.status == 0) {
    code(r.failure.starts_with("timed out") ? kStatusDeadline : kStatusUnavailable);
    return Error(ErrorCode::kUnavailable, r.failure);
  }
  if (r.http_version != 20) {
    code(kStatusUnavailable);
    return Error(ErrorCode::kUnavailable, "the server does not speak HTTP/2");
  }
  if (!r.failure.empty()) {
    code(r.failure.starts_with("timed out") ? kStatusDeadline : kStatusUnavailable);
    return Error(ErrorCode::kUnavailable, r.failure);
  }
  const int status = grpc_status(r);
  code(status);
  if (r.status != 200) {
    return Error(ErrorCode::kUnavailable, "HTTP status " + std::to_string(r.status));
  }
  if (status != 0) {
    return Error(ErrorCode::kUnavailable, "gRPC status " + std::to_string(status) + ": " +
                                              std::string(r.header("grpc-message")));
  }
  NINES_TRY(const int serving, read_serving(r.body));
  const auto known = static_cast<std::size_t>(serving);
  if (known >= kServing.size()) {
    return Error(ErrorCode::kInvalid, "unknown health " + std::to_string(serving));
  }
  out.set("probe_grpc_healthcheck_response", 1, {{"serving_status", kServing[known]}});
  if (serving == 1) return {};
  return Error(ErrorCode::kUnavailable, std::string("the service is ") + kServing[known]);
}

Result<void> run(const ProbeCall& call) {
  const GrpcProbe& grpc = call.module.grpc;
  ProbeResult& out = call.out;
  const auto phase = [&](const char* name, std::chrono::nanoseconds took) {
    out.set("probe_grpc_duration_seconds", seconds(took), {{"phase", name}});
  };
  std::string_view target = call.target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.starts_with(scheme)) target.remove_prefix(scheme.size());
  }
  target = target.substr(0, target.find('/'));
  const std::uint16_t usual = grpc.tls ? 443 : 80;
  NINES_TRY(const HostPort to, split_host_port(target, usual));
  NINES_TRY(const ChosenAddress chosen, choose_address(call, to.host, grpc.ip));
  phase("resolve", chosen.took);
  const Instant began = call.patience.now();
  const Result<HttpResponse> answer =
      send_and_wait(call.tools.http, make_request(call, to, chosen.ip), call.patience);
  phase("check", call.patience.now() - began);
  if (!answer) {
    out.set("probe_grpc_status_code", kStatusUnavailable);
    return answer.error();
  }
  out.set("probe_grpc_ssl", answer->tls.used ? 1 : 0);
  tell_tls(answer->tls, out);
  return judge(*answer, out);
}

}  // namespace

void probe_grpc(const ProbeCall& call) {
  ProbeResult& out = call.out;
  for (const char* name :
       {"probe_grpc_ssl", "probe_grpc_status_code", "probe_ssl_earliest_cert_expiry"}) {
    out.set(name, 0);
  }
  out.set("probe_grpc_duration_seconds", 0, {{"phase", "resolve"}});
  for (const char* serving : kServing) {
    out.set("probe_grpc_healthcheck_response", 0, {{"serving_status", serving}});
  }
  const Result<void> ran = run(call);
  out.success = ran.has_value();
  if (!ran) out.fail(ran.error().what());
}

}  // namespace nines::collector
