#include "base/net/tls_info.h"

#include <algorithm>
#include <ctime>
#include <memory>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/net/internal/tls_session.h"

namespace nines::net {
namespace {

std::int64_t expiry_of(const X509* certificate) {
  std::tm at{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &at) != 1) return 0;
  return ::timegm(&at);
}

// 0 when there is no certificate.
std::int64_t earliest(const STACK_OF(X509) * chain) {
  std::int64_t out = 0;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const std::int64_t expires = expiry_of(sk_X509_value(chain, i));
    if (out == 0 || (expires != 0 && expires < out)) out = expires;
  }
  return out;
}

std::string version_text(int version) {
  switch (version) {
    case TLS1_VERSION:
      return "TLS 1.0";
    case TLS1_1_VERSION:
      return "TLS 1.1";
    case TLS1_2_VERSION:
      return "TLS 1.2";
    case TLS1_3_VERSION:
      return "TLS 1.3";
    default:
      return "unknown";
  }
}

std::string hex_of(const unsigned char* bytes, unsigned count) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < count; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

std::string name_text(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  if (!out) return {};
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(std::max(0L, size))};
}

std::string dns_names(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  std::string out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    if (!out.empty()) out += ',';
    out.append(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
               static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return out;
}

std::string serial_text(const X509* certificate) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr), &BN_free);
  if (!number) return {};
  char* text = BN_bn2hex(number.get());
  std::string out = text == nullptr ? "" : text;
  OPENSSL_free(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

}  // namespace

TlsInfo read_tls(const SSL* session, bool verified) {
  TlsInfo info;
  info.used = true;
  info.version = version_text(SSL_version(session));
  if (const char* cipher = SSL_get_cipher_name(session)) info.cipher = cipher;
  info.earliest_expiry = earliest(SSL_get_peer_cert_chain(session));
  if (verified && SSL_get_verify_result(session) == X509_V_OK) {
    info.last_chain_expiry = earliest(SSL_get0_verified_chain(session));
  }
  const std::unique_ptr<X509, decltype(&X509_free)> own(SSL_get1_peer_certificate(session),
                                                       &X509_free);
  if (!own) return info;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(own.get(), EVP_sha256(), digest, &size) == 1) {
    info.fingerprint_sha256 = hex_of(digest, size);
  }
  info.subject = name_text(X509_get_subject_name(own.get()));
  info.issuer = name_text(X509_get_issuer_name(own.get()));
  info.alternative_names = dns_names(own.get());
  info.serial_number = serial_text(own.get());
  return info;
}

}  // namespace nines::net
