#pragma once
// LabelSet: the identity of a series, an alert, a log stream.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nines {

inline constexpr std::string_view kMetricName = "__name__";
inline constexpr std::string_view kAlertName = "alertname";

struct Label {
  std::string name;
  std::string value;
  auto operator<=>(const Label&) const = default;
};

// Sorted by name (bytewise), names unique, values never empty (an empty value is no label, as in
// Prometheus). Immutable; copying is one reference count. Thread-safe as any const value.
class LabelSet {
 public:
  LabelSet() = default;                           // {}
  LabelSet(std::initializer_list<Label> labels);  // any order; the last of equal names wins
  // Any order; the last of equal names wins, empty values vanish.
  static LabelSet from(std::vector<Label> labels);

  std::size_t size() const { return rep_ ? rep_->labels.size() : 0; }
  bool empty() const { return size() == 0; }
  // The value, or empty when there is no such label. The view lives as long as a copy of this set.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::string_view metric_name() const { return get(kMetricName); }
  std::span<const Label> labels() const;
  auto begin() const { return labels().begin(); }
  auto end() const { return labels().end(); }

  // XXH3-64 over name 0xFF value 0xFF ..., computed once. Equal sets have equal hashes everywhere.
  std::uint64_t hash() const { return rep_ ? rep_->hash : kEmptyHash; }

  // Copies with a change.
  LabelSet with(std::string_view name, std::string_view value) const;
  LabelSet without(std::string_view name) const;
  LabelSet keep(std::span<const std::string> names) const;  // only these
  LabelSet drop(std::span<const std::string> names) const;  // all but these

  // {__name__ first: name{a="b", c="d"}} as Prometheus prints a series; values escaped.
  std::string to_string() const;

  bool operator==(const LabelSet& other) const;
  std::strong_ordering operator<=>(
      const LabelSet& other) const;  // label by label, as Prometheus's Compare

 private:
  struct Rep {
    std::uint64_t hash = 0;
    std::vector<Label> labels;
  };
  static constexpr std::uint64_t kEmptyHash = 0x2D06800538D394C2ULL;  // XXH3-64 of nothing
  explicit LabelSet(std::vector<Label> sorted_unique, int);
  std::shared_ptr<const Rep> rep_;
};

// Collects changes, then makes the set once.
class LabelBuilder {
 public:
  LabelBuilder() = default;
  explicit LabelBuilder(const LabelSet& base) : labels_(base.begin(), base.end()) {}
  LabelBuilder& set(std::string_view name, std::string_view value);  // empty value: removes
  LabelBuilder& remove(std::string_view name);
  std::string_view get(std::string_view name) const;
  LabelSet build() const { return LabelSet::from(labels_); }

 private:
  std::vector<Label> labels_;
};

// [a-zA-Z_][a-zA-Z0-9_]* ; with UTF-8 names any valid non-empty UTF-8 is a name.
bool is_legacy_label_name(std::string_view name);
bool is_legacy_metric_name(std::string_view name);  // the same, and ':'

}  // namespace nines

template <>
struct std::hash<nines::LabelSet> {
  std::size_t operator()(const nines::LabelSet& set) const noexcept {
    return static_cast<std::size_t>(set.hash());
  }
};
