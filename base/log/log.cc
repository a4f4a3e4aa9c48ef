#include "base/log/log.h"

#include <memory>
#include <utility>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/log/internal/line.h"

namespace nines {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

class StderrLog final : public Log {
 public:
  explicit StderrLog(LogLevel least)
      : least_(least), logger_("nines", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_level(to_spdlog(least));
    logger_.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc, "\n"));
    // A closed or full stderr must not take the program down, nor talk about itself.
    logger_.set_error_handler([](const std::string&) {});
  }
  void write(LogLevel level, std::string_view component, std::string_view text) override {
    if (!wants(level)) return;
    const std::string line = log_line(level, component, text);
    logger_.log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
  }
  bool wants(LogLevel level) const override { return level >= least_; }

 private:
  const LogLevel least_;
  spdlog::logger logger_;
};

class NullLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::string_view) override {}
  bool wants(LogLevel) const override { return false; }
};

}  // namespace

std::unique_ptr<Log> make_stderr_log(LogLevel least) {
  return std::make_unique<StderrLog>(least);
}
std::unique_ptr<Log> make_null_log() {
  return std::make_unique<NullLog>();
}

}  // namespace nines
