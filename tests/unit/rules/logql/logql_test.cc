// LogQL's subset against lines in memory; what is outside it is named, with its place.
#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "rules/logql/engine.h"

namespace nines::logql {
namespace {

class Lines final : public storage::LogQuerier {
 public:
  struct Line {
    LabelSet stream;
    LogTime at;
    std::string text;
  };
  std::vector<Line> lines;  // ascending by time

  Result<storage::LogScanStats> scan(
      std::span<const Matcher> matchers, storage::LogRange range, storage::LogOrder order,
      const std::function<bool(const LabelSet&, const storage::LogLine&)>& visit,
      const storage::StopFlag*) const override {
    auto all = lines;
    if (order == storage::LogOrder::kNewestFirst) std::reverse(all.begin(), all.end());
    for (const Line& line : all) {
      if (!matches_all(matchers, line.stream) || line.at < range.from || line.at >= range.to)
        continue;
      if (!visit(line.stream, {line.at, line.text})) break;
    }
    return storage::LogScanStats{};
  }
  std::vector<LabelSet> streams(std::span<const Matcher>, storage::LogRange) const override {
    return {};
  }
};

constexpr std::int64_t kStart = 1'700'000'000'000;

LogTime at(std::int64_t seconds) {
  return LogTime(from_millis(kStart + seconds * 1000));
}

Lines some() {
  Lines out;
  for (int i = 0; i < 60; ++i) {
    out.lines.push_back({LabelSet{{"app", "shop"}}, at(i),
                         "GET /" + std::to_string(i) + (i % 6 == 0 ? " 500" : " 200")});
    if (i % 2 == 0) out.lines.push_back({LabelSet{{"app", "db"}}, at(i), "query"});
  }
  return out;
}

std::vector<std::string> texts(const Lines& lines, const std::string& query,
                               storage::LogOrder order = storage::LogOrder::kOldestFirst,
                               std::size_t limit = 1000) {
  const auto parsed = LogQuery::parse(query);
  REQUIRE_MESSAGE(parsed, parsed.error().what());
  const auto result = Engine(lines).lines(*parsed, {at(0), at(1000)}, order, limit);
  REQUIRE_MESSAGE(result, result.error().what());
  std::vector<std::string> out;
  for (const LogStream& stream : result->streams) {
    for (const LogEntry& entry : stream.entries) out.push_back(entry.line);
  }
  return out;
}

TEST_CASE("line filters: contains, excludes, matches, and chains of them") {
  const Lines lines = some();
  CHECK(texts(lines, "{app=\"shop\"}").size() == 60);
  CHECK(texts(lines, "{app=\"shop\"} |= \" 500\"").size() == 10);
  CHECK(texts(lines, "{app=\"shop\"} != \" 500\"").size() == 50);
  CHECK(texts(lines, "{app=\"shop\"} |~ \"/1\\\\d \"").size() == 10);
  CHECK(texts(lines, "{app=\"shop\"} !~ \"/\\\\d \" |= \"500\"").size() == 8);
  CHECK(texts(lines, "{app=~\"shop|db\"} |= `GET`").size() == 60);
  CHECK(texts(lines, "{app!=\"shop\", app=~\".+\"}").size() == 30);
}

TEST_CASE("the newest lines come first when asked for, and the limit holds") {
  const Lines lines = some();
  const auto newest = texts(lines, "{app=\"shop\"}", storage::LogOrder::kNewestFirst, 3);
  CHECK(newest == std::vector<std::string>{"GET /59 200", "GET /58 200", "GET /57 200"});
  CHECK(texts(lines, "{app=\"shop\"}", storage::LogOrder::kOldestFirst, 1).size() == 1);
}

double value(const Lines& lines, const std::string& query, std::int64_t when = 59) {
  const auto parsed = LogQuery::parse(query);
  REQUIRE_MESSAGE(parsed, parsed.error().what());
  const auto result = Engine(lines).instant(*parsed, from_millis(kStart + when * 1000));
  REQUIRE_MESSAGE(result, result.error().what());
  const auto* vector = std::get_if<promql::Vector>(&result->value);
  REQUIRE(vector);
  REQUIRE(vector->size() == 1);
  return (*vector)[0].value;
}

TEST_CASE("range aggregations count lines and bytes of (t - range, t], as Loki does") {
  const Lines lines = some();
  CHECK(value(lines, "count_over_time({app=\"shop\"}[1m])") == 60);
  CHECK(value(lines, "rate({app=\"shop\"}[1m])") == doctest::Approx(1));
  CHECK(value(lines, "sum(rate({app=~\".+\"}[1m]))") == doctest::Approx(1.5));
  CHECK(value(lines, "bytes_over_time({app=\"db\"}[1m])") == 30 * 5);
  CHECK(value(lines, "count_over_time({app=\"shop\"} |= \"500\" [30s])") == 5);
  CHECK(value(lines, "vector(1)+vector(1)") == 2);  // how Grafana asks whether anybody is there
}

TEST_CASE("what is no LogQL, or not the part nines knows, says so with its place") {
  for (const char* bad :
       {"", "{", "{app=}", "{app=\"x\"} |", "{app=\"x\"} | json", "{app=\"x\"} |~ \"(\"",
        "rate({app=\"x\"})", "sum(", "{}", "topk(1, rate({app=\"x\"}[1m]))", "{app=\"x\"} extra"}) {
    const auto parsed = LogQuery::parse(bad);
    CAPTURE(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code() == ErrorCode::kInvalid);
    CHECK(parsed.error().what().find("parse error at line 1, col ") != std::string::npos);
  }
}

TEST_CASE("lines are not asked of a metric query, nor samples of a log query") {
  const Lines lines = some();
  CHECK_FALSE(Engine(lines).lines(*LogQuery::parse("rate({app=\"shop\"}[1m])"), {at(0), at(1)},
                                  storage::LogOrder::kOldestFirst, 1));
  CHECK_FALSE(Engine(lines).instant(*LogQuery::parse("{app=\"shop\"}"), from_millis(kStart)));
}

std::string chain(int operators) {
  std::string out = "vector(1)";
  for (int i = 0; i < operators; ++i) out += "*1";
  return out;
}

// Evaluation goes down a tree that is as high as the chain is long: the stack must bear it.
TEST_CASE("a chain of operators is as long as the limit, and no longer") {
  CHECK(value(some(), chain(499)) == 1);
  for (const int more : {500, 20'000}) {
    const auto refused = LogQuery::parse(chain(more));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what() ==
          "parse error at line 1, col 1008: more than 499 operators in a row");
  }
}

TEST_CASE("ranges, offsets and times are no longer than nanoseconds can say") {
  const Lines lines = some();
  CHECK(value(lines, "count_over_time({app=\"shop\"}[50y])") == 60);
  CHECK(value(lines, "count_over_time({app=\"shop\"}[50y] offset -50y)", -86'400 * 365 * 50 + 59) ==
        60);
  for (const char* bad :
       {"rate({app=\"shop\"}[50y1ms])", "rate({app=\"shop\"}[1000y])",
        "rate({app=\"shop\"}[1m] offset 50y1ms)", "rate({app=\"shop\"}[1m] offset -1000y)"}) {
    CAPTURE(bad);
    const auto refused = LogQuery::parse(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what().find("is longer than 50y") != std::string::npos);
  }
  const auto rate = *LogQuery::parse("rate({app=\"shop\"}[50y] offset 50y)");
  const auto ahead = *LogQuery::parse("rate({app=\"shop\"}[50y] offset -50y)");
  const Timestamp least = from_millis(-2'208'988'800'000), most = from_millis(4'102'444'800'000);
  for (const auto& query : {rate, ahead}) {
    CHECK(Engine(lines).range(query, least, most, Duration(1'000'000'000'000)));
    CHECK(Engine(lines).range(query, least, most, Duration::max()));
    CHECK_FALSE(Engine(lines).instant(query, least - Duration(1)));
    CHECK_FALSE(Engine(lines).instant(query, most + Duration(1)));
    CHECK_FALSE(Engine(lines).range(query, Timestamp::min(), Timestamp::max(), Duration::max()));
  }
}

}  // namespace
}  // namespace nines::logql
