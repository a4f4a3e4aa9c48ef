#pragma once
// One target's turns: the probe, the rows.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log/log.h"
#include "collector/probe/prober.h"
#include "collector/probe/run_probe.h"
#include "collector/scrape/target_pool.h"
#include "storage/api/appender.h"

namespace nines::collector {

class ProbeWork final : public TargetWork {
 public:
  // `config` has its definition. `stop` ends a probe under way.
  ProbeWork(std::shared_ptr<const ProbeConfig> config, std::string target, LabelSet labels,
            std::string group, storage::Appender& appender, ProbeTools tools,
            const StopSignal& stop, Log& log);

  // Nothing: a probe is more than one request, and waits on the executor.
  std::optional<HttpRequest> request() const override { return std::nullopt; }
  TargetReport work(Timestamp at, Instant began,
                    std::optional<Result<HttpResponse>> answer) override;
  void end(Timestamp at) override;

 private:
  using Key = std::pair<std::string, SampleLabels>;
  struct Known {
    storage::Slot slot{};
    std::uint64_t turn = 0;  // that wrote it last
    bool live = false;
  };

  void add(const ProbeSample& sample);
  void mark_vanished();
  void append(Timestamp at);

  const std::shared_ptr<const ProbeConfig> config_;
  const std::string target_;
  const LabelSet labels_;
  const std::string group_;
  storage::Appender& appender_;
  const ProbeTools tools_;
  const StopSignal& stop_;
  Log& log_;
  std::unique_ptr<storage::GroupWriter> writer_;
  std::map<Key, Known> known_;  // by name and own labels
  std::vector<storage::Row> rows_;
  std::uint64_t turn_ = 0;
};

}  // namespace nines::collector
