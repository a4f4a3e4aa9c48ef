#include <utility>

#include "base/text/text.h"
#include "collector/probe/internal/probers.h"

namespace nines::collector {
namespace {

constexpr std::size_t kLineMax = 64u << 10;

// Reads lines until one matches; its groups, which view into `line`.
Result<std::vector<std::string_view>> expect(const ProbeCall& call, Stream& stream,
                                             const Regex& regex, std::string& line) {
  for (;;) {
    Result<std::string> read = stream.read_line(kLineMax, call.patience);
    if (!read && read.error().code() == ErrorCode::kNotFound) {
      call.out.set("probe_failed_due_to_regex", 1);
      return Error(ErrorCode::kUnavailable, "no line matched " + quote_go(regex.pattern()) +
                                                " before the peer closed the connection");
    }
    if (!read) {
      return Error(read.error()).in("waiting for a line that matches " +
                                    quote_go(regex.pattern()));
    }
    line = *std::move(read);
    std::vector<std::string_view> groups = regex.groups(line);
    if (groups.empty()) continue;
    call.out.info("\"Regexp matched\" regexp=" + quote_go(regex.pattern()) +
                  " line=" + quote_go(line));
    return groups;
  }
}

TlsOptions tls_options(const TcpProbe& tcp, const std::string& host) {
  TlsOptions options = tcp.tls_options;
  if (options.server_name.empty()) options.server_name = host;
  return options;
}

Result<void> start_tls(const ProbeCall& call, Stream& stream, const std::string& host) {
  const Result<TlsInfo> tls =
      stream.start_tls(tls_options(call.module.tcp, host), call.patience);
  if (!tls) return tls.error();
  tell_tls(*tls, call.out);
  return {};
}

Result<void> converse(const ProbeCall& call, Stream& stream, const std::string& host) {
  std::string line;
  for (const QueryStep& step : call.module.tcp.query_response) {
    std::string send = step.send;
    if (step.expect) {
      const auto groups = expect(call, stream, *step.expect, line);
      if (!groups) return groups.error();
      send = step.expect->expand(step.send, *groups);
      if (!step.labels.empty()) {
        SampleLabels labels;
        for (const auto& [name, value] : step.labels) {
          labels.emplace_back(name, step.expect->expand(value, *groups));
        }
        call.out.set("probe_expect_info", 1, std::move(labels));
      }
    }
    if (!send.empty()) {
      call.out.info("\"Sending line\" line=" + quote_go(send));
      const Result<void> sent = stream.write(send + "\n", call.patience);
      if (!sent) return Error(sent.error()).in("sending " + quote_go(send));
    }
    if (step.start_tls) {
      if (Result<void> started = start_tls(call, stream, host); !started) return started;
    }
  }
  return {};
}

Result<void> run(const ProbeCall& call) {
  const TcpProbe& tcp = call.module.tcp;
  NINES_TRY(const HostPort to, split_host_port(call.target));
  NINES_TRY(const ChosenAddress chosen, choose_address(call, to.host, tcp.ip));
  const auto stream = connect_stream(chosen.ip, to.port, tcp.source_ip, call.patience);
  if (!stream) return stream.error();
  call.out.info("\"Successfully dialed\"");
  if (tcp.tls) {
    if (Result<void> started = start_tls(call, **stream, to.host); !started) return started;
  }
  return converse(call, **stream, to.host);
}

}  // namespace

void probe_tcp(const ProbeCall& call) {
  call.out.set("probe_failed_due_to_regex", 0);
  const Result<void> ran = run(call);
  call.out.success = ran.has_value();
  if (!ran) call.out.fail(ran.error().what());
}

}  // namespace nines::collector
