#pragma once
// Exemplars: references from a sample to something outside the metrics, such as a trace.

#include <cstddef>
#include <cstdint>

#include "base/model/labels.h"

namespace nines {

struct Exemplar {
  LabelSet labels;
  double value = 0;
  std::int64_t time_ms = 0;
  // It came with this time; otherwise it has that of the sample it stood beside.
  bool own_time = true;
};

// Same labels, bits of the value, and time; exemplars without a time of their own are the same at
// any time.
bool same_exemplar(const Exemplar& a, const Exemplar& b);

// Most characters (code points) of all label names and values of one exemplar together.
// Source: OpenMetrics 1.0 specification, "Exemplars".
inline constexpr std::size_t kExemplarCharactersMax = 128;
std::size_t exemplar_characters(const LabelSet& labels);

}  // namespace nines
