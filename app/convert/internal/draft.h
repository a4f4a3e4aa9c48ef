#pragma once
// One SLO on its way from YAML to TOML.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "app/convert/convert.h"
#include "app/convert/internal/source.h"
#include "rules/slo/config.h"

namespace nines::convert {

struct DraftIndicator {
  enum class Kind : std::uint8_t { kNone, kRatio, kRaw, kThreshold, kBoolean, kLatencyNative };
  Kind kind = Kind::kNone;
  bool counter = true;
  bool raw_is_bad = false;       // raw: shares of bad events
  std::string good, bad, total;  // ratio
  std::string metric;            // the others
  std::string op;                // threshold: lt lte gt gte eq ne
  double value = 0;              // threshold
};

struct DraftTexts {
  bool disabled = false;
  std::map<std::string, std::string> labels, annotations;
};

struct Draft {
  YAML::Mark mark;  // where it stands
  std::string name, service, description;
  std::map<std::string, std::string> labels;
  std::string budgeting = "Occurrences";
  std::string window = "30d";
  bool calendar = false;
  std::string start_time, time_zone;  // calendar
  double target_percent = 0;
  double slice_target = 0;   // 0: none
  std::string slice_window;  // empty: the default
  DraftIndicator indicator;
  std::vector<std::pair<std::size_t, double>> members;  // of a composite: other drafts, and weights
  std::vector<std::string> group_by;
  std::string preset = "google-30d";     // empty: `windows`
  std::vector<slo::BurnWindow> windows;  // what the alerts look at, also with a preset
  std::string alert_name;
  DraftTexts all, page, ticket;
  std::string problem;  // why it cannot be counted; empty: it can
};

// Drops burn rates that the target can never exceed, with a note.
void drop_unreachable(Draft& draft, Source& source);

// Writes the drafts: names are made unique, those with a problem, or that `check` refuses, become a
// comment and a note.
Converted write_all(std::vector<Draft> drafts, Source& source, const Check& check);

// kInvalid when the source has mistakes.
Result<Converted> finish(std::vector<Draft> drafts, Source& source, const Check& check);

std::string toml_string(std::string_view text);

}  // namespace nines::convert
