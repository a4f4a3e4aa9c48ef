#pragma once
// One HTTP probe: the request, the verdict, the rows.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log/log.h"
#include "base/text/regex.h"
#include "collector/probe/prober.h"
#include "collector/scrape/target_pool.h"
#include "storage/api/appender.h"

namespace nines::collector {

// A probe configuration with its regexes compiled; shared by the targets of a job.
struct ProbePlan {
  explicit ProbePlan(ProbeConfig from);

  ProbeConfig config;
  std::string bad_regex;  // why one of the next is none: each probe then fails, and says so
  std::vector<std::shared_ptr<const Regex>> refuse, want;
};

// What an answer is worth.
struct ProbeVerdict {
  bool success = false;
  bool failed_due_to_regex = false;
  std::string reason;  // when it is no success
};
ProbeVerdict judge(const ProbePlan& plan, const HttpResponse& response);

class ProbeWork final : public TargetWork {
 public:
  ProbeWork(std::shared_ptr<const ProbePlan> plan, std::string url, LabelSet labels,
            std::string group, storage::Appender& appender, const Clock& clock, Log& log);

  std::optional<HttpRequest> request() const override;
  TargetReport work(Timestamp at, Instant began,
                    std::optional<Result<HttpResponse>> answer) override;
  void end(Timestamp at) override;

 private:
  struct Known {
    storage::Slot slot{};
    std::uint64_t turn = 0;  // that wrote it last
    bool live = false;
  };

  void add_response(const HttpResponse& response);
  void add(const char* name, double value, const char* phase = nullptr);
  void mark_vanished();
  void append(Timestamp at);

  const std::shared_ptr<const ProbePlan> plan_;
  const std::string url_;
  const LabelSet labels_;
  const std::string group_;
  storage::Appender& appender_;
  const Clock& clock_;
  Log& log_;
  std::unique_ptr<storage::GroupWriter> writer_;
  std::map<std::pair<std::string_view, std::string_view>, Known> known_;  // by name and phase
  std::vector<storage::Row> rows_;
  std::uint64_t turn_ = 0;
};

}  // namespace nines::collector
