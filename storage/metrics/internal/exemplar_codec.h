#pragma once
// EXEMPLARS frames, the same in journal and pages. Layout: docs/formats/metrics-ring.md.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/model/exemplar.h"
#include "base/model/labels.h"

namespace nines::storage {

struct StoredExemplar {
  LabelSet series;
  Exemplar exemplar;
};

struct ExemplarFrame {
  // On the raw ring: of the last journal frame whose exemplars are in it or in frames before it. In
  // the journal: 0.
  std::uint64_t covered = 0;
  std::vector<StoredExemplar> exemplars;  // in the order they came
};

std::string encode_exemplars(std::uint64_t covered, std::span<const StoredExemplar> exemplars);
Result<ExemplarFrame> decode_exemplars(std::string_view payload);  // kCorrupt

}  // namespace nines::storage
