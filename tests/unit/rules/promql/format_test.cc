// Expressions as Prometheus's formatter writes them.

#include "rules/promql/format.h"

#include <string>
#include <utility>
#include <vector>

#include "doctest/doctest.h"

namespace nines::promql {
namespace {

// The expected texts are what Debian's Prometheus 2.42 answers to format_query.
TEST_CASE("what is longer than a line is broken where Prometheus breaks it") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"sum(foo) by (a)", "sum by (a) (foo)"},
      {"foo{b=\"1\", a=\"2\"}", "foo{a=\"2\",b=\"1\"}"},
      {"label_replace(foo{a=\"1\"}, \"averylonglabelname\", \"$1-and-some-more-text-here\", "
       "\"another_label_name\", \"(.*)-something\")",
       "label_replace(\n  foo{a=\"1\"},\n  \"averylonglabelname\",\n  "
       "\"$1-and-some-more-text-here\",\n  \"another_label_name\",\n  \"(.*)-something\"\n)"},
      {"sum(rate(http_requests_total{job=\"api-server\",handler=\"/api/v1/"
       "query\",code=~\"5..\"}[5m])) by (instance, handler) / "
       "sum(rate(http_requests_total{job=\"api-server\",handler=\"/api/v1/query\"}[5m])) by "
       "(instance, handler)",
       "  sum by (instance, handler) (\n    "
       "rate(http_requests_total{code=~\"5..\",handler=\"/api/v1/"
       "query\",job=\"api-server\"}[5m])\n  )\n/\n  sum by (instance, handler) "
       "(rate(http_requests_total{handler=\"/api/v1/query\",job=\"api-server\"}[5m]))"},
      {"histogram_quantile(0.99, sum by (le, job, instance, some_other_label) "
       "(rate(http_request_duration_seconds_bucket{job=\"api\"}[5m])))",
       "histogram_quantile(\n  0.99,\n  sum by (le, job, instance, some_other_label) (\n    "
       "rate(http_request_duration_seconds_bucket{job=\"api\"}[5m])\n  )\n)"},
      {"sum by (aaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccccccc, "
       "dddddddddddddddddd) (foo)",
       "sum by (aaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccccccc, "
       "dddddddddddddddddd) (\n  foo\n)"},
      {"topk(10, sum by (aaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbb, "
       "cccccccccccccccccccccc, ddddd) (foo))",
       "topk(\n  10,\n  sum by (aaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbb, "
       "cccccccccccccccccccccc, ddddd) (foo)\n)"},
      {"(sum(rate(http_requests_total{job=\"api-server\",handler=\"/api/v1/"
       "query\",code=~\"5..\"}[5m])) + on (instance) group_left (a) "
       "sum(rate(http_requests_total{job=\"api-server\"}[5m])))",
       "(\n    "
       "sum(rate(http_requests_total{code=~\"5..\",handler=\"/api/v1/"
       "query\",job=\"api-server\"}[5m]))\n  + on (instance) group_left (a)\n    "
       "sum(rate(http_requests_total{job=\"api-server\"}[5m]))\n)"},
      {"-sum(rate(http_requests_total{job=\"api-server\",handler=\"/api/v1/"
       "query\",code=~\"5..\"}[5m]) + rate(http_requests_total{job=\"x\"}[5m]))",
       "-sum(\n    "
       "rate(http_requests_total{code=~\"5..\",handler=\"/api/v1/"
       "query\",job=\"api-server\"}[5m])\n  +\n    rate(http_requests_total{job=\"x\"}[5m])\n)"},
      {"max_over_time(sum(rate(http_requests_total{job=\"api-server\",handler=\"/api/v1/"
       "query\",code=~\"5..\"}[5m]))[30m:1m] offset 5m)",
       "max_over_time(\n  "
       "sum(rate(http_requests_total{code=~\"5..\",handler=\"/api/v1/"
       "query\",job=\"api-server\"}[5m]))[30m:1m] offset 5m\n)"},
      {"max_over_time((sum(rate(http_requests_total{job=\"api-server\",handler=\"/api/v1/"
       "query\",code=~\"5..\"}[5m])) by (averylonglabel))[30m:1m] offset 5m @ 100)",
       "max_over_time(\n  (\n    sum by (averylonglabel) (\n      "
       "rate(http_requests_total{code=~\"5..\",handler=\"/api/v1/"
       "query\",job=\"api-server\"}[5m])\n    )\n  )[30m:1m] @ 100.000 offset 5m\n)"},
      {"foo > bool on(a) group_left(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccccccc) bar",
       "  foo\n> bool on (a) group_left (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccccccc)\n  bar"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.first);
    const Result<Query> query = Query::parse(one.first);
    REQUIRE(query);
    const std::string text = pretty(query->expr());
    CHECK(text == one.second);
    const Result<Query> again = Query::parse(text);
    REQUIRE(again);
    CHECK(again->to_string() == query->to_string());
    CHECK(pretty(again->expr()) == text);
  }
}

}  // namespace
}  // namespace nines::promql
