#pragma once
// The doors through which log lines come in and go out.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "storage/api/querier.h"

namespace nines::storage {

struct LogLine {
  LogTime at{};
  std::string_view text;  // without the newline; any bytes
};

class LogAppender {
 public:
  virtual ~LogAppender() = default;
  // Lines of one stream, in the order they were read. Visible to queries on return; in the journal,
  // so that killing the process loses nothing. Thread-safe. kLimit: too many streams; kIo.
  virtual Result<void> append(const LabelSet& stream, std::span<const LogLine> lines) = 0;
  // Returns when everything appended before is on disk (for tail checkpoints). kIo.
  virtual Result<void> flush() = 0;
};

enum class LogOrder : std::uint8_t { kNewestFirst, kOldestFirst };

struct LogRange {  // [from, to): Loki's interval
  LogTime from{};
  LogTime to{};
};

struct LogScanStats {
  std::uint64_t blocks = 0, blocks_skipped = 0, lines = 0, bytes = 0;
};

class LogQuerier {
 public:
  virtual ~LogQuerier() = default;
  // Calls `visit(stream, line)` for each line of the matching streams in order of time (ties: order
  // of arrival) until it returns false. Views live during the call only. Thread-safe.
  virtual Result<LogScanStats> scan(
      std::span<const Matcher> matchers, LogRange range, LogOrder order,
      const std::function<bool(const LabelSet& stream, const LogLine& line)>& visit,
      const StopFlag* stop = nullptr) const = 0;
  virtual std::vector<LabelSet> streams(std::span<const Matcher> matchers,
                                        LogRange range) const = 0;
};

}  // namespace nines::storage
