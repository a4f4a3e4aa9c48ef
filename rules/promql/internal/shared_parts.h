#pragma once
// Parts of expressions that several queries for one instant have in common, and what they came to.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/model/matcher.h"
#include "rules/promql/ast.h"
#include "rules/promql/internal/values.h"
#include "storage/api/querier.h"

namespace nines::promql {

// An instant vector whose rows have their labels, or are of series that have them: most rows are
// compared with something and dropped, and nobody ever wants their labels.
struct SharedRows {
  std::unique_ptr<storage::SeriesSelection> of;  // null: labels are in `rows`
  std::vector<std::uint32_t> series;             // of each row, in `of`
  Block rows;                                    // of one step
  std::uint64_t bytes() const;                   // about
};

// One thread at a time.
class SharedParts {
 public:
  explicit SharedParts(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Its vectors. The tree must outlive this.
  void add(const Expr& expr);
  // Its number when it stands more than once in what was added, and is not too large to keep.
  std::optional<std::size_t> find(const Expr& expr) const;

  // Null: not known for this instant. Valid until the next call of wrote(), refuse() or clear(), or
  // keep() for the same part.
  const SharedRows* get(std::size_t part, std::int64_t at) const;
  // Null when it is too large: then `rows` is left as it is, and the part refused.
  const SharedRows* keep(std::size_t part, std::int64_t at, SharedRows& rows);
  // Not to be found until clear().
  void refuse(std::size_t part);
  // Forgets what may have been made of this metric.
  void wrote(std::string_view metric);
  void clear();
  std::uint64_t bytes_held() const { return held_; }

 private:
  struct Part {
    std::uint32_t uses = 0;  // in all queries; what is inside of a part that was seen before not
    bool refused = false;
    bool any_metric = false;                      // it may read metrics of any name
    std::vector<std::vector<Matcher>> of_metric;  // of the name, of each selector
    std::optional<SharedRows> rows;
    std::int64_t at = 0;      // of rows
    std::uint64_t bytes = 0;  // of rows
  };
  bool add_part(const Expr& expr);
  void drop(Part& part);

  const std::uint64_t bytes_max_;
  std::uint64_t held_ = 0;
  std::unordered_map<const Expr*, std::size_t> of_;
  std::unordered_map<std::string, std::size_t> by_text_;
  std::vector<Part> parts_;
};

}  // namespace nines::promql
