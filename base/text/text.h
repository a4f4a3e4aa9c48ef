#pragma once
// Small text tools: escaping, encoding, hashing, spelling.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"

namespace nines {

bool is_valid_utf8(std::string_view text);
std::string escape_label_value(std::string_view text);  // \\ \" \n, as in exposition and PromQL
std::string quote_go(std::string_view text);            // Go's strconv.Quote
std::string escape_html(std::string_view text);
std::string to_lower(std::string_view text);   // ASCII
std::string_view trim(std::string_view text);  // ASCII white space on both ends
std::vector<std::string_view> split(std::string_view text, char separator);  // "a,,b" gives 3
std::string join(std::span<const std::string> parts, std::string_view separator);

std::string hex(std::uint64_t v);  // 16 digits
std::string hex(std::span<const std::byte> bytes);
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);
std::string url_encode(std::string_view text);  // all but unreserved characters
std::optional<std::string> url_decode(std::string_view text, bool plus_is_space);

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);  // XXH3
std::string md5(std::string_view bytes);      // 16 raw bytes; for protocols that ask for it
std::uint64_t xxh64(std::string_view bytes);  // XXH64, seed 0: what others put into contracts
std::string sha256_hex(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 raw bytes

// The candidate nearest to `word` (edit distance at most a third of its length, at least 1), for
// "did you mean"; empty when none is near.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace nines
