#include "base/net/dns_message.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <arpa/inet.h>

namespace nines {
namespace {

struct Named {
  int number;
  std::string_view name;
};
constexpr Named kTypes[] = {
    {1, "A"},      {2, "NS"},     {5, "CNAME"},   {6, "SOA"},    {12, "PTR"},  {13, "HINFO"},
    {15, "MX"},    {16, "TXT"},   {17, "RP"},     {18, "AFSDB"}, {24, "SIG"},  {25, "KEY"},
    {28, "AAAA"},  {29, "LOC"},   {33, "SRV"},    {35, "NAPTR"}, {37, "CERT"}, {39, "DNAME"},
    {43, "DS"},    {44, "SSHFP"}, {46, "RRSIG"},  {47, "NSEC"},  {48, "DNSKEY"}, {50, "NSEC3"},
    {52, "TLSA"},  {59, "CDS"},   {60, "CDNSKEY"}, {64, "SVCB"}, {65, "HTTPS"}, {99, "SPF"},
    {252, "AXFR"}, {255, "ANY"},  {256, "URI"},   {257, "CAA"}};
constexpr Named kClasses[] = {{1, "IN"}, {3, "CH"}, {4, "HS"}, {254, "NONE"}, {255, "ANY"}};
constexpr Named kRcodes[] = {{0, "NOERROR"}, {1, "FORMERR"},  {2, "SERVFAIL"}, {3, "NXDOMAIN"},
                             {4, "NOTIMP"},  {5, "REFUSED"},  {6, "YXDOMAIN"}, {7, "YXRRSET"},
                             {8, "NXRRSET"}, {9, "NOTAUTH"},  {10, "NOTZONE"}};

template <std::size_t N>
std::optional<int> number_of(const Named (&table)[N], std::string_view name) {
  for (const Named& one : table) {
    if (one.name.size() == name.size() &&
        std::equal(name.begin(), name.end(), one.name.begin(), [](char a, char b) {
          return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
        })) {
      return one.number;
    }
  }
  return std::nullopt;
}

template <std::size_t N>
std::string name_of(const Named (&table)[N], int number, std::string_view otherwise) {
  for (const Named& one : table) {
    if (one.number == number) return std::string(one.name);
  }
  return std::string(otherwise) + std::to_string(number);
}

constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kLabelBytesMax = 63;

Error broken(const char* why) {
  return {ErrorCode::kInvalid, std::string("bad DNS message: ") + why};
}

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xFF);
}

// Reads from one place of the message on; names may point anywhere before.
class Reader {
 public:
  Reader(std::string_view all, std::size_t at, std::size_t end) : all_(all), at_(at), end_(end) {}

  std::size_t at() const { return at_; }
  bool done() const { return at_ >= end_; }

  Result<std::uint32_t> number(std::size_t bytes) {
    NINES_TRY(const std::string_view raw, take(bytes));
    std::uint32_t value = 0;
    for (const char c : raw) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  Result<std::string_view> take(std::size_t bytes) {
    if (bytes > end_ - at_) return broken("it is cut off");
    const std::string_view raw = all_.substr(at_, bytes);
    at_ += bytes;
    return raw;
  }
  Result<std::string> name() {
    std::string out;
    std::size_t at = at_;
    bool jumped = false;
    std::size_t limit = at_;  // a pointer must point further back than the one before
    for (;;) {
      const std::size_t end = jumped ? all_.size() : end_;
      if (at >= end) return broken("a name is cut off");
      const auto length = static_cast<unsigned char>(all_[at]);
      if ((length & 0xC0) == 0xC0) {
        if (at + 1 >= end) return broken("a name is cut off");
        const std::size_t to =
            (length & 0x3Fu) << 8 | static_cast<unsigned char>(all_[at + 1]);
        if (!jumped) at_ = at + 2;
        if (to >= limit) return broken("a name points forward");
        jumped = true;
        limit = at = to;
        continue;
      }
      if ((length & 0xC0) != 0) return broken("a name has a label of an unknown kind");
      ++at;
      if (length == 0) break;
      if (length > all_.size() - at) return broken("a name is cut off");
      add_label(out, all_.substr(at, length));
      if (out.size() > 4 * kNameBytesMax) return broken("a name is too long");
      at += length;
    }
    if (!jumped) at_ = at;
    return out.empty() ? std::string(".") : out;
  }

 private:
  static void add_label(std::string& out, std::string_view label) {
    for (const char c : label) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte <= ' ' || byte >= 127) {
        out += '\\';
        out += static_cast<char>('0' + byte / 100);
        out += static_cast<char>('0' + byte / 10 % 10);
        out += static_cast<char>('0' + byte % 10);
      } else {
        if (c == '.' || c == '\\' || c == '"' || c == ';' || c == '(' || c == ')') out += '\\';
        out += c;
      }
    }
    out += '.';
  }

  const std::string_view all_;
  std::size_t at_;
  const std::size_t end_;
};

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte >= 127) {
      out += '\\';
      out += static_cast<char>('0' + byte / 100);
      out += static_cast<char>('0' + byte / 10 % 10);
      out += static_cast<char>('0' + byte % 10);
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string unknown_data(std::string_view raw) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out = "\\# " + std::to_string(raw.size());
  if (!raw.empty()) out += ' ';
  for (const char c : raw) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

Result<void> read_address(Reader& in, int family, std::size_t bytes, DnsRecord& r) {
  NINES_TRY(const std::string_view raw, in.take(bytes));
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(family, raw.data(), text, sizeof text);
  r.host = r.data = text;
  return {};
}

Result<void> read_soa(Reader& in, DnsRecord& r) {
  NINES_TRY(const std::string server, in.name());
  NINES_TRY(const std::string mailbox, in.name());
  r.data = server + " " + mailbox;
  for (int i = 0; i < 5; ++i) {
    NINES_TRY(const std::uint32_t number, in.number(4));
    if (i == 0) r.serial = number;
    r.data += " " + std::to_string(number);
  }
  return {};
}

Result<void> read_data(Reader& in, std::string_view raw, DnsRecord& r) {
  switch (r.type) {
    case kDnsA:
      return read_address(in, AF_INET, 4, r);
    case kDnsAaaa:
      return read_address(in, AF_INET6, 16, r);
    case kDnsNs:
    case kDnsCname:
    case kDnsPtr: {
      NINES_TRY(r.host, in.name());
      r.data = r.host;
      return {};
    }
    case kDnsMx: {
      NINES_TRY(const std::uint32_t preference, in.number(2));
      NINES_TRY(r.host, in.name());
      r.data = std::to_string(preference) + " " + r.host;
      return {};
    }
    case kDnsSrv: {
      NINES_TRY(const std::uint32_t priority, in.number(2));
      NINES_TRY(const std::uint32_t weight, in.number(2));
      NINES_TRY(const std::uint32_t port, in.number(2));
      NINES_TRY(r.host, in.name());
      r.port = static_cast<std::uint16_t>(port);
      r.data = std::to_string(priority) + " " + std::to_string(weight) + " " +
               std::to_string(port) + " " + r.host;
      return {};
    }
    case kDnsSoa:
      return read_soa(in, r);
    case kDnsTxt:
      while (!in.done()) {
        NINES_TRY(const std::uint32_t length, in.number(1));
        NINES_TRY(const std::string_view text, in.take(length));
        r.data += (r.data.empty() ? "" : " ") + quoted(text);
      }
      return {};
    default:
      r.data = unknown_data(raw);
      return {};
  }
}

Result<void> read_records(Reader& in, std::string_view all, std::uint32_t count,
                          std::vector<DnsRecord>& out) {
  for (std::uint32_t i = 0; i < count; ++i) {
    DnsRecord r;
    NINES_TRY(r.name, in.name());
    NINES_TRY(const std::uint32_t type, in.number(2));
    NINES_TRY(const std::uint32_t klass, in.number(2));
    NINES_TRY(r.ttl, in.number(4));
    NINES_TRY(const std::uint32_t length, in.number(2));
    const std::size_t at = in.at();
    NINES_TRY(const std::string_view raw, in.take(length));
    r.type = static_cast<std::uint16_t>(type);
    r.klass = static_cast<std::uint16_t>(klass);
    Reader data(all, at, at + length);
    if (Result<void> read = read_data(data, raw, r); !read) return read;
    out.push_back(std::move(r));
  }
  return {};
}

}  // namespace

std::optional<std::uint16_t> dns_type(std::string_view name) {
  if (const auto known = number_of(kTypes, name)) return static_cast<std::uint16_t>(*known);
  std::uint16_t number = 0;
  if (!name.starts_with("TYPE")) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}
std::string dns_type_name(std::uint16_t type) {
  return name_of(kTypes, type, "TYPE");
}
std::optional<std::uint16_t> dns_class(std::string_view name) {
  const auto known = number_of(kClasses, name);
  if (!known) return std::nullopt;
  return static_cast<std::uint16_t>(*known);
}
std::optional<int> dns_rcode(std::string_view name) {
  return number_of(kRcodes, name);
}
std::string dns_rcode_name(int rcode) {
  return name_of(kRcodes, rcode, "RCODE");
}

std::string DnsRecord::to_string() const {
  return name + "\t" + std::to_string(ttl) + "\t" + name_of(kClasses, klass, "CLASS") + "\t" +
         dns_type_name(type) + "\t" + data;
}

Result<std::string> encode_dns_query(std::uint16_t id, std::string_view name, std::uint16_t type,
                                     std::uint16_t klass, bool recursion) {
  std::string out;
  put16(out, id);
  put16(out, recursion ? 0x0100 : 0);
  put16(out, 1);
  out.append(6, '\0');
  const auto bad = [&](const char* why) {
    return Error(ErrorCode::kInvalid, "bad DNS name \"" + std::string(name) + "\": " + why);
  };
  std::string_view rest = name;
  if (rest.ends_with('.')) rest.remove_suffix(1);
  while (!rest.empty()) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    if (label.empty()) return bad("a part is empty");
    if (label.size() > kLabelBytesMax) return bad("a part has more than 63 bytes");
    out += static_cast<char>(label.size());
    out += label;
    rest.remove_prefix(std::min(rest.size(), label.size() + 1));
  }
  out += '\0';
  if (out.size() - 12 > kNameBytesMax) return bad("it has more than 255 bytes");
  put16(out, type);
  put16(out, klass);
  return out;
}

Result<DnsMessage> parse_dns_message(std::string_view bytes) {
  Reader in(bytes, 0, bytes.size());
  std::uint32_t head[6] = {};
  for (std::uint32_t& word : head) {
    NINES_TRY(word, in.number(2));
  }
  DnsMessage out;
  out.id = static_cast<std::uint16_t>(head[0]);
  out.answer = (head[1] & 0x8000) != 0;
  out.authoritative = (head[1] & 0x0400) != 0;
  out.truncated = (head[1] & 0x0200) != 0;
  out.rcode = static_cast<int>(head[1] & 15);
  for (std::uint32_t i = 0; i < head[2]; ++i) {
    NINES_TRY(const std::string question, in.name());
    NINES_TRY(const std::string_view kind, in.take(4));
    (void)kind;
  }
  for (auto [count, section] : {std::pair(head[3], &out.answers), {head[4], &out.authority},
                                {head[5], &out.additional}}) {
    if (Result<void> read = read_records(in, bytes, count, *section); !read) return read.error();
  }
  return out;
}

}  // namespace nines
