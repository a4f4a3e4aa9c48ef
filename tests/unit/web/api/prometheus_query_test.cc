#include <doctest/doctest.h>

#include "tests/support/memory_metrics.h"
#include "tests/support/sim_clock.h"
#include "tests/unit/web/api/ask.h"
#include "web/api/internal/families.h"

namespace nines::web {
namespace {

constexpr Timestamp kNow = from_millis(1'700'000'000'500);

// up{job="a"} 1, up{job="b"} 0, load 2.5, at kNow; load also a minute ago.
struct World {
  World() {
    store.add({{"__name__", "up"}, {"job", "a"}}, kNow, 1);
    store.add({{"__name__", "up"}, {"job", "b"}}, kNow, 0);
    store.add({{"__name__", "load"}}, kNow - Duration(60'000), 1.5);
    store.add({{"__name__", "load"}}, kNow, 2.5);
    store.set_metadata("up", {MetricType::kGauge, "Is it up?", ""});
    store.set_metadata("load", {MetricType::kGauge, "Load.", "jobs"});
    add_prometheus_query(router, {clock, store, engine});
    add_federate(router, {clock, store, engine});
  }
  testing::SimClock clock{kNow};
  testing::MemoryMetrics store;
  promql::Engine engine{store, clock, {}};
  Router router;
  testing::Ask ask{router};
};

TEST_CASE("an instant vector carries its labels, its time as a number and its value as a string") {
  World w;
  const Response r = w.ask.get("/api/v1/query", {{"query", "load"}});
  CHECK(r.status == 200);
  CHECK(
      r.body ==
      R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"load"},)"
      R"("value":[1700000000.500,"2.5"]}]}})");
}

TEST_CASE("scalars and strings come in their own shape, by GET and by POST") {
  World w;
  for (const char* method : {"GET", "POST"}) {
    CHECK(w.ask(method, "/api/v1/query", {{"query", "1+1"}, {"time", "4"}}).body ==
          R"({"status":"success","data":{"resultType":"scalar","result":[4,"2"]}})");
  }
  CHECK(w.ask.get("/api/v1/query", {{"query", "\"x\""}, {"time", "1.25"}}).body ==
        R"({"status":"success","data":{"resultType":"string","result":[1.25,"x"]}})");
}

TEST_CASE("special floats are words, small and large ones have an exponent") {
  World w;
  const auto value = [&](const char* query) {
    const std::string body = w.ask.get("/api/v1/query", {{"query", query}, {"time", "0"}}).body;
    const std::size_t at = body.find("[0,\"") + 4;
    return body.substr(at, body.find('"', at) - at);
  };
  CHECK(value("0/0") == "NaN");
  CHECK(value("1/0") == "+Inf");
  CHECK(value("-1/0") == "-Inf");
  CHECK(value("0.000001") == "0.000001");
  CHECK(value("0.0000001") == "1e-07");
  CHECK(value("1e20") == "100000000000000000000");
  CHECK(value("1e21") == "1e+21");
}

TEST_CASE("a range is a matrix over its steps; times may be RFC 3339 and steps durations") {
  World w;
  const Response r = w.ask.get("/api/v1/query_range", {{"query", "load"},
                                                       {"start", "2023-11-14T22:12:20.5Z"},
                                                       {"end", "1700000000.5"},
                                                       {"step", "1m"}});
  CHECK(
      r.body ==
      R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"load"},)"
      R"("values":[[1699999940.500,"1.5"],[1700000000.500,"2.5"]]}]}})");
}

TEST_CASE("11,000 steps are answered, 11,001 are refused in Prometheus's words") {
  World w;
  const auto range = [&](const char* end) {
    return w.ask.get("/api/v1/query_range",
                     {{"query", "1"}, {"start", "0"}, {"end", end}, {"step", "1"}});
  };
  CHECK(range("11000").status == 200);
  const Response over = range("11001");
  CHECK(over.status == 400);
  CHECK(
      over.body ==
      R"({"status":"error","errorType":"bad_data","error":"exceeded maximum resolution of 11,000 )"
      R"j(points per timeseries. Try decreasing the query resolution (?step=XX)"})j");
}

TEST_CASE("wrong parameters are bad_data with their name") {
  World w;
  using Params = std::vector<std::pair<std::string, std::string>>;
  const auto refused = [&](const char* path, const Params& params, const char* text) {
    const Response r = w.ask.get(path, params);
    CHECK(r.status == 400);
    CHECK(r.body.find(R"("errorType":"bad_data")") != std::string::npos);
    CHECK_MESSAGE(r.body.find(text) != std::string::npos, r.body);
  };
  const char* query = "/api/v1/query";
  const char* range = "/api/v1/query_range";
  refused(query, {{"query", "sum("}}, R"(invalid parameter \"query\": 1:)");
  refused(query, {{"query", "1"}, {"time", "now"}},
          R"(invalid parameter \"time\": Invalid time value for 'time': cannot parse \"now\" to)");
  refused(range, {{"query", "1"}, {"start", "x"}, {"end", "1"}, {"step", "1"}},
          R"(invalid parameter \"start\": cannot parse \"x\" to a valid timestamp)");
  refused("/api/v1/series", {{"match[]", "up"}, {"end", "x"}},
          R"(invalid parameter \"end\": Invalid time value for 'end': cannot parse \"x\")");
  refused(query, {{"query", "1"}, {"lookback_delta", "x"}},
          R"(error parsing lookback delta duration: cannot parse \"x\" to a valid duration)");
  refused(
      range, {{"query", "up[1m]"}, {"start", "0"}, {"end", "1"}, {"step", "1"}},
      R"(invalid parameter \"query\": invalid expression type \"range vector\" for range query)");
  refused("/api/v1/metadata", {{"limit_per_metric", "x"}}, "limit_per_metric");
  refused(query, {{"query", "1"}, {"limit", "-1"}}, R"(invalid parameter \"limit\")");
  refused(query, {{"query", "1"}, {"timeout", "x"}},
          R"(invalid parameter \"timeout\": cannot parse \"x\" to a valid duration)");
  refused(query, {{"query", "1"}, {"timeout", "0"}}, R"(invalid parameter \"timeout\")");
  refused(range, {{"query", "1"}, {"start", "0"}, {"end", "1"}, {"step", "0"}},
          "zero or negative query resolution step widths are not accepted");
  refused(range, {{"query", "1"}, {"start", "2"}, {"end", "1"}, {"step", "1"}},
          "end timestamp must not be before start time");
  refused(range, {{"query", "1"}, {"end", "1"}, {"step", "1"}}, R"(invalid parameter \"start\")");
  refused("/api/v1/series", {}, "no match[] parameter provided");
  refused("/api/v1/series", {{"match[]", "{job=~\".*\"}"}},
          "must contain at least one non-empty matcher");
  refused("/api/v1/labels", {{"match[]", "rate(up[1m])"}}, R"(invalid parameter \"match[]\")");
  refused("/api/v1/series", {{"match[]", "{}"}},
          R"(\"match[]\": match[] must contain at least one non-empty matcher)");
  refused("/api/v1/series", {{"match[]", "1"}}, R"(1:1: parse error: unexpected number \"1\")");
  refused("/api/v1/series", {{"match[]", "up[5m]"}}, R"(1:3: parse error: unexpected \"[\")");
  refused("/api/v1/series", {{"match[]", ""}}, "1:1: parse error: unexpected end of input");
  refused("/api/v1/series", {{"match[]", "up"}, {"limit", "x"}},
          R"(invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax)");
  refused(query, {{"query", "1"}, {"limit", "-1"}}, "limit must be non-negative");
  refused("/api/v1/metadata", {{"limit", "x"}}, "limit must be a number");
  refused(range, {{"query", "1"}, {"start", "0"}, {"end", "1"}},
          R"(invalid parameter \"step\": cannot parse \"\" to a valid duration)");
  refused(query, {{"query", "rate(up[step()])"}},
          R"(invalid parameter \"query\": 1:9: duration must be greater than 0)");
  refused(query, {{"query", "up offset (1m/0)"}}, "division by zero");
  refused(range,
          {{"query", "max_over_time(up[5m:1m-step()])"},
           {"start", "0"},
           {"end", "600"},
           {"step", "60"}},
          "1:21: duration must be greater than 0");
  refused("/api/v1/query_exemplars", {{"query", "up"}, {"start", "x"}},
          "Invalid time value for 'start'");
}

TEST_CASE("a query that fails while it runs is an execution error, 422") {
  World w;
  const Response r =
      w.ask.get("/api/v1/query", {{"query", "label_replace(up, \"job\", \"x\", \"\", \"\")"}});
  CHECK(r.status == 422);
  CHECK(r.body.find(R"("errorType":"execution")") != std::string::npos);
}

TEST_CASE("ten annotations of a kind are shown, of eleven the last is counted") {
  World w;
  const auto with = [&](int warnings) {
    std::string query = "quantile(2, up)";
    for (int i = 1; i < warnings; ++i) query += " or quantile(" + std::to_string(2 + i) + ", up)";
    return w.ask.get("/api/v1/query", {{"query", query}}).body;
  };
  CHECK(with(10).find("got 11 (") != std::string::npos);
  CHECK(with(10).find("omitted") == std::string::npos);
  CHECK(with(11).find(R"("1 more warning annotations omitted"])") != std::string::npos);
  CHECK(with(11).find("got 12 (") == std::string::npos);
}

TEST_CASE("limit cuts a result and says so; at the size of the result it does not") {
  World w;
  const Response cut = w.ask.get("/api/v1/query", {{"query", "up"}, {"limit", "1"}});
  CHECK(cut.body.find(R"("warnings":["results truncated due to limit"])") != std::string::npos);
  CHECK(cut.body.find(R"("job":"b")") == std::string::npos);
  const Response whole = w.ask.get("/api/v1/query", {{"query", "up"}, {"limit", "2"}});
  CHECK(whole.body.find("warnings") == std::string::npos);
}

TEST_CASE("stats are given when asked for") {
  World w;
  CHECK(w.ask.get("/api/v1/query", {{"query", "up"}}).body.find("stats") == std::string::npos);
  CHECK(w.ask.get("/api/v1/query", {{"query", "up"}, {"stats", "all"}})
            .body.find("\"samples\":{\"totalQueryableSamplesPerStep\":[[1700000000.500,2]],"
                       "\"totalQueryableSamples\":2,\"peakSamples\":") != std::string::npos);
  CHECK(w.ask.get("/api/v1/query", {{"query", "up"}, {"stats", "true"}})
            .body.find("\"samples\":{\"totalQueryableSamples\":2,") != std::string::npos);
  CHECK(w.ask
            .get("/api/v1/query_range", {{"query", "load"},
                                         {"start", "1699999940"},
                                         {"end", "1700000001"},
                                         {"step", "30.5"},
                                         {"stats", "all"}})
            .body.find("\"totalQueryableSamplesPerStep\":[[1699999940,0],[1699999970.500,1],"
                       "[1700000001,1]],\"totalQueryableSamples\":2,") != std::string::npos);
}

// A client that hangs up while its query is under way.
TEST_CASE("a query whose client has gone is canceled, and leaves no trace in the watch") {
  World w;
  Request request;
  request.method = "GET";
  request.path = "/api/v1/query";
  request.params = {{"query", "up"}};
  request.client = std::make_shared<ClientWatch>();
  const Handler& handler = *w.router.find("GET", request.path).handler;
  CHECK(handler(request).status == 200);
  request.client->note_gone();
  const Response gone = handler(request);
  CHECK(gone.status == 503);
  CHECK(gone.body.find("\"errorType\":\"canceled\"") != std::string::npos);
}

TEST_CASE("lookback_delta decides how old a sample may be") {
  World w;
  const auto found = [&](const char* lookback) {
    const std::string body =
        w.ask
            .get("/api/v1/query",
                 {{"query", "load"}, {"time", "1700000100"}, {"lookback_delta", lookback}})
            .body;
    return body.find("2.5") != std::string::npos;
  };
  CHECK(found("100s"));
  CHECK_FALSE(found("99s"));
}

TEST_CASE("series are the union of their selectors, each once") {
  World w;
  CHECK(w.ask.get("/api/v1/series", {{"match[]", "up{job=\"a\"}"}, {"match[]", "up"}}).body ==
        R"({"status":"success","data":[{"__name__":"up","job":"a"},{"__name__":"up","job":"b"}]})");
  const Response cut = w.ask.get("/api/v1/series", {{"match[]", "up"}, {"limit", "1"}});
  CHECK(cut.body.find("truncated") != std::string::npos);
}

TEST_CASE("labels and their values are sorted, and may be selected and cut by time") {
  World w;
  CHECK(w.ask.get("/api/v1/labels").body == R"({"status":"success","data":["__name__","job"]})");
  CHECK(w.ask.get("/api/v1/labels", {{"match[]", "load"}}).body ==
        R"({"status":"success","data":["__name__"]})");
  CHECK(w.ask.get("/api/v1/label/job/values").body == R"({"status":"success","data":["a","b"]})");
  CHECK(w.ask.get("/api/v1/label/job/values", {{"limit", "1"}}).body ==
        R"({"status":"success","data":["a"],"warnings":["results truncated due to limit"]})");
  CHECK(w.ask.get("/api/v1/label/__name__/values", {{"end", "1699999999"}}).body ==
        R"({"status":"success","data":["load"]})");
  CHECK(w.ask.get("/api/v1/label/job").status == 404);
  CHECK(w.ask.get("/api/v1/label/a/b/values").status == 404);
  for (const char* path : {"/api/v1/series", "/api/v1/labels", "/api/v1/label/job/values"}) {
    CHECK(w.ask.get(path, {{"match[]", "up"}, {"start", "10"}, {"end", "5"}}).body ==
          R"({"status":"success","data":[]})");
  }
}

TEST_CASE("a label whose name is no identifier is asked for in its escaped form") {
  World w;
  w.store.add({{"__name__", "x"}, {"a.b_c", "v"}}, kNow, 1);
  CHECK(w.ask.get("/api/v1/label/U__a_2e_b__c/values").body ==
        R"({"status":"success","data":["v"]})");
}

TEST_CASE("the ends of time, as Go's clients write them, are everything") {
  World w;
  const Response r = w.ask.get("/api/v1/series", {{"match[]", "load"},
                                                  {"start", "-292273086-05-16T16:47:06Z"},
                                                  {"end", "292277025-08-18T07:12:54.999999999Z"}});
  CHECK(r.status == 200);
  CHECK(r.body.find("load") != std::string::npos);
}

TEST_CASE("metadata, exemplars and formatting answer in Prometheus's shapes") {
  World w;
  CHECK(w.ask.get("/api/v1/metadata", {{"metric", "load"}}).body ==
        R"({"status":"success","data":{"load":[{"type":"gauge","help":"Load.","unit":"jobs"}]}})");
  // Grafana's probe sends milliseconds where seconds belong.
  CHECK(w.ask
            .get("/api/v1/query_exemplars",
                 {{"query", "test"}, {"start", "1700000000000"}, {"end", "1700000060000"}})
            .body == R"({"status":"success","data":[]})");
  CHECK(w.ask.get("/api/v1/format_query", {{"query", "sum( up )by(job)"}}).body ==
        R"j({"status":"success","data":"sum by (job) (up)"})j");
}

TEST_CASE("exemplars of whatever an expression selects, in Prometheus's shape") {
  World w;
  const LabelSet total{{"__name__", "requests_total"}, {"job", "a"}};
  w.store.add_exemplar(total, {{{"trace_id", "x\"y"}}, 6, 1600096945479, true});
  w.store.add_exemplar(total, {{}, 0.25, 1600096946000, true});
  w.store.add_exemplar({{"__name__", "other_bucket"}, {"le", "1"}}, {{}, 1, 1600096945040, true});
  const std::string a = R"({"seriesLabels":{"__name__":"requests_total","job":"a"},"exemplars":[)"
                        R"({"labels":{"trace_id":"x\"y"},"value":"6","timestamp":1600096945.479},)"
                        R"({"labels":{},"value":"0.25","timestamp":1600096946}]})";
  const std::string b = R"({"seriesLabels":{"__name__":"other_bucket","le":"1"},"exemplars":[)"
                        R"({"labels":{},"value":"1","timestamp":1600096945.040}]})";
  const auto data = [](const std::string& text) {
    return R"({"status":"success","data":[)" + text + "]}";
  };
  for (const char* method : {"GET", "POST"}) {
    const auto ask = [&](const char* query) {
      return w.ask(method, "/api/v1/query_exemplars", {{"query", query}}).body;
    };
    CHECK(ask("requests_total") == data(a));
    CHECK(ask("requests_total{job!=\"a\"}") == data(""));
    CHECK(ask("histogram_quantile(0.9, rate(other_bucket[5m])) + (-requests_total)") ==
          data(b + "," + a));
    CHECK(ask("max_over_time(requests_total[1h:1m]) or topk(scalar(x), y)") == data(a));
    CHECK(ask("1 + 1") == data(""));
  }
  const auto get = [&](const char* from, const char* to) {
    return w.ask.get("/api/v1/query_exemplars",
                     {{"query", "{job=~\".+\"}"}, {"start", from}, {"end", to}});
  };
  CHECK(get("1600096945.479", "1600096945.479").body.find("0.25") == std::string::npos);
  CHECK(get("1600096945.480", "1600096946").body.find("\"6\"") == std::string::npos);
  CHECK(get("5", "4").status == 400);
  CHECK(get("5", "4").body.find("end timestamp must not be before start timestamp") !=
        std::string::npos);
  CHECK(get("x", "4").status == 400);
  const Response bad = w.ask.get("/api/v1/query_exemplars", {{"query", "sum("}});
  CHECK(bad.status == 400);
  CHECK(bad.body.find("parse error") != std::string::npos);
}

TEST_CASE("native histograms show their filled buckets in ascending order") {
  World w;
  Histogram h;
  h.schema = 0;
  h.count = 7;
  h.sum = 12.5;
  h.zero_threshold = 0.5;
  h.zero_count = 1;
  h.positive_spans = {{0, 1}, {1, 2}};
  h.positive_buckets = {2, 0, 3};
  h.negative_spans = {{1, 1}};
  h.negative_buckets = {1};
  w.store.add({{"__name__", "h"}}, kNow, h);
  const Response r = w.ask.get("/api/v1/query", {{"query", "h"}});
  CHECK_MESSAGE(
      r.body.find(
          R"("histogram":[1700000000.500,{"count":"7","sum":"12.5","buckets":[)"
          R"([1,"-2","-1","1"],[3,"-0.5","0.5","1"],[0,"0.5","1","2"],[0,"4","8","3"]]}])") !=
          std::string::npos,
      r.body);
}

TEST_CASE("buckets say which of their ends is theirs, and end at the zero bucket") {
  World w;
  Histogram custom;
  custom.schema = kCustomBucketsSchema;
  custom.count = 6;
  custom.sum = -9;
  custom.custom_values = {-5, -1};
  custom.positive_spans = {{0, 3}};
  custom.positive_buckets = {1, 2, 3};
  w.store.add({{"__name__", "custom"}}, kNow, custom);
  Histogram wide;
  wide.schema = 0;
  wide.count = 5;
  wide.sum = 1;
  wide.zero_threshold = 0.75;
  wide.zero_count = 2;
  wide.positive_spans = {{0, 1}};
  wide.positive_buckets = {2};
  wide.negative_spans = {{0, 1}};
  wide.negative_buckets = {1};
  w.store.add({{"__name__", "wide"}}, kNow, wide);
  const auto buckets_of = [&](const std::string& query) {
    const std::string body = w.ask.get("/api/v1/query", {{"query", query}}).body;
    const std::size_t at = body.find("\"buckets\":");
    return at == std::string::npos ? body : body.substr(at + 10, body.find("]]", at) - at - 8);
  };
  CHECK(buckets_of("custom") == R"([[3,"-Inf","-5","1"],[0,"-5","-1","2"],[0,"-1","+Inf","3"]])");
  CHECK(buckets_of("wide") ==
        R"([[1,"-1","-0.75","1"],[3,"-0.75","0.75","2"],[0,"0.75","1","2"]])");
  // What is less than nothing in the zero bucket is not shown.
  CHECK(buckets_of("-wide") == R"([[1,"-1","-0.75","-1"],[0,"0.75","1","-2"]])");
}

TEST_CASE("federation gives the newest sample with its own time, by family") {
  World w;
  w.clock.advance(Duration(10'000));
  const Response r = w.ask.get("/federate", {{"match[]", "up"}, {"match[]", "load"}});
  CHECK(r.status == 200);
  CHECK(r.content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(r.body ==
        "# TYPE load untyped\nload{instance=\"\"} 2.5 1700000000500\n"
        "# TYPE up untyped\nup{job=\"a\",instance=\"\"} 1 1700000000500\n"
        "up{job=\"b\",instance=\"\"} 0 1700000000500\n");
  w.store.add({{"__name__", "load"}}, kNow + Duration(1), stale_nan());
  CHECK(w.ask.get("/federate", {{"match[]", "load"}}).body.empty());
  CHECK(w.ask.get("/federate", {{"match[]", "sum(up)"}}).status == 400);
}

TEST_CASE("federation writes names as its reader takes them, and values without a loss") {
  World w;
  w.store.add({{"__name__", "a.b_c"}, {"d.e", "x\ty\"\n"}, {"instance", "i"}}, kNow, 1);
  w.store.add({{"d.e", "nameless"}, {"instance", "i"}}, kNow, 1);
  w.clock.advance(Duration(10'000));
  struct Row {
    const char* accept;
    const char* type;
    const char* body;
  };
  const std::string old = "text/plain; version=0.0.4; charset=utf-8";
  const std::string tail = "=\"x\ty\\\"\\n\",instance=\"i\"} 1 1700000000500\n";
  for (const Row& row : {
           Row{"", "", "# TYPE a_b_c untyped\na_b_c{d_e"},
           Row{"text/plain;version=0.0.4", "", "# TYPE a_b_c untyped\na_b_c{d_e"},
           Row{"text/plain;version=1.0.0;escaping=allow-utf-8",
               "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
               "# TYPE \"a.b_c\" untyped\n{\"a.b_c\",\"d.e\""},
           Row{"text/plain;version=1.0.0;escaping=dots",
               "text/plain; version=1.0.0; charset=utf-8; escaping=dots",
               "# TYPE a_dot_b__c untyped\na_dot_b__c{d_dot_e"},
           Row{"text/plain;version=1.0.0;escaping=values",
               "text/plain; version=1.0.0; charset=utf-8; escaping=values",
               "# TYPE U__a_2e_b__c untyped\nU__a_2e_b__c{U__d_2e_e"},
       }) {
    CAPTURE(row.accept);
    const Response r =
        w.ask("GET", "/federate", {{"match[]", "{\"d.e\"!=\"\"}"}}, {}, {{"accept", row.accept}});
    CHECK(r.content_type == (*row.type == 0 ? old : row.type));
    CHECK(r.body == row.body + tail);
  }
}

TEST_CASE("parse_query gives the tree in Prometheus's shape") {
  World w;
  const Response r =
      w.ask.get("/api/v1/parse_query", {{"query", "sum by (a) (rate(up{b!=\"c\"}[5m])) > 1"}});
  CHECK(r.status == 200);
  CHECK(
      r.body ==
      R"({"status":"success","data":{"type":"binaryExpr","op":">","lhs":{"type":"aggregation","op":"sum",)"
      R"("expr":{"type":"call","func":{"name":"rate","argTypes":["matrix"],"variadic":0,)"
      R"("returnType":"vector"},"args":[{"type":"matrixSelector","range":300000,"name":"up",)"
      R"("matchers":[{"name":"b","value":"c","type":"!="},{"name":"__name__","value":"up","type":"="}],)"
      R"("offset":0,"timestamp":null,"startOrEnd":null}]},"param":null,"grouping":["a"],"without":false},)"
      R"("rhs":{"type":"numberLiteral","val":"1"},"matching":null,"bool":false}})");
  CHECK(w.ask.get("/api/v1/parse_query", {{"query", "sum("}}).status == 400);
}

TEST_CASE("nothing runs, nothing was slow, and what does not run cannot be stopped") {
  World w;
  CHECK(w.ask.get("/api/nines/v1/queries").body == R"({"running":[],"slow":[]})");
  CHECK(w.ask("POST", "/api/nines/v1/queries/kill", {{"id", "7"}}).status == 404);
}

}  // namespace
}  // namespace nines::web
