"""Random queries that Prometheus 2.42 and nines must answer alike.

Left out by name, newer than 2.42: limitk limit_ratio info mad_over_time sort_by_label(_desc) first_over_time ts_of_*
start_timestamp double_exponential_smoothing histogram_avg/stddev/stdvar/quantiles min_of max_of step() range() start()
end() as functions, fill(), anchored, smoothed, trimming operators, arithmetic of durations, quoted names.

Changed since 2.42, and so kept out or handled:
- ranges and lookback are open at their left end since 3.0: queries are asked at a fraction of the second that no sample
  stands on, and all durations are whole seconds, so that both readings see the same samples;
- where samples begin late in a window, rate() and increase() look for the zero of a counter after the threshold, not
  before: they are asked of counters without gaps, long after the first sample;
- stddev and stdvar of one infinity or NaN are NaN, not 0: they are asked of counters;
- predict_linear() over a range fixed by @ looks ahead from each step, not from the first: asked without @;
- atan2 drops the metric's name, as other arithmetic: not asked;
- any UTF-8 is a label name: broken queries are not broken inside quotes;
- hour(), year() and the like of NaN and infinities are whatever the machine's integers give: asked of counters;
- numbers are durations too: broken queries are cut off or get a character more, but none is taken out of `5s`;
- `.` in regular expressions matches newlines since 3.0: no value here has one;
- holt_winters() has another name since 3.0: not asked;
- round(), quantile() and the like give the same; topk(), bottomk() of equal values may pick others: only over distinct ones;
- the order of summation differs, hence 1e-9 relative; what makes a last bit large (STEEP) is asked of samples as they are;
- an instant vector of equal labels is an error at once in 2.42, later (delayed name removal) in nines: metric names are
  never matched by pattern.
"""
import random

COUNTERS = ("hits_total", "lag_seconds_count", "lag_seconds_sum")
GAUGES = ("queue_depth", "odd_value", "promhttp_metric_handler_requests_total", "node_netstat_Tcp_InSegs")
BUCKETS = "lag_seconds_bucket"
SIMPLE = ("abs", "exp", "ln", "log2", "log10", "sqrt", "sgn", "atan", "asinh", "tanh", "deg", "rad", "absent", "timestamp", "sort",
          "sort_desc")
STEEP = ("ceil", "floor", "sin", "cos", "tan")
DATES = ("hour", "minute", "month", "year", "day_of_week", "day_of_month", "day_of_year", "days_in_month")
RATES = ("rate", "increase")
RANGED = ("delta", "irate", "idelta", "deriv", "changes", "resets", "avg_over_time", "sum_over_time",
          "min_over_time", "max_over_time", "count_over_time", "last_over_time", "present_over_time", "absent_over_time",
          "stddev_over_time", "stdvar_over_time")
AGGREGATES = ("sum", "avg", "min", "max", "count", "group")
SPREADS = ("stddev", "stdvar")
ARITHMETIC = ("+", "-", "*", "/", "%", "^")
COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
MATCHERS = ('shard="1"', 'shard!="0"', 'path=~"/.+"', 'path!~".*api"', 'shard=~"0|2"', 'path="/"', 'missing=""', 'shard="9"')


class Grammar:
    """Expressions of a bounded depth; the same seed gives the same ones."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, choices):
        return self.random.choice(choices)

    def duration(self):
        return self.one(("3s", "5s", "7s", "10s"))

    def number(self):
        return self.one(("0", "1", "-1", "0.5", "2", "3.7", "1e3", "Inf", "-Inf", "NaN", "0x1F", "1e-9"))

    def shift(self):
        return self.random.choices(("", " offset 3s", " offset -2s", " @ end()", " @ start()"), (12, 2, 1, 1, 1))[0]

    def selector(self, names=COUNTERS + GAUGES):
        matchers = [self.one(MATCHERS) for _ in range(self.random.choice((0, 0, 1, 2)))]
        return self.one(names) + ("{" + ",".join(matchers) + "}" if matchers else "")

    def ranged(self, depth):
        if depth > 0 and self.random.random() < 0.2:
            return f"({self.vector(depth - 1)})[{self.one(('5s', '10s'))}:{self.one(('2s', '3s'))}]{self.shift()}"
        return f"{self.selector()}[{self.duration()}]{self.shift()}"

    def scalar(self, depth):
        if depth <= 0 or self.random.random() < 0.6:
            return self.number()
        return self.one((lambda: f"scalar({self.vector(depth - 1)})", lambda: f"({self.scalar(depth - 1)} {self.one(ARITHMETIC)} "
                         f"{self.scalar(depth - 1)})", lambda: "pi()",
                         lambda: f"({self.number()} {self.one(COMPARISONS)} bool {self.number()})"))()

    def modifier(self):
        return self.one(("", " by (shard)", " without (path)", " by (path, shard)", " without ()", " by (missing)"))

    def matching(self):
        return self.one((" on (shard, path)", " ignoring (version)", " on (shard, path, instance, job)", "", " on (shard)",
                         " on (shard) group_left ()", " on (shard) group_right ()", " on (shard) group_left (version)"))

    def vector(self, depth):
        if depth <= 0:
            return self.selector() + self.shift()
        d = depth - 1
        return self.one((
            lambda: self.selector() + self.shift(),
            lambda: f"{self.one(SIMPLE)}({self.vector(d)})",
            lambda: f"{self.one(STEEP)}({self.selector()}{self.shift()})",
            lambda: f"{self.one(RANGED)}({self.ranged(d)})",
            lambda: f"{self.one(RANGED)}({self.ranged(d)})",
            lambda: f"{self.one(RATES)}({self.selector(COUNTERS)}[{self.duration()}]{self.shift()})",
            lambda: f"{self.one(AGGREGATES)}{self.modifier()} ({self.vector(d)})",
            lambda: f"{self.one(AGGREGATES)}{self.modifier()} ({self.vector(d)})",
            lambda: f"{self.one(DATES)}({self.one(COUNTERS)})",
            lambda: f"{self.one(SPREADS)}{self.modifier()} ({self.one(COUNTERS)})",
            lambda: f"quantile{self.modifier()} ({self.scalar(d)}, {self.vector(d)})",
            lambda: f"count_values{self.modifier()} (\"v\", {self.vector(d)})",
            lambda: f"count({self.one(('topk', 'bottomk'))}{self.modifier()} ({self.one('0123')}, {self.vector(d)}))",
            lambda: f"quantile_over_time({self.scalar(d)}, {self.ranged(d)})",
            lambda: f"predict_linear({self.selector()}[{self.duration()}], {self.one(('-5', '0', '60'))})",
            lambda: f"clamp_{self.one(('min', 'max'))}({self.vector(d)}, {self.scalar(d)})",
            lambda: f"clamp({self.vector(d)}, {self.scalar(d)}, {self.scalar(d)})",
            lambda: f"round({self.vector(d)}, {self.one(('1', '0.1', '5'))})",
            lambda: f"label_replace({self.vector(d)}, \"{self.one(('x', 'path'))}\", \"$1-{self.one('ab')}\", \"shard\", \"(.*)\")",
            lambda: f"label_join({self.vector(d)}, \"x\", \"-\", \"shard\", \"path\")",
            lambda: f"histogram_quantile({self.scalar(0)}, {self.histogram(d)})",
            lambda: f"vector({self.scalar(d)})",
            lambda: f"-({self.vector(d)})",
            lambda: f"({self.vector(d)} {self.one(ARITHMETIC)} {self.scalar(d)})",
            lambda: f"({self.scalar(d)} {self.one(COMPARISONS)} {self.one(('', 'bool '))}{self.vector(d)})",
            lambda: f"({self.vector(d)} {self.one(ARITHMETIC)}{self.matching()} {self.vector(d)})",
            lambda: f"({self.vector(d)} {self.one(COMPARISONS)}{self.one(('', ' bool'))}{self.matching()} {self.vector(d)})",
            lambda: f"({self.vector(d)} {self.one(('and', 'or', 'unless'))}{self.one(('', ' on (shard)', ' ignoring (path)'))} "
                    f"{self.vector(d)})",
            lambda: f"({self.selector(COUNTERS)} * on (shard) group_left (version) build_info)",
        ))()

    def histogram(self, depth):
        return self.one((BUCKETS, f"rate({BUCKETS}[{self.duration()}])", f"sum by (le, shard) ({BUCKETS})",
                         f"sum by (le) (rate({BUCKETS}[7s]))"))

    def broken(self):
        """A query with something wrong in it."""
        text = self.vector(2)
        at = self.random.choice([i for i in range(len(text)) if text.count('"', 0, i) % 2 == 0])
        return self.one((text[:at], text[:at] + self.one("(){}[]@!=~,'\"") + text[at:]))

    def query(self):
        if self.random.random() < 0.07:
            return self.broken()
        if self.random.random() < 0.05:
            return self.scalar(3)
        return self.vector(self.random.choice((1, 2, 2, 3)))
