#pragma once
// The values of a block: a row of doubles that only grows and shrinks at its end.

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

namespace nines::promql {

// std::vector copies all it has whenever it grows, which for large blocks takes longer than a query
// may take to stop, and holds both for that time. realloc() moves large pieces without touching
// them.
class Cells {
 public:
  Cells() = default;
  Cells(Cells&& o) noexcept
      : data_(std::exchange(o.data_, nullptr)),
        size_(std::exchange(o.size_, 0)),
        capacity_(std::exchange(o.capacity_, 0)) {}
  Cells& operator=(Cells&& o) noexcept {
    std::swap(data_, o.data_);
    std::swap(size_, o.size_);
    std::swap(capacity_, o.capacity_);
    return *this;
  }
  Cells(const Cells&) = delete;
  Cells& operator=(const Cells&) = delete;
  ~Cells() { std::free(data_); }

  double* data() { return data_; }
  const double* data() const { return data_; }
  std::size_t size() const { return size_; }
  double& operator[](std::size_t i) { return data_[i]; }
  double operator[](std::size_t i) const { return data_[i]; }

  void append(std::size_t count, double value) {
    if (count > capacity_ - size_) reserve(std::max(size_ + count, capacity_ + capacity_ / 2));
    std::fill_n(data_ + size_, count, value);
    size_ += count;
  }
  void append(const double* values, std::size_t count) {
    if (count > capacity_ - size_) reserve(std::max(size_ + count, capacity_ + capacity_ / 2));
    std::copy_n(values, count, data_ + size_);
    size_ += count;
  }
  void remove(std::size_t count) { size_ -= count; }  // from the end

 private:
  void reserve(std::size_t capacity) {
    void* moved = std::realloc(data_, capacity * sizeof(double));
    if (moved == nullptr) throw std::bad_alloc();
    data_ = static_cast<double*>(moved);
    capacity_ = capacity;
  }

  double* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace nines::promql
