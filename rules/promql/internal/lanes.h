#pragma once
// Work in pieces, done by several threads, whose results are taken one after the other in their
// order: what is made of them is the same as if one thread had done it all.

#include <cstddef>
#include <functional>
#include <memory>

#include "base/core/result.h"
#include "base/core/scheduler.h"

namespace nines::promql {

// What came of one piece. Its errors are in it: they count when its turn comes.
class Piece {
 public:
  virtual ~Piece() = default;
};

// Does pieces, one at a time; each thread has its own.
class PieceWorker {
 public:
  virtual ~PieceWorker() = default;
  virtual std::unique_ptr<Piece> work(std::size_t piece) = 0;
};

struct Lanes {
  Executor* helpers = nullptr;  // null: the caller's thread does it all
  std::size_t threads = 1;      // at most, the caller's included
};

// Calls make_worker() once on each thread that takes part, work() for 0, 1 ... pieces-1, and take()
// with each result in that order, never two at a time, on any of the threads. The first error of
// take() ends it and is returned; exceptions come out here. The caller works too and waits for
// nothing that a helper has not begun: busy helpers cost no time. Not more than a few results wait
// for their turn.
Result<void> in_order(const Lanes& lanes, std::size_t pieces,
                      const std::function<std::unique_ptr<PieceWorker>()>& make_worker,
                      const std::function<Result<void>(Piece&)>& take);

}  // namespace nines::promql
