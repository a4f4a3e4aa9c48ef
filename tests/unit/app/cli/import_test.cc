// What other tools wrote, imported: against the files beside this one, and into nines itself.
#include "app/cli/internal/import.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

#include "app/config/config.h"
#include "base/text/text.h"

namespace nines::app {
namespace {

std::filesystem::path folder() {
  return NINES_IMPORTS_DIR;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// NINES_WRITE_GOLDEN=1 writes the files anew, to be read by a person before they are kept.
void same_as_file(const std::string& name, const std::string& text) {
  const std::filesystem::path path = folder() / name;
  if (std::getenv("NINES_WRITE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
  }
  CHECK_MESSAGE(read(path) == text, name);
}

convert::Converted import(const std::string& kind, const std::string& name) {
  const auto fs = make_posix_fs();
  const auto done = import_text(*fs, kind, name + ".yml", read(folder() / (name + ".yml")));
  REQUIRE_MESSAGE(done, (done ? "" : done.error().what()));
  return *done;
}

}  // namespace

TEST_CASE("files of Sloth, Pyrra and OpenSLO become what stands beside them, and nines loads it") {
  const auto fs = make_posix_fs();
  for (const auto& row :
       std::vector<std::tuple<std::string, std::string, std::size_t, std::size_t>>{
           {"sloth", "sloth", 7, 2},
           {"sloth", "sloth_kubernetes", 2, 1},
           {"pyrra", "pyrra", 3, 0},
           {"openslo", "openslo", 4, 1}}) {
    const auto& kind = std::get<0>(row);
    const auto& name = std::get<1>(row);
    const auto& slos = std::get<2>(row);
    const auto& left_out = std::get<3>(row);
    INFO(name);
    const convert::Converted done = import(kind, name);
    same_as_file(name + ".toml", done.toml);
    same_as_file(name + ".notes", join(done.notes, "\n") + "\n");
    CHECK(done.slos == slos);
    CHECK(done.left_out == left_out);
    const auto loaded =
        config::load_text(*fs, name + ".toml", "[builtin]\nslo = false\n" + done.toml);
    REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().what()));
    CHECK(loaded->slos.size() == slos);
  }
}

TEST_CASE("an import keeps what counts: indicator, target, window, alerts") {
  const auto fs = make_posix_fs();
  const auto loaded =
      config::load_text(*fs, "n.toml", "[builtin]\nslo = false\n" + import("sloth", "sloth").toml);
  REQUIRE(loaded);
  const slo::SloConfig& requests = loaded->slos.at(0);
  CHECK(requests.name == "requests");
  CHECK(requests.service == "shop");
  CHECK(requests.target_percent == 99.95);
  CHECK(requests.window == Duration(30LL * 86'400'000));
  CHECK(requests.indicator.bad == "shop_requests_total{code=~\"5..|429\",job=\"shop\"}");
  CHECK(requests.labels.at("tier") == "2");
  CHECK(requests.labels.at("team") == "checkout");
  CHECK(requests.alerting.size() == 4);
  CHECK(requests.alerts.name == "ShopErrors");
  CHECK(requests.alerts.page.labels.at("severity") == "critical");
  const slo::SloConfig& latency = loaded->slos.at(1);
  CHECK(latency.indicator.good == "shop_request_seconds_bucket{job=\"shop\",le=\"0.25\"}");
  // 14.4 times a budget of 10 % cannot be.
  REQUIRE(latency.alerting.size() == 3);
  CHECK(latency.alerting[0].burn_rate == 6);
}

}  // namespace nines::app
