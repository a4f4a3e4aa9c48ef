// Words of PromQL that complete themselves.
export const kPromFunctions = (
  'abs absent absent_over_time avg avg_over_time bottomk ceil changes clamp clamp_max clamp_min count count_over_time count_values ' +
  'day_of_month day_of_week days_in_month delta deriv exp floor group group_left group_right histogram_avg histogram_count ' +
  'histogram_fraction histogram_quantile histogram_sum hour idelta ignoring increase irate label_join label_replace last_over_time ' +
  'ln log10 log2 max max_over_time min min_over_time minute month offset predict_linear present_over_time quantile ' +
  'quantile_over_time rate resets round scalar sgn sort sort_desc sqrt stddev stddev_over_time stdvar sum sum_over_time time ' +
  'timestamp topk unless vector without year'
).split(' ');
