#pragma once
// An Appender that writes down what it is given, batch by batch, and refuses on request.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/core/mutex.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "storage/api/appender.h"

namespace nines::testing {

// Thread-safe. Slots are numbered per group in the order they are asked for.
class RecordingAppender final : public storage::Appender {
 public:
  struct RecordedRow {
    std::string series;  // LabelSet::to_string()
    double value = 0;
    std::int64_t own_time_ms = storage::Row::kBatchTime;
    std::int64_t start_time_ms = 0;
    std::optional<Histogram> histogram = std::nullopt;
  };
  struct RecordedExemplar {
    std::string series;
    Exemplar exemplar;
  };
  struct Batch {
    std::string group;
    Timestamp at{};
    std::vector<RecordedRow> rows;

    // The value of a series in this batch.
    std::optional<double> value(const std::string& series) const {
      for (const RecordedRow& row : rows) {
        if (row.series == series) return row.value;
      }
      return std::nullopt;
    }
    // The start time of a series in this batch.
    std::int64_t start(const std::string& series) const {
      for (const RecordedRow& row : rows) {
        if (row.series == series) return row.start_time_ms;
      }
      return -1;
    }
    bool stale(const std::string& series) const {
      const std::optional<double> v = value(series);
      return v && is_stale_nan(*v);
    }
  };

  Result<std::unique_ptr<storage::GroupWriter>> open_group(
      const storage::GroupSpec& spec) override {
    const std::string& name = spec.name;
    const MutexLock lock(mutex_);
    if (!open_.insert(name).second) {
      return Error(ErrorCode::kInvalid, "group \"" + name + "\" has a writer already");
    }
    if (spec.anew) ++anew_;
    return std::unique_ptr<storage::GroupWriter>(std::make_unique<Writer>(*this, name));
  }
  void set_metadata(const std::string& family, const Metadata& metadata) override {
    const MutexLock lock(mutex_);
    metadata_[family] = metadata;
    ++metadata_calls_;
  }

  // Further series are refused with kLimit once there are that many in a group.
  void set_series_max(std::size_t most) {
    const MutexLock lock(mutex_);
    series_max_ = most;
  }
  // The outcome of the next append says that its group is worn.
  void wear() {
    const MutexLock lock(mutex_);
    worn_ = true;
  }
  // Writers that were asked to begin anew.
  std::size_t begun_anew() const {
    const MutexLock lock(mutex_);
    return anew_;
  }
  std::vector<Batch> batches() const {
    const MutexLock lock(mutex_);
    return batches_;
  }
  Batch last() const {
    const MutexLock lock(mutex_);
    return batches_.empty() ? Batch{} : batches_.back();
  }
  std::map<std::string, Metadata> metadata() const {
    const MutexLock lock(mutex_);
    return metadata_;
  }
  std::vector<RecordedExemplar> exemplars() const {
    const MutexLock lock(mutex_);
    return exemplars_;
  }
  std::size_t metadata_calls() const {
    const MutexLock lock(mutex_);
    return metadata_calls_;
  }
  std::size_t slot_calls() const {
    const MutexLock lock(mutex_);
    return slot_calls_;
  }
  std::size_t open_groups() const {
    const MutexLock lock(mutex_);
    return open_.size();
  }

 private:
  class Writer final : public storage::GroupWriter {
   public:
    Writer(RecordingAppender& owner, std::string name) : owner_(owner), name_(std::move(name)) {}
    ~Writer() override {
      const MutexLock lock(owner_.mutex_);
      owner_.open_.erase(name_);
    }
    Result<storage::Slot> slot(const LabelSet& labels) override {
      const MutexLock lock(owner_.mutex_);
      ++owner_.slot_calls_;
      for (std::size_t i = 0; i < series_.size(); ++i) {
        if (series_[i] == labels) return storage::Slot(i);
      }
      if (series_.size() >= owner_.series_max_) {
        return Error(ErrorCode::kLimit, "too many series: refused " + labels.to_string());
      }
      series_.push_back(labels);
      return storage::Slot(series_.size() - 1);
    }
    Result<storage::AppendOutcome> append(Timestamp at,
                                          std::span<const storage::Row> rows) override {
      Batch batch{name_, at, {}};
      for (const storage::Row& row : rows) {
        batch.rows.push_back({series_.at(static_cast<std::size_t>(row.slot)).to_string(), row.value,
                              row.own_time_ms, row.start_time_ms, std::nullopt});
        if (row.histogram != nullptr) batch.rows.back().histogram = *row.histogram;
      }
      const MutexLock lock(owner_.mutex_);
      owner_.batches_.push_back(std::move(batch));
      storage::AppendOutcome outcome;
      outcome.appended = static_cast<std::uint32_t>(rows.size());
      outcome.worn = std::exchange(owner_.worn_, false);
      return outcome;
    }

    Result<storage::ExemplarOutcome> append_exemplars(
        std::span<const storage::ExemplarRow> rows) override {
      const MutexLock lock(owner_.mutex_);
      for (const storage::ExemplarRow& row : rows) {
        owner_.exemplars_.push_back(
            {series_.at(static_cast<std::size_t>(row.slot)).to_string(), row.exemplar});
      }
      storage::ExemplarOutcome outcome;
      outcome.appended = static_cast<std::uint32_t>(rows.size());
      return outcome;
    }

   private:
    RecordingAppender& owner_;
    const std::string name_;
    std::vector<LabelSet> series_;
  };

  mutable Mutex mutex_;
  bool worn_ NINES_GUARDED_BY(mutex_) = false;
  std::size_t anew_ NINES_GUARDED_BY(mutex_) = 0;
  std::size_t series_max_ NINES_GUARDED_BY(mutex_) = SIZE_MAX;
  std::vector<Batch> batches_ NINES_GUARDED_BY(mutex_);
  std::vector<RecordedExemplar> exemplars_ NINES_GUARDED_BY(mutex_);
  std::set<std::string> open_ NINES_GUARDED_BY(mutex_);
  std::map<std::string, Metadata> metadata_ NINES_GUARDED_BY(mutex_);
  std::size_t metadata_calls_ NINES_GUARDED_BY(mutex_) = 0;
  std::size_t slot_calls_ NINES_GUARDED_BY(mutex_) = 0;
};

}  // namespace nines::testing
