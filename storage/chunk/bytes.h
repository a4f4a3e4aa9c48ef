#pragma once
// Writing to and reading from a run of bytes: varints, fixed little-endian words, strings.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace nines::storage::chunk {

constexpr std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t v) {
  return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1));
}

inline void put_byte(std::string& out, std::uint8_t v) {
  out.push_back(static_cast<char>(v));
}

inline void put_varint(std::string& out, std::uint64_t v) {
  while (v >= 0x80) {
    out.push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out.push_back(static_cast<char>(v));
}
inline void put_signed(std::string& out, std::int64_t v) {
  put_varint(out, zigzag(v));
}

template <typename T>
void put_fixed(std::string& out, T v) {
  char raw[sizeof(T)];
  std::memcpy(raw, &v, sizeof(T));
  out.append(raw, sizeof(T));
}

inline void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

inline std::size_t varint_size(std::uint64_t v) {
  std::size_t n = 1;
  for (; v >= 0x80; v >>= 7) ++n;
  return n;
}

// Reads what the functions above wrote. Reading past the end gives zeros and sets failed(): check
// it once, after a group of reads. Views live as long as the bytes given.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes)
      : at_(reinterpret_cast<const unsigned char*>(bytes.data())), end_(at_ + bytes.size()) {}
  explicit ByteReader(std::string_view bytes)
      : at_(reinterpret_cast<const unsigned char*>(bytes.data())), end_(at_ + bytes.size()) {}

  bool failed() const { return failed_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  const unsigned char* position() const { return at_; }

  std::uint8_t byte() { return at_ < end_ ? *at_++ : fail(); }

  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) return fail();
      const std::uint64_t b = *at_++;
      v |= (b & 0x7F) << shift;
      if (b < 0x80) return v;
    }
    return fail();
  }
  std::int64_t signed_varint() { return unzigzag(varint()); }

  // A count of things that take at least `bytes_each` bytes: more than fit fail, so that damaged
  // counts never make large allocations.
  std::size_t count(std::size_t bytes_each = 1) {
    const std::uint64_t n = varint();
    if (n > left() / bytes_each) return fail();
    return static_cast<std::size_t>(n);
  }

  template <typename T>
  T fixed() {
    T v{};
    if (left() < sizeof(T)) {
      fail();
      return v;
    }
    std::memcpy(&v, at_, sizeof(T));
    at_ += sizeof(T);
    return v;
  }

  std::string_view raw(std::size_t n) {
    if (left() < n) {
      fail();
      return {};
    }
    const std::string_view view(reinterpret_cast<const char*>(at_), n);
    at_ += n;
    return view;
  }
  std::string_view text() { return raw(count()); }

 private:
  std::uint8_t fail() {
    failed_ = true;
    at_ = end_;
    return 0;
  }
  const unsigned char* at_;
  const unsigned char* end_;
  bool failed_ = false;
};

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace nines::storage::chunk
