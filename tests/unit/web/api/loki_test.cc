#include <algorithm>

#include <doctest/doctest.h>

#include "tests/support/sim_clock.h"
#include "tests/unit/web/api/ask.h"
#include "web/api/internal/families.h"

namespace nines::web {
namespace {

constexpr Timestamp kNow = from_millis(1'700'000'000'000);

// Two lines of {app="a"} one and two seconds ago, one of {app="b"} three seconds ago.
class MemoryLogs final : public storage::LogQuerier {
 public:
  Result<storage::LogScanStats> scan(
      std::span<const Matcher> matchers, storage::LogRange range, storage::LogOrder order,
      const std::function<bool(const LabelSet&, const storage::LogLine&)>& visit,
      const storage::StopFlag*) const override {
    std::vector<Line> lines = lines_;
    if (order == storage::LogOrder::kNewestFirst) std::reverse(lines.begin(), lines.end());
    storage::LogScanStats stats;
    for (const Line& line : lines) {
      if (line.at < range.from || line.at >= range.to || !matches_all(matchers, line.stream))
        continue;
      ++stats.lines;
      if (!visit(line.stream, {line.at, line.text})) break;
    }
    return stats;
  }
  std::vector<LabelSet> streams(std::span<const Matcher> matchers,
                                storage::LogRange range) const override {
    std::vector<LabelSet> out;
    for (const Line& line : lines_) {
      if (line.at < range.from || line.at >= range.to || !matches_all(matchers, line.stream))
        continue;
      if (std::find(out.begin(), out.end(), line.stream) == out.end()) out.push_back(line.stream);
    }
    return out;
  }

 private:
  struct Line {
    LabelSet stream;
    LogTime at;
    std::string text;
  };
  const std::vector<Line> lines_ = {{{{"app", "b"}}, LogTime(kNow - Duration(3000)), "third"},
                                    {{{"app", "a"}}, LogTime(kNow - Duration(2000)), "second"},
                                    {{{"app", "a"}}, LogTime(kNow - Duration(1000)), "first"}};
};

struct World {
  World() { add_loki(router, {clock, logs, engine}); }
  testing::SimClock clock{kNow};
  MemoryLogs logs;
  logql::Engine engine{logs};
  Router router;
  testing::Ask ask{router};
};

TEST_CASE("lines come by stream with nanoseconds as text, newest first unless asked otherwise") {
  World w;
  CHECK(w.ask.get("/loki/api/v1/query_range", {{"query", "{app=\"a\"}"}})
            .body.find(R"([{"stream":{"app":"a"},"values":[["1699999999000000000","first"],)"
                       R"(["1699999998000000000","second"]]}])") != std::string::npos);
  CHECK(w.ask
            .get("/loki/api/v1/query_range", {{"query", "{app=\"a\"}"},
                                              {"direction", "forward"},
                                              {"limit", "1"},
                                              {"start", "1699999990000000000"},
                                              {"end", "1700000000000000000"}})
            .body.find(R"("values":[["1699999998000000000","second"]])") != std::string::npos);
}

TEST_CASE("Grafana's health query gives one sample equal to 2") {
  World w;
  const Response r =
      w.ask.get("/loki/api/v1/query", {{"query", "vector(1)+vector(1)"}, {"time", "4000000000"}});
  CHECK(r.status == 200);
  CHECK_MESSAGE(
      r.body.find(R"("resultType":"vector","result":[{"metric":{},"value":[)") != std::string::npos,
      r.body);
  CHECK(r.body.find(R"("2"]}])") != std::string::npos);
}

TEST_CASE("labels, values, series and statistics speak of what the range holds") {
  World w;
  CHECK(w.ask.get("/loki/api/v1/labels").body == R"({"status":"success","data":["app"]})");
  CHECK(w.ask.get("/loki/api/v1/label/app/values").body ==
        R"({"status":"success","data":["a","b"]})");
  CHECK(w.ask.get("/loki/api/v1/label/app/values", {{"since", "2s"}}).body ==
        R"({"status":"success","data":["a"]})");
  // A range that reaches back past what nanoseconds can say.
  CHECK(w.ask.get("/loki/api/v1/label/app/values", {{"since", "100000y"}}).body ==
        R"({"status":"success","data":["a","b"]})");
  CHECK(w.ask.get("/loki/api/v1/labels", {{"end", "-9223372036854775808"}}).body ==
        R"({"status":"success","data":[]})");
  CHECK(w.ask.get("/loki/api/v1/series", {{"match[]", "{app=\"b\"}"}}).body ==
        R"({"status":"success","data":[{"app":"b"}]})");
  CHECK(w.ask.get("/loki/api/v1/index/stats", {{"query", "{app=\"a\"}"}}).body ==
        R"({"streams":1,"chunks":0,"entries":2,"bytes":11})");
}

TEST_CASE("what is outside the subset is 422 and says so; nonsense is 400") {
  World w;
  const Response parser = w.ask.get("/loki/api/v1/query_range", {{"query", "{app=\"a\"} | json"}});
  CHECK(parser.status == 422);
  CHECK(parser.body.find("nines does not know") != std::string::npos);
  CHECK(w.ask.get("/loki/api/v1/patterns").status == 422);
  CHECK(w.ask.get("/loki/api/v1/query_range", {{"query", "{app="}}).status == 400);
  CHECK(
      w.ask.get("/loki/api/v1/query_range", {{"query", "{app=\"a\"}"}, {"limit", "5000"}}).status ==
      200);
  CHECK(
      w.ask.get("/loki/api/v1/query_range", {{"query", "{app=\"a\"}"}, {"limit", "5001"}}).status ==
      400);
  CHECK(w.ask.get("/loki/api/v1/query", {{"query", "{app=\"a\"}"}}).status == 400);
}

}  // namespace
}  // namespace nines::web
