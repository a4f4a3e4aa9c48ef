#include "web/http/internal/framing.h"

#include <doctest/doctest.h>

namespace nines::web {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n";

int refusal_of(const std::string& text, const FrameLimits& limits = {}) {
  RequestFramer framer(limits);
  framer.take(text);
  return framer.state() == RequestFramer::State::kRefused ? framer.refusal().status : 0;
}

bool is_whole(const std::string& text, const FrameLimits& limits = {}) {
  RequestFramer framer(limits);
  framer.take(text);
  return framer.state() == RequestFramer::State::kDone;
}

std::string with(std::string_view header) {
  return std::string(kGet) + std::string(header) + "\r\n\r\n";
}

TEST_CASE("a request is the same however its bytes are cut") {
  const std::string text =
      "POST /a%20b?x=1&y=%0A HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX-Y:  z \r\n\r\nhelloGET";
  FrameLimits limits;
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    RequestFramer framer(limits);
    std::size_t used = framer.take(std::string_view(text).substr(0, cut));
    if (used == cut) used += framer.take(std::string_view(text).substr(cut));
    REQUIRE(framer.state() == RequestFramer::State::kDone);
    CHECK(used == text.size() - 3);
    CHECK(framer.request().path == "/a b");
    CHECK(framer.request().query() == "x=1&y=%0A");
    CHECK(framer.request().body == "hello");
    CHECK(framer.request().header("x-y") == "z");
  }
}

TEST_CASE("what two parsers could read in two ways is refused with 400") {
  CHECK(refusal_of("GET / HTTP/1.1\nHost: a\n\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\rHost: a\r\n\r\n") == 400);
  CHECK(refusal_of(with("X: a\r\n folded")) == 400);
  CHECK(refusal_of(with("X : a")) == 400);
  CHECK(refusal_of(with("no colon")) == 400);
  CHECK(refusal_of(with(std::string("X: a\0b", 6))) == 400);
  CHECK(refusal_of(with("X: a\x01")) == 400);
  CHECK(refusal_of(with("Content-Length: 1\r\nContent-Length: 1")) == 400);
  CHECK(refusal_of(with("Content-Length: 1\r\nTransfer-Encoding: chunked")) == 400);
  for (const char* length : {"+1", "-1", "1,1", "0x1", "1 1", ""}) {
    CHECK(refusal_of(with(std::string("Content-Length: ") + length)) == 400);
  }
  CHECK(refusal_of("GET / HTTP/1.1\r\n\r\n") == 400);  // no Host
  CHECK(refusal_of(with("Host: b")) == 400);           // two
  CHECK(refusal_of("GET  / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(refusal_of("GET /\r\nHost: a\r\n\r\n") == 400);
  CHECK(refusal_of("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
}

TEST_CASE("line ends and NUL hidden in escapes are refused in the path; NUL in the query too") {
  for (const char* target : {"/a%0d", "/a%0A", "/%00", "/?x=%00", "/%", "/%zz", "/?x=%4", "/#f"}) {
    CHECK(refusal_of(std::string("GET ") + target + " HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  }
  // A PromQL text of several lines is an ordinary parameter.
  CHECK(is_whole("GET /?query=a%0D%0A%2Bb HTTP/1.1\r\nHost: a\r\n\r\n"));
}

TEST_CASE("what is not taken says so with the status that names it") {
  CHECK(refusal_of(with("Transfer-Encoding: gzip, chunked")) == 501);
  CHECK(refusal_of(with("Content-Encoding: br")) == 415);
  CHECK(refusal_of(with("Content-Type: Multipart/form-data; boundary=x")) == 415);
  CHECK(refusal_of(with("Expect: a miracle")) == 417);
  CHECK(refusal_of("BREW / HTTP/1.1\r\nHost: a\r\n\r\n") == 501);
  CHECK(refusal_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 505);
}

TEST_CASE("a head is taken up to its limit and refused with 431 a byte later") {
  FrameLimits limits;
  limits.head_bytes_max = 200;
  const std::string start = std::string(kGet) + "X: ";
  const std::string whole = start + std::string(200 - start.size() - 4, 'x') + "\r\n\r\n";
  REQUIRE(whole.size() == 200);
  CHECK(is_whole(whole, limits));
  CHECK(refusal_of(start + "x" + whole.substr(start.size()), limits) == 431);
}

TEST_CASE("headers are counted: 100 are taken, 101 are not") {
  std::string text(kGet);
  for (int i = 1; i < 100; ++i) text += "A: b\r\n";
  CHECK(is_whole(text + "\r\n"));
  CHECK(refusal_of(text + "A: b\r\n\r\n") == 431);
}

TEST_CASE("a request line is taken up to its limit and refused with 414 a byte later") {
  FrameLimits limits;
  limits.request_line_max = 50;
  const std::string line = "GET /" + std::string(50 - 14, 'a') + " HTTP/1.1";
  REQUIRE(line.size() == 50);
  CHECK(is_whole(line + "\r\nHost: a\r\n\r\n", limits));
  CHECK(refusal_of("GET /a" + line.substr(5) + "\r\nHost: a\r\n\r\n", limits) == 414);
  CHECK(refusal_of("GET /" + std::string(100, 'a'), limits) == 414);  // it need not end
}

TEST_CASE("a body is taken up to its limit and refused with 413 by its announcement") {
  FrameLimits limits;
  limits.body_bytes_max = 10;
  CHECK(is_whole(with("Content-Length: 10") + "0123456789", limits));
  CHECK(refusal_of(with("Content-Length: 11"), limits) == 413);
  CHECK(refusal_of(with("Content-Length: 99999999999999999999999999"), limits) == 413);
}

// A request whose body comes in chunks.
std::string chunked(std::string_view body) {
  return "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n" + std::string(body);
}

TEST_CASE("a chunked body is joined, however its bytes are cut, and what follows is the next's") {
  const std::string text = chunked(
      "5\r\nhello\r\n0001;why=\"not\"\r\n \r\nB\r\nwide\r\nworld\r\n0\r\nX: y\r\nZ:\r\n\r\nGET");
  const FrameLimits limits;
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    RequestFramer framer(limits);
    std::size_t used = framer.take(std::string_view(text).substr(0, cut));
    if (used == cut) used += framer.take(std::string_view(text).substr(cut));
    REQUIRE(framer.state() == RequestFramer::State::kDone);
    CHECK(used == text.size() - 3);
    CHECK(framer.request().body == "hello wide\r\nworld");
    CHECK(framer.request().header("transfer-encoding").empty());  // it is undone
    CHECK(framer.request().header("x").empty());                  // trailers are read over
  }
  CHECK(is_whole(chunked("0\r\n\r\n")));
}

TEST_CASE("chunks that two parsers could read in two ways are refused with 400") {
  for (const char* body :
       {"\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", "1 ;a\r\n", ";a\r\n",
        "1\nx", "1\r\nx\n", "1\r\nxy\r\n", "1\rx", "1\r\nx0\r\n\r\n", "1;a\x01\r\n",
        "00000000000000001\r\n", "0\r\n\n", "0\r\nno colon\r\n", "0\r\n: v\r\n",
        "0\r\nA: b\r\n folded\r\n", "0\r\nA: b\n\r\n"}) {
    CAPTURE(body);
    CHECK(refusal_of(chunked(body)) == 400);
  }
  const std::string coding = "Transfer-Encoding: chunked";
  CHECK(refusal_of(with(coding + "\r\n" + coding)) == 400);
  CHECK(refusal_of(with("Transfer-Encoding: gzip\r\n" + coding)) == 400);
  CHECK(refusal_of(with(coding + "\r\nContent-Length: 0")) == 400);
  CHECK(refusal_of("POST / HTTP/1.0\r\n" + coding + "\r\n\r\n0\r\n\r\n") == 400);
}

TEST_CASE("a chunked body is taken up to its limit and refused with 413 by the chunk that passes it") {
  FrameLimits limits;
  limits.body_bytes_max = 10;
  CHECK(is_whole(chunked("4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n"), limits));
  CHECK(refusal_of(chunked("4\r\n0123\r\n7\r\n"), limits) == 413);
  CHECK(refusal_of(chunked("ffffffffffffffff\r\n"), limits) == 413);
}

TEST_CASE("what stands between chunks is bounded: lines, trailers, extensions in all") {
  const auto with_extension = [](std::size_t bytes) {
    return chunked("1;" + std::string(bytes - 2, 'x') + "\r\ny\r\n0\r\n\r\n");
  };
  CHECK(is_whole(with_extension(256)));
  CHECK(refusal_of(with_extension(257)) == 400);
  const auto with_trailer = [](std::size_t bytes) {
    return chunked("0\r\nA:" + std::string(bytes - 2, 'x') + "\r\n\r\n");
  };
  CHECK(is_whole(with_trailer(8192)));
  CHECK(refusal_of(with_trailer(8193)) == 400);
  // A chunk of one byte excuses 18 of the 260 that its longest line and line ends take.
  std::string many;
  for (int i = 0; i < 67; ++i) many += "1;" + std::string(254, 'x') + "\r\ny\r\n";
  CHECK(is_whole(chunked(many + "0\r\n\r\n")));
  CHECK(refusal_of(chunked(many + "1;" + std::string(254, 'x') + "\r\n")) == 400);
  // Single bytes without extensions are only slow.
  std::string single;
  for (int i = 0; i < 20'000; ++i) single += "1\r\ny\r\n";
  CHECK(is_whole(chunked(single + "0\r\n\r\n")));
}

TEST_CASE("headers that speak for the socket, and ranges, do not reach a handler") {
  const FrameLimits limits;
  RequestFramer framer(limits);
  framer.take(with("REMOTE_ADDR: 6.6.6.6\r\nLocal_Port: 1\r\nRange: bytes=0-\r\nX: y"));
  REQUIRE(framer.state() == RequestFramer::State::kDone);
  CHECK(framer.request().headers.size() == 2);  // host, x
}

TEST_CASE("an answer ends the connection of HTTP/1.0 and of Connection: close") {
  const FrameLimits limits;
  const auto keeps = [&](const std::string& text) {
    RequestFramer framer(limits);
    framer.take(text);
    return framer.request().keep_alive;
  };
  CHECK(keeps(with("X: y")));
  CHECK_FALSE(keeps(with("Connection: Foo, Close")));
  CHECK_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
}

TEST_CASE("two empty lines ahead of a request are skipped, three are not") {
  CHECK(is_whole("\r\n\r\n" + with("X: y")));
  CHECK(refusal_of("\r\n\r\n\r\n" + with("X: y")) == 400);
}

TEST_CASE("a form keeps its order, its empty values and its plus signs' meaning") {
  std::vector<std::pair<std::string, std::string>> out;
  REQUIRE(parse_form("b=1+2&a=%2B&&c&d=", out));
  CHECK(out == decltype(out){{"b", "1 2"}, {"a", "+"}, {"c", ""}, {"d", ""}});
  CHECK_FALSE(parse_form("a=%f", out));
}

}  // namespace
}  // namespace nines::web
