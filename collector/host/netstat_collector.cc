// Counters of the network protocols, from /proc/net/{netstat,snmp,snmp6}: the fields node_exporter
// takes by default.
#include "base/text/regex.h"
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

constexpr std::string_view kWanted =
    "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|"
    "TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts)|Tcp_(ActiveOpens|InSegs|OutSegs|"
    "OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|"
    "RcvbufErrors|SndbufErrors))$";

Result<void> add_field(const Regex& wanted, const std::string& key, std::string_view number,
                       std::string_view file, HostSamples& out) {
  if (!wanted.matches(key)) return {};
  const std::optional<double> value = number_of(number);
  if (!value) return bad_line(file, key + " " + std::string(number));
  const std::string name = "node_netstat_" + key;
  out.add({name, MetricType::kUnknown, "A counter of a network protocol."}, *value);
  return {};
}

// Lines in pairs: "Tcp: RtoMin RtoMax ..." names what "Tcp: 200 120000 ..." counts.
Result<void> add_pairs(const Regex& wanted, std::string_view file, std::string_view text,
                       HostSamples& out) {
  const std::vector<std::string_view> lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); i += 2) {
    const std::vector<std::string_view> names = words_of(lines[i]);
    if (i + 1 == lines.size()) return bad_line(file, lines[i].substr(0, 80));
    const std::vector<std::string_view> numbers = words_of(lines[i + 1]);
    if (names.size() != numbers.size() || names.empty() || names[0] != numbers[0] ||
        !names[0].ends_with(':')) {
      return bad_line(file, lines[i + 1].substr(0, 80));
    }
    const std::string protocol(names[0].substr(0, names[0].size() - 1));
    for (std::size_t k = 1; k < names.size(); ++k) {
      if (Result<void> done =
              add_field(wanted, protocol + "_" + std::string(names[k]), numbers[k], file, out);
          !done) {
        return done;
      }
    }
  }
  return {};
}

// "Ip6InReceives 12": the protocol ends with the 6.
Result<void> add_six(const Regex& wanted, std::string_view text, HostSamples& out) {
  for (const std::string_view line : lines_of(text)) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() < 2) return bad_line("net/snmp6", line);
    const std::size_t six = words[0].find('6');
    if (six == std::string_view::npos) continue;
    std::string key(words[0].substr(0, six + 1));
    key += '_';
    key += words[0].substr(six + 1);
    if (Result<void> done = add_field(wanted, key, words[1], "net/snmp6", out); !done) return done;
  }
  return {};
}

}  // namespace

HostCollector netstat_collector(HostContext context) {
  return {"netstat",
          [context,
           wanted = Regex::compile(kWanted, RegexAnchor::kNone)](HostSamples& out) -> Result<void> {
            if (!wanted) return Error(wanted.error());
            for (const char* file : {"netstat", "snmp"}) {
              NINES_TRY(const std::string text, context.net(file));
              if (Result<void> done = add_pairs(**wanted, std::string("net/") + file, text, out);
                  !done) {
                return done;
              }
            }
            // A kernel without IPv6 has no such file.
            const Result<std::string> six = context.net("snmp6");
            if (!six) return {};
            return add_six(**wanted, *six, out);
          }};
}

}  // namespace nines::collector
