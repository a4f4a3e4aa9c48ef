#pragma once
// DNS messages, as bytes and as records.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"

namespace nines {

// The numbers of IANA's "DNS Parameters" registry.
inline constexpr std::uint16_t kDnsA = 1, kDnsNs = 2, kDnsCname = 5, kDnsSoa = 6, kDnsPtr = 12,
                               kDnsMx = 15, kDnsTxt = 16, kDnsAaaa = 28, kDnsSrv = 33,
                               kDnsAny = 255;

std::optional<std::uint16_t> dns_type(std::string_view name);   // "A", "SRV", "TYPE65"
std::string dns_type_name(std::uint16_t type);
std::optional<std::uint16_t> dns_class(std::string_view name);  // "IN", "CH", "HS", "ANY"
std::optional<int> dns_rcode(std::string_view name);            // "NOERROR", "NXDOMAIN"
std::string dns_rcode_name(int rcode);

struct DnsRecord {
  std::string name;  // with its final dot; unusual bytes as \DDD
  std::uint16_t type = 0, klass = 1;
  std::uint32_t ttl = 0;
  std::string data;          // as a zone file writes it
  std::string host;          // of NS, CNAME, PTR, MX, SRV: the name in it; of A and AAAA: the address
  std::uint16_t port = 0;    // of SRV
  std::uint32_t serial = 0;  // of SOA
  // "name\tTTL\tIN\tA\t192.0.2.1": what zone files and answer regexes are written against.
  std::string to_string() const;
};

struct DnsMessage {
  std::uint16_t id = 0;
  bool answer = false, authoritative = false, truncated = false;
  int rcode = 0;
  std::vector<DnsRecord> answers, authority, additional;
};

// A query with one question. kInvalid: a name that DNS cannot carry.
Result<std::string> encode_dns_query(std::uint16_t id, std::string_view name, std::uint16_t type,
                                     std::uint16_t klass, bool recursion);

// kInvalid: cut off, or a name that points in circles. Source: RFC 1035 section 4, RFC 3597.
Result<DnsMessage> parse_dns_message(std::string_view bytes);

}  // namespace nines
