#include "app/config/internal/exposition_keys.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text/text.h"

namespace nines::config {
namespace {

using collector::ScrapeProtocol;

std::string listed(std::span<const std::string_view> names) {
  std::string all;
  for (const std::string_view name : names) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

std::optional<ScrapeProtocol> protocol_of(TableReader& t, const char* key,
                                          const std::string& name) {
  const std::optional<ScrapeProtocol> protocol = collector::scrape_protocol(name);
  if (!protocol) {
    t.fail(key, "`" + std::string(key) + "`: " + quote_go(name) + " is none of " +
                    listed(collector::scrape_protocol_names()));
  }
  return protocol;
}

void read_protocols(TableReader& t, collector::ScrapeConfig& s) {
  if (!t.has("scrape_protocols")) return;
  std::vector<std::string> names;
  t.read("scrape_protocols", names);
  s.scrape_protocols.clear();
  for (const std::string& name : names) {
    const std::optional<ScrapeProtocol> protocol = protocol_of(t, "scrape_protocols", name);
    if (!protocol) continue;
    if (std::count(s.scrape_protocols.begin(), s.scrape_protocols.end(), *protocol) != 0) {
      t.fail("scrape_protocols", "`scrape_protocols` names " + name + " twice");
    }
    s.scrape_protocols.push_back(*protocol);
  }
  if (names.empty()) t.fail("scrape_protocols", "`scrape_protocols` names no protocol");
}

}  // namespace

void read_exposition(TableReader& t, collector::ScrapeConfig& s) {
  read_protocols(t, s);
  std::string validation = s.legacy_names_only ? "legacy" : "utf8";
  t.read_one_of("metric_name_validation_scheme", validation, {"utf8", "legacy"});
  s.legacy_names_only = validation == "legacy";
  std::string escaping(to_string(s.metric_name_escaping_scheme));
  if (s.legacy_names_only && escaping == "allow-utf-8") escaping = "underscores";
  t.read_one_of("metric_name_escaping_scheme", escaping,
                {"allow-utf-8", "underscores", "dots", "values"});
  if (s.legacy_names_only && escaping == "allow-utf-8") {
    t.fail("metric_name_escaping_scheme",
           "`metric_name_escaping_scheme` allow-utf-8 asks for names that "
           "`metric_name_validation_scheme` legacy refuses");
  }
  s.metric_name_escaping_scheme =
      collector::name_escaping(escaping).value_or(collector::NameEscaping::kAllowUtf8);
  t.read("scrape_native_histograms", s.scrape_native_histograms);
  t.read("scrape_classic_histograms", s.always_scrape_classic_histograms);  // its older name
  t.read("always_scrape_classic_histograms", s.always_scrape_classic_histograms);
  t.read("convert_classic_histograms_to_nhcb", s.convert_classic_histograms_to_nhcb);
}

void read_fallback_protocol(TableReader& t, collector::ScrapeConfig& s) {
  std::string fallback;
  t.read("fallback_scrape_protocol", fallback);
  if (!fallback.empty()) {
    s.fallback_scrape_protocol = protocol_of(t, "fallback_scrape_protocol", fallback);
  }
}

}  // namespace nines::config
