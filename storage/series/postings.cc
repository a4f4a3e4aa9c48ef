#include "storage/series/postings.h"

#include "base/core/release.h"

#include <bit>

namespace nines::storage::series {
namespace {
constexpr std::size_t kBitmapFrom = 512;  // bytes of runs; less is not worth another form
}

void Postings::set(std::uint32_t number) {
  const std::size_t word = number / 64;
  if (word >= bits_.size()) bits_.resize(word + 1);
  bits_[word] |= std::uint64_t{1} << (number % 64);
}

bool Postings::contains(std::uint32_t number) const {
  const std::size_t word = number / 64;
  return word < bits_.size() && (bits_[word] >> (number % 64) & 1) != 0;
}

void Postings::add(std::uint32_t number) {
  ++count_;
  if (is_bitmap()) return set(number);
  if (length_ != 0 && number == first_ + length_) {
    ++length_;
    return;
  }
  close();
  if (is_bitmap()) return set(number);
  first_ = number;
  length_ = 1;
}

void Postings::close() {
  if (length_ == 0) return;
  chunk::put_varint(closed_, std::uint64_t{first_ - closed_end_} << 1 | (length_ > 1 ? 1 : 0));
  if (length_ > 1) chunk::put_varint(closed_, length_ - 2);
  closed_end_ = first_ + length_;
  if (closed_.size() < kBitmapFrom || closed_.size() <= closed_end_ / 8) return;
  std::vector<std::uint32_t> numbers;
  length_ = 0;  // it is among the closed ones now
  append_to(numbers);
  for (const std::uint32_t number : numbers) set(number);
  release(closed_);
}

void Postings::append_to(std::vector<std::uint32_t>& out) const {
  out.reserve(out.size() + count_);
  for (std::size_t word = 0; word < bits_.size(); ++word) {
    for (std::uint64_t left = bits_[word]; left != 0; left &= left - 1)
      out.push_back(static_cast<std::uint32_t>(word * 64) +
                    static_cast<std::uint32_t>(std::countr_zero(left)));
  }
  if (is_bitmap()) return;
  const auto put = [&](std::uint32_t first, std::uint32_t length) {
    for (std::uint32_t i = 0; i < length; ++i) out.push_back(first + i);
  };
  chunk::ByteReader in(closed_);
  std::uint32_t end = 0;
  while (in.left() > 0) {
    const std::uint64_t head = in.varint();
    const std::uint32_t first = end + static_cast<std::uint32_t>(head >> 1);
    const std::uint32_t length = (head & 1) == 0 ? 1 : static_cast<std::uint32_t>(in.varint()) + 2;
    put(first, length);
    end = first + length;
  }
  put(first_, length_);
}

}  // namespace nines::storage::series
