#include "base/text/text.h"

#include <array>

#include <doctest/doctest.h>

namespace nines {
namespace {

TEST_CASE("UTF-8 is valid only in its shortest form, without surrogates, up to U+10FFFF") {
  CHECK(is_valid_utf8(""));
  CHECK(is_valid_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
  CHECK(is_valid_utf8(std::string_view("\0", 1)));
  CHECK(is_valid_utf8("\xF4\x8F\xBF\xBF"));
  for (const char* text : {"\xC3", "\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80",
                           "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFF", "\xE2\x82"}) {
    CHECK_FALSE(is_valid_utf8(text));
  }
}

TEST_CASE("a label value escapes backslash, quote and line feed only") {
  CHECK(escape_label_value("a\\b\"c\nd\te") == "a\\\\b\\\"c\\nd\te");
}

TEST_CASE("a quoted text is as Go's strconv quotes it") {
  CHECK(quote_go("") == "\"\"");
  CHECK(quote_go("a\"b\\c\n\t\r") == R"("a\"b\\c\n\t\r")");
  CHECK(quote_go(std::string_view("\0\x7F\x1B", 3)) == R"("\x00\x7f\x1b")");
  CHECK(quote_go("\xC3\xA9\xF0\x9F\x98\x80") == "\"\xC3\xA9\xF0\x9F\x98\x80\"");
  CHECK(quote_go("\xFF") == R"("\xff")");
  CHECK(quote_go("\xE2\x80\x8B") == R"("\u200b")");  // a space of no width
  CHECK(quote_go("\xC2\xA0") == R"("\u00a0")");
}

TEST_CASE("HTML's five marks are escaped") {
  CHECK(escape_html("<a b='c'>&\"") == "&lt;a b=&#39;c&#39;&gt;&amp;&#34;");
}

TEST_CASE("split keeps empty parts; join is its opposite") {
  const auto parts = split("a,,b", ',');
  REQUIRE(parts.size() == 3);
  CHECK(parts[1].empty());
  CHECK(split("", ',').size() == 1);
  CHECK(split(",", ',').size() == 2);
  const std::array<std::string, 3> words = {"a", "", "b"};
  CHECK(join(words, ",") == "a,,b");
  CHECK(join({}, ",") == "");
}

TEST_CASE("trim and to_lower know ASCII") {
  CHECK(trim(" \t\r\n a b \n") == "a b");
  CHECK(trim(" \n") == "");
  CHECK(to_lower("AbZ\xC3\x89") == "abz\xC3\x89");
}

TEST_CASE("base64 has one spelling for each text") {
  for (const char* text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    CHECK(base64_decode(base64_encode(text)) == text);
  }
  CHECK(base64_encode("foob") == "Zm9vYg==");
  CHECK(base64_decode("/+8=") == "\xFF\xEF");
  for (const char* text :
       {"Zg", "Zg=", "Zh==", "Z===", "====", "Zm9v====", "Zm 9v", "Zm9v\n", "=Zm9"}) {
    CHECK_FALSE_MESSAGE(base64_decode(text).has_value(), text);
  }
}

TEST_CASE("URL encoding leaves only unreserved characters") {
  CHECK(url_encode("aZ09-._~ /?\xC3\xA9") == "aZ09-._~%20%2F%3F%C3%A9");
  CHECK(url_decode("a%20b+c", true) == "a b c");
  CHECK(url_decode("a%20b+c", false) == "a b+c");
  CHECK(url_decode("%c3%A9", false) == "\xC3\xA9");
  for (const char* text : {"%", "%2", "%zz", "a%2g"}) {
    CHECK_FALSE_MESSAGE(url_decode(text, true).has_value(), text);
  }
}

TEST_CASE("digests agree with the published vectors") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  // RFC 4231, test case 2.
  const std::string mac = hmac_sha256("Jefe", "what do ya want for nothing?");
  CHECK(hex(std::as_bytes(std::span(mac))) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hmac_sha256("", "").size() == 32);
  CHECK(hash64("") == 0x2D06800538D394C2ULL);
  CHECK(hash64("a") != hash64("a", 1));
  CHECK(hex(std::uint64_t{0xAB}) == "00000000000000ab");
}

TEST_CASE("the nearest word is close, or there is none") {
  constexpr std::array<std::string_view, 3> kWords = {"interval", "timeout", "to"};
  CHECK(nearest_word("intervall", kWords) == "interval");
  CHECK(nearest_word("tmieout", kWords) == "timeout");
  CHECK(nearest_word("tp", kWords) == "to");
  CHECK(nearest_word("scheme", kWords) == "");
  CHECK(nearest_word("intrvaxx", kWords) == "");
  CHECK(nearest_word("x", {}) == "");
}

}  // namespace
}  // namespace nines
