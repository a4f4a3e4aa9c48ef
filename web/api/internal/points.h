#pragma once
// Points of a series as text: where the time of a large answer goes, so that nothing is allocated
// for them one by one.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/sample.h"

namespace nines::web {

// Seconds with no or exactly three decimals, as Prometheus writes the times of samples.
void append_seconds(std::string& out, std::int64_t ms);
// As api_number() writes it.
void append_number(std::string& out, double value);

// The texts of the times of one series, which are those of the next ones too.
class TimeTexts {
 public:
  // Room for any time and what is around it, and a byte to start later.
  static constexpr std::size_t kMost = 32;
  struct Text {
    std::int64_t ms = 0;
    std::size_t size = 0;
    std::array<char, kMost + 1> bytes{};  // ,[1700000000.500,"
  };
  // Before the times of a series, which ascend.
  void begin(const SampleColumns& samples);
  // Valid until the next call.
  const Text& of(std::int64_t ms);

 private:
  static Text make(std::int64_t ms);

  std::vector<Text> known_;  // ascending
  std::size_t next_ = 0;
  Text other_;  // of a time that is not among them
};

// [[1700000000.500,"1.5"],...] of the floats among the samples.
void append_floats(std::string& out, const SampleColumns& samples, TimeTexts& times);

}  // namespace nines::web
