#pragma once
// A Resolver that knows the names a test gives it; addresses stand for themselves.

#include <map>
#include <string>
#include <vector>

#include "base/net/resolver.h"

namespace nines::testing {

class FakeResolver final : public Resolver {
 public:
  std::map<std::string, std::vector<std::string>> names;

  Result<std::vector<std::string>> addresses(const std::string& host, IpFamily family,
                                             const Patience&) override {
    std::vector<std::string> found;
    const auto known = names.find(host);
    for (const std::string& ip : known == names.end() ? std::vector{host} : known->second) {
      const bool v6 = ip.find(':') != std::string::npos;
      const bool v4 = !v6 && ip.find_first_not_of("0123456789.") == std::string::npos;
      if ((v6 && family != IpFamily::kV4) || (v4 && family != IpFamily::kV6)) found.push_back(ip);
    }
    if (found.empty()) return Error(ErrorCode::kNotFound, "DNS: " + host + ": no such name");
    return found;
  }
  Result<DnsMessage> ask(const std::string&, std::uint16_t, const std::vector<std::string>&,
                         const Patience&) override {
    return Error(ErrorCode::kUnavailable, "not asked in tests");
  }
};

}  // namespace nines::testing
