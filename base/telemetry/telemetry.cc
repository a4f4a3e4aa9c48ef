#include "base/telemetry/telemetry.h"

#include <algorithm>
#include <cassert>
#include <exception>
#include <mutex>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/core/mutex.h"
#include "base/telemetry/forget.h"

namespace nines {
namespace {

class CounterHandle final : public Counter {
 public:
  explicit CounterHandle(prometheus::Counter& counter) : counter_(counter) {}
  void add(double by) override { counter_.Increment(by); }
  double value() const override { return counter_.Value(); }
  prometheus::Counter* metric() { return &counter_; }

 private:
  prometheus::Counter& counter_;
};

class GaugeHandle final : public Gauge {
 public:
  explicit GaugeHandle(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void set(double value) override { gauge_.Set(value); }
  void add(double by) override { gauge_.Increment(by); }
  double value() const override { return gauge_.Value(); }
  prometheus::Gauge* metric() { return &gauge_; }

 private:
  prometheus::Gauge& gauge_;
};

class DistributionHandle final : public Distribution {
 public:
  explicit DistributionHandle(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void observe(double value) override { histogram_.Observe(value); }
  prometheus::Histogram* metric() { return &histogram_; }

 private:
  prometheus::Histogram& histogram_;
};

// One kind of metric: its families by name, its handles by name and labels.
template <typename Metric, typename Handle>
class Kind {
 public:
  template <typename Build, typename... Args>
  Handle& get(prometheus::Registry& registry, prometheus::Registry& strays, const Build& build,
              const std::string& name, const std::string& help, const MetricLabels& labels,
              const Args&... args) {
    std::unique_ptr<Handle>& handle = handles_[{name, labels}];
    if (handle) return *handle;
    try {
      prometheus::Family<Metric>*& family = families_[name];
      if (family == nullptr) family = &build().Name(name).Help(help).Register(registry);
      handle = std::make_unique<Handle>(family->Add(labels, args...));
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception&) {
      // A bad name, or one taken by another kind: a slip of ours. It counts where nobody looks
      // rather than end the program.
      assert(false && "metric name or label is not valid, or of another kind");
      const std::string stray = "stray_" + std::to_string(handles_.size());
      handle = std::make_unique<Handle>(build().Name(stray).Register(strays).Add({}, args...));
    }
    return *handle;
  }

  void forget(const std::string& label, const std::string& value) {
    for (auto it = handles_.begin(); it != handles_.end();) {
      const auto found = it->first.second.find(label);
      const auto family = families_.find(it->first.first);
      if (found == it->first.second.end() || found->second != value || family == families_.end()) {
        ++it;
        continue;
      }
      family->second->Remove(it->second->metric());
      it = handles_.erase(it);
    }
  }

 private:
  std::map<std::string, prometheus::Family<Metric>*> families_;
  std::map<std::pair<std::string, MetricLabels>, std::unique_ptr<Handle>> handles_;
};

class PrometheusTelemetry final : public Telemetry {
 public:
  Counter& counter(const std::string& name, const std::string& help,
                   const MetricLabels& labels) override {
    const MutexLock lock(mutex_);
    return counters_.get(
        registry_, strays_, [] { return prometheus::BuildCounter(); }, name, help, labels);
  }
  Gauge& gauge(const std::string& name, const std::string& help,
               const MetricLabels& labels) override {
    const MutexLock lock(mutex_);
    return gauges_.get(
        registry_, strays_, [] { return prometheus::BuildGauge(); }, name, help, labels);
  }
  Distribution& distribution(const std::string& name, const std::string& help,
                             const std::vector<double>& buckets,
                             const MetricLabels& labels) override {
    const MutexLock lock(mutex_);
    return distributions_.get(
        registry_, strays_, [] { return prometheus::BuildHistogram(); }, name, help, labels,
        prometheus::Histogram::BucketBoundaries(buckets.begin(), buckets.end()));
  }

  void forget(const std::string& label, const std::string& value) {
    const MutexLock lock(mutex_);
    counters_.forget(label, value);
    gauges_.forget(label, value);
    distributions_.forget(label, value);
  }

  std::string text() const override {
    std::vector<prometheus::MetricFamily> families = registry_.Collect();
    std::sort(families.begin(), families.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return prometheus::TextSerializer().Serialize(families);
  }

 private:
  Mutex mutex_;
  prometheus::Registry registry_;
  prometheus::Registry strays_;  // never shown
  Kind<prometheus::Counter, CounterHandle> counters_ NINES_GUARDED_BY(mutex_);
  Kind<prometheus::Gauge, GaugeHandle> gauges_ NINES_GUARDED_BY(mutex_);
  Kind<prometheus::Histogram, DistributionHandle> distributions_ NINES_GUARDED_BY(mutex_);
};

}  // namespace

void forget_metrics(Telemetry& telemetry, const std::string& label, const std::string& value) {
  // There is no other kind.
  if (auto* ours = dynamic_cast<PrometheusTelemetry*>(&telemetry)) ours->forget(label, value);
}

std::unique_ptr<Telemetry> make_telemetry() {
  return std::make_unique<PrometheusTelemetry>();
}

}  // namespace nines
