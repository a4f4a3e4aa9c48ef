#pragma once
// Reading a TLS session of OpenSSL.

#include <openssl/ssl.h>

#include "base/net/tls_info.h"

namespace nines::net {

// `verified`: whether the chain was asked to be verified, so that the built one counts.
TlsInfo read_tls(const SSL* session, bool verified);

}  // namespace nines::net
