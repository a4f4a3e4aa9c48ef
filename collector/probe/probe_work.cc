#include "collector/probe/internal/probe_work.h"

#include <utility>

namespace nines::collector {
namespace {

constexpr const char* kComponent = "probe";
constexpr std::size_t kKnownMax = 1000;  // series of one target; a regex group may name endless ones

}  // namespace

ProbeWork::ProbeWork(std::shared_ptr<const ProbeConfig> config, std::string target,
                     LabelSet labels, std::string group, storage::Appender& appender,
                     ProbeTools tools, const StopSignal& stop, Log& log)
    : config_(std::move(config)),
      target_(std::move(target)),
      labels_(std::move(labels)),
      group_(std::move(group)),
      appender_(appender),
      tools_(tools),
      stop_(stop),
      log_(log) {}

TargetReport ProbeWork::work(Timestamp at, Instant, std::optional<Result<HttpResponse>>) {
  TargetReport report;
  if (!writer_) {
    Result<std::unique_ptr<storage::GroupWriter>> opened =
        appender_.open_group({group_, labels_, "probe"});
    if (!opened) {
      report.error = "store: " + opened.error().what();
      return report;
    }
    writer_ = *std::move(opened);
  }
  const ProbeResult result = run_probe(*config_->definition, target_, "", config_->scrape_timeout,
                                       tools_, &stop_);
  if (stop_.raised()) return report;  // cut off by us, which says nothing about the target
  ++turn_;
  rows_.clear();
  // The probe itself took place; whether it went well is probe_success.
  add({"up", {}, 1});
  for (const ProbeSample& sample : result.samples()) add(sample);
  report.samples = rows_.size();
  mark_vanished();
  append(at);
  report.up = result.success;
  report.error = result.reason();
  return report;
}

void ProbeWork::add(const ProbeSample& sample) {
  auto known = known_.find({sample.name, sample.labels});
  if (known == known_.end()) {
    LabelSet labels = labels_.with(kMetricName, sample.name);
    for (const auto& [name, value] : sample.labels) labels = labels.with(name, value);
    const Result<storage::Slot> slot =
        known_.size() < kKnownMax
            ? writer_->slot(labels)
            : Error(ErrorCode::kLimit, "a target has more than " + std::to_string(kKnownMax) +
                                           " series");
    if (!slot) {
      log_.warn(kComponent, "no room for {} target={} error=\"{}\"", sample.name, target_,
                slot.error().what());
      return;
    }
    known = known_.emplace(Key(sample.name, sample.labels), Known{*slot, 0, false}).first;
  }
  known->second.turn = turn_;
  known->second.live = true;
  storage::Row row;
  row.slot = known->second.slot;
  row.value = sample.value;
  rows_.push_back(row);
}

void ProbeWork::mark_vanished() {
  for (auto& [key, known] : known_) {
    if (!known.live || known.turn == turn_) continue;
    known.live = false;
    storage::Row row;
    row.slot = known.slot;
    row.value = stale_nan();
    rows_.push_back(row);
  }
}

void ProbeWork::append(Timestamp at) {
  const Result<storage::AppendOutcome> outcome = writer_->append(at, rows_);
  if (!outcome) {
    log_.error(kComponent, "write target={} error=\"{}\"", target_, outcome.error().what());
  }
}

void ProbeWork::end(Timestamp at) {
  if (!writer_) return;
  ++turn_;
  rows_.clear();
  mark_vanished();
  append(at);
  writer_.reset();
}

}  // namespace nines::collector
