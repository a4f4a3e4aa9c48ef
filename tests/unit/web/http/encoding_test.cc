#include "web/http/encoding.h"

#include <zstd.h>

#include <doctest/doctest.h>

#include "web/http/internal/dispatch.h"

namespace nines::web {
namespace {

Coding coding(std::string_view header) {
  return negotiate_coding(header).coding;
}

TEST_CASE("the coding of the greatest weight wins, and among equals the one that packs best") {
  CHECK(coding("gzip") == Coding::kGzip);
  CHECK(coding("zstd") == Coding::kZstd);
  CHECK(coding("gzip, deflate, br, zstd") == Coding::kZstd);
  CHECK(coding("gzip;q=0.5, zstd;q=0.499") == Coding::kGzip);
  CHECK(coding("zstd;q=0.1, gzip;q=1.000") == Coding::kGzip);
  CHECK(coding("GZIP ; Q=0.5") == Coding::kGzip);
  CHECK(coding("x-gzip") == Coding::kGzip);
  CHECK(coding("identity, gzip") == Coding::kGzip);
  CHECK(coding("identity;q=0.6, gzip;q=0.5") == Coding::kIdentity);
}

TEST_CASE("without a welcome coding the bytes stay plain") {
  for (const char* header : {"", " ", "br", "deflate, compress", "identity", "gzip;q=0",
                             "gzip;q=0.000, zstd;q=0", "zstd;q=0, br;q=1.0"}) {
    CHECK_MESSAGE(coding(header) == Coding::kIdentity, header);
  }
}

TEST_CASE("a star stands for gzip, never for a coding that was named") {
  CHECK(coding("*") == Coding::kGzip);
  CHECK(coding("*;q=0.2") == Coding::kGzip);
  CHECK(coding("gzip;q=0, *") == Coding::kIdentity);
  CHECK(coding("zstd, *;q=0") == Coding::kZstd);
  CHECK(coding("identity;q=0.9, *;q=0.3") == Coding::kIdentity);
}

TEST_CASE("plain bytes are refused by name or by a star, and then something else must do") {
  CHECK(negotiate_coding("gzip").plain);
  CHECK(negotiate_coding("*").plain);
  CHECK_FALSE(negotiate_coding("gzip, identity;q=0").plain);
  CHECK_FALSE(negotiate_coding("gzip, *;q=0").plain);
  CHECK(negotiate_coding("gzip, *;q=0, identity;q=0.1").plain);
  CHECK(coding("identity;q=0") == Coding::kNone);
  CHECK(coding("identity;q=0, br") == Coding::kNone);
  CHECK(coding("*;q=0") == Coding::kNone);
  CHECK(coding("identity;q=0, *") == Coding::kGzip);
}

TEST_CASE("a weight that is none makes its coding unwelcome") {
  for (const char* weight : {"", "2", "1.1", "0.1234", "-1", "x", "0,5", "1.", ".5"}) {
    const std::string header = std::string("gzip;q=") + weight;
    const bool fine = std::string_view(weight) == "1.";  // RFC 9110 allows no digit after the dot
    CHECK_MESSAGE((coding(header) == Coding::kGzip) == fine, weight);
  }
}

Response finished(std::string body, std::string type, std::string accept) {
  Response response;
  response.body = std::move(body);
  response.content_type = std::move(type);
  Request request;
  request.headers = {{"accept-encoding", std::move(accept)}};
  finish(response, request, 1u << 20);
  return response;
}

std::string header_of(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

TEST_CASE("an answer packed with zstd unpacks to what it was") {
  const std::string text(5000, 'x');
  const Response response = finished(text, "application/json", "gzip, zstd");
  CHECK(header_of(response, "Content-Encoding") == "zstd");
  CHECK(header_of(response, "Vary") == "Accept-Encoding");
  std::string plain(text.size() + 1, '\0');
  const std::size_t size =
      ZSTD_decompress(plain.data(), plain.size(), response.body.data(), response.body.size());
  REQUIRE(ZSTD_isError(size) == 0);
  plain.resize(size);
  CHECK(plain == text);
}

TEST_CASE(
    "who refuses plain bytes gets even a small answer packed, or a 406 that says what there is") {
  CHECK(header_of(finished("small", "application/json", "gzip"), "Content-Encoding").empty());
  const Response small = finished("small", "image/png", "gzip, identity;q=0");
  CHECK(small.status == 200);
  CHECK(header_of(small, "Content-Encoding") == "gzip");
  const Response none = finished("small", "application/json", "br, *;q=0");
  CHECK(none.status == 406);
  CHECK(none.body.find("zstd, gzip and identity") != std::string::npos);
  CHECK(finished("", "application/json", "*;q=0").status ==
        200);  // nothing to say, nothing to pack
}

}  // namespace
}  // namespace nines::web
