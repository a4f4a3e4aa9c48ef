#pragma once
// Asking DNS, as an interface; the real one is c-ares.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/core/result.h"
#include "base/net/dns_message.h"
#include "base/net/wait.h"

namespace nines {

enum class IpFamily : std::uint8_t { kAny, kV4, kV6 };

// Thread-safe; calls block the thread for at most their patience.
class Resolver {
 public:
  virtual ~Resolver() = default;
  // Addresses of a host as text, from /etc/hosts and DNS; an address stands for itself. Not empty.
  // kNotFound: no such name, or none of that family. kUnavailable: nobody answered.
  virtual Result<std::vector<std::string>> addresses(const std::string& host, IpFamily family,
                                                     const Patience& patience) = 0;
  // The answer to a question, along the system's search list. A name that does not exist is an
  // answer (its rcode says so). `servers`: "host:port" of those to ask; empty: the system's.
  virtual Result<DnsMessage> ask(const std::string& name, std::uint16_t type,
                                 const std::vector<std::string>& servers,
                                 const Patience& patience) = 0;
};

std::unique_ptr<Resolver> make_resolver();

}  // namespace nines
