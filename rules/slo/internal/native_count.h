#pragma once
// How many observations of a native histogram, or of its growth, are not above a threshold.

#include "base/model/histogram.h"

namespace nines::slo {

struct NativeIncrease {
  double events = 0;
  double good = 0;            // not above the threshold
  bool interpolated = false;  // the threshold cut a bucket in which something was counted
};

// What a counter's histogram alone has counted.
NativeIncrease whole(const Histogram& h, double threshold);

// From one sample of a counter to the next; `restarted`: the second stands for itself, as it does
// when anything in it has fallen, or when its buckets became finer.
//
// A threshold (above 0) that is a bucket's upper bound gives exact counts. Any other cuts one
// bucket: of an exponential one the share below grows with the logarithm of the threshold, of a
// custom one and of the zero bucket with the threshold itself, as histogram_fraction() has it. The
// two samples are compared in the coarser of their resolutions.
//
// Source: prometheus.io/docs/specs/native_histograms.
NativeIncrease increase(const Histogram& before, const Histogram& after, double threshold,
                        bool restarted);

// Whether `after` cannot have grown out of `before`.
bool is_reset(const Histogram& before, const Histogram& after);

}  // namespace nines::slo
