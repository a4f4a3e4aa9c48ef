// What the state database promises of incidents.

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "storage/state/sqlite_state.h"
#include "tests/unit/storage/state/state_file.h"

namespace nines::storage {
namespace {

TEST_CASE("incidents come newest first, their events by time then order of writing") {
  StateFile file;
  auto store = file.open();
  for (int i = 1; i <= 3; ++i) {
    Incident incident;
    incident.episode = "e" + std::to_string(i);
    incident.labels = LabelSet{{"alertname", "Down"}};
    incident.started_at = from_millis(i);
    REQUIRE(store->save_incident(incident));
  }
  REQUIRE(store->add_event({0, "e1", from_millis(5), "firing", "it fires", "{}"}));
  REQUIRE(store->add_event({0, "e1", from_millis(4), "pending", "it waits", "{}"}));
  REQUIRE(store->add_event({0, "e1", from_millis(5), "notified", "told", "{\"status\":200}"}));
  const auto newest = store->incidents(2);
  REQUIRE(newest);
  REQUIRE(newest->size() == 2);
  CHECK((*newest)[0].episode == "e3");
  const auto events = store->events("e1");
  REQUIRE(events);
  REQUIRE(events->size() == 3);
  CHECK((*events)[0].kind == "pending");
  CHECK((*events)[1].kind == "firing");
  CHECK((*events)[2].detail_json == "{\"status\":200}");
  const auto missing = store->incident("e9");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code() == ErrorCode::kNotFound);
}

TEST_CASE("what is not over is found among any number of newer incidents") {
  StateFile file;
  auto store = file.open();
  for (int i = 1; i <= 30; ++i) {
    Incident incident;
    incident.episode = "e" + std::to_string(i);
    incident.started_at = from_millis(i);
    if (i != 2 && i != 7 && i != 9) incident.resolved_at = from_millis(100);
    REQUIRE(store->save_incident(incident));
  }
  const auto open = store->open_incidents(10);
  REQUIRE(open);
  REQUIRE(open->size() == 3);
  CHECK((*open)[0].episode == "e9");
  CHECK((*open)[2].episode == "e2");
  CHECK(store->open_incidents(2)->size() == 2);
  CHECK(store->open_incidents(0)->empty());
}

TEST_CASE("what happened to many incidents is written together, in its order") {
  StateFile file;
  auto store = file.open();
  Incident incident;
  incident.episode = "e";
  std::vector<IncidentRecord> records{{incident, {0, "e", from_millis(1), "pending", "", "{}"}}};
  incident.fired_at = from_millis(1);
  records.push_back({incident, {0, "e", from_millis(1), "firing", "", "{}"}});
  REQUIRE(store->record(records));
  REQUIRE(store->record({}));
  REQUIRE(store->add_events({{0, "e", from_millis(1), "notified", "", "{}"}}));
  store = nullptr;
  store = file.open();
  CHECK(store->incident("e")->fired_at == from_millis(1));
  REQUIRE(store->events("e")->size() == 3);
  CHECK((*store->events("e"))[1].kind == "firing");
}

TEST_CASE("past the limit the oldest resolved incidents go with their events, open ones stay") {
  StateFile file;
  StateLimits limits;
  limits.incidents_max = 2;
  for (int i = 1; i <= 4; ++i) {
    auto store = file.open(limits);  // a store prunes with its first save
    Incident incident;
    incident.episode = "e" + std::to_string(i);
    incident.started_at = from_millis(i);
    incident.resolved_at = from_millis(i == 1 ? 0 : 100);
    REQUIRE(store->add_event({0, incident.episode, from_millis(i), "pending", "", "{}"}));
    REQUIRE(store->save_incident(incident));
  }
  auto store = file.open(limits);
  const auto left = store->incidents(10);
  REQUIRE(left);
  REQUIRE(left->size() == 3);
  CHECK((*left)[0].episode == "e4");
  CHECK((*left)[1].episode == "e3");
  CHECK((*left)[2].episode == "e1");
  CHECK(store->events("e2")->empty());
  CHECK(store->events("e1")->size() == 1);
}

}  // namespace
}  // namespace nines::storage
