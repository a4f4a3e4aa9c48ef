#pragma once
// What a TLS handshake told about the other side.

#include <cstdint>
#include <string>

namespace nines {

struct TlsInfo {
  bool used = false;
  std::string version;                  // "TLS 1.3"
  std::string cipher;                   // "TLS_AES_128_GCM_SHA256"
  std::int64_t earliest_expiry = 0;     // seconds since the epoch, over the certificates shown
  std::int64_t last_chain_expiry = 0;   // of the chain that was verified; 0: none was
  // Of the server's own certificate.
  std::string fingerprint_sha256;       // lower-case hex
  std::string subject, issuer;          // as RFC 2253 writes them
  std::string alternative_names;        // DNS names, joined with commas
  std::string serial_number;            // lower-case hex
};

}  // namespace nines
