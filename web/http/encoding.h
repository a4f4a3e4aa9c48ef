#pragma once
// Which content coding an answer gets, and the two that are spoken: gzip and zstd.

#include <cstdint>
#include <string>
#include <string_view>

namespace nines::web {

enum class Coding : std::uint8_t {
  kIdentity,
  kGzip,
  kZstd,
  kNone,  // the client takes nothing that can be sent, not even the plain bytes
};

struct Acceptance {
  Coding coding = Coding::kIdentity;  // the best of what the client takes
  bool plain = true;                  // the plain bytes would do as well
  bool gzip = false;                  // so would gzip: what embedded files are kept in
};

// Reads an Accept-Encoding header: weights, `*`, and `identity;q=0`. The coding of the greatest
// weight wins; among equals the one that packs best, so plain bytes come last. An absent or empty
// header asks for plain bytes. `*` stands for gzip, which every client knows, and for zstd only
// where that is named. A weight that is none makes its coding unwelcome.
//
// Source: RFC 9110 sections 12.4.2, 12.5.3 and 8.4.1.3 (x-gzip is gzip).
Acceptance negotiate_coding(std::string_view accept_encoding);

std::string_view to_string(Coding coding);  // as Content-Encoding names it

// False when it failed; `out` then means nothing.
bool gzip(std::string_view in, std::string& out);
bool zstd(std::string_view in, std::string& out);

}  // namespace nines::web
