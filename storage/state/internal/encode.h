#pragma once
// Label sets, matchers and fingerprints as the text of a column.

#include <cstdint>
#include <string>
#include <vector>

#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"

namespace nines::storage::state {

std::string encode_labels(const LabelSet& labels);                      // {"a":"b"}
Result<LabelSet> decode_labels(const std::string& text);                // kCorrupt
std::string encode_matchers(const std::vector<Matcher>& matchers);      // [["a","=~","b|c"]]
Result<std::vector<Matcher>> decode_matchers(const std::string& text);  // kCorrupt
// 16 hex digits each, one after the other: JSON numbers would lose their low bits.
std::string encode_fingerprints(const std::vector<std::uint64_t>& values);
Result<std::vector<std::uint64_t>> decode_fingerprints(const std::string& text);  // kCorrupt

}  // namespace nines::storage::state
