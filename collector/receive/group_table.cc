#include "collector/receive/internal/group_table.h"

#include <algorithm>
#include <map>

#include "base/text/text.h"

namespace nines::collector {
namespace {

void append_batch(storage::GroupWriter& writer, std::int64_t time_ms,
                  const std::vector<storage::Row>& rows, PushOutcome& outcome) {
  const Result<storage::AppendOutcome> done = writer.append(from_millis(time_ms), rows);
  if (!done) {
    outcome.again = true;
    outcome.refuse(rows.size(), done.error().what());
    return;
  }
  const auto refuse = [&](std::uint32_t count, const char* why) {
    if (count != 0) outcome.refuse(count, std::to_string(count) + " samples " + why);
  };
  refuse(done->out_of_order, "are older than the out-of-order window");
  refuse(done->conflicts, "have another value than the one stored for their time");
  refuse(done->too_far_ahead, "are too far in the future");
  // A repeated sample counts as written: that is what its sender wants to know.
  const bool all = done->appended + done->duplicates == rows.size();
  std::uint64_t histograms = 0;
  for (const storage::Row& row : rows) histograms += row.histogram != nullptr ? 1 : 0;
  const std::uint64_t taken = std::uint64_t{done->appended} + done->duplicates;
  const std::uint64_t taken_histograms = all ? histograms : std::min(histograms, taken);
  outcome.histograms += taken_histograms;
  outcome.samples += taken - taken_histograms;
}

// Exemplars that are late or too long are counted by the store and, as in Prometheus, are no
// reason to refuse a message.
void append_exemplars(storage::GroupWriter& writer, std::vector<storage::ExemplarRow>& rows,
                      PushOutcome& outcome) {
  if (rows.empty()) return;
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.exemplar.time_ms < b.exemplar.time_ms;
  });
  const Result<storage::ExemplarOutcome> done = writer.append_exemplars(rows);
  if (!done) {
    outcome.again = true;
    outcome.refuse(rows.size(), done.error().what());
    return;
  }
  outcome.exemplars += std::uint64_t{done->appended} + done->duplicates;
}

}  // namespace

Result<LabelSet> checked_labels(const WrittenLabels& written, std::string_view what,
                                const GroupLimits& limits) {
  std::vector<Label> labels;
  labels.reserve(written.size());
  const auto invalid = [](std::string why) { return Error(ErrorCode::kInvalid, std::move(why)); };
  if (written.size() > limits.labels_max) {
    return invalid(std::string(what) + " has more than " + std::to_string(limits.labels_max) +
                   " labels");
  }
  for (const auto& [name, value] : written) {
    if (name.size() > limits.label_bytes_max || value.size() > limits.label_bytes_max) {
      return invalid("label " + quote_go(name.substr(0, 100)) + " is longer than " +
                     std::to_string(limits.label_bytes_max) + " bytes");
    }
    if (name.empty() || !is_valid_utf8(name) || !is_valid_utf8(value)) {
      return invalid("label " + quote_go(name) + " is empty or not valid UTF-8");
    }
    labels.push_back({std::string(name), std::string(value)});
  }
  std::sort(labels.begin(), labels.end());
  const auto twice =
      std::adjacent_find(labels.begin(), labels.end(),
                         [](const Label& a, const Label& b) { return a.name == b.name; });
  if (twice != labels.end()) return invalid("label " + quote_go(twice->name) + " stands twice");
  return LabelSet::from(std::move(labels));
}

Result<std::shared_ptr<GroupTable::Group>> GroupTable::group_of(const LabelSet& labels) {
  const std::string job(labels.get("job"));
  const std::string instance(labels.get("instance"));
  std::string name = prefix_ + job + "/" + instance;
  const MutexLock lock(mutex_);
  if (const auto known = groups_.find(name); known != groups_.end()) return known->second;
  if (groups_.size() >= limits_.groups_max) close_idle();
  if (groups_.size() >= limits_.groups_max) {
    return Error(ErrorCode::kLimit, "more than " + std::to_string(limits_.groups_max) +
                                        " pairs of job and instance are sent (max_groups)");
  }
  NINES_TRY(std::unique_ptr<storage::GroupWriter> writer,
            appender_.open_group(
                {name, LabelSet{{"job", job}, {"instance", instance}}, prefix_ + job}));
  auto group = std::make_shared<Group>();
  {
    const MutexLock inner(group->mutex);
    group->writer = std::move(writer);
  }
  groups_.emplace(std::move(name), group);
  return group;
}

void GroupTable::close_idle() {
  const Instant now = clock_.elapsed();
  std::erase_if(groups_, [&](const auto& entry) {
    if (entry.second.use_count() > 1) return false;  // in a request's hands
    const MutexLock lock(entry.second->mutex);
    return now - entry.second->used > limits_.idle_max;
  });
}

void GroupTable::write_group(Group& group, const SeriesList& series, PushOutcome& outcome) {
  const MutexLock lock(group.mutex);
  group.used = clock_.elapsed();
  std::map<std::int64_t, std::vector<storage::Row>> batches;
  std::vector<storage::ExemplarRow> exemplars;
  for (const PushedSeries* one : series) {
    auto slot = group.slots.find(one->labels);
    if (slot == group.slots.end()) {
      const Result<storage::Slot> made = group.writer->slot(one->labels);
      if (!made) {
        outcome.refuse(one->samples.size(), made.error().what());
        continue;
      }
      slot = group.slots.emplace(one->labels, *made).first;
    }
    for (const PushedSample& sample : one->samples) {
      storage::Row row;
      row.slot = slot->second;
      row.value = sample.value;
      row.histogram = sample.histogram.get();
      row.start_time_ms = sample.start_ms;
      batches[sample.time_ms].push_back(row);
    }
    for (const Exemplar& exemplar : one->exemplars) exemplars.push_back({slot->second, exemplar});
  }
  for (const auto& [time_ms, rows] : batches) append_batch(*group.writer, time_ms, rows, outcome);
  append_exemplars(*group.writer, exemplars, outcome);
}

void GroupTable::write(std::vector<PushedSeries> series, PushOutcome& outcome) {
  std::map<std::shared_ptr<Group>, SeriesList> by_group;
  for (const PushedSeries& one : series) {
    if (one.samples.empty() && one.exemplars.empty()) continue;
    Result<std::shared_ptr<Group>> group = group_of(one.labels);
    if (!group) {
      outcome.refuse(one.samples.size(), group.error().what());
      continue;
    }
    by_group[*std::move(group)].push_back(&one);
  }
  for (const auto& [group, list] : by_group) write_group(*group, list, outcome);
}

}  // namespace nines::collector
