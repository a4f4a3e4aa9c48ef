#pragma once
// Varints and label sets in the payloads of the logs' frames.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/model/labels.h"

namespace nines::storage::logs {

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

class ByteWriter {
 public:
  void u8(std::uint8_t v) { out_.push_back(std::byte{v}); }
  void varint(std::uint64_t v) {
    while (v >= 0x80) {
      u8(static_cast<std::uint8_t>(v | 0x80));
      v >>= 7;
    }
    u8(static_cast<std::uint8_t>(v));
  }
  void zigzag(std::int64_t v) {
    varint((static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63));
  }
  // The distance between two times: wraps around, so that any two have one.
  void delta(std::int64_t from, std::int64_t to) {
    zigzag(static_cast<std::int64_t>(static_cast<std::uint64_t>(to) -
                                     static_cast<std::uint64_t>(from)));
  }
  void raw(std::span<const std::byte> bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  void text(std::string_view v) {  // with its length
    varint(v.size());
    raw(as_bytes(v));
  }
  void labels(const LabelSet& set) {
    varint(set.size());
    for (const Label& label : set) {
      text(label.name);
      text(label.value);
    }
  }
  std::size_t size() const { return out_.size(); }
  std::span<const std::byte> view() const { return out_; }
  std::vector<std::byte> take() { return std::move(out_); }

 private:
  std::vector<std::byte> out_;
};

// Reads what ByteWriter wrote. Past the end, or at nonsense, everything reads as 0 and ok() is
// false.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> in) : in_(in) {}
  bool ok() const { return ok_; }
  std::size_t left() const { return in_.size(); }

  std::uint8_t u8() {
    if (in_.empty()) return fail();
    const auto v = static_cast<std::uint8_t>(in_.front());
    in_ = in_.subspan(1);
    return v;
  }
  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = u8();
      v |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return ok_ ? v : 0;
    }
    return fail();
  }
  // A number of things of which each takes at least a byte: so a damaged count cannot ask for
  // memory.
  std::size_t count() {
    const std::uint64_t v = varint();
    return v <= left() ? static_cast<std::size_t>(v) : fail();
  }
  std::int64_t zigzag() {
    const std::uint64_t v = varint();
    return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1));
  }
  std::int64_t delta(std::int64_t from) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(from) +
                                     static_cast<std::uint64_t>(zigzag()));
  }
  std::span<const std::byte> raw(std::size_t size) {
    if (size > in_.size()) {
      fail();
      return {};
    }
    const auto bytes = in_.first(size);
    in_ = in_.subspan(size);
    return bytes;
  }
  std::string_view text() { return as_text(raw(count())); }
  LabelSet labels() {
    const std::size_t n = count();
    std::vector<Label> out;
    for (std::size_t i = 0; i < n && ok_; ++i) {
      const std::string_view name = text();
      out.push_back({std::string(name), std::string(text())});
    }
    return ok_ ? LabelSet::from(std::move(out)) : LabelSet();
  }

 private:
  std::uint8_t fail() {
    ok_ = false;
    in_ = {};
    return 0;
  }
  std::span<const std::byte> in_;
  bool ok_ = true;
};

}  // namespace nines::storage::logs
