#include "base/model/labels.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#define XXH_INLINE_ALL  // hashing a label set is on the path of every scraped sample
#include <xxhash.h>

#include "base/text/text.h"

namespace nines {
namespace {

constexpr char kSeparator = '\xFF';  // no byte of UTF-8, so no name or value can hold it

// One pass over contiguous bytes is faster than feeding the hash piece by piece; nearly every label
// set fits the stack.
std::uint64_t hash_labels(std::span<const Label> labels) {
  std::size_t size = 0;
  for (const Label& label : labels) size += label.name.size() + label.value.size() + 2;
  std::array<char, 1024> small;
  std::string large;
  if (size > small.size()) large.resize(size);
  char* const begin = size > small.size() ? large.data() : small.data();
  char* out = begin;
  const auto put = [&out](const std::string& text) {
    std::memcpy(out, text.data(), text.size());
    out += text.size();
    *out++ = kSeparator;
  };
  for (const Label& label : labels) {
    put(label.name);
    put(label.value);
  }
  return XXH3_64bits(begin, size);
}

bool name_less(const Label& label, std::string_view name) {
  return label.name < name;
}

bool is_name(std::string_view name, bool with_colon) {
  const auto is_letter = [with_colon](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (with_colon && c == ':');
  };
  const auto is_letter_or_digit = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), is_letter_or_digit);
}

bool contains(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Sets are small, and copying labels is what takes time: they are counted first.
template <typename Keep>
std::size_t count(std::span<const Label> labels, Keep keep) {
  return static_cast<std::size_t>(std::count_if(labels.begin(), labels.end(), keep));
}
template <typename Keep>
std::vector<Label> some(std::span<const Label> labels, std::size_t kept, Keep keep) {
  std::vector<Label> out;
  out.reserve(kept);
  std::copy_if(labels.begin(), labels.end(), std::back_inserter(out), keep);
  return out;
}

}  // namespace

LabelSet::LabelSet(std::vector<Label> sorted_unique, int) {
  if (sorted_unique.empty()) return;
  auto rep = std::make_shared<Rep>();
  rep->hash = hash_labels(sorted_unique);
  rep->labels = std::move(sorted_unique);
  rep_ = std::move(rep);
}

LabelSet::LabelSet(std::initializer_list<Label> labels)
    : LabelSet(from(std::vector<Label>(labels))) {}

LabelSet LabelSet::from(std::vector<Label> labels) {
  // Exposed labels mostly come sorted and clean; then there is nothing to do but to check.
  const auto out_of_place = [](const Label& a, const Label& b) { return a.name >= b.name; };
  if (std::adjacent_find(labels.begin(), labels.end(), out_of_place) != labels.end()) {
    std::stable_sort(labels.begin(), labels.end(),
                     [](const Label& a, const Label& b) { return a.name < b.name; });
    // The last of equal names wins: seen from the back, it is the first.
    const auto kept = std::unique(labels.rbegin(), labels.rend(),
                                  [](const Label& a, const Label& b) { return a.name == b.name; });
    labels.erase(labels.begin(), kept.base());
  }
  std::erase_if(labels, [](const Label& label) { return label.value.empty(); });
  return LabelSet(std::move(labels), 0);
}

std::span<const Label> LabelSet::labels() const {
  return rep_ ? std::span<const Label>(rep_->labels) : std::span<const Label>();
}

std::string_view LabelSet::get(std::string_view name) const {
  // Sets are small: a scan that stops early beats a search by halves.
  for (const Label& label : labels()) {
    if (label.name < name) continue;
    return label.name == name ? std::string_view(label.value) : std::string_view();
  }
  return {};
}

bool LabelSet::has(std::string_view name) const {
  return !get(name).empty();
}

LabelSet LabelSet::with(std::string_view name, std::string_view value) const {
  if (get(name) == value) return *this;
  if (value.empty()) return without(name);
  std::vector<Label> changed(begin(), end());
  const auto at = std::lower_bound(changed.begin(), changed.end(), name, name_less);
  if (at != changed.end() && at->name == name) {
    at->value = value;
  } else {
    changed.insert(at, Label{std::string(name), std::string(value)});
  }
  return LabelSet(std::move(changed), 0);
}

LabelSet LabelSet::without(std::string_view name) const {
  if (!has(name)) return *this;
  std::vector<Label> left;
  left.reserve(size() - 1);
  for (const Label& label : labels()) {
    if (label.name != name) left.push_back(label);
  }
  return LabelSet(std::move(left), 0);
}

LabelSet LabelSet::keep(std::span<const std::string> names) const {
  const auto is_kept = [names](const Label& label) { return contains(names, label.name); };
  const std::size_t kept = count(labels(), is_kept);
  return kept == size() ? *this : LabelSet(some(labels(), kept, is_kept), 0);
}

LabelSet LabelSet::drop(std::span<const std::string> names) const {
  const auto is_kept = [names](const Label& label) { return !contains(names, label.name); };
  const std::size_t kept = count(labels(), is_kept);
  return kept == size() ? *this : LabelSet(some(labels(), kept, is_kept), 0);
}

std::string LabelSet::to_string() const {
  const std::string_view metric = metric_name();
  const bool plain_metric = is_legacy_metric_name(metric);
  if (plain_metric && size() == 1) return std::string(metric);
  std::string out(plain_metric ? metric : "");
  out += '{';
  // A metric name in UTF-8 moves inside the braces, quoted.
  if (!metric.empty() && !plain_metric) out += quote_go(metric);
  for (const Label& label : labels()) {
    if (label.name == kMetricName) continue;
    if (out.back() != '{') out += ", ";
    out += is_legacy_label_name(label.name) ? label.name : quote_go(label.name);
    out += '=';
    out += quote_go(label.value);
  }
  return out += '}';
}

bool LabelSet::operator==(const LabelSet& other) const {
  if (rep_ == other.rep_) return true;
  return hash() == other.hash() && std::ranges::equal(labels(), other.labels());
}

std::strong_ordering LabelSet::operator<=>(const LabelSet& other) const {
  if (rep_ == other.rep_) return std::strong_ordering::equal;
  return std::lexicographical_compare_three_way(begin(), end(), other.begin(), other.end());
}

LabelBuilder& LabelBuilder::set(std::string_view name, std::string_view value) {
  if (value.empty()) return remove(name);
  const auto at = std::find_if(labels_.begin(), labels_.end(),
                               [name](const Label& label) { return label.name == name; });
  if (at != labels_.end()) {
    at->value = value;
  } else {
    labels_.push_back(Label{std::string(name), std::string(value)});
  }
  return *this;
}

LabelBuilder& LabelBuilder::remove(std::string_view name) {
  std::erase_if(labels_, [name](const Label& label) { return label.name == name; });
  return *this;
}

std::string_view LabelBuilder::get(std::string_view name) const {
  for (const Label& label : labels_) {
    if (label.name == name) return label.value;
  }
  return {};
}

bool is_legacy_label_name(std::string_view name) {
  return is_name(name, false);
}

bool is_legacy_metric_name(std::string_view name) {
  return is_name(name, true);
}

}  // namespace nines
