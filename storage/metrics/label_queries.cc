// Names and values of labels on their way out.
#include <algorithm>
#include <shared_mutex>
#include <utility>

#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {
namespace {

constexpr std::size_t kLookEvery = 4096;  // series, between two looks at a stop flag

bool stopped(const StopFlag* stop) {
  return stop && stop->stop.load(std::memory_order_relaxed);
}
Error was_stopped() {
  return Error(ErrorCode::kUnavailable, "the query was stopped");
}

}  // namespace

// Which slots are meant is found with the store's mutex held, what they say is gathered without:
// appends do not wait for a million texts. Only as many as are asked for are kept meanwhile.
Result<std::vector<std::string>> StoreImpl::collect(std::span<const Matcher> matchers,
                                                    TimeRange range, std::size_t limit,
                                                    const StopFlag* stop,
                                                    const std::function<CollectSome>& some,
                                                    const std::function<CollectOne>& one) const {
  Texts found;
  const auto cut = [&] {
    while (limit != 0 && found.size() > limit) found.erase(std::prev(found.end()));
  };
  if (!deletions()->empty()) {
    NINES_TRY(const auto left, undeleted(matchers, range, stop));
    for (std::size_t i = 0; i < left->size(); ++i) {
      if (i % kLookEvery == 0) {
        if (stopped(stop)) return was_stopped();
        cut();
      }
      one(left->labels(i), found);
    }
  } else {
    std::vector<Live> meant;
    {
      const std::lock_guard lock(mutex_);
      meant = live(matchers, range, stop);
    }
    for (const Live& each : meant) {
      const Layout& layout = *each.version->layout;
      const std::span<const std::uint32_t> slots(each.slots);
      for (std::size_t i = 0; i < slots.size(); i += kLookEvery) {
        if (stopped(stop)) return was_stopped();
        const std::shared_lock lock(layout.mutex);
        some(layout.index, slots.subspan(i, std::min(kLookEvery, slots.size() - i)),
             each.version->labels, found);
        cut();
      }
    }
  }
  if (stopped(stop)) return was_stopped();
  cut();
  std::vector<std::string> out;
  out.reserve(found.size());
  while (!found.empty()) out.push_back(std::move(found.extract(found.begin()).value()));
  return out;
}

Result<std::vector<std::string>> StoreImpl::label_names(std::span<const Matcher> matchers,
                                                        TimeRange range, std::size_t limit,
                                                        const StopFlag* stop) const {
  return collect(
      matchers, range, limit, stop,
      [](const series::SeriesIndex& index, std::span<const std::uint32_t> slots,
         const LabelSet& base, Texts& found) { index.collect_names(slots, base, found); },
      [](const LabelSet& labels, Texts& found) {
        for (const Label& label : labels) found.insert(label.name);
      });
}

Result<std::vector<std::string>> StoreImpl::label_values(const std::string& name,
                                                         std::span<const Matcher> matchers,
                                                         TimeRange range, std::size_t limit,
                                                         const StopFlag* stop) const {
  return collect(
      matchers, range, limit, stop,
      [&name](const series::SeriesIndex& index, std::span<const std::uint32_t> slots,
              const LabelSet& base,
              Texts& found) { index.collect_values(name, slots, base, found); },
      [&name](const LabelSet& labels, Texts& found) {
        if (const std::string_view value = labels.get(name); !value.empty()) found.emplace(value);
      });
}

}  // namespace nines::storage
