#include "base/net/dns_message.h"

#include <string>

#include <doctest/doctest.h>

namespace nines {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int v : values) out += static_cast<char>(v);
  return out;
}

// An answer to a.b with one record; its name is a pointer to the question's.
std::string answer(std::uint16_t type, const std::string& data) {
  return bytes({0x12, 0x34, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}) +
         bytes({1, 'a', 1, 'b', 0, 0, type, 0, 1}) +
         bytes({0xC0, 12, 0, type, 0, 1, 0, 0, 1, 44, 0, static_cast<int>(data.size())}) + data;
}

std::string text_of(std::uint16_t type, const std::string& data) {
  const auto message = parse_dns_message(answer(type, data));
  REQUIRE(message);
  REQUIRE(message->answers.size() == 1);
  return message->answers[0].to_string();
}

TEST_CASE("a query is a header, the name in parts, type and class") {
  const auto query = encode_dns_query(0x1234, "a.bc.", kDnsSrv, 1, true);
  REQUIRE(query);
  CHECK(*query == bytes({0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}) +
                      bytes({1, 'a', 2, 'b', 'c', 0, 0, 33, 0, 1}));
  CHECK((*encode_dns_query(1, ".", kDnsNs, 1, false)).substr(12) == bytes({0, 0, 2, 0, 1}));
  CHECK(encode_dns_query(1, std::string(63, 'x'), kDnsA, 1, true));
  CHECK_FALSE(encode_dns_query(1, std::string(64, 'x'), kDnsA, 1, true));
  CHECK_FALSE(encode_dns_query(1, "a..b", kDnsA, 1, true));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "x.";
  CHECK(encode_dns_query(1, longest + "x", kDnsA, 1, true));
  CHECK_FALSE(encode_dns_query(1, longest + "xx", kDnsA, 1, true));
}

TEST_CASE("records read as in a zone file") {
  CHECK(text_of(kDnsA, bytes({192, 0, 2, 1})) == "a.b.\t300\tIN\tA\t192.0.2.1");
  CHECK(text_of(kDnsAaaa, std::string(15, '\0') + '\1') == "a.b.\t300\tIN\tAAAA\t::1");
  CHECK(text_of(kDnsMx, bytes({0, 10, 1, 'm', 0xC0, 14})) == "a.b.\t300\tIN\tMX\t10 m.b.");
  CHECK(text_of(kDnsSrv, bytes({0, 1, 0, 2, 31, 144, 1, 'm', 0})) ==
        "a.b.\t300\tIN\tSRV\t1 2 8080 m.");
  CHECK(text_of(kDnsTxt, bytes({3, 'a', '"', 'c', 1, 7})) ==
        "a.b.\t300\tIN\tTXT\t\"a\\\"c\" \"\\007\"");
  CHECK(text_of(kDnsSoa, bytes({1, 'n', 0, 1, 'm', 0}) + std::string(3, '\0') + '\5' +
                             std::string(16, '\0')) == "a.b.\t300\tIN\tSOA\tn. m. 5 0 0 0 0");
  CHECK(text_of(250, "\xAB") == "a.b.\t300\tIN\tTYPE250\t\\# 1 AB");
  const auto message = parse_dns_message(answer(kDnsSrv, bytes({0, 1, 0, 2, 31, 144, 1, 'm', 0})));
  CHECK(message->answers[0].host == "m.");
  CHECK(message->answers[0].port == 8080);
  CHECK(message->id == 0x1234);
  CHECK(message->authoritative);
  CHECK(message->rcode == 0);
}

TEST_CASE("a message cut anywhere, or with a name in circles, is refused") {
  const std::string whole = answer(kDnsMx, bytes({0, 10, 1, 'm', 0xC0, 14}));
  REQUIRE(parse_dns_message(whole));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    CAPTURE(i);
    CHECK_FALSE(parse_dns_message(std::string_view(whole).substr(0, i)));
  }
  CHECK_FALSE(parse_dns_message(answer(kDnsNs, bytes({0xC0, 33}))));  // to itself
  CHECK_FALSE(parse_dns_message(answer(kDnsNs, bytes({0x80, 1}))));
}

TEST_CASE("types, classes and codes have names both ways") {
  CHECK(dns_type("aaaa") == kDnsAaaa);
  CHECK(dns_type("TYPE65280") == 65280);
  CHECK_FALSE(dns_type("TYPE65536"));
  CHECK_FALSE(dns_type("NOPE"));
  CHECK(dns_type_name(kDnsSrv) == "SRV");
  CHECK(dns_class("CH") == 3);
  CHECK(dns_rcode("NXDOMAIN") == 3);
  CHECK(dns_rcode_name(2) == "SERVFAIL");
}

}  // namespace
}  // namespace nines
