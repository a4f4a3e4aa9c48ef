#include "base/net/stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/net/internal/socket.h"
#include "base/net/internal/tls_session.h"

namespace nines {
namespace {

using net::Fd;
using net::SocketAddress;

int tls_version(const std::string& name) {
  return name == "TLS10"   ? TLS1_VERSION
         : name == "TLS11" ? TLS1_1_VERSION
         : name == "TLS12" ? TLS1_2_VERSION
         : name == "TLS13" ? TLS1_3_VERSION
                           : 0;
}

// What OpenSSL says went wrong first; the rest of its queue is forgotten.
std::string tls_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "connection closed";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

bool is_address(const std::string& name) {
  return net::socket_address(name, 0).has_value();
}

class SocketStream final : public Stream {
 public:
  explicit SocketStream(Fd fd) : fd_(std::move(fd)) {}
  ~SocketStream() override {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  Result<TlsInfo> start_tls(const TlsOptions& options, const Patience& patience) override {
    if (Result<void> made = make_session(options); !made) return made.error();
    for (;;) {
      ERR_clear_error();
      const int done = SSL_connect(ssl_);
      if (done == 1) return net::read_tls(ssl_, options.verify);
      Result<void> waited = wait_tls(done, patience);
      if (!waited) return handshake_error(waited.error());
    }
  }

  Result<void> write(std::string_view bytes, const Patience& patience) override {
    while (!bytes.empty()) {
      if (ssl_ != nullptr) {
        ERR_clear_error();
        const int n = SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<std::size_t>(
                                                        bytes.size(), 1u << 20)));
        if (n > 0) {
          bytes.remove_prefix(static_cast<std::size_t>(n));
          continue;
        }
        if (Result<void> waited = wait_tls(n, patience); !waited) return waited;
        continue;
      }
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(n));
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return broken("write");
      if (Result<void> waited = patience.writable(fd_.get()); !waited) return waited;
    }
    return {};
  }

  Result<std::string> read(std::size_t bytes_max, const Patience& patience) override {
    std::string out(std::min<std::size_t>(bytes_max, 16u << 10), '\0');
    for (;;) {
      // A peer that sends without end would otherwise never let anybody look at the clock.
      if (patience.left() == Duration(0)) return patience.timed_out();
      if (ssl_ != nullptr) {
        ERR_clear_error();
        const int n = SSL_read(ssl_, out.data(), static_cast<int>(out.size()));
        if (n > 0) return out.substr(0, static_cast<std::size_t>(n));
        if (SSL_get_error(ssl_, n) == SSL_ERROR_ZERO_RETURN) return std::string();
        if (Result<void> waited = wait_tls(n, patience); !waited) return waited.error();
        continue;
      }
      const ssize_t n = ::recv(fd_.get(), out.data(), out.size(), 0);
      if (n >= 0) return out.substr(0, static_cast<std::size_t>(n));
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return broken("read");
      if (Result<void> waited = patience.readable(fd_.get()); !waited) return waited.error();
    }
  }

 private:
  static Error broken(const char* doing) {
    return {ErrorCode::kUnavailable, std::string(doing) + ": " + std::strerror(errno)};
  }

  Result<void> make_session(const TlsOptions& o) {
    SSL_free(std::exchange(ssl_, nullptr));
    SSL_CTX_free(std::exchange(context_, nullptr));
    context_ = SSL_CTX_new(TLS_client_method());
    if (context_ == nullptr) return Error(ErrorCode::kIo, "TLS: " + tls_reason());
    const auto invalid = [](const std::string& what) {
      return Error(ErrorCode::kInvalid, what + ": " + tls_reason());
    };
    if (o.files.ca.empty()) {
      SSL_CTX_set_default_verify_paths(context_);
    } else if (SSL_CTX_load_verify_locations(context_, o.files.ca.c_str(), nullptr) != 1) {
      return invalid("ca_file " + o.files.ca);
    }
    if (!o.files.cert.empty()) {
      if (SSL_CTX_use_certificate_chain_file(context_, o.files.cert.c_str()) != 1) {
        return invalid("cert_file " + o.files.cert);
      }
      if (SSL_CTX_use_PrivateKey_file(context_, o.files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        return invalid("key_file " + o.files.key);
      }
    }
    if (!o.min_version.empty()) SSL_CTX_set_min_proto_version(context_, tls_version(o.min_version));
    if (!o.max_version.empty()) SSL_CTX_set_max_proto_version(context_, tls_version(o.max_version));
    SSL_CTX_set_verify(context_, o.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    ssl_ = SSL_new(context_);
    if (ssl_ == nullptr) return Error(ErrorCode::kIo, "TLS: " + tls_reason());
    SSL_set_fd(ssl_, fd_.get());
    SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (o.server_name.empty()) return {};
    if (is_address(o.server_name)) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), o.server_name.c_str());
    } else {
      SSL_set_tlsext_host_name(ssl_, o.server_name.c_str());
      SSL_set1_host(ssl_, o.server_name.c_str());
    }
    return {};
  }

  // Until the session can go on after it returned `result`.
  Result<void> wait_tls(int result, const Patience& patience) {
    if (patience.left() == Duration(0)) return patience.timed_out();
    switch (SSL_get_error(ssl_, result)) {
      case SSL_ERROR_WANT_READ:
        return patience.readable(fd_.get());
      case SSL_ERROR_WANT_WRITE:
        return patience.writable(fd_.get());
      case SSL_ERROR_SYSCALL:
        if (ERR_peek_error() == 0 && errno != 0) return broken("TLS");
        [[fallthrough]];
      default:
        return Error(ErrorCode::kUnavailable, "TLS: " + tls_reason());
    }
  }

  Error handshake_error(const Error& why) const {
    const long verdict = SSL_get_verify_result(ssl_);
    if (verdict == X509_V_OK) return Error(why).in("TLS handshake");
    return {ErrorCode::kUnavailable, std::string("TLS handshake: certificate refused: ") +
                                         X509_verify_cert_error_string(verdict)};
  }

  Fd fd_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

}  // namespace

Result<std::string> Stream::read_exactly(std::size_t bytes, const Patience& patience) {
  while (buffer_.size() < bytes) {
    NINES_TRY(const std::string more, read(bytes - buffer_.size(), patience));
    if (more.empty()) {
      return Error(ErrorCode::kUnavailable, "connection closed after " +
                                                std::to_string(buffer_.size()) + " of " +
                                                std::to_string(bytes) + " bytes");
    }
    buffer_ += more;
  }
  std::string out = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return out;
}

Result<std::string> Stream::read_line(std::size_t bytes_max, const Patience& patience) {
  std::size_t looked = 0;
  for (;;) {
    const std::size_t end = buffer_.find('\n', looked);
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    looked = buffer_.size();
    if (buffer_.size() >= bytes_max) {
      return Error(ErrorCode::kLimit,
                   "a line is longer than " + std::to_string(bytes_max) + " bytes");
    }
    NINES_TRY(const std::string more, read(bytes_max - buffer_.size(), patience));
    if (!more.empty()) {
      buffer_ += more;
      continue;
    }
    if (buffer_.empty()) return Error(ErrorCode::kNotFound, "the peer closed the connection");
    return std::exchange(buffer_, {});
  }
}

Result<std::unique_ptr<Stream>> connect_stream(const std::string& address, std::uint16_t port,
                                               const std::string& source,
                                               const Patience& patience) {
  NINES_TRY(const SocketAddress to, net::socket_address(address, port));
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return net::last_error("socket");
  if (Result<void> bound = net::bind_source(fd.get(), source, to.family()); !bound) {
    return bound.error();
  }
  const int one = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const std::string doing = "connect to " + address + " port " + std::to_string(port);
  if (::connect(fd.get(), to.get(), to.size) != 0) {
    if (errno != EINPROGRESS) {
      return Error(ErrorCode::kUnavailable, doing + ": " + std::strerror(errno));
    }
    if (Result<void> waited = patience.writable(fd.get()); !waited) {
      return Error(waited.error()).in(doing);
    }
    int failed = 0;
    socklen_t size = sizeof failed;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) return Error(ErrorCode::kUnavailable, doing + ": " + std::strerror(failed));
  }
  return std::unique_ptr<Stream>(std::make_unique<SocketStream>(std::move(fd)));
}

namespace {

Error bad_address(std::string_view text, std::string_view why) {
  return {ErrorCode::kInvalid, "address " + std::string(text) + ": " + std::string(why)};
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  unsigned port = 0;
  if (text.empty() || text.size() > 5) return std::nullopt;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  if (port > 65'535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

}  // namespace

Result<HostPort> split_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::size_t bracket = text.rfind(']');
  if (colon == text.npos || (bracket != text.npos && colon < bracket)) {
    return bad_address(text, "missing port in address");
  }
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return bad_address(text, "missing ']' in address");
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != host.npos) {
    return bad_address(text, "too many colons in address");
  }
  const auto port = port_of(text.substr(colon + 1));
  if (!port) return bad_address(text, "invalid port");
  return HostPort{std::string(host), *port};
}

Result<HostPort> split_host_port(std::string_view text, std::uint16_t fallback) {
  if (net::socket_address(std::string(text), 0)) return HostPort{std::string(text), fallback};
  if (text.starts_with('[') && text.ends_with(']')) {
    return HostPort{std::string(text.substr(1, text.size() - 2)), fallback};
  }
  if (text.find(':') == text.npos) return HostPort{std::string(text), fallback};
  return split_host_port(text);
}

}  // namespace nines
