// Each option that waits for the next start is named when it changes, and no other.
#include "app/config/restart.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/mem_fs.h"

namespace nines::config {
namespace {

Config load(const std::string& text) {
  testing::MemFs fs;
  auto config = load_text(fs, "n.toml", text);
  REQUIRE_MESSAGE(config, config.error().what());
  return *std::move(config);
}

TEST_CASE(
    "each key of [storage], [web] and [query] that waits for a start is named when it changes") {
  const Config started = load("");
  struct Key {
    const char* section;
    const char* key;
    const char* value;
  };
  const std::vector<Key> keys = {
      {"storage", "path", "\"/elsewhere\""},
      {"storage", "budget", "\"2GiB\""},
      {"storage", "budget", "\"5%\""},
      {"storage", "segment_size", "\"2MiB\""},
      {"storage", "quota", "{ logs = 30 }"},
      {"storage", "sync", "\"2s\""},
      {"storage", "sync", "\"always\""},
      {"storage", "out_of_order_window", "\"2h\""},
      {"storage", "max_series", "1000"},
      {"storage", "max_series_per_target", "1000"},
      {"storage", "max_series_per_metric", "1000"},
      {"storage", "max_labels_per_series", "10"},
      {"storage", "max_label_name_length", "10"},
      {"storage", "max_label_value_length", "10"},
      {"storage", "max_exemplars", "10"},
      {"storage", "max_log_streams", "10"},
      {"storage", "selection_cache", "\"1MiB\""},
      {"web", "listen", "\"127.0.0.1:1234\""},
      {"web", "external_url", "\"http://nines.example\""},
      {"web", "max_connections", "10"},
      {"web", "max_connections_per_ip", "10"},
      {"web", "max_body_size", "\"1MiB\""},
      {"web", "read_timeout", "\"1s\""},
      {"web", "body_timeout", "\"100ms\""},
      {"web", "idle_timeout", "\"1s\""},
      {"web", "enable_admin_api", "true"},
      {"query", "lookback_delta", "\"1m\""},
      {"query", "timeout", "\"1s\""},
      {"query", "max_samples", "10"},
      {"query", "max_series", "10"},
      {"query", "max_points", "10"},
      {"query", "max_memory", "\"1MiB\""},
  };
  for (const Key& one : keys) {
    const std::string section = std::string("[") + one.section + "]";
    CAPTURE(one.key);
    CAPTURE(one.value);
    const Config now = load(section + "\n" + one.key + " = " + one.value + "\n");
    CHECK(changes_that_wait(started, now) == std::vector<std::string>{section + " " + one.key});
    CHECK(changes_that_wait(now, now).empty());
  }
}

TEST_CASE("a receiver's section is named whatever changes in it") {
  const Config started = load("");
  for (const std::string line :
       {"[remote_write_receiver]\nmax_groups = 5", "[otlp]\npromote_scope_metadata = true",
        "[pushgateway]\nmax_groups = 5", "[influx]\ndatabase_label = \"\"",
        "[statsd]\nbuckets = [1]", "[graphite]\nsanitize_names = true"}) {
    CAPTURE(line);
    const Config now = load(line + "\n");
    CHECK(changes_that_wait(started, now) ==
          std::vector<std::string>{line.substr(0, line.find('\n'))});
    CHECK(changes_that_wait(now, now).empty());
  }
}

TEST_CASE("what a reload changes at once is not named; several keys are, in order") {
  const Config started = load("");
  CHECK(changes_that_wait(started, load("[global]\nscrape_interval = \"30s\"\n")).empty());
  const Config now = load("[query]\nmax_points = 5\n[storage]\nmax_series = 7\nsync = \"5s\"\n");
  CHECK(changes_that_wait(started, now) ==
        std::vector<std::string>{"[storage] sync", "[storage] max_series", "[query] max_points"});
}

}  // namespace
}  // namespace nines::config
