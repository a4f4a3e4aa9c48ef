// Where a transfer connects to and from, and which TLS it speaks there.
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "base/net/internal/transfer.h"
#include "base/text/text.h"

namespace nines::net {
namespace {

using ParsedUrl = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string part_of(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  std::string out;
  if (curl_url_get(url, which, &text, flags) == CURLUE_OK) out = text;
  curl_free(text);
  return out;
}

// As it stands in a URL.
std::string bracketed(const std::string& host) {
  const bool v6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return v6 ? "[" + host + "]" : host;
}

}  // namespace

Result<void> Transfer::set_proxy() {
  const HttpProxy& proxy = request_.proxy;
  const bool secure = to_lower(request_.url.substr(0, 6)) == "https:";
  // "" also shuts out the environment's.
  curl_easy_setopt(easy_, CURLOPT_PROXY, (secure ? proxy.secure_url : proxy.url).c_str());
  curl_easy_setopt(easy_, CURLOPT_NOPROXY, proxy.except.c_str());
  if (!secure) return {};
  for (const auto& [name, value] : proxy.connect_headers) {
    NINES_TRY(const std::string line, header_line(name, value));
    proxy_headers_ = curl_slist_append(proxy_headers_, line.c_str());
  }
  curl_easy_setopt(easy_, CURLOPT_PROXYHEADER, proxy_headers_);
  return {};
}

// What stands in files now.
Result<void> Transfer::read_secrets(TlsFiles& files) {
  if (!request_.basic_user.empty() && !request_.basic_password_file.empty()) {
    NINES_TRY(const auto text, files.read(request_.basic_password_file));
    request_.basic_password = trim(*text);
  }
  if (!request_.credentials_file.empty()) {
    NINES_TRY(const auto text, files.read(request_.credentials_file));
    request_.headers.emplace_back("Authorization",
                                  request_.credentials_type + " " + std::string(trim(*text)));
  }
  return {};
}

Result<void> Transfer::set_way() {
  if (!request_.address.empty()) {
    way_ = curl_slist_append(nullptr, ("::" + bracketed(request_.address) + ":").c_str());
    curl_easy_setopt(easy_, CURLOPT_CONNECT_TO, way_);
  }
  if (!request_.source_ip.empty()) {
    curl_easy_setopt(easy_, CURLOPT_INTERFACE, ("host!" + request_.source_ip).c_str());
  }
  return set_proxy();
}

void Transfer::set_tls_versions() {
  const auto version = [](const std::string& name) {
    return name == "TLS10"   ? CURL_SSLVERSION_TLSv1_0
           : name == "TLS11" ? CURL_SSLVERSION_TLSv1_1
           : name == "TLS12" ? CURL_SSLVERSION_TLSv1_2
           : name == "TLS13" ? CURL_SSLVERSION_TLSv1_3
                             : CURL_SSLVERSION_DEFAULT;
  };
  const long least = version(request_.tls.min_version);
  const long most = static_cast<long>(version(request_.tls.max_version)) << 16;
  if (least + most != 0) curl_easy_setopt(easy_, CURLOPT_SSLVERSION, least | most);
}

// libcurl asks for, and expects in the certificate, the name that stands in the URL, and knows no
// other way to say it. So the URL gets that name, and the connection goes where it had pointed.
Result<void> Transfer::set_server_name() {
  const std::string& name = request_.tls.server_name;
  if (name.empty()) return {};
  const ParsedUrl url(curl_url(), &curl_url_cleanup);
  if (curl_url_set(url.get(), CURLUPART_URL, request_.url.c_str(), 0) != CURLUE_OK) return {};
  if (part_of(url.get(), CURLUPART_SCHEME) != "https") return {};
  const std::string host = part_of(url.get(), CURLUPART_HOST);
  const std::string port = part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const std::string own_port = part_of(url.get(), CURLUPART_PORT);
  if (curl_url_set(url.get(), CURLUPART_HOST, bracketed(name).c_str(), 0) != CURLUE_OK) {
    return Error(ErrorCode::kInvalid, "bad TLS server name \"" + name + "\"");
  }
  const std::string target =
      request_.address.empty() ? bracketed(host) : bracketed(request_.address);
  curl_slist_free_all(std::exchange(way_, nullptr));
  way_ = curl_slist_append(nullptr,
                           (bracketed(name) + ":" + port + ":" + target + ":" + port).c_str());
  curl_easy_setopt(easy_, CURLOPT_CONNECT_TO, way_);
  // Sent to this host alone, not to one it may redirect to.
  host_header_ = own_port.empty() ? host : host + ":" + own_port;
  curl_easy_setopt(easy_, CURLOPT_URL, part_of(url.get(), CURLUPART_URL).c_str());
  return {};
}

// The files' content, not their names: libcurl uses a kept connection again only for the same
// content, so that a renewed file counts at once.
Result<void> Transfer::set_tls_files(TlsFiles& files) {
  const HttpTlsFiles& f = request_.tls.files;
  const std::array<std::pair<const std::string*, CURLoption>, 3> all = {
      {{&f.ca, CURLOPT_CAINFO_BLOB},
       {&f.cert, CURLOPT_SSLCERT_BLOB},
       {&f.key, CURLOPT_SSLKEY_BLOB}}};
  for (const auto& [path, option] : all) {
    if (path->empty()) continue;
    NINES_TRY(std::shared_ptr<const std::string> text, files.read(*path));
    curl_blob blob{};
    blob.data = const_cast<char*>(text->data());  // NOLINT: libcurl only reads it
    blob.len = text->size();
    blob.flags = CURL_BLOB_NOCOPY;
    curl_easy_setopt(easy_, option, &blob);
    pem_.push_back(std::move(text));
  }
  // In place of the system's authorities, not beside them.
  if (!f.ca.empty()) curl_easy_setopt(easy_, CURLOPT_CAPATH, nullptr);
  return {};
}

}  // namespace nines::net
