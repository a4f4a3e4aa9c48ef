// [[maintenance]]: planned work.
#include <string>
#include <vector>

#include "app/config/internal/sections.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::config {
namespace {

// An instant with its offset, or a time on the zone's clock.
void read_start(TableReader& t, maintenance::Maintenance& m) {
  std::string text;
  t.read("starts_at", text);
  if (!t.has("starts_at")) {
    t.fail("", "`starts_at` is missing in " + t.name() +
                   ": \"2026-01-04 02:00:00\" on the clock of `time_zone`, or "
                   "\"2026-01-04T02:00:00Z\"");
    return;
  }
  std::string local = text;
  if (local.size() == 19 && local[10] == 'T') local[10] = ' ';
  if (const auto at = parse_local_time(local)) {
    m.start = *at;
    return;
  }
  const auto instant = parse_time(text);
  if (!instant || text.find('T') == std::string::npos) {
    t.fail("starts_at",
           "`starts_at` must be a time like \"2026-01-04 02:00:00\" on the clock of "
           "`time_zone`, or like \"2026-01-04T02:00:00Z\", not " +
               quote_go(text));
    return;
  }
  m.start = m.zone.to_local(*instant);
}

void read_effects(TableReader& t, maintenance::Maintenance& m) {
  std::vector<std::string> effects{"silence", "slo_exclude", "no_remediation"};
  t.read("effects", effects);
  m.silences = m.excludes = m.stops_remediation = false;
  for (const std::string& effect : effects) {
    if (effect == "silence") {
      m.silences = true;
    } else if (effect == "slo_exclude") {
      m.excludes = true;
    } else if (effect == "no_remediation") {
      m.stops_remediation = true;
    } else {
      t.fail("effects", "`effects` are \"silence\", \"slo_exclude\" and \"no_remediation\", not " +
                            quote_go(effect));
    }
  }
  if (effects.empty()) t.fail("effects", "`effects` is empty: this maintenance would do nothing");
  if (m.matchers.empty() && (m.silences || m.stops_remediation)) {
    t.fail("", "`matchers` is missing in " + t.name() +
                   ": whose alerts are quiet? With `effects = [\"slo_exclude\"]` none are needed: "
                   "SLOs name it in `exclude`");
  }
}

}  // namespace

void read_maintenance(TableReader& root, Config& config) {
  root.tables("maintenance", [&](TableReader& t) {
    maintenance::Maintenance m;
    const std::size_t before = t.problems().lines().size();
    m.line = t.line();
    t.read("name", m.name);
    if (m.name.empty()) t.fail("name", "`name` is missing in " + t.name());
    t.read("comment", m.comment);
    t.read("matchers", m.matchers);
    std::string zone = "UTC";
    t.read("time_zone", zone);
    if (const auto found = TimeZone::find(zone)) {
      m.zone = *found;
    } else {
      t.fail("time_zone", found.error().what());
    }
    read_start(t, m);
    t.read("duration", m.duration);
    if (!t.has("duration")) t.fail("", "`duration` is missing in " + t.name() + ", like \"1h\"");
    t.read("rrule", m.rrule);
    read_effects(t, m);
    for (const auto& other : config.maintenance) {
      if (other.name == m.name)
        t.fail("name", "maintenance " + quote_go(m.name) + " is defined twice");
    }
    if (t.problems().lines().size() == before) {
      if (const auto prepared = maintenance::prepare(m); !prepared) {
        const std::string what = prepared.error().what();
        t.fail(what.starts_with("the start")      ? "starts_at"
               : what.starts_with("the duration") ? "duration"
                                                  : "rrule",
               what);
      }
    }
    config.maintenance.push_back(std::move(m));
  });
}

}  // namespace nines::config
