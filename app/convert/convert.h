#pragma once
// SLO definitions of Sloth, Pyrra and OpenSLO as TOML for nines.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"

namespace nines::convert {

struct Converted {
  std::string toml;
  std::vector<std::string> notes;  // `file:line:col: message`, what was left out or changed
  std::size_t slos = 0;            // written
  std::size_t left_out = 0;  // could not be expressed; each has a note that begins "not converted"
};

// Whether nines takes one [[slos]] table; the problem, empty when it does.
using Check = std::function<std::string(const std::string& toml)>;

// kInvalid: mistakes in the file, each on a line `file:line:col: message` with what to write
// instead.
//
// Sloth's prometheus/v1 and its Kubernetes kind PrometheusServiceLevel (sloth.slok.dev/v1).
// Source: sloth.dev/specs/default, pkg.go.dev/github.com/slok/sloth/pkg/prometheus/api/v1.
Result<Converted> convert_sloth(const std::string& file, std::string_view text, const Check& check);
// ServiceLevelObjective (pyrra.dev/v1alpha1). Source: github.com/pyrra-dev/pyrra, its CRD.
Result<Converted> convert_pyrra(const std::string& file, std::string_view text, const Check& check);
// openslo/v1: SLO, with the SLI, AlertPolicy and AlertCondition it names in the same file.
// Source: github.com/OpenSLO/OpenSLO, README.
Result<Converted> convert_openslo(const std::string& file, std::string_view text,
                                  const Check& check);

}  // namespace nines::convert
