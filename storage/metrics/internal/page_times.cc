#include "storage/metrics/internal/page_times.h"

#include <algorithm>

namespace nines::storage {
namespace {

// Damaged pages may say anything: numbers wrap, and come back the same.
std::uint64_t between(std::int64_t from, std::int64_t to) {
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}

}  // namespace

PageTimes::PageTimes(std::span<const std::int64_t> times)
    : count_(static_cast<std::uint32_t>(times.size())) {
  if (times.empty()) return;
  first_ = times.front();
  if (times.size() > 1) step_ = between(first_, times[1]);
  const bool regular =
      std::adjacent_find(times.begin(), times.end(), [this](std::int64_t a, std::int64_t b) {
        return between(a, b) != step_;
      }) == times.end();
  if (regular) return;
  wide_ = std::any_of(times.begin(), times.end(),
                      [this](std::int64_t t) { return between(first_, t) > UINT32_MAX; });
  words_.reserve(times.size() * (wide_ ? 2 : 1));
  for (const std::int64_t t : times) {
    const std::uint64_t offset = between(first_, t);
    words_.push_back(static_cast<std::uint32_t>(offset));
    if (wide_) words_.push_back(static_cast<std::uint32_t>(offset >> 32));
  }
}

void PageTimes::append_to(std::vector<std::int64_t>& out) const {
  const std::size_t begin = out.size();
  out.resize(begin + count_);
  std::int64_t* const to = out.data() + begin;
  const auto first = static_cast<std::uint64_t>(first_);
  if (words_.empty()) {
    for (std::size_t i = 0; i < count_; ++i) to[i] = static_cast<std::int64_t>(first + i * step_);
  } else if (!wide_) {
    for (std::size_t i = 0; i < count_; ++i) to[i] = static_cast<std::int64_t>(first + words_[i]);
  } else {
    for (std::size_t i = 0; i < count_; ++i) {
      const std::uint64_t offset = std::uint64_t{words_[2 * i + 1]} << 32 | words_[2 * i];
      to[i] = static_cast<std::int64_t>(first + offset);
    }
  }
}

}  // namespace nines::storage
