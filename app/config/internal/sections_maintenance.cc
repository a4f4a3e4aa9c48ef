// [[maintenance]]: planned work.
#include <string>
#include <vector>

#include "app/config/internal/sections.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/maintenance/encode.h"

namespace nines::config {
namespace {

void read_start(TableReader& t, maintenance::Maintenance& m) {
  std::string text;
  t.read("starts_at", text);
  if (!t.has("starts_at")) {
    t.fail("", "`starts_at` is missing in " + t.name() +
                   ": \"2026-01-04 02:00:00\" on the clock of `time_zone`, or "
                   "\"2026-01-04T02:00:00Z\"");
  } else if (const auto at = maintenance::parse_start(text, m.zone)) {
    m.start = *at;
  } else {
    t.fail("starts_at",
           "`starts_at` must be a time like \"2026-01-04 02:00:00\" on the clock of "
           "`time_zone`, or like \"2026-01-04T02:00:00Z\", not " +
               quote_go(text));
  }
}

void read_dates(TableReader& t, maintenance::Maintenance& m) {
  std::vector<std::string> texts;
  t.read("rdate", texts);
  if (const auto set = maintenance::set_rdate(m, texts); !set) t.fail("rdate", set.error().what());
  texts.clear();
  t.read("exdate", texts);
  if (const auto set = maintenance::set_exdate(m, texts); !set)
    t.fail("exdate", set.error().what());
}

void read_effects(TableReader& t, maintenance::Maintenance& m) {
  std::vector<std::string> effects{"silence", "slo_exclude", "no_remediation"};
  t.read("effects", effects);
  if (const auto set = maintenance::set_effects(m, effects); !set)
    t.fail("effects", set.error().what());
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
    read_dates(t, m);
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
