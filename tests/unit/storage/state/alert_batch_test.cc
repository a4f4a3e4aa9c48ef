// The alerts of several rules, saved at once.
#include "storage/api/alert_batch.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/log/log.h"
#include "storage/state/sqlite_state.h"
#include "tests/support/sim_clock.h"

namespace nines::storage {
namespace {

StoredAlert alert(const std::string& instance) {
  StoredAlert out;
  out.labels = {{"alertname", "Down"}, {"instance", instance}};
  out.active_at = from_millis(1);
  return out;
}

}  // namespace

TEST_CASE("the alerts of several rules are replaced together, or none are") {
  std::string folder =
      (std::filesystem::temp_directory_path() / "nines-batch-").string() + std::string(6, 'X');
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const testing::SimClock clock{from_millis(1'000)};
  const std::unique_ptr<Log> log = make_null_log();
  const auto open = [&] {
    auto made = open_sqlite_state(folder + "/state.db", clock, *log);
    REQUIRE_MESSAGE(made, (made ? "" : made.error().what()));
    return *std::move(made);
  };
  auto store = open();
  auto* const batches = dynamic_cast<AlertBatches*>(store.get());
  REQUIRE(batches != nullptr);
  REQUIRE(store->save_alerts("r", {alert("a")}));
  const std::vector<RuleAlerts> both{{"r", {alert("b"), alert("c")}}, {"s", {alert("d")}}};
  REQUIRE(batches->save_alerts_of(both));
  CHECK(store->load_alerts()->size() == 3);
  const std::vector<RuleAlerts> twins{{"r", {}}, {"s", {alert("e"), alert("e")}}};
  CHECK_FALSE(batches->save_alerts_of(twins));
  REQUIRE(batches->save_alerts_of({}));
  store.reset();
  const auto alerts = open()->load_alerts();
  REQUIRE(alerts->size() == 3);
  CHECK((*alerts)[0].labels.get("instance") == "b");
  CHECK((*alerts)[1].labels.get("instance") == "c");
  CHECK((*alerts)[2].rule == "s");
  CHECK((*alerts)[2].labels.get("instance") == "d");
  std::filesystem::remove_all(folder);
}

}  // namespace nines::storage
