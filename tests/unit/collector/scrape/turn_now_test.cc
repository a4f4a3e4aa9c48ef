// What is known of a target's metrics, and turns out of turn.
#include <atomic>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "collector/scrape/internal/description_table.h"
#include "collector/scrape/scraper.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::make_response;

struct Stage {
  explicit Stage(std::vector<std::string> addresses = {"a:1"}) {
    ScrapeConfig c;
    c.job_name = "j";
    c.static_configs = {{std::move(addresses), {}}};
    scraper.load({std::move(c)}, {});
    http.set_handler([this](const HttpRequest&) -> std::optional<Result<HttpResponse>> {
      if (hold) return std::nullopt;
      return page();
    });
    scraper.start();
  }
  Result<HttpResponse> page() const {
    return make_response(200, body, {{"content-type", "text/plain"}});
  }
  void turn(std::string says) {
    body = std::move(says);
    scheduler.run_for(Duration(15'000));
  }
  // "family type help" of the first target.
  std::vector<std::string> described() const {
    std::vector<std::string> out;
    const auto all = scraper.targets().at(0).described;
    if (!all) return {"nothing"};
    for (const auto& [family, metadata] : *all) {
      out.push_back(family + " " + to_string(metadata.type) + " " + metadata.help);
    }
    return out;
  }

  std::string body;
  bool hold = false;
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::FakeHttpClient http;
  testing::RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  Scraper scraper{{store, http, scheduler, executor, *log, *telemetry}};
};

using Words = std::vector<std::string>;
const std::string kOne = "# TYPE a counter\n# HELP a Help a.\na 1\n";
const std::string kTwo = "# HELP b Help b.\n# TYPE b gauge\nb 2\n";

TEST_CASE("families are described as the last scrape did, new and gone ones too") {
  Stage s;
  CHECK(s.described() == Words{"nothing"});
  s.turn(kOne + kTwo + "c 3\n");
  CHECK(s.described() == Words{"a counter Help a.", "b gauge Help b."});
  s.turn(kOne + kTwo + "c 4\n");
  CHECK(s.described() == Words{"a counter Help a.", "b gauge Help b."});
  // A family comes and one goes: told when all comments have been read again.
  const std::string three = "# TYPE d gauge\nd 1\n";
  s.turn(kOne + three);
  s.turn(kOne + three);
  CHECK(s.described() == Words{"a counter Help a.", "d gauge "});
  s.turn("# TYPE a counter\n# HELP a Another.\na 1\n" + three);
  s.turn("# TYPE a counter\n# HELP a Another.\na 1\n" + three);
  CHECK(s.described() == Words{"a counter Another.", "d gauge "});
  s.turn("broken{");
  CHECK(s.described() == Words{"a counter Another.", "d gauge "});
  s.turn("c 1\n");
  s.turn("c 1\n");
  CHECK(s.described().empty());
}

TEST_CASE("reading all comments again leaves the expected order of lines as it was") {
  Stage s;
  for (int i = 0; i < 6; ++i) s.turn(kOne + kTwo);
  CHECK(s.store.last().rows.size() == 7);
  CHECK(s.scraper.targets().at(0).last_samples == 2);
}

TEST_CASE("targets that say the same share it, from the first of a job to the last") {
  Stage s({"a:1", "a:2", "a:3"});
  s.turn(kOne + kTwo);
  s.turn(kOne + kTwo);
  const auto targets = s.scraper.targets();
  REQUIRE(targets[0].described);
  CHECK(targets[0].described->size() == 2);
  CHECK(targets[0].described == targets[1].described);
  CHECK(targets[0].described == targets[2].described);
}

TEST_CASE("descriptions nobody has any more are forgotten") {
  DescriptionTable table;
  const auto kept = table.share({{"m", {}}});
  CHECK(table.share({{"m", {}}}) == kept);
  CHECK(table.share({{"m", {MetricType::kGauge, "", ""}}}) != kept);
  CHECK(table.size() == 1);
  for (int i = 0; i < 1'000; ++i) table.share({{std::to_string(i), {}}});
  CHECK(table.size() == 1);
}

TEST_CASE("a scrape out of turn writes, answers what it gave, and leaves the plan alone") {
  Stage s;
  s.body = "m 1\n";
  const auto status = s.scraper.scrape_now("j", "a:1");
  REQUIRE_MESSAGE(status, (status ? "" : status.error().what()));
  CHECK(status->health == TargetHealth::kUp);
  CHECK(status->last_samples == 1);
  CHECK(status->last_scrape == s.clock.now());
  CHECK(s.http.call_count() == 1);
  s.scheduler.run_for(Duration(15'000));
  CHECK(s.http.call_count() == 2);
  s.body = "broken{";
  const auto failed = s.scraper.scrape_now("", "http://a:1/metrics");
  REQUIRE(failed);
  CHECK(failed->health == TargetHealth::kDown);
  CHECK(failed->body_start == "broken{");
}

TEST_CASE("a target that is not there, or not alone, is no target") {
  Stage s({"a:1", "b:1"});
  CHECK(s.scraper.scrape_now("j", "c:1").error().code() == ErrorCode::kNotFound);
  CHECK(s.scraper.scrape_now("other", "a:1").error().code() == ErrorCode::kNotFound);
  ScrapeConfig one, two;
  one.job_name = "one";
  two.job_name = "two";
  one.static_configs = two.static_configs = {{{"a:1"}, {}}};
  s.scraper.load({one, two}, {});
  const auto both = s.scraper.scrape_now("", "a:1");
  REQUIRE_FALSE(both);
  CHECK(both.error().code() == ErrorCode::kInvalid);
  CHECK(both.error().what().find("http://a:1/metrics of one, http://a:1/metrics of two") !=
        std::string::npos);
  CHECK(s.scraper.scrape_now("two", "a:1"));
}

TEST_CASE("who asks while a scrape is under way gets that one") {
  Stage s;
  s.body = "m 1\n";
  s.hold = true;
  s.scheduler.run_for(Duration(15'000));
  REQUIRE(s.http.held_count() == 1);
  std::atomic<bool> over = false;
  std::atomic<bool> up = false;
  std::thread other([&] {
    const auto status = s.scraper.scrape_now("j", "a:1");
    up = status && status->health == TargetHealth::kUp;
    over = true;
  });
  // Should the answer have come first, there is a second call to answer.
  while (!over) {
    s.http.answer_oldest(s.page());
    std::this_thread::yield();
  }
  other.join();
  CHECK(up);
}

TEST_CASE("a target that goes meanwhile is said to have gone") {
  Stage s;
  s.hold = true;
  std::optional<ErrorCode> code;
  std::thread other([&] {
    const auto status = s.scraper.scrape_now("j", "a:1");
    if (!status) code = status.error().code();
  });
  while (s.http.held_count() == 0) std::this_thread::yield();
  s.scraper.load({}, {});
  other.join();
  CHECK(code == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace nines::collector
