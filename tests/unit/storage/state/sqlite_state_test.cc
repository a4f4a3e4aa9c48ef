// What the state database promises: everything reads back, across a reopening too.

#include "storage/state/sqlite_state.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include <doctest/doctest.h>

#include "tests/unit/storage/state/state_file.h"

namespace nines::storage {
namespace {

Matcher must(Result<Matcher> made) {
  REQUIRE(made);
  return *std::move(made);
}

StoredAlert alert(const std::string& instance) {
  StoredAlert a;
  a.rule = "r";
  a.labels = LabelSet{{"alertname", "Down"}, {"instance", instance}};
  a.annotations = LabelSet{{"summary", "\"quoted\" \n and \\"}};
  a.value = 1.5;
  a.firing = true;
  a.active_at = from_millis(1);
  a.fired_at = from_millis(2);
  a.resolved_at = from_millis(3);
  a.keep_firing_since = from_millis(4);
  a.last_sent_at = from_millis(5);
  a.flaps = 0x00FF'FF01U;
  return a;
}

Delivery delivery(const std::string& key) {
  Delivery d;
  d.idempotency_key = key;
  d.receiver = "oncall/webhook/0";
  d.group_key = "{}:{}";
  d.payload = "{\"a\":1}";
  d.episodes_json = "[\"e\"]";
  d.resolved = true;
  d.queued_at = from_millis(10);
  d.next_attempt_at = from_millis(11);
  return d;
}

RemediationRun run(const std::string& key, std::int64_t intent_ms) {
  RemediationRun r;
  r.remediation = "restart";
  r.episode = "e";
  r.idempotency_key = key;
  r.target = "a:1";
  r.intent_at = from_millis(intent_ms);
  return r;
}

}  // namespace

TEST_CASE("alerts of a rule are replaced as a whole and survive a reopening") {
  StateFile file;
  {
    auto store = file.open();
    REQUIRE(store->save_alerts("r", {alert("a"), alert("b")}));
    REQUIRE(store->save_alerts("r", {alert("c")}));
    REQUIRE(store->save_alerts("other", {alert("d")}));
    REQUIRE(store->save_alerts("other", {}));
  }
  const auto alerts = file.open()->load_alerts();
  REQUIRE(alerts);
  REQUIRE(alerts->size() == 1);
  const StoredAlert& got = alerts->front();
  const StoredAlert want = alert("c");
  CHECK(got.rule == "r");
  CHECK(got.labels == want.labels);
  CHECK(got.annotations == want.annotations);
  CHECK(got.value == 1.5);
  CHECK(got.firing);
  CHECK(to_millis(got.active_at) == 1);
  CHECK(to_millis(got.fired_at) == 2);
  CHECK(to_millis(got.resolved_at) == 3);
  CHECK(to_millis(got.keep_firing_since) == 4);
  CHECK(to_millis(got.last_sent_at) == 5);
  CHECK(got.flaps == 0x00FF'FF01U);
}

TEST_CASE("an alert's value may be NaN or infinite") {
  StateFile file;
  auto store = file.open();
  StoredAlert nan = alert("a");
  nan.value = std::numeric_limits<double>::quiet_NaN();
  StoredAlert inf = alert("b");
  inf.value = -std::numeric_limits<double>::infinity();
  REQUIRE(store->save_alerts("r", {nan, inf}));
  const auto alerts = store->load_alerts();
  REQUIRE(alerts);
  REQUIRE(alerts->size() == 2);
  CHECK(std::isnan((*alerts)[0].value));
  CHECK((*alerts)[1].value == -std::numeric_limits<double>::infinity());
}

TEST_CASE("two alerts with the same labels in one rule are refused and nothing changes") {
  StateFile file;
  auto store = file.open();
  REQUIRE(store->save_alerts("r", {alert("a")}));
  CHECK_FALSE(store->save_alerts("r", {alert("b"), alert("b")}));
  const auto alerts = store->load_alerts();
  REQUIRE(alerts);
  REQUIRE(alerts->size() == 1);
  CHECK(alerts->front().labels.get("instance") == "a");
}

TEST_CASE("a notification is queued once per key, with its log entry, and updated by id") {
  StateFile file;
  auto store = file.open();
  const NotificationLogEntry entry{"oncall/webhook/0", "{}:{}", {~0ULL, 1}, {2}, from_millis(10)};
  const auto first = store->enqueue(delivery("k1"), entry);
  REQUIRE(first);
  NotificationLogEntry later = entry;
  later.at = from_millis(99);
  const auto again = store->enqueue(delivery("k1"), later);
  REQUIRE(again);
  CHECK(*again == *first);
  REQUIRE(store->enqueue(delivery("k2"), entry));

  auto queued = store->queued();
  REQUIRE(queued);
  REQUIRE(queued->size() == 2);
  Delivery done = queued->front();
  CHECK(done.payload == "{\"a\":1}");
  CHECK(done.resolved);
  done.state = DeliveryState::kDelivered;
  done.attempts = 3;
  done.delivered_at = from_millis(20);
  done.last_error = "503";
  REQUIRE(store->update(done));
  store.reset();

  store = file.open();
  queued = store->queued();
  REQUIRE(queued);
  REQUIRE(queued->size() == 1);
  CHECK(queued->front().idempotency_key == "k2");
  const auto recent = store->recent(10);
  REQUIRE(recent);
  REQUIRE(recent->size() == 2);
  CHECK((*recent)[0].idempotency_key == "k2");
  CHECK((*recent)[1].attempts == 3);
  CHECK((*recent)[1].last_error == "503");
  CHECK(to_millis((*recent)[1].delivered_at) == 20);
  const auto told = store->last_notification("oncall/webhook/0", "{}:{}");
  REQUIRE(told);
  REQUIRE(told->has_value());
  CHECK((*told)->firing == std::vector<std::uint64_t>{~0ULL, 1});
  CHECK((*told)->resolved == std::vector<std::uint64_t>{2});
  CHECK(to_millis((*told)->at) == 10);
  const auto unknown = store->last_notification("oncall/webhook/0", "other");
  REQUIRE(unknown);
  CHECK_FALSE(unknown->has_value());
}

TEST_CASE("updating a delivery that is not there is kNotFound") {
  StateFile file;
  Delivery d = delivery("k");
  d.id = 7;
  const auto updated = file.open()->update(d);
  REQUIRE_FALSE(updated);
  CHECK(updated.error().code() == ErrorCode::kNotFound);
}

TEST_CASE("pruning takes finished deliveries and old log entries, never queued ones") {
  StateFile file;
  auto store = file.open();
  const NotificationLogEntry old_entry{"a", "g", {}, {}, from_millis(10)};
  REQUIRE(store->enqueue(delivery("queued"), old_entry));
  Delivery done = delivery("done");
  done.state = DeliveryState::kGivenUp;
  REQUIRE(store->enqueue(done, old_entry));
  REQUIRE(store->prune(from_millis(10)));
  CHECK(store->recent(10)->size() == 2);
  REQUIRE(store->prune(from_millis(11)));
  const auto left = store->recent(10);
  REQUIRE(left);
  REQUIRE(left->size() == 1);
  CHECK(left->front().idempotency_key == "queued");
  CHECK_FALSE(store->last_notification("a", "g")->has_value());
}

TEST_CASE("a silence keeps its matchers and is replaced by id") {
  StateFile file;
  auto store = file.open();
  Silence silence;
  silence.id = "5b3cbb3c-0000-4000-8000-000000000000";
  silence.matchers = {must(Matcher::make(MatchOp::kRegex, "instance", "a|b.*")),
                      must(Matcher::make(MatchOp::kNotEqual, "severity", "page"))};
  silence.starts_at = from_millis(1);
  silence.ends_at = from_millis(2);
  silence.created_by = "ann";
  silence.comment = "first";
  REQUIRE(store->save_silence(silence));
  silence.comment = "second";
  REQUIRE(store->save_silence(silence));
  store.reset();
  const auto silences = file.open()->load_silences();
  REQUIRE(silences);
  REQUIRE(silences->size() == 1);
  CHECK(silences->front().comment == "second");
  CHECK(silences->front().matchers == silence.matchers);
  CHECK(silences->front().matchers[0].matches("bcd"));
  CHECK(to_millis(silences->front().ends_at) == 2);
}

TEST_CASE("a remediation key is written once, and unfinished runs are found after a crash") {
  StateFile file;
  auto store = file.open();
  const auto first = store->add_run(run("k1", 10));
  REQUIRE(first);
  const auto again = store->add_run(run("k1", 10));
  REQUIRE_FALSE(again);
  CHECK(again.error().code() == ErrorCode::kOutOfOrder);
  REQUIRE(store->add_run(run("k2", 20)));
  RemediationRun done = run("k1", 10);
  done.id = *first;
  done.state = RunState::kVerified;
  done.action_status = 202;
  done.output = "ok";
  REQUIRE(store->update_run(done));
  store.reset();
  store = file.open();
  const auto unfinished = store->unfinished_runs();
  REQUIRE(unfinished);
  REQUIRE(unfinished->size() == 1);
  CHECK(unfinished->front().idempotency_key == "k2");
  CHECK(store->runs_since("restart", from_millis(20))->size() == 1);
  CHECK(store->runs_since("restart", from_millis(10))->size() == 2);
  CHECK(store->runs_since("other", from_millis(0))->empty());
  const auto recent = store->recent_runs(5);
  REQUIRE(recent);
  REQUIRE(recent->size() == 2);
  CHECK((*recent)[1].state == RunState::kVerified);
  CHECK((*recent)[1].action_status == 202);
}

TEST_CASE("past the limit the oldest finished runs go, unfinished ones stay") {
  StateFile file;
  StateLimits limits;
  limits.runs_max = 2;
  auto store = file.open(limits);
  REQUIRE(store->add_run(run("unfinished", 1)));
  for (int i = 2; i <= 5; ++i) {
    RemediationRun skipped = run("k" + std::to_string(i), i);
    skipped.state = RunState::kSkipped;
    REQUIRE(store->add_run(skipped));
  }
  const auto left = store->recent_runs(10);
  REQUIRE(left);
  REQUIRE(left->size() == 3);
  CHECK((*left)[0].idempotency_key == "k5");
  CHECK((*left)[1].idempotency_key == "k4");
  CHECK((*left)[2].idempotency_key == "unfinished");
}

TEST_CASE("the kill switch is off at first and stays as it was set") {
  StateFile file;
  auto store = file.open();
  CHECK_FALSE(*store->remediation_stopped());
  REQUIRE(store->set_remediation_stopped(true, "ann"));
  store.reset();
  CHECK(*file.open()->remediation_stopped());
}

TEST_CASE("ledger minutes are idempotent, read half-open and pruned by SLO") {
  StateFile file;
  auto store = file.open();
  CHECK(store->last_minute("s").error().code() == ErrorCode::kNotFound);
  REQUIRE(store->write_minutes("s", {{10, 1, 2, 0}, {11, 0.5, 1, 3}, {12, 5, 5, 0}}));
  REQUIRE(store->write_minutes("s", {{11, 0.25, 1, 3}}));
  REQUIRE(store->write_minutes("t", {{10, 7, 7, 0}}));
  const auto minutes = store->read_minutes("s", 10, 12);
  REQUIRE(minutes);
  REQUIRE(minutes->size() == 2);
  CHECK((*minutes)[0].valid == 2);
  CHECK((*minutes)[1].good == 0.25);
  CHECK((*minutes)[1].excluded == 3);
  CHECK(*store->last_minute("s") == 12);
  REQUIRE(store->prune_ledger("s", 12));
  CHECK(store->read_minutes("s", 0, 100)->size() == 1);
  CHECK(store->read_minutes("t", 0, 100)->size() == 1);
}

TEST_CASE("the ledger names the SLOs that have minutes, and writes many at once") {
  StateFile file;
  auto store = file.open();
  CHECK(store->ledger_names()->empty());
  REQUIRE(store->write_ledger(
      {{"b", {{10, 1, 2, 0}}}, {"a", {{10, 3, 4, 0}, {11, 5, 6, 0}}}, {"none", {}}}));
  CHECK(*store->ledger_names() == std::vector<std::string>{"a", "b"});
  CHECK(store->read_minutes("a", 0, 100)->size() == 2);
  CHECK(store->read_minutes("b", 0, 100)->at(0).valid == 2);
  REQUIRE(store->prune_ledger("a", 11));
  CHECK(store->ledger_names()->size() == 2);
  REQUIRE(store->prune_ledger("a", 12));  // its last minute: the name goes with it
  CHECK(*store->ledger_names() == std::vector<std::string>{"b"});
  REQUIRE(store->write_minutes("a", {{20, 1, 1, 0}}));
  CHECK(store->read_minutes("a", 0, 100)->size() == 1);
  CHECK(store->read_minutes("b", 0, 100)->size() == 1);
}

TEST_CASE("packed minutes read as before, take changes, and go with the rest") {
  StateFile file;
  auto store = file.open();
  std::vector<LedgerMinute> rows;
  for (int m = 0; m < 1'500; ++m)
    rows.push_back({2 * m, m % 7 == 0 ? 0.5 : 90.0 + m, 100.0 + m, m % 50 == 0 ? 2.0 : 0});
  REQUIRE(store->write_minutes("s", rows));
  REQUIRE(store->write_minutes("t", rows));
  const auto same = [&](std::int64_t from, std::int64_t to) {
    const auto found = store->read_minutes("s", from, to);
    REQUIRE(found);
    std::vector<LedgerMinute> want;
    for (const LedgerMinute& row : rows) {
      if (row.minute >= from && row.minute < to) want.push_back(row);
    }
    return std::equal(found->begin(), found->end(), want.begin(), want.end(),
                      [](const auto& a, const auto& b) {
                        return a.minute == b.minute && a.good == b.good && a.valid == b.valid &&
                               a.excluded == b.excluded;
                      });
  };
  const auto check = [&] {
    CHECK(same(0, 20'000));
    for (const std::int64_t from : {0, 1, 255, 256, 257, 1'000, 1'998, 1'999})
      for (const std::int64_t to : {1, 256, 257, 900, 1'500, 1'999, 3'000}) CHECK(same(from, to));
    CHECK(*store->last_minute("s") == rows.back().minute);
  };
  REQUIRE(store->prune_ledger("s", -1));  // packs what is older than a day
  check();
  REQUIRE(store->prune_ledger("s", -1));
  check();
  rows[300] = {600, 1, 2, 3};  // counted again
  rows.insert(rows.begin() + 301, {601, 4, 5, 6});
  REQUIRE(store->write_minutes("s", {rows[300], rows[301]}));
  check();
  rows.push_back({10'000, 7, 8, 9});  // everything else is older than a day now
  REQUIRE(store->write_minutes("s", {rows.back()}));
  REQUIRE(store->prune_ledger("s", -1));
  check();
  store.reset();
  store = file.open();
  check();
  CHECK(*store->ledger_names() == std::vector<std::string>{"s", "t"});
  REQUIRE(store->prune_ledger("s", 1'000));
  CHECK(same(1'000, 20'000));
  CHECK(store->read_minutes("s", 0, 1'000 - 257)->empty());
  CHECK(store->read_minutes("t", 0, 10'000)->size() == 1'500);
  REQUIRE(store->prune_ledger("s", 20'000));
  CHECK(store->last_minute("s").error().code() == ErrorCode::kNotFound);
  CHECK(*store->ledger_names() == std::vector<std::string>{"t"});
}

TEST_CASE("a value is nothing until it is set, then the last one") {
  StateFile file;
  auto store = file.open();
  CHECK_FALSE(store->get_value("a")->has_value());
  REQUIRE(store->set_value("a", ""));
  CHECK(store->get_value("a")->value() == "");
  REQUIRE(store->set_value("a", "2"));
  store.reset();
  CHECK(file.open()->get_value("a")->value() == "2");
}

TEST_CASE("calls from several threads queue up and lose nothing") {
  StateFile file;
  auto store = file.open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&store, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string key = std::to_string(t) + "/" + std::to_string(i);
        static_cast<void>(store->set_value(key, key));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) {
    for (int i = 0; i < 10; ++i) {
      const std::string key = std::to_string(t) + "/" + std::to_string(i);
      CHECK(store->get_value(key)->value_or("") == key);
    }
  }
}

TEST_CASE("a file that is no database is kCorrupt and is not touched") {
  StateFile file;
  const std::string junk(8192, 'x');
  std::ofstream(file.path()) << junk;
  const auto store = file.try_open();
  REQUIRE_FALSE(store);
  CHECK(store.error().code() == ErrorCode::kCorrupt);
  std::ifstream in(file.path());
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == junk);
}

TEST_CASE("a full database refuses with kIo and keeps what it had") {
  StateFile file;
  StateLimits limits;
  limits.bytes_max = 256u << 10;
  auto store = file.open(limits);
  REQUIRE(store->set_value("small", "v"));
  const auto big = store->set_value("big", std::string(512u << 10, 'x'));
  REQUIRE_FALSE(big);
  CHECK(big.error().code() == ErrorCode::kIo);
  CHECK(big.error().what().find("write a value") != std::string::npos);
  CHECK(store->get_value("small")->value() == "v");
  CHECK(store->set_value("small", "w"));
}

TEST_CASE("a minute that is left out of the ledger is known, with events and without") {
  StateFile file;
  const std::vector<LedgerMinute> rows{
      {1, 9, 10, 0, false}, {2, 0, 0, 7, true}, {3, 0, 0, 0, true}, {4, 0, 0, 0, false}};
  REQUIRE(file.open()->write_minutes("slo", rows));
  const auto read = file.open()->read_minutes("slo", 0, 10);
  REQUIRE(read);
  REQUIRE(read->size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK((*read)[i].valid == rows[i].valid);
    CHECK((*read)[i].excluded == rows[i].excluded);
    CHECK((*read)[i].is_excluded == rows[i].is_excluded);
  }
}

TEST_CASE("a capped database has its size from the start; history ends before pages do") {
  StateFile file;
  StateLimits limits;
  limits.bytes_max = 512u << 10;
  auto store = file.open(limits);
  CHECK(std::filesystem::file_size(file.path()) == 512u << 10);
  std::int64_t minute = 0;
  Result<void> written;
  while (written && minute < 1'000'000) {
    std::vector<LedgerMinute> minutes;
    for (int i = 0; i < 500; ++i) minutes.push_back({minute++, 1.5, 2.5, 0});
    written = store->write_minutes("slo", minutes);
  }
  REQUIRE_FALSE(written);
  CHECK(written.error().code() == ErrorCode::kLimit);
  CHECK(written.error().what().find("raise [storage] budget") != std::string::npos);
  CHECK(minute > 5'000);
  Incident incident;
  incident.episode = "e";
  incident.started_at = incident.fired_at = from_millis(1000);
  CHECK(store->save_incident(incident));
  CHECK(store->add_event({0, "e", from_millis(1000), "fired", "", "{}"}).error().code() ==
        ErrorCode::kLimit);
  incident.episode = "f";
  CHECK(store->record({{incident, {0, "f", from_millis(1000), "fired", "", "{}"}}}).error().code() ==
        ErrorCode::kLimit);
  CHECK(store->incident("f"));
  CHECK(store->events("f")->empty());
  Delivery delivery;
  delivery.receiver = "oncall";
  delivery.idempotency_key = "k";
  CHECK(store->enqueue(delivery, NotificationLogEntry{}));
  REQUIRE(store->prune_ledger("slo", minute / 2));
  CHECK(store->write_minutes("slo", {{minute, 1, 1, 0}}));
  CHECK(store->add_event({0, "e", from_millis(1000), "fired", "", "{}"}));
  store.reset();
  CHECK(std::filesystem::file_size(file.path()) == 512u << 10);
  limits.bytes_max = 1u << 20;
  store = file.open(limits);
  CHECK(std::filesystem::file_size(file.path()) == 1u << 20);
  CHECK(*store->last_minute("slo") == minute);
  store.reset();
  limits.bytes_max = 128u << 10;  // less than is in it: no more than needed is kept
  store = file.open(limits);
  CHECK(std::filesystem::file_size(file.path()) <= 512u << 10);
  CHECK(*store->last_minute("slo") == minute);
}

TEST_CASE("a folder that does not exist is kIo") {
  testing::SimClock clock{from_millis(0)};
  const auto log = make_null_log();
  const auto store = open_sqlite_state("/nonexistent-folder/state.db", clock, *log);
  REQUIRE_FALSE(store);
  CHECK(store.error().code() == ErrorCode::kIo);
}

}  // namespace nines::storage
