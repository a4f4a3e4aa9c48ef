#pragma once
// What the queries of a rule group ask alike, for one instant: evaluated once.

#include <cstdint>
#include <memory>
#include <string_view>

namespace nines::promql {

class Query;
class SharedParts;  // rules/promql/internal/shared_parts.h

// Several rules often compare the same selector, rate() or sum with different thresholds. Queries
// are added first; then instant queries that name this in their request (QueryRequest::shared) take
// from it what an earlier one for the same instant has left, so that they see one state of the
// store: what scrapes bring in between shows at the next instant. What has a warning or an info is
// evaluated by each query that asks it. Answers are the same to the bit. One evaluation at a time.
class SharedResults {
 public:
  // `bytes_max`: of results kept at once, about; 0: nothing is shared. More is evaluated anew.
  explicit SharedResults(std::uint64_t bytes_max);
  ~SharedResults();
  SharedResults(const SharedResults&) = delete;
  SharedResults& operator=(const SharedResults&) = delete;

  // The query, or a copy of it, must outlive this.
  void add(const Query& query);
  // Samples of this metric were written: what may have been made of it is evaluated anew.
  void wrote(std::string_view metric);
  // Nothing is kept any longer; what is alike stays known.
  void clear();
  SharedParts& parts() { return *parts_; }

 private:
  std::unique_ptr<SharedParts> parts_;
};

}  // namespace nines::promql
