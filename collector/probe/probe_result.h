#pragma once
// What one probe found: samples under blackbox_exporter's names, and the story of how it went.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nines::collector {

using SampleLabels = std::vector<std::pair<std::string, std::string>>;  // in order of name

struct ProbeSample {
  std::string name;
  SampleLabels labels;
  double value = 0;
};

class ProbeResult {
 public:
  bool success = false;

  void set(std::string_view name, double value, SampleLabels labels = {});
  void add(std::string_view name, double value, SampleLabels labels = {});  // to what is there
  void info(std::string text) { log_.push_back("level=info msg=" + std::move(text)); }
  // The first reason is the probe's.
  void fail(std::string reason);

  const std::vector<ProbeSample>& samples() const { return samples_; }
  const std::string& reason() const { return reason_; }  // why it is no success
  const std::vector<std::string>& log() const { return log_; }
  // nullptr when there is none.
  const ProbeSample* find(std::string_view name, const SampleLabels& labels = {}) const;

 private:
  ProbeSample& place(std::string_view name, SampleLabels labels);

  std::vector<ProbeSample> samples_;
  std::string reason_;
  std::vector<std::string> log_;
};

// Prometheus's text format, sorted by name.
std::string to_exposition(const ProbeResult& result);

}  // namespace nines::collector
