#include "collector/probe/probe_result.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

struct Help {
  std::string_view name, text;
};

constexpr std::array<Help, 34> kHelp = {{
    {"probe_dns_additional_rrs", "Records in the additional section of the answer."},
    {"probe_dns_answer_rrs", "Records in the answer section of the answer."},
    {"probe_dns_authority_rrs", "Records in the authority section of the answer."},
    {"probe_dns_duration_seconds", "Time of each phase of the DNS probe."},
    {"probe_dns_lookup_time_seconds", "Time to look up the target's own name."},
    {"probe_dns_query_succeeded", "1: the server answered the query."},
    {"probe_dns_serial", "Serial number of the zone's SOA record."},
    {"probe_duration_seconds", "Time the probe took, all in all."},
    {"probe_expect_info", "What the probe read out of the conversation."},
    {"probe_failed_due_to_regex", "1: a regular expression decided against the answer."},
    {"probe_grpc_duration_seconds", "Time of each phase of the gRPC probe."},
    {"probe_grpc_healthcheck_response", "1: the health service's answer."},
    {"probe_grpc_ssl", "1: the connection was TLS."},
    {"probe_grpc_status_code", "Status code of the gRPC call."},
    {"probe_http_content_length", "Content-Length of the answer; -1: it does not say."},
    {"probe_http_duration_seconds", "Time of each HTTP phase, all redirects together."},
    {"probe_http_last_modified_timestamp_seconds", "Last-Modified of the answer."},
    {"probe_http_redirects", "Redirects that were followed."},
    {"probe_http_ssl", "1: the last answer came over TLS."},
    {"probe_http_status_code", "Status code of the last answer."},
    {"probe_http_uncompressed_body_length", "Bytes of the body, decompressed."},
    {"probe_http_version", "Version of HTTP of the last answer."},
    {"probe_icmp_duration_seconds", "Time of each phase of the ICMP probe."},
    {"probe_icmp_reply_hop_limit", "Hop limit (TTL) left in the reply."},
    {"probe_ip_addr_hash", "Hash of the address that was probed: changes when it does."},
    {"probe_ip_protocol", "4 or 6: version of IP that was used."},
    {"probe_scenario_assertion", "1: the step's assertion held."},
    {"probe_scenario_step_duration_seconds", "Time of each step of the scenario."},
    {"probe_scenario_step_status_code", "HTTP status code of each step."},
    {"probe_scenario_step_success", "1: the step went well."},
    {"probe_ssl_earliest_cert_expiry", "When the first of the shown certificates expires."},
    {"probe_ssl_last_chain_expiry_timestamp_seconds", "When the verified chain expires."},
    {"probe_ssl_last_chain_info", "The server's certificate."},
    {"probe_tls_version_info", "Version of TLS that was spoken."},
}};

std::string_view help_of(std::string_view name) {
  if (name == "probe_success") return "1: the probe went well.";
  if (name == "probe_scenario_steps") return "Steps the scenario has.";
  for (const Help& help : kHelp) {
    if (help.name == name) return help.text;
  }
  return "";
}

}  // namespace

ProbeSample& ProbeResult::place(std::string_view name, SampleLabels labels) {
  for (ProbeSample& sample : samples_) {
    if (sample.name == name && sample.labels == labels) return sample;
  }
  return samples_.emplace_back(ProbeSample{std::string(name), std::move(labels), 0});
}

void ProbeResult::set(std::string_view name, double value, SampleLabels labels) {
  place(name, std::move(labels)).value = value;
}
void ProbeResult::add(std::string_view name, double value, SampleLabels labels) {
  place(name, std::move(labels)).value += value;
}

void ProbeResult::fail(std::string reason) {
  success = false;
  log_.push_back("level=error msg=" + quote_go(reason));
  if (reason_.empty()) reason_ = std::move(reason);
}

const ProbeSample* ProbeResult::find(std::string_view name, const SampleLabels& labels) const {
  for (const ProbeSample& sample : samples_) {
    if (sample.name == name && sample.labels == labels) return &sample;
  }
  return nullptr;
}

std::string to_exposition(const ProbeResult& result) {
  std::vector<const ProbeSample*> sorted;
  for (const ProbeSample& sample : result.samples()) sorted.push_back(&sample);
  std::sort(sorted.begin(), sorted.end(), [](const ProbeSample* a, const ProbeSample* b) {
    return std::tie(a->name, a->labels) < std::tie(b->name, b->labels);
  });
  std::string out;
  std::string_view family;
  for (const ProbeSample* sample : sorted) {
    if (sample->name != family) {
      family = sample->name;
      out += "# HELP " + sample->name + " " + std::string(help_of(family)) + "\n# TYPE " +
             sample->name + " gauge\n";
    }
    out += sample->name;
    for (std::size_t i = 0; i < sample->labels.size(); ++i) {
      const auto& [name, value] = sample->labels[i];
      out += (i == 0 ? "{" : ",") + name + "=\"" + escape_label_value(value) + "\"";
    }
    if (!sample->labels.empty()) out += "}";
    out += " " + format_double_g(sample->value) + "\n";
  }
  return out;
}

}  // namespace nines::collector
