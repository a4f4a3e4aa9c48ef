#include "base/log/log.h"

#include <cstdio>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "base/log/internal/line.h"

namespace nines {
namespace {

std::string text_of(std::string_view text) {
  const std::string line = log_line(LogLevel::kInfo, "t", text);
  return line.substr(std::string_view("level=info component=t ").size());
}

// What `speak` sends to stderr.
template <typename F>
std::string captured(F speak) {
  std::FILE* file = std::tmpfile();
  std::fflush(stderr);
  const int saved = ::dup(2);
  ::dup2(::fileno(file), 2);
  speak();
  std::fflush(stderr);
  ::dup2(saved, 2);
  ::close(saved);
  std::string out(8192, '\0');
  std::rewind(file);
  out.resize(std::fread(out.data(), 1, out.size(), file));
  std::fclose(file);
  return out;
}

TEST_CASE("a line carries level and component before the text") {
  CHECK(log_line(LogLevel::kWarn, "scrape", "target down") ==
        "level=warn component=scrape target down");
}

TEST_CASE("control characters cannot break a line or steer a terminal") {
  CHECK(text_of("a\nlevel=error b\r\tc") == "a\\nlevel=error b\\r\\tc");
  CHECK(text_of("\x1b[31mred\x7f") == "\\x1b[31mred\\x7f");
  CHECK(text_of(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(text_of("csi \xC2\x9B"
                "1m") == "csi \\xc2\\x9b1m");
}

TEST_CASE("UTF-8 stays, bytes that are none are escaped") {
  CHECK(text_of("\xC3\xBC \xE4\xB8\xAD \xF0\x9F\x98\x80") ==
        "\xC3\xBC \xE4\xB8\xAD \xF0\x9F\x98\x80");
  CHECK(text_of("\xFF\xC3(") == "\\xff\\xc3(");
  CHECK(text_of("\xC0\xAF") == "\\xc0\\xaf");           // overlong '/'
  CHECK(text_of("\xED\xA0\x80") == "\\xed\\xa0\\x80");  // a surrogate
}

TEST_CASE("a line of 4096 bytes is whole, one of 4097 is cut and marked") {
  const std::size_t head = log_line(LogLevel::kInfo, "t", "").size();
  const std::string fits(kLogLineBytesMax - head, 'a');
  CHECK(log_line(LogLevel::kInfo, "t", fits).ends_with("aaaa"));
  CHECK(log_line(LogLevel::kInfo, "t", fits).size() == kLogLineBytesMax);
  const std::string cut = log_line(LogLevel::kInfo, "t", fits + "a");
  CHECK(cut.size() == kLogLineBytesMax);
  CHECK(cut.ends_with("a..."));
}

TEST_CASE("a cut never splits a character") {
  std::string text = "x";
  for (int i = 0; i < 3000; ++i) text += "\xE4\xB8\xAD";
  const std::string cut = log_line(LogLevel::kInfo, "t", text);
  CHECK(cut.size() <= kLogLineBytesMax);
  CHECK(cut.substr(cut.size() - 6, 3) == "\xE4\xB8\xAD");
  CHECK(cut.ends_with("..."));
}

TEST_CASE("the stderr log stamps lines in UTC and drops what is below its level") {
  const std::string out = captured([] {
    const auto log = make_stderr_log(LogLevel::kInfo);
    log->debug("t", "not {}", "this");
    log->info("t", "count={} done", 3);
  });
  REQUIRE(out.size() == std::string_view("2026-11-23T10:00:00.000Z ").size() +
                            std::string_view("level=info component=t count=3 done\n").size());
  CHECK(out[10] == 'T');
  CHECK(out[23] == 'Z');
  CHECK(out.substr(25) == "level=info component=t count=3 done\n");
}

TEST_CASE("the null log wants nothing") {
  CHECK_FALSE(make_null_log()->wants(LogLevel::kError));
}

}  // namespace
}  // namespace nines
