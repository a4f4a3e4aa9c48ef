#include "storage/series/postings.h"

namespace nines::storage::series {

void Postings::add(std::uint32_t number) {
  ++count_;
  if (length_ != 0 && number == first_ + length_) {
    ++length_;
    return;
  }
  close();
  first_ = number;
  length_ = 1;
}

void Postings::close() {
  if (length_ == 0) return;
  chunk::put_varint(closed_, std::uint64_t{first_ - closed_end_} << 1 | (length_ > 1 ? 1 : 0));
  if (length_ > 1) chunk::put_varint(closed_, length_ - 2);
  closed_end_ = first_ + length_;
}

void Postings::append_to(std::vector<std::uint32_t>& out) const {
  out.reserve(out.size() + count_);
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
