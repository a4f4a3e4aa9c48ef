#pragma once
// nines's own metrics, in the names and habits of Prometheus client libraries.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nines {

using MetricLabels = std::map<std::string, std::string>;

// A handle stays valid as long as its Telemetry. Thread-safe, wait-free increments.
class Counter {
 public:
  virtual ~Counter() = default;
  virtual void add(double by = 1) = 0;  // by >= 0
  virtual double value() const = 0;
};
class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(double value) = 0;
  virtual void add(double by) = 0;
  virtual double value() const = 0;
};
class Distribution {  // a classic histogram
 public:
  virtual ~Distribution() = default;
  virtual void observe(double value) = 0;
};

// Asking twice for the same name and labels gives the same metric. Thread-safe.
class Telemetry {
 public:
  virtual ~Telemetry() = default;
  virtual Counter& counter(const std::string& name, const std::string& help,
                           const MetricLabels& labels = {}) = 0;
  virtual Gauge& gauge(const std::string& name, const std::string& help,
                       const MetricLabels& labels = {}) = 0;
  // `buckets`: upper bounds, ascending, without +Inf.
  virtual Distribution& distribution(const std::string& name, const std::string& help,
                                     const std::vector<double>& buckets,
                                     const MetricLabels& labels = {}) = 0;
  // Prometheus text 0.0.4 of everything, families in order of name.
  virtual std::string text() const = 0;
};

std::unique_ptr<Telemetry> make_telemetry();

}  // namespace nines
