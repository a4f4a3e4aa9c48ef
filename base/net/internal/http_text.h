#pragma once
// What a line of HTTP may be made of.

#include <algorithm>
#include <string_view>

namespace nines::net {

// RFC 9110's token: what a method and a header name are made of.
inline bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    const auto letter = static_cast<unsigned char>((static_cast<unsigned char>(c) | 0x20U) - 'a');
    return letter < 26 || (c >= '0' && c <= '9') || kMarks.find(c) != kMarks.npos;
  });
}

inline bool is_field_value(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos;
}

}  // namespace nines::net
