#include "base/net/internal/answer_reader.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace nines::net {
namespace {

using State = AnswerReader::State;

// The answer of a text given whole or byte by byte, which must be the same.
AnswerReader read(std::string_view text, const AnswerLimits& limits = {}) {
  AnswerReader whole(limits);
  whole.take(text);
  AnswerReader dripped(limits);
  for (const char c : text) {
    if (!dripped.over()) dripped.take({&c, 1});
  }
  CHECK(whole.state() == dripped.state());
  if (whole.state() != State::kFailed) CHECK(whole.response().body == dripped.response().body);
  return whole;
}

TEST_CASE("an answer ends where its length says, and what follows is left") {
  AnswerReader reader({});
  constexpr std::string_view kAnswer =
      "HTTP/1.1 200 OK\r\nContent-Type:  text/plain \r\nContent-Length: 5\r\n\r\nhello";
  CHECK(reader.take(kAnswer.substr(0, 60)) == 60);
  CHECK(reader.state() == State::kHead);
  CHECK(reader.take(std::string(kAnswer.substr(60)) + "HTTP/1.1") == kAnswer.size() - 60);
  REQUIRE(reader.state() == State::kDone);
  CHECK(reader.keeps_alive());
  CHECK(reader.response().status == 200);
  CHECK(reader.response().http_version == 11);
  CHECK(reader.response().header("content-type") == "text/plain");
  CHECK(reader.response().body == "hello");
  CHECK(reader.response().wire_bytes == 5);
}

TEST_CASE("chunks are joined, their extensions and trailers dropped") {
  AnswerReader reader = read(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5\r\nhello\r\n00A;why=\"not\"\r\n, world\r\n!\r\n0\r\nX-After: 1\r\n\r\n");
  REQUIRE(reader.state() == State::kDone);
  CHECK(reader.response().body == "hello, world\r\n!");
  CHECK(reader.keeps_alive());
}

TEST_CASE("answers without a body, without a length, and after others") {
  CHECK(read("HTTP/1.1 204 No Content\r\n\r\n").state() == State::kDone);
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").state() == State::kDone);
  AnswerReader second = read(
      "HTTP/1.1 100 Continue\r\nX-First: 1\r\n\r\nHTTP/1.1 103\r\n\r\n"
      "HTTP/1.1 404 Not Found\nContent-Length: 2\n\nno");
  REQUIRE(second.state() == State::kDone);
  CHECK(second.response().status == 404);
  CHECK(second.response().header("x-first").empty());
  AnswerReader to_close = read("HTTP/1.1 200 OK\r\n\r\nhel");
  CHECK(to_close.state() == State::kBody);
  to_close.take("lo");
  to_close.close();
  REQUIRE(to_close.state() == State::kDone);
  CHECK(to_close.response().body == "hello");
  CHECK_FALSE(to_close.keeps_alive());
}

TEST_CASE("who closes, and who does not, is told by version and header") {
  const auto keeps = [](const std::string& version, const std::string& header) {
    return read("HTTP/" + version + " 200 OK\r\n" + header + "Content-Length: 0\r\n\r\n")
        .keeps_alive();
  };
  CHECK(keeps("1.1", ""));
  CHECK_FALSE(keeps("1.1", "Connection: Close\r\n"));
  CHECK_FALSE(keeps("1.1", "Connection: x, close\r\n"));
  CHECK_FALSE(keeps("1.0", ""));
  CHECK(keeps("1.0", "Connection: Keep-Alive\r\n"));
}

TEST_CASE("what can be read in two ways is left to others") {
  const auto odd = [](const std::string& text) { return read(text).state() == State::kOdd; };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  CHECK(odd("SSH-2.0-OpenSSH_9.2"));
  CHECK(odd("\r\n"));
  CHECK(odd("HTTP/2 200\r\n"));
  CHECK(odd("HTTP/1.2 200 OK\r\n"));
  CHECK(odd("HTTP/1.1 20 OK\r\n"));
  CHECK(odd("HTTP/1.1 2000 OK\r\n"));
  CHECK(odd("HTTP/1.1 000 OK\r\n"));
  CHECK(odd("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
  CHECK(odd(ok + "no colon\r\n"));
  CHECK(odd(ok + "Folded: a\r\n b\r\n"));
  CHECK(odd(ok + "Space : a\r\n"));
  CHECK(odd(ok + std::string("Nul: a\0b\r\n", 10)));
  CHECK(odd(ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"));
  CHECK(odd(ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"));
  CHECK(odd(ok + "Transfer-Encoding: gzip, chunked\r\n\r\n"));
  CHECK(odd("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
  for (const std::string length : {"", "-1", "+1", "1 1", "0x1", "9999999999999999999"}) {
    CHECK(odd(ok + "Content-Length: " + length + "\r\n\r\n"));
  }
  const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string size : {"", "g", "-1", "0x1", ";a", "1 1", "1234567890123456"}) {
    CHECK(odd(chunked + size + "\r\n"));
  }
  CHECK(odd(chunked + "1\r\nab\r\n"));
}

TEST_CASE("heads, trailers and chunk sizes have one limit together") {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string rest = "1\r\na\r\n0\r\nA: b\r\n\r\n";
  const std::size_t counted = head.size() + 8;  // the trailer, and the line behind it
  CHECK(read(head + rest, {.header_bytes_max = counted}).state() == State::kDone);
  const AnswerReader over = read(head + rest, {.header_bytes_max = counted - 1});
  REQUIRE(over.state() == State::kFailed);
  CHECK(over.error().code() == ErrorCode::kLimit);
  CHECK(over.error().what() ==
        "answer has more than " + std::to_string(counted - 1) + " bytes of headers");
  CHECK(read("HTTP/1.1 200 " + std::string(100, 'x'), {.header_bytes_max = 100}).state() ==
        State::kFailed);
  CHECK(read(head + "1;" + std::string(100, 'x'), {.header_bytes_max = 100}).state() ==
        State::kFailed);
  std::string many = head;  // a body of many chunks is none of it
  for (int i = 0; i < 100; ++i) many += "1\r\na\r\n";
  CHECK(read(many + "0\r\n\r\n", {.header_bytes_max = head.size() + 5}).state() == State::kDone);
}

TEST_CASE("a body of exactly its limit is taken, a longer one seen as soon as it is told of") {
  const AnswerLimits limits{.body_bytes_max = 3};
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", limits).state() == State::kDone);
  const AnswerReader told = read("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", limits);
  REQUIRE(told.state() == State::kFailed);
  CHECK(told.error().what() == "answer is larger than 3 bytes");
  CHECK(read("HTTP/1.1 200 OK\r\n\r\nabc", limits).state() == State::kBody);
  CHECK(read("HTTP/1.1 200 OK\r\n\r\nabcd", limits).error().code() == ErrorCode::kLimit);
  CHECK(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd", limits)
            .state() == State::kFailed);
}

TEST_CASE("an answer that is cut short says how") {
  const auto cut = [](std::string_view text) {
    AnswerReader reader = read(text);
    reader.close();
    REQUIRE(reader.state() == State::kFailed);
    CHECK(reader.error().code() == ErrorCode::kUnavailable);
    return reader.error().what();
  };
  CHECK(cut("") == "connection closed without an answer");
  CHECK(cut("HTTP/1.1 200") == "connection closed in the middle of the answer");
  CHECK(cut("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi") ==
        "connection closed with 3 bytes remaining");
  CHECK(cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n") ==
        "connection closed in the middle of the answer");
}

}  // namespace
}  // namespace nines::net
