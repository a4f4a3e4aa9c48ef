// Vector-to-vector operators: which series meet, and what the result is called.

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "rules/promql/internal/arithmetic.h"
#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/grouping.h"
#include "rules/promql/internal/labels_text.h"

namespace nines::promql {

void annotate(Annotations& annotations, const Binary& node, const Operand& a, const Operand& b,
              const Outcome& outcome);

namespace {

bool changes_meaning(BinaryOp op) {
  return op <= BinaryOp::kAtan2;
}

// One match group: the rows of the side that may have many, and of the side that must have one.
struct Group {
  std::vector<std::size_t> many, one;
};

class Matching {
 public:
  Matching(QueryContext& q, const Binary& node, const Block& lhs, const Block& rhs,
           const FloatFilter* filter)
      : q_(q),
        pace_(q),
        node_(node),
        swapped_(node.matching.card == Cardinality::kOneToMany),
        one_to_one_(node.matching.card == Cardinality::kOneToOne),
        many_(swapped_ ? rhs : lhs),
        one_(swapped_ ? lhs : rhs),
        grouping_(node.matching.on, node.matching.labels),
        // Prometheus swaps the sides of group_right, but not their fill values.
        fill_many_(node.matching.fill_left),
        fill_one_(node.matching.fill_right),
        twinless_(never_twins()),
        filter_(twinless_ ? filter : nullptr),
        out_(lhs.steps, q.budget) {}

  Result<Block> run() {
    if (!fill_many_) {
      if (const Result<void> ok = mark_steps(); !ok) return ok.error();
    }
    NINES_TRY(const bool pairs, in_pairs());
    row_each_ = twinless_ && (pairs || out_.steps == 1);
    for (std::size_t i = 0; pairs && i < many_.size(); ++i) {
      pair_.many[0] = pair_.one[0] = i;
      if (const Result<void> ok = match(i, pair_); !ok) return ok.error();
    }
    if (pairs) return std::move(out_);
    for (std::size_t i = 0; i < many_.size(); ++i) {
      if (const Result<void> ok = pace_.did(16); !ok) return ok.error();
      group(many_, i).many.push_back(i);
    }
    for (std::size_t i = 0; i < one_.size(); ++i) {
      if (const Result<void> ok = pace_.did(16); !ok) return ok.error();
      group(one_, i).one.push_back(i);
    }
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      if (const Result<void> ok = match(g, groups_[g]); !ok) return ok.error();
    }
    return std::move(out_);
  }

 private:
  static constexpr std::size_t kFilled = SIZE_MAX;

  // Are both sides the same groups of one row each, in the same order? So are mostly the metrics of
  // one set of targets, and nothing need be looked up.
  Result<bool> in_pairs() {
    if (!one_to_one_ || fill_many_ || many_.size() != one_.size()) return false;
    for (std::size_t i = 0; i < many_.size(); ++i) {
      if (const Result<void> ok = pace_.did(16); !ok) return ok.error();
      const LabelSet& labels = many_.series[i].labels;
      if (grouping_.compare(labels, one_.series[i].labels) != 0) return false;
      if (i > 0 && grouping_.compare(many_.series[i - 1].labels, labels) >= 0) return false;
    }
    return true;
  }

  // Can no two groups have results with the same labels? They would be an error, which a filter
  // must not hide. Labels that results lose make groups differ only when they are asked for.
  bool never_twins() const {
    const auto is_lost = [](const std::string& name) {
      return name == kMetricName || name == "__type__" || name == "__unit__";
    };
    const auto loses = [](const SeriesHead& head) {
      return head.labels.has("__type__") || head.labels.has("__unit__");
    };
    const std::vector<std::string>& names = node_.matching.labels;
    if (!one_to_one_) return false;
    if (node_.matching.on) return std::none_of(names.begin(), names.end(), is_lost);
    return std::none_of(many_.series.begin(), many_.series.end(), loses) &&
           std::none_of(one_.series.begin(), one_.series.end(), loses);
  }

  // Where the side that may have many has any sample at all: elsewhere nothing is matched.
  Result<void> mark_steps() {
    many_at_.assign(out_.steps, false);
    for (std::size_t i = 0; i < many_.size(); ++i) {
      if (Result<void> ok = pace_.did(out_.steps); !ok) return ok;
      for (std::size_t s = 0; s < out_.steps; ++s) {
        if (many_.present(i, s)) many_at_[s] = true;
      }
    }
    return {};
  }

  Group& group(const Block& block, std::size_t row) {
    const std::size_t g = grouping_.group_of(block.series[row].labels);
    if (g >= groups_.size()) groups_.resize(g + 1);
    return groups_[g];
  }

  Operand operand(const Block& block, std::size_t row, std::size_t step, double fill) const {
    if (row == kFilled) return {fill, nullptr};
    return {block.row(row)[step], block.histogram(row, step)};
  }

  Result<void> match(std::size_t g, const Group& rows) {
    // Two where there must be one are refused even when nothing meets them.
    if (rows.many.empty() && rows.one.size() < 2 && !fill_many_) return {};
    if (rows.one.empty() && !fill_one_) return {};
    out_rows_.clear();
    for (std::size_t s = 0; s < out_.steps; ++s) {
      if (Result<void> ok = pace_.did(2 * (rows.many.size() + rows.one.size())); !ok) return ok;
      if (Result<void> ok = match_step(g, rows, s); !ok) return ok;
    }
    return {};
  }

  Result<void> match_step(std::size_t g, const Group& rows, std::size_t s) {
    std::size_t one = kFilled;
    for (const std::size_t row : rows.one) {
      if (!one_.present(row, s)) continue;
      if (one != kFilled && (fill_many_ || many_at_[s])) return many_on_one_side(g, one, row);
      one = row;
    }
    if (one == kFilled && !fill_one_) return {};
    bool any = false;
    for (const std::size_t row : rows.many) {
      if (!many_.present(row, s)) continue;
      if (any && one_to_one_) {
        return Error(ErrorCode::kInvalid,
                     "multiple matches for labels: many-to-one matching must be explicit "
                     "(group_left/group_right)");
      }
      any = true;
      if (Result<void> ok = combine(g, row, one, s); !ok) return ok;
    }
    if (!any && fill_many_ && one != kFilled) return combine(g, kFilled, one, s);
    return {};
  }

  Result<void> many_on_one_side(std::size_t g, std::size_t a, std::size_t b) const {
    return Error(
        ErrorCode::kInvalid,
        "found duplicate series for the match group " + labels_text(grouping_.group_labels(g)) +
            " on the " + (swapped_ ? "left" : "right") + " hand-side of the operation: [" +
            labels_text(one_.series[b].labels) + ", " + labels_text(one_.series[a].labels) +
            "];many-to-many matching not allowed: matching labels must be unique on one side");
  }

  Result<void> combine(std::size_t g, std::size_t many, std::size_t one, std::size_t s) {
    const Operand m = operand(many_, many, s, fill_many_.value_or(0));
    const Operand o = operand(one_, one, s, fill_one_.value_or(0));
    for (const Histogram* const h : {m.histogram, o.histogram}) {
      if (h == nullptr) continue;
      if (Result<void> ok = pace_.did(work_of(*h)); !ok) return ok;
    }
    const Operand& a = swapped_ ? o : m;
    const Operand& b = swapped_ ? m : o;
    Outcome outcome = apply(node_.op, a, b);
    annotate(q_.annotations, node_, a, b, outcome);
    if (outcome.incompatible_types || outcome.incompatible_buckets) return {};
    if (node_.return_bool) {
      outcome.value = outcome.keep ? 1 : 0;
      outcome.histogram = nullptr;
    } else if (!outcome.keep) {
      return {};
    }
    if (filter_ != nullptr && !outcome.histogram && !filter_->keeps(outcome.value, s)) return {};
    NINES_TRY(const std::size_t row, out_row(g, many, one));
    if (out_.present(row, s)) {
      return Error(ErrorCode::kInvalid,
                   "multiple matches for labels: grouping labels must ensure unique matches");
    }
    if (outcome.histogram) {
      out_.set_histogram(row, s, std::move(outcome.histogram));
    } else {
      out_.row(row)[s] = outcome.value;
    }
    return {};
  }

  Result<std::size_t> out_row(std::size_t g, std::size_t many, std::size_t one) {
    const bool includes = !node_.matching.include.empty();
    const auto key = std::pair(many, includes ? one : std::size_t{0});
    for (const auto& [known, row] : out_rows_) {
      if (known == key) return row;
    }
    if (const Result<void> ok = pace_.did(out_.steps); !ok) return ok.error();
    LabelSet labels = result_labels(g, many, one);
    NINES_TRY(const std::size_t row, row_each_ ? out_.add_row({std::move(labels), drops_name(many)})
                                               : index_.row(out_, labels, drops_name(many)));
    out_rows_.emplace_back(key, row);
    return row;
  }

  bool drops_name(std::size_t many) const {
    return node_.return_bool || (many != kFilled && many_.series[many].drop_name);
  }

  LabelSet result_labels(std::size_t g, std::size_t many, std::size_t one) const {
    LabelSet labels = many == kFilled ? grouping_.group_labels(g) : many_.series[many].labels;
    if (changes_meaning(node_.op)) labels = without_metadata(labels);
    if (many != kFilled && one_to_one_) {
      labels = node_.matching.on ? labels.keep(node_.matching.labels)
                                 : labels.drop(node_.matching.labels);
    }
    if (node_.matching.include.empty() || one == kFilled) return labels;
    LabelBuilder builder(labels);
    for (const std::string& name : node_.matching.include) {
      builder.set(name, one_.series[one].labels.get(name));
    }
    return builder.build();
  }

  QueryContext& q_;
  Pace pace_;
  const Binary& node_;
  const bool swapped_, one_to_one_;
  const Block& many_;
  const Block& one_;
  Grouping grouping_;
  std::optional<double> fill_many_, fill_one_;
  const bool twinless_;
  const FloatFilter* const filter_;
  std::vector<Group> groups_;
  Group pair_{{0}, {0}};
  bool row_each_ = false;      // each row of the result is of one of `many_`
  std::vector<bool> many_at_;  // by step; empty with a fill value
  Block out_;
  RowIndex index_;
  // Of the group at hand: (many row, one row) to the row of the result.
  std::vector<std::pair<std::pair<std::size_t, std::size_t>, std::size_t>> out_rows_;
};

}  // namespace

Result<Block> Evaluator::binary_vectors(const Binary& node, Block lhs, Block rhs,
                                        const FloatFilter* filter) {
  return Matching(q_, node, lhs, rhs, filter).run();
}

}  // namespace nines::promql
