#pragma once
// Where the host's collectors put their samples: names and labels in, rows out.

#include <cstdint>
#include <initializer_list>
#include <memory>
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
  void add(const HostFamily& family, std::initializer_list<HostTag> tags, double value);
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

  Known make(const HostFamily& family, std::initializer_list<HostTag> tags);

  storage::Appender& appender_;
  const std::unique_ptr<storage::GroupWriter> writer_;
  const LabelSet labels_;
  std::unordered_map<std::string, Known, Hash, std::equal_to<>> known_;  // by name and label values
  std::vector<storage::Row> rows_;
  std::string key_;
  Timestamp at_{};
  std::uint64_t turn_ = 0;
};

}  // namespace nines::collector
