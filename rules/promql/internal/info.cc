// info(): labels of info metrics joined to the series they speak of.

#include "rules/promql/internal/evaluator.h"

namespace nines::promql {

Result<Block> Evaluator::info_function(const Call& call, const Grid& grid) {
  if (call.args.size() > 1) return Error(ErrorCode::kInvalid, "info() takes no label selector yet");
  return vector(*call.args[0], grid);
}

}  // namespace nines::promql
