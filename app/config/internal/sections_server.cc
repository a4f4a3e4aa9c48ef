// [global], [storage], [web], [query], [builtin]: the program itself.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "app/config/internal/exposition_keys.h"
#include "app/config/internal/sections.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::config {

void read_global(TableReader& root, Config& config) {
  config.global.exposition.scrape_protocols.clear();
  root.table("global", [&](TableReader& t) {
    Global& g = config.global;
    read_exposition(t, g.exposition);
    t.read("scrape_interval", g.scrape_interval);
    t.read("scrape_timeout", g.scrape_timeout);
    t.read("evaluation_interval", g.evaluation_interval);
    std::vector<Label> labels;
    t.each_string("external_labels", [&](const std::string& name, const std::string& value,
                                         const toml::source_region& place) {
      if (!is_legacy_label_name(name)) {
        t.problems().add(place, quote_go(name) + " is no label name");
      }
      labels.push_back({name, value});
    });
    g.external_labels = LabelSet::from(std::move(labels));
    if (g.scrape_interval < Duration(100))
      t.fail("scrape_interval", "`scrape_interval` must be at least 100ms");
    if (g.evaluation_interval < Duration(100)) {
      t.fail("evaluation_interval", "`evaluation_interval` must be at least 100ms");
    }
    if (g.scrape_timeout > g.scrape_interval) {
      if (t.has("scrape_timeout")) {
        t.fail("scrape_timeout", "`scrape_timeout` must not be longer than `scrape_interval` (" +
                                     format_duration(g.scrape_interval) + ")");
      }
      g.scrape_timeout = g.scrape_interval;
    }
  });
}

namespace {

// After the budget: the least a class needs depends on it. Of a budget in per cent of a disk that
// is known at the start alone, and checked then.
void read_quota(TableReader& storage, storage::Options& s) {
  storage.table("quota", [&](TableReader& t) {
    for (std::size_t i = 0; i < storage::ring::kSegmentClasses; ++i) {
      const std::string name(storage::ring::to_string(static_cast<storage::ring::SegmentClass>(i)));
      if (!t.has(name)) continue;
      const std::size_t before = t.problems().lines().size();
      double percent = 0;
      t.read(name, percent);
      if (t.problems().lines().size() == before) s.quota[name] = percent;
    }
    storage::RingShape shape;
    if (s.budget_percent == 0) shape = storage::ring_shape(s.budget_bytes, s.segment_bytes);
    storage::ring::Parts parts{};
    if (const auto mistake = storage::share_quotas(s.quota, shape, parts))
      t.fail(mistake->name, mistake->text);
  });
}

}  // namespace

void read_storage(TableReader& root, Config& config) {
  root.table("storage", [&](TableReader& t) {
    storage::Options& s = config.storage;
    t.read("path", s.path);
    std::string budget;
    if (t.has("budget")) {
      t.read("budget", budget);
      if (!budget.empty() && budget.back() == '%') {
        const std::optional<double> percent = parse_double(budget.substr(0, budget.size() - 1));
        if (!percent || !(*percent > 0) || *percent > 90) {
          t.fail("budget",
                 "`budget` must be a size such as \"10GiB\" or between 0% and 90% of the disk");
        } else {
          s.budget_percent = *percent;
        }
      } else if (!budget.empty()) {
        t.read_bytes("budget", s.budget_bytes);
      }
    }
    if (s.budget_percent == 0 && s.budget_bytes < storage::kBudgetMin) {
      t.fail("budget", "`budget` must be at least 16MiB");
    }
    t.read_bytes("segment_size", s.segment_bytes);
    read_quota(t, s);
    std::string sync;
    t.read("sync", sync);
    if (sync == "always") {
      s.sync = storage::SyncMode::kAlways;
    } else if (!sync.empty()) {
      t.read("sync", s.sync_interval);
      if (s.sync_interval < Duration(10) || s.sync_interval > Duration(60'000)) {
        t.fail("sync", "`sync` must be \"always\" or between 10ms and 1m");
      }
    }
    t.read("out_of_order_window", s.out_of_order_window);
    t.read_count("max_series", s.series_max);
    t.read_count("max_series_per_target", s.series_per_group_max);
    t.read_count("max_series_per_metric", s.series_per_metric_max);
    t.read_count("max_labels_per_series", s.labels_per_series_max);
    t.read_bytes("max_label_name_length", s.label_name_bytes_max);
    t.read_bytes("max_label_value_length", s.label_value_bytes_max);
    t.read_count("max_exemplars", s.exemplars_max);
    t.read_count("max_log_streams", s.streams_max);
    constexpr std::uint64_t kSelectionsMost = std::uint64_t{64} << 30;
    t.read_bytes("selection_cache", s.selection_cache_bytes);
    if (s.selection_cache_bytes > kSelectionsMost)
      t.fail("selection_cache", "`selection_cache` must be between 0 (nothing is kept) and 64GiB");
  });
}

void read_web(TableReader& root, Config& config) {
  root.table("web", [&](TableReader& t) {
    web::ServerOptions& w = config.web;
    t.read("listen", w.listen);
    t.read("external_url", config.external_url);
    if (!config.external_url.empty()) check_url(t, "external_url", config.external_url);
    t.read_count("max_connections", w.connections_max);
    t.read_count("max_connections_per_ip", w.connections_per_ip_max);
    t.read_bytes("max_body_size", w.body_bytes_max);
    t.read("read_timeout", w.head_timeout);
    t.read("body_timeout", w.body_timeout);
    if (w.body_timeout < Duration(100)) {
      t.fail("body_timeout", "`body_timeout` must be at least 100ms");
    }
    t.read("idle_timeout", w.idle_timeout);
    bool open_to_all = false;
    t.read("allow_unauthenticated", open_to_all);
    t.read("enable_admin_api", config.admin_api);
    const std::size_t colon = w.listen.rfind(':');
    const std::optional<std::int64_t> port =
        colon == std::string::npos ? std::nullopt : parse_int(w.listen.substr(colon + 1));
    if (!port || *port < 0 || *port > 65535) {
      t.fail("listen", "`listen` must be HOST:PORT such as \"127.0.0.1:9999\"");
    } else {
      const std::string host = w.listen.substr(0, colon);
      const bool loopback = host == "127.0.0.1" || host == "localhost" || host == "[::1]";
      if (!loopback && !open_to_all) {
        t.fail(
            "listen",
            "`listen` is not a loopback address, and this version has no login: put a proxy with "
            "TLS and authentication before 127.0.0.1, or write `allow_unauthenticated = true` if "
            "everybody who reaches the address may silence alerts and start remediations");
      }
    }
  });
}

namespace {

// A number within [least, most], both allowed.
template <typename Int>
void read_within(TableReader& t, std::string_view key, Int& out, std::int64_t least,
                 std::int64_t most) {
  std::int64_t value = static_cast<std::int64_t>(out);
  t.read_count(key, value);
  if (value < least || value > most) {
    t.fail(key, "`" + std::string(key) + "` must be between " + std::to_string(least) + " and " +
                    std::to_string(most));
    return;
  }
  out = static_cast<Int>(value);
}

void read_at_least(TableReader& t, std::string_view key, Duration& out) {
  t.read(key, out);
  if (out < Duration(1)) t.fail(key, "`" + std::string(key) + "` must be at least 1ms");
}

}  // namespace

void read_query(TableReader& root, Config& config) {
  root.table("query", [&](TableReader& t) {
    constexpr std::int64_t kMost = 1'000'000'000'000;
    constexpr std::uint64_t kMemoryLeast = 1u << 20, kTextLeast = 1024, kTextMost = 1u << 20;
    promql::EngineOptions& q = config.promql;
    read_at_least(t, "lookback_delta", q.lookback_delta);
    read_at_least(t, "timeout", q.timeout);
    read_within(t, "max_samples", q.samples_max, 1, kMost);
    read_within(t, "max_series", q.series_max, 1, kMost);
    read_within(t, "max_points", q.points_max, 1, kMost);
    t.read_bytes("max_memory", q.memory_bytes_max);
    if (q.memory_bytes_max < kMemoryLeast) {
      t.fail("max_memory", "`max_memory` must be at least 1MiB");
    }
    std::uint64_t text = q.text_bytes_max;
    t.read_bytes("max_text", text);
    if (text < kTextLeast || text > kTextMost) {
      t.fail("max_text", "`max_text` must be between 1KiB and 1MiB");
    } else {
      q.text_bytes_max = text;
    }
    // Deeper trees would not fit the stack of those who walk them.
    read_within(t, "max_depth", q.depth_max, 8, 256);
    read_within(t, "max_concurrency", config.web.slow_workers, 1, 256);
    read_within(t, "threads", q.threads, 1, 64);
  });
}

void read_builtin(TableReader& root, Config& config) {
  root.table("builtin", [&](TableReader& t) {
    t.read("rules", config.builtin.rules);
    t.read("slo", config.builtin.slo);
    t.read("self", config.builtin.self);
  });
}

void check_promql(TableReader& reader, std::string_view key, const std::string& expr,
                  const Config& config) {
  const auto query = promql::Query::parse(expr, config.promql);
  if (query) return;
  reader.fail(key, "`" + std::string(key) + "`: " + query.error().what());
}

void check_url(TableReader& reader, std::string_view key, const std::string& url) {
  const bool http = url.starts_with("http://") && url.size() > 7 && url[7] != '/';
  const bool https = url.starts_with("https://") && url.size() > 8 && url[8] != '/';
  if (http || https) return;
  reader.fail(key, "`" + std::string(key) +
                       "` must be a URL such as \"http://127.0.0.1:8085/page\", not " +
                       quote_go(url));
}

}  // namespace nines::config
