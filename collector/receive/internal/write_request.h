#pragma once
// The messages of remote write, read.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/model/sample.h"
#include "collector/receive/internal/group_table.h"

namespace nines::collector {

enum class WriteVersion : std::uint8_t { kV1, kV2 };

struct WrittenExemplar {
  WrittenLabels labels;
  double value = 0;
  std::int64_t time_ms = 0;
};

// Views point into the message.
struct WrittenSeries {
  WrittenLabels labels;
  std::vector<PushedSample> samples;   // floats and histograms
  std::vector<WrittenExemplar> exemplars;
};

struct WrittenMetadata {
  std::string_view family;
  MetricType type = MetricType::kUnknown;
  std::string_view help, unit;
};

struct WriteRequest {
  std::vector<WrittenSeries> series;
  std::vector<WrittenMetadata> metadata;
  std::vector<std::string> bad;  // parts that could be read but make no sense, and why
};

// kInvalid: the bytes are no such message. `message` must outlive the result.
Result<WriteRequest> read_write_request(std::string_view message, WriteVersion version);

// A snappy block. kLimit when it says, or is, more than `bytes_max`; kInvalid when it is damaged.
Result<std::string> unsnap(std::string_view block, std::size_t bytes_max);

}  // namespace nines::collector
