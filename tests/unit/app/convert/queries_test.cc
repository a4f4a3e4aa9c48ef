// Which queries come down to counting plain series, and what is said of the others.
#include "app/convert/internal/queries.h"

#include <doctest/doctest.h>

namespace nines::convert {
namespace {

Shape shape(const std::string& query) {
  auto done = shape_of(query);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().what()));
  return *std::move(done);
}

DraftIndicator events(const std::string& part, bool bad, const std::string& total) {
  DraftIndicator out;
  const std::string why = set_events(shape(part), bad, shape(total), false, out);
  CHECK_MESSAGE(why.empty(), why);
  return out;
}

std::string why(const std::string& part, const std::string& total) {
  DraftIndicator out;
  return set_events(shape(part), true, shape(total), false, out);
}

using Kind = DraftIndicator::Kind;

}  // namespace

TEST_CASE("rates of counters are counted by their selectors, whatever stands around them") {
  for (const char* query :
       {"sum(rate(a{x=\"1\"}[{{.window}}]))", "(sum(increase(a{x=\"1\"}[{{ .window }}])))",
        "sum(rate(a{x=\"1\"}[5m])) or vector(0)", "rate(a{x=\"1\"}[{{- .Window -}}])",
        "sum(rate(a{x=\"1\"}[1h])) OR on() vector(0)"}) {
    const auto ratio = events(query, true, "sum(rate(a[{{.window}}]))");
    CHECK(ratio.kind == Kind::kRatio);
    CHECK(ratio.bad == "a{x=\"1\"}");
    CHECK(ratio.total == "a");
    CHECK(ratio.counter);
  }
}

TEST_CASE("what is left of the total is its opposite") {
  const auto slow =
      events("sum(rate(h_count{a=\"b\",c=\"d\"}[5m])) - sum(rate(h_bucket{le=\"1\"}[5m]))", true,
             "sum(rate(h_count{c=\"d\",a=\"b\"}[5m]))");
  CHECK(slow.good == "h_bucket{le=\"1\"}");
  CHECK(slow.bad.empty());
  CHECK(why("sum(rate(other[5m])) - sum(rate(ok[5m]))", "sum(rate(all[5m]))").find("only when") !=
        std::string::npos);
}

TEST_CASE("two counters with the same labels are one selector, others are not") {
  const auto both = events("sum(rate(bad[5m]))", true, "sum(rate(ok[5m])) + sum(rate(bad[5m]))");
  CHECK(both.total == "{__name__=~\"ok|bad\"}");
  CHECK(why("sum(rate(bad[5m]))", "sum(rate(ok{a=\"1\"}[5m])) + sum(rate(bad[5m]))")
            .find("no one selector") != std::string::npos);
  CHECK(
      why("sum(rate(bad[5m]))", "sum(rate(ok[5m])) + sum(rate(ok[5m]))").find("no one selector") !=
      std::string::npos);
}

TEST_CASE("gauges are counted by their samples") {
  const auto low = events("sum_over_time((count(w < 3))[{{.window}}:])", true,
                          "sum_over_time(count(w)[{{.window}}:])");
  CHECK(low.kind == Kind::kThreshold);
  CHECK(low.op == "gte");
  CHECK(low.value == 3);
  const auto amounts = events("sum(sum_over_time(bad[5m]))", true, "sum(sum_over_time(all[5m]))");
  CHECK(amounts.kind == Kind::kRatio);
  CHECK_FALSE(amounts.counter);
  DraftIndicator out;
  CHECK(set_ratio(shape("1 - avg_over_time(up{job=\"a\"}[5m])"), true, out).empty());
  CHECK(out.kind == Kind::kBoolean);
}

TEST_CASE("shares that are reckoned already are counted sample by sample") {
  const auto shares = [](const std::string& query, bool is_bad) {
    DraftIndicator out;
    CHECK(set_ratio(shape(query), is_bad, out).empty());
    CHECK(out.kind == Kind::kRaw);
    CHECK(out.metric == "share{a=\"b\"}");
    return out.raw_is_bad;
  };
  CHECK_FALSE(
      shares("1 - sum(sum_over_time(share{a=\"b\"}[5m])) / "
             "sum(count_over_time(share{a=\"b\"}[5m]))",
             true));
  CHECK(shares("avg_over_time(share{a=\"b\"}[{{.window}}])", true));
  CHECK_FALSE(shares("share{a=\"b\"}", false));
  CHECK(shares("1 - avg(avg_over_time(share{a=\"b\"}[5m]))", false));
  DraftIndicator out;
  CHECK_FALSE(set_ratio(shape("sum(share)"), true, out).empty());
  const Shape by = shape("sum by (r) (rate(a{b=\"c\"}[5m])) / sum by (r) (rate(a[5m]))");
  CHECK(labels_of(by) == std::vector<std::string>{"r"});
}

TEST_CASE("a short offset only waits for late samples, a long one looks at another time") {
  const Shape waits = shape("sum(rate(a{x=\"1\"}[5m] offset 1m)) / sum(rate(a[5m] offset 1m))");
  CHECK(offset_of(waits) == "offset 1m");
  DraftIndicator out;
  CHECK(set_ratio(waits, true, out).empty());
  CHECK(out.bad == "a{x=\"1\"}");
  CHECK(out.total == "a");
  CHECK(shape("a offset 10m").kind == Shape::Kind::kPlain);
  for (const char* other : {"a offset 11m", "a offset -1m", "a offset 1m @ 5", "a @ start()"})
    CHECK(shape(other).kind == Shape::Kind::kUnknown);
}

TEST_CASE("what cannot be counted exactly says why") {
  CHECK(why("histogram_quantile(0.9, rate(h_bucket[5m]))", "sum(rate(a[5m]))").find("percentile") !=
        std::string::npos);
  CHECK(why("sum(rate(a[5m] offset 1h))", "sum(rate(a[5m]))").find("offset") != std::string::npos);
  CHECK(why("sum(rate(a[5m])) * 2", "sum(rate(a[5m]))").find("no count") != std::string::npos);
  CHECK(why("max(rate(a[5m]))", "sum(rate(a[5m]))").find("no count") != std::string::npos);
  CHECK(why("sum(irate(a[5m]))", "sum(rate(a[5m]))").find("irate()") != std::string::npos);
  CHECK(why("sum by (x) (rate(a[5m]))", "sum(rate(a[5m]))").find("different labels") !=
        std::string::npos);
  CHECK(why("sum(a)", "sum(a)").find("do not both count") != std::string::npos);
  CHECK_FALSE(shape_of("sum(rate(a[{{.other}}]))"));
  CHECK_FALSE(shape_of("sum("));
}

}  // namespace nines::convert
