// TLS against a server whose certificate is made here.
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/net/http_client.h"
#include "tests/support/temp_dir.h"

namespace nines {
namespace {

constexpr long kLifeSeconds = 3600;

template <typename T, void (*Free)(T*)>
struct Freed {
  void operator()(T* p) const { Free(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX, SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL, SSL_free>>;

Certificate self_signed(EVP_PKEY* key) {
  Certificate x509(X509_new());
  X509_set_version(x509.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), kLifeSeconds);
  X509_set_pubkey(x509.get(), key);
  X509_NAME* name = X509_get_subject_name(x509.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(x509.get(), name);
  X509_sign(x509.get(), key, EVP_sha256());
  return x509;
}

std::int64_t expiry(const X509* x509) {
  std::tm at{};
  ASN1_TIME_to_tm(X509_get0_notAfter(x509), &at);
  return ::timegm(&at);
}

// Answers one request on each of `connections` connections.
class TlsServer {
 public:
  explicit TlsServer(int connections, bool asks_for_certificate = false)
      : key_(EVP_EC_gen("P-256")), x509_(self_signed(key_.get())) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
    ::listen(listener_, 8);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    url_ = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context_.get(), x509_.get());
    SSL_CTX_use_PrivateKey(context_.get(), key_.get());
    if (asks_for_certificate) {
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                         [](int, X509_STORE_CTX*) { return 1; });  // any will do
    }
    thread_ = std::thread([this, connections] {
      for (int i = 0; i < connections; ++i) serve_one();
    });
  }
  ~TlsServer() {
    thread_.join();
    ::close(listener_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  const std::string& url() const { return url_; }
  // By the name in its certificate.
  std::string named_url() const { return "https://localhost" + url_.substr(url_.rfind(':')); }
  // Writes both as PEM files, each new in one go.
  void save(const std::string& certificate, const std::string& key) const {
    std::FILE* file = std::fopen((certificate + ".new").c_str(), "w");
    PEM_write_X509(file, x509_.get());
    std::fclose(file);
    std::rename((certificate + ".new").c_str(), certificate.c_str());
    file = std::fopen((key + ".new").c_str(), "w");
    PEM_write_PrivateKey(file, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    std::rename((key + ".new").c_str(), key.c_str());
  }
  std::string last_request() const {
    const std::lock_guard lock(mutex_);
    return last_request_;
  }
  std::int64_t not_after() const { return expiry(x509_.get()); }

 private:
  void serve_one() {
    const int fd = ::accept(listener_, nullptr, nullptr);
    const Session ssl(SSL_new(context_.get()));
    SSL_set_fd(ssl.get(), fd);
    char request[4096] = {};
    if (SSL_accept(ssl.get()) == 1 && SSL_read(ssl.get(), request, sizeof request - 1) > 0) {
      {
        const std::lock_guard lock(mutex_);
        last_request_ = request;
      }
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
      SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
      SSL_shutdown(ssl.get());
    }
    ::close(fd);
  }

  const Key key_;
  const Certificate x509_;
  Context context_;
  int listener_ = -1;
  std::string url_;
  mutable std::mutex mutex_;
  std::string last_request_;  // under mutex_
  std::thread thread_;
};

TEST_CASE("over TLS the answer carries the certificate's expiry and the handshake's time") {
  const TlsServer server(1);
  const auto client = make_curl_http_client({});
  HttpRequest request;
  request.url = server.url();
  request.tls.verify = false;
  const auto r = send_and_wait(*client, request);
  if (!r) FAIL(r.error().what());
  CHECK(r->body == "hi");
  CHECK(r->tls_not_after == server.not_after());
  CHECK(r->phases.tls.count() > 0);
}

TEST_CASE("a certificate nobody vouches for is refused unless verification is off") {
  const TlsServer server(1);
  const auto client = make_curl_http_client({});
  HttpRequest request;
  request.url = server.url();
  const auto r = send_and_wait(*client, request);
  REQUIRE_FALSE(r);
  CHECK(r.error().code() == ErrorCode::kUnavailable);
  CHECK(r.error().what().find("certificate") != std::string::npos);
}

TEST_CASE("a file of authorities vouches, for its own name only") {
  const testing::TempDir dir;
  const std::string pem = dir.path() + "/cert.pem";
  const TlsServer server(2);
  server.save(pem, dir.path() + "/key.pem");
  const auto client = make_curl_http_client({});
  HttpRequest request;
  request.tls.files.ca = pem;
  request.url = server.named_url();
  const auto r = send_and_wait(*client, request);
  CHECK_MESSAGE(r, (r ? "" : r.error().what()));
  request.url = server.url();  // 127.0.0.1 is not in it
  CHECK_FALSE(send_and_wait(*client, request));
}

TEST_CASE("a server name of one's own is what the certificate must bear, wherever it stands") {
  const testing::TempDir dir;
  const std::string pem = dir.path() + "/cert.pem";
  const TlsServer server(2);
  server.save(pem, dir.path() + "/key.pem");
  const auto client = make_curl_http_client({});
  HttpRequest request;
  request.tls.files.ca = pem;
  request.url = server.url();  // 127.0.0.1 is not in it
  request.tls.server_name = "localhost";
  const auto r = send_and_wait(*client, request);
  CHECK_MESSAGE(r, (r ? "" : r.error().what()));
  CHECK(server.last_request().find("\r\nHost: 127.0.0.1:") != std::string::npos);
  request.tls.server_name = "other.example";
  const auto other = send_and_wait(*client, request);
  REQUIRE_FALSE(other);
  CHECK(other.error().what().find("other.example") != std::string::npos);
  request.tls.server_name = "not a name";
  CHECK_FALSE(send_and_wait(*client, request));
}

TEST_CASE("versions of TLS that do not meet are an error") {
  const TlsServer server(3);
  const auto client = make_curl_http_client({});
  HttpRequest request;
  request.url = server.url();
  request.tls.verify = false;
  request.tls_details = true;
  request.tls.max_version = "TLS12";
  const auto old = send_and_wait(*client, request);
  REQUIRE_MESSAGE(old, (old ? "" : old.error().what()));
  CHECK(old->tls.version == "TLS 1.2");
  request.tls.max_version = "";
  request.tls.min_version = "TLS13";
  const auto recent = send_and_wait(*client, request);
  REQUIRE_MESSAGE(recent, (recent ? "" : recent.error().what()));
  CHECK(recent->tls.version == "TLS 1.3");
  request.tls.min_version = request.tls.max_version = "TLS10";  // which OpenSSL does not speak here
  CHECK_FALSE(send_and_wait(*client, request));
}

TEST_CASE("a file that has changed counts from the next request on") {
  const testing::TempDir dir;
  const std::string pem = dir.path() + "/cert.pem";
  const TlsServer server(3);
  const TlsServer stranger(0);
  server.save(pem, dir.path() + "/key.pem");
  const auto client = make_curl_http_client({});
  HttpRequest request;
  request.tls.files.ca = pem;
  request.url = server.named_url();
  REQUIRE(send_and_wait(*client, request));
  stranger.save(pem, dir.path() + "/key.pem");
  CHECK_FALSE(send_and_wait(*client, request));
  server.save(pem, dir.path() + "/key.pem");
  const auto again = send_and_wait(*client, request);
  CHECK_MESSAGE(again, (again ? "" : again.error().what()));
}

TEST_CASE("a file that cannot be read is named") {
  const testing::TempDir dir;
  const auto client = make_curl_http_client({});
  HttpRequest request;
  request.url = "https://127.0.0.1:1/";
  request.tls.files.ca = dir.path() + "/none.pem";
  const auto missing = send_and_wait(*client, request);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().what() ==
        "cannot read " + dir.path() + "/none.pem: No such file or directory");
  request.tls.files.ca = dir.path();
  const auto folder = send_and_wait(*client, request);
  REQUIRE_FALSE(folder);
  CHECK(folder.error().what() == "cannot read " + dir.path() + ": it is no file");
}

TEST_CASE("a server that wants to know who asks is shown our certificate") {
  const testing::TempDir dir;
  const TlsServer server(2, true);
  server.save(dir.path() + "/cert.pem", dir.path() + "/key.pem");
  const auto client = make_curl_http_client({});
  HttpRequest request;
  request.url = server.url();
  request.tls.verify = false;
  CHECK_FALSE(send_and_wait(*client, request));
  request.tls.files.cert = dir.path() + "/cert.pem";
  request.tls.files.key = dir.path() + "/key.pem";
  const auto r = send_and_wait(*client, request);
  CHECK_MESSAGE(r, (r ? "" : r.error().what()));
}

}  // namespace
}  // namespace nines
