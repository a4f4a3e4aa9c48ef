// Any bytes are a DNS message or an error; what was read can be written down.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/net/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message =
      nines::parse_dns_message({reinterpret_cast<const char*>(data), size});
  if (!message) return 0;
  for (const auto* section : {&message->answers, &message->authority, &message->additional}) {
    for (const nines::DnsRecord& record : *section) {
      if (record.to_string().size() < record.name.size()) __builtin_trap();
    }
  }
  return 0;
}
