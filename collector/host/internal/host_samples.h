#pragma once
// Where the host's collectors put their samples: names and labels in, rows out.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/text/text.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct HostFamily {
  std::string_view name;
  MetricType type;
  std::string_view help;
};
using HostTag = std::pair<std::string_view, std::string_view>;  // label name and value

// One thread. A series that was added before costs one hash lookup and no allocation.
class HostSamples {
 public:
  HostSamples(storage::Appender& appender, std::unique_ptr<storage::GroupWriter> writer,
              LabelSet labels);

  void begin(Timestamp at);
  void add(const HostFamily& family, double value) { add(family, {}, value); }
  void add(const HostFamily& family, std::initializer_list<HostTag> tags, double value) {
    add(family, std::span<const HostTag>(tags.begin(), tags.size()), value);
  }
  void add(const HostFamily& family, std::span<const HostTag> tags, double value);
  // A series by its text, name{a="b"}; its own job and instance become exported_job and
  // exported_instance. kInvalid: the text is none.
  Result<void> add_text(std::string_view series, double value);
  void describe(std::string_view family, MetricType type, std::string_view help);
  // What went wrong with a part, for the status.
  void note(std::string text) { notes_.push_back(std::move(text)); }
  std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }
  // Appends what was added since begin(), and staleness markers for series that were there last
  // time.
  Result<void> commit();

  Timestamp at() const { return at_; }
  std::size_t size() const { return rows_.size(); }

 private:
  struct Known {
    storage::Slot slot{};
    std::uint64_t turn = 0;  // that wrote it last
    bool live = false;
    bool refused = false;  // the store's series limit
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return static_cast<std::size_t>(hash64(text));
    }
  };

  Known make(const HostFamily& family, std::span<const HostTag> tags);
  Known make(const LabelSet& labels);
  void put(Known& known, double value);

  storage::Appender& appender_;
  const std::unique_ptr<storage::GroupWriter> writer_;
  const LabelSet labels_;
  std::unordered_map<std::string, Known, Hash, std::equal_to<>> known_;  // by name and label values
  std::vector<std::uint64_t> slot_turns_;  // by slot: two keys may mean one series
  std::vector<storage::Row> rows_;
  std::string key_;
  std::vector<std::string> notes_;
  Timestamp at_{};
  std::uint64_t turn_ = 0;
};

}  // namespace nines::collector
