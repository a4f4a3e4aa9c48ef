#pragma once
// What nines says to its operator: one line per event, on stderr, `key=value` after the sentence.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace nines {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

// Thread-safe. Control characters in the text are escaped, lines cut at 4 KiB.
class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view component, std::string_view text) = 0;
  virtual bool wants(LogLevel level) const = 0;

  template <typename... Args>
  void debug(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
    if (wants(LogLevel::kDebug))
      write(LogLevel::kDebug, component, fmt::format(text, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void info(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
    if (wants(LogLevel::kInfo))
      write(LogLevel::kInfo, component, fmt::format(text, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void warn(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
    if (wants(LogLevel::kWarn))
      write(LogLevel::kWarn, component, fmt::format(text, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void error(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
    write(LogLevel::kError, component, fmt::format(text, std::forward<Args>(args)...));
  }
};

// Lines on stderr: `2026-11-23T10:00:00.000Z level=info component=scrape text`.
std::unique_ptr<Log> make_stderr_log(LogLevel least);

// Says nothing: for tests and for commands whose talk nobody wants.
std::unique_ptr<Log> make_null_log();

}  // namespace nines
