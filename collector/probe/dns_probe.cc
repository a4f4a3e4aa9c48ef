#include <algorithm>
#include <utility>

#include "base/net/datagram.h"
#include "base/net/dns_message.h"
#include "base/text/text.h"
#include "collector/probe/internal/probers.h"

namespace nines::collector {
namespace {

constexpr std::uint16_t kDnsPort = 53, kDnsOverTlsPort = 853;
constexpr std::size_t kHeaderBytes = 12;

unsigned id_of(std::string_view bytes) {
  return static_cast<unsigned>(static_cast<unsigned char>(bytes[0])) << 8 |
         static_cast<unsigned char>(bytes[1]);
}

std::uint16_t fresh_id(const ProbeCall& call) {
  return static_cast<std::uint16_t>(
      hash64(call.target, static_cast<std::uint64_t>(call.patience.now().time_since_epoch().count())));
}

Result<std::string> ask_udp(const ProbeCall& call, const std::string& ip, std::uint16_t port,
                            const std::string& query) {
  int strangers = 0;
  const Result<std::string> answer = ask_by_udp(
      ip, port, call.module.dns.source_ip, query,
      [&](std::string_view bytes) {
        if (bytes.size() < kHeaderBytes || id_of(bytes) == id_of(query)) return true;
        ++strangers;  // somebody guesses, or answers a question of before
        return false;
      },
      call.patience);
  if (answer || strangers == 0) return answer;
  return Error(answer.error().code(), answer.error().what() + ", with " +
                                          std::to_string(strangers) +
                                          " packets that answer another question");
}

Result<std::string> ask_tcp(const ProbeCall& call, const std::string& host, const std::string& ip,
                            std::uint16_t port, const std::string& query, Instant& connected) {
  const DnsProbe& dns = call.module.dns;
  const auto stream = connect_stream(ip, port, dns.source_ip, call.patience);
  if (!stream) return stream.error();
  if (dns.dns_over_tls) {
    TlsOptions options = dns.tls_options;
    if (options.server_name.empty()) options.server_name = host;
    const Result<TlsInfo> tls = (*stream)->start_tls(options, call.patience);
    if (!tls) return tls.error();
  }
  connected = call.patience.now();
  std::string framed;
  framed += static_cast<char>(query.size() >> 8);
  framed += static_cast<char>(query.size() & 0xFF);
  const Result<void> sent = (*stream)->write(framed + query, call.patience);
  if (!sent) return sent.error();
  NINES_TRY(const std::string size, (*stream)->read_exactly(2, call.patience));
  return (*stream)->read_exactly(id_of(size), call.patience);
}

// Why the records of a section are not what they should be; empty: they are.
std::string refusal(const std::vector<DnsRecord>& records, const DnsExpectation& expect,
                    const std::string& section) {
  const auto any = [](const std::vector<RegexPtr>& all, const std::string& text) {
    return std::any_of(all.begin(), all.end(), [&](const RegexPtr& r) { return r->matches(text); });
  };
  const auto every = [](const std::vector<RegexPtr>& all, const std::string& text) {
    return std::all_of(all.begin(), all.end(), [&](const RegexPtr& r) { return r->matches(text); });
  };
  const bool wants = !expect.fail_if_not_matches.empty() || !expect.fail_if_none_matches.empty();
  if (records.empty()) return wants ? "no records in the " + section + " section" : "";
  bool all_match = true;
  bool one_matches = false;
  for (const DnsRecord& record : records) {
    const std::string text = record.to_string();
    const std::string what = "record " + quote_go(text) + " of the " + section + " section ";
    if (any(expect.fail_if_matches, text)) return what + "matches fail_if_matches_regexp";
    if (!every(expect.fail_if_not_matches, text)) {
      return what + "does not match fail_if_not_matches_regexp";
    }
    all_match = all_match && every(expect.fail_if_all_match, text);
    one_matches = one_matches || any(expect.fail_if_none_matches, text);
  }
  if (!expect.fail_if_all_match.empty() && all_match) {
    return "all records of the " + section + " section match fail_if_all_match_regexp";
  }
  if (!expect.fail_if_none_matches.empty() && !one_matches) {
    return "no record of the " + section + " section matches fail_if_none_matches_regexp";
  }
  return "";
}

std::string refusal(const DnsMessage& answer, const DnsProbe& dns) {
  const std::string rcode = dns_rcode_name(answer.rcode);
  const bool good = dns.valid_rcodes.empty()
                        ? answer.rcode == 0
                        : std::any_of(dns.valid_rcodes.begin(), dns.valid_rcodes.end(),
                                      [&](const auto& one) { return dns_rcode(one) == answer.rcode; });
  if (!good) return "response code " + rcode;
  std::string why = refusal(answer.answers, dns.answer, "answer");
  if (why.empty()) why = refusal(answer.authority, dns.authority, "authority");
  if (why.empty()) why = refusal(answer.additional, dns.additional, "additional");
  return why;
}

void tell(const DnsMessage& answer, const DnsProbe& dns, ProbeResult& out) {
  const auto count = [](const auto& records) { return static_cast<double>(records.size()); };
  out.set("probe_dns_answer_rrs", count(answer.answers));
  out.set("probe_dns_authority_rrs", count(answer.authority));
  out.set("probe_dns_additional_rrs", count(answer.additional));
  if (answer.truncated) out.info("\"The answer was truncated by the server\"");
  for (const auto* section : {&answer.answers, &answer.authority, &answer.additional}) {
    for (const DnsRecord& record : *section) {
      out.info("\"Record\" text=" + quote_go(record.to_string()));
      if (dns.query_type == kDnsSoa && section == &answer.answers && record.type == kDnsSoa) {
        out.set("probe_dns_serial", record.serial);
      }
    }
  }
}

Result<void> run(const ProbeCall& call) {
  const DnsProbe& dns = call.module.dns;
  ProbeResult& out = call.out;
  const std::uint16_t usual = dns.dns_over_tls ? kDnsOverTlsPort : kDnsPort;
  NINES_TRY(const HostPort to, split_host_port(call.target, usual));
  NINES_TRY(const ChosenAddress chosen, choose_address(call, to.host, dns.ip));
  const auto phase = [&](const char* name, std::chrono::nanoseconds took) {
    out.set("probe_dns_duration_seconds", seconds(took), {{"phase", name}});
  };
  phase("resolve", chosen.took);
  NINES_TRY(const std::string query,
            encode_dns_query(fresh_id(call), dns.query_name, dns.query_type, dns.query_class,
                             dns.recursion_desired));
  const Instant began = call.patience.now();
  Instant connected = began;
  const Result<std::string> bytes =
      dns.tcp ? ask_tcp(call, to.host, chosen.ip, to.port, query, connected)
              : ask_udp(call, chosen.ip, to.port, query);
  phase("connect", connected - began);
  phase("request", call.patience.now() - connected);
  if (!bytes) return bytes.error();
  const Result<DnsMessage> answer = parse_dns_message(*bytes);
  if (!answer) return Error(answer.error()).in("bad answer");
  if (answer->id != id_of(query) || !answer->answer) {
    return Error(ErrorCode::kInvalid, "bad answer: it answers another question");
  }
  out.set("probe_dns_query_succeeded", 1);
  tell(*answer, dns, out);
  const std::string why = refusal(*answer, dns);
  if (!why.empty()) return Error(ErrorCode::kInvalid, why);
  return {};
}

}  // namespace

void probe_dns(const ProbeCall& call) {
  for (const char* name : {"probe_dns_answer_rrs", "probe_dns_authority_rrs",
                           "probe_dns_additional_rrs", "probe_dns_query_succeeded"}) {
    call.out.set(name, 0);
  }
  for (const char* phase : {"resolve", "connect", "request"}) {
    call.out.set("probe_dns_duration_seconds", 0, {{"phase", phase}});
  }
  if (call.module.dns.query_type == kDnsSoa) call.out.set("probe_dns_serial", 0);
  const Result<void> ran = run(call);
  call.out.success = ran.has_value();
  if (!ran) call.out.fail(ran.error().what());
}

}  // namespace nines::collector
