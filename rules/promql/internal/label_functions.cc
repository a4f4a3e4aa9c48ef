// Functions of labels and of order: label_replace, label_join, sort, absent.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>

#include "base/text/numbers.h"
#include "base/text/regex.h"
#include "base/text/text.h"
#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/stoppable_sort.h"
#include "rules/promql/internal/tiers.h"

namespace nines::promql {
namespace {

bool is_label_name(const std::string& name) {
  return !name.empty() && is_valid_utf8(name);
}

std::string_view first_run(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t n = 0;
  while (n < text.size() && digit(text[n]) == digit(text[0])) ++n;
  return text.substr(0, n);
}

// Runs of digits compare as numbers, "a2" before "a10", and other runs as texts, each as a whole:
// "a1" before "a-", since "a" is before "a-".
int natural_compare(std::string_view a, std::string_view b) {
  const auto number = [](std::string_view run) -> std::optional<std::int64_t> {
    return run[0] >= '0' && run[0] <= '9' ? parse_int(run) : std::nullopt;
  };
  while (!a.empty() && !b.empty()) {
    const std::string_view x = first_run(a);
    const std::string_view y = first_run(b);
    const auto m = number(x);
    const auto n = number(y);
    if (m && n) {
      if (*m != *n) return *m < *n ? -1 : 1;
    } else if (const int c = x.compare(y); c != 0) {
      return c < 0 ? -1 : 1;
    }
    a.remove_prefix(x.size());
    b.remove_prefix(y.size());
  }
  if (!a.empty()) return 1;
  return b.empty() ? 0 : -1;
}

Result<Block> reordered(const Block& block, const std::vector<std::size_t>& order,
                        QueryContext& q) {
  Block out(block.steps, q.budget);
  Pace pace(q);
  for (const std::size_t from : order) {
    if (const Result<void> ok = pace.did(16 + block.steps); !ok) return ok.error();
    NINES_TRY(const std::size_t to, out.add_row(block.series[from]));
    for (std::size_t s = 0; s < block.steps; ++s) {
      if (block.present(from, s)) out.copy_cell(to, s, block, from);
    }
  }
  return out;
}

}  // namespace

Result<Block> Evaluator::label_function(const Call& call, const Grid& grid) {
  std::vector<std::string> texts;
  for (std::size_t i = 1; i < call.args.size(); ++i) {
    NINES_TRY(std::string value, text(*call.args[i]));
    texts.push_back(std::move(value));
  }
  const bool replace = call.function->id == Fn::kLabelReplace;
  const std::string name(call.function->name);
  const std::string& dst = texts[0];
  std::shared_ptr<const Regex> regex;
  if (replace) {
    Result<std::shared_ptr<const Regex>> compiled = Regex::compile(texts[3], RegexAnchor::kBoth);
    if (!compiled) {
      const bool over_budget = compiled.error().code() == ErrorCode::kLimit;
      return Error(compiled.error().code(), "invalid regular expression in label_replace(): " +
                                                (over_budget ? compiled.error().what() : texts[3]));
    }
    regex = *std::move(compiled);
  } else {
    for (std::size_t i = 2; i < texts.size(); ++i) {
      if (!is_label_name(texts[i])) {
        return Error(ErrorCode::kInvalid, "invalid source label name in label_join(): " + texts[i]);
      }
    }
  }
  if (!is_label_name(dst)) {
    return Error(ErrorCode::kInvalid, "invalid destination label name in " + name + "(): " + dst);
  }
  NINES_TRY(Block block, vector(*call.args[0], grid));
  Pace pace(q_);
  for (SeriesHead& head : block.series) {
    if (const Result<void> ok = pace.did(256); !ok) return ok.error();
    std::string value;
    if (replace) {
      const std::string source(head.labels.get(texts[2]));
      const std::vector<std::string_view> groups = regex->groups(source);
      if (groups.empty()) continue;
      value = regex->expand(texts[1], groups);
    } else {
      std::vector<std::string> parts;
      for (std::size_t i = 2; i < texts.size(); ++i) parts.emplace_back(head.labels.get(texts[i]));
      value = join(parts, texts[1]);
    }
    head.labels = head.labels.with(dst, value);
    if (dst == kMetricName) head.drop_name = false;
  }
  return merge_equal_rows(std::move(block), q_);
}

Result<Block> Evaluator::sort_function(const Call& call, const Grid& grid) {
  const Fn id = call.function->id;
  if (q_.grid.start != q_.query_end) {
    q_.annotations.warn(
        "sort is ineffective for range queries since results are always ordered by labels",
        call.range);
  }
  NINES_TRY(Block block, vector(*call.args[0], grid));
  std::vector<std::size_t> order(block.size());
  std::iota(order.begin(), order.end(), 0);
  if (id == Fn::kSort || id == Fn::kSortDesc) {
    Pace pace(q_);
    for (std::size_t i = 0; i < block.size() && !block.histograms.empty(); ++i) {
      if (const Result<void> ok = pace.did(block.steps); !ok) return ok.error();
      for (std::size_t s = 0; s < block.steps; ++s) {
        if (block.histogram(i, s) != nullptr) block.clear_cell(i, s);
      }
    }
    if (block.steps != 1) return block;
    const bool descending = id == Fn::kSortDesc;
    const auto before = [&](std::size_t a, std::size_t b) {
      const double x = block.row(a)[0];
      const double y = block.row(b)[0];
      if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);  // NaN last
      return descending ? x > y : x < y;
    };
    if (const Result<void> ok = stoppable_sort(order, before, q_); !ok) return ok.error();
    return reordered(block, order, q_);
  }
  if (block.steps != 1) return block;
  std::vector<std::string> names;
  for (std::size_t i = 1; i < call.args.size(); ++i) {
    NINES_TRY(std::string name, text(*call.args[i]));
    names.push_back(std::move(name));
  }
  const bool descending = id == Fn::kSortByLabelDesc;
  const auto before = [&](std::size_t a, std::size_t b) {
    const LabelSet& x = block.series[descending ? b : a].labels;
    const LabelSet& y = block.series[descending ? a : b].labels;
    for (const std::string& name : names) {
      const int c = natural_compare(x.get(name), y.get(name));
      if (c != 0) return c < 0;
    }
    return x < y;
  };
  if (const Result<void> ok = stoppable_sort(order, before, q_); !ok) return ok.error();
  return reordered(block, order, q_);
}

LabelSet labels_of_absent(const Expr& arg) {
  const Expr& inner = unwrap(arg);
  const VectorSelector* selector = nullptr;
  if (inner.kind() == ExprKind::kVectorSelector) selector = &as<VectorSelector>(inner);
  if (inner.kind() == ExprKind::kMatrixSelector)
    selector = as<MatrixSelector>(inner).selector.get();
  if (selector == nullptr) return {};
  std::set<std::string> seen;
  LabelBuilder builder;
  for (const Matcher& m : selector->matchers) {
    if (m.name() == kMetricName) continue;
    if (m.op() == MatchOp::kEqual && seen.insert(m.name()).second) {
      builder.set(m.name(), m.value());
    } else {
      builder.remove(m.name());
    }
  }
  return builder.build();
}

Result<Block> Evaluator::absent_function(const Call& call, const Grid& grid) {
  NINES_TRY(const Block block, vector(*call.args[0], grid));
  std::vector<std::uint8_t> has(grid.count);
  Pace pace(q_);
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (const Result<void> ok = pace.did(grid.count); !ok) return ok.error();
    for (std::size_t s = 0; s < grid.count; ++s) {
      if (block.present(i, s)) has[s] = 1;
    }
  }
  return absent_where(call, grid, has);
}

Result<Block> Evaluator::absent_over_time(const Call& call, const Grid& grid) {
  std::vector<std::uint8_t> has(grid.count);
  NINES_TRY(const RangeShape how, shape(*call.args[0]));
  if (const auto plan =
          plan_range(call.function->id, call.function->name, *call.args[0], how, grid)) {
    const auto& node = as<MatrixSelector>(unwrap(*call.args[0]));
    NINES_TRY(const Block there, range_from_tier(call, node, grid, how, *plan, {}));
    for (std::size_t i = 0; i < there.size(); ++i) {
      for (std::size_t s = 0; s < grid.count; ++s) {
        if (there.present(i, s)) has[s] = 1;
      }
    }
    return absent_where(call, grid, has);
  }
  const Result<void> done =
      for_each_series(*call.args[0], grid,
                      [&](const RangeSeries&, std::span<const Window> windows) -> Result<void> {
                        for (std::size_t s = 0; s < windows.size(); ++s) {
                          if (!windows[s].empty()) has[s] = 1;
                        }
                        return {};
                      });
  if (!done) return done.error();
  return absent_where(call, grid, has);
}

Result<Block> Evaluator::absent_where(const Call& call, const Grid& grid,
                                      std::span<const std::uint8_t> has) {
  Block out(grid.count, q_.budget);
  NINES_TRY(const std::size_t row, out.add_row({labels_of_absent(*call.args[0]), false}));
  for (std::size_t s = 0; s < grid.count; ++s) {
    if (has[s] == 0) out.row(row)[s] = 1;
  }
  return out;
}

}  // namespace nines::promql
