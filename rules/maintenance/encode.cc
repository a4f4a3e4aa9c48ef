#include "rules/maintenance/encode.h"

#include <array>
#include <chrono>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::maintenance {
namespace {

constexpr std::size_t kDayLength = 10;  // "2026-01-04"
constexpr Duration kMinute{60'000};

struct Effect {
  const char* name;
  bool Maintenance::*flag;
};
constexpr std::array<Effect, 3> kEffects = {{{"silence", &Maintenance::silences},
                                             {"slo_exclude", &Maintenance::excludes},
                                             {"no_remediation", &Maintenance::stops_remediation}}};

Error wrong(const std::string& what) {
  return {ErrorCode::kInvalid, what};
}

Result<void> check_count(std::string_view key, std::size_t count) {
  if (count <= kDatesMax) return {};
  return wrong("`" + std::string(key) + "` has " + std::to_string(count) + " times, more than " +
               std::to_string(kDatesMax) + ": use `rrule`");
}

Error wrong_date(std::string_view key, const char* besides, const std::string& text) {
  return wrong("`" + std::string(key) +
               "` are times like \"2026-01-04 02:00:00\" on the clock of `time_zone`, or like "
               "\"2026-01-04T02:00:00Z\"" +
               besides + ", not " + quote_go(text));
}

Result<std::string> text_of(const std::string& name, const Json& value) {
  if (value.is_string()) return value.as_string();
  return wrong("`" + name + "` must be a text");
}

Result<std::vector<std::string>> texts_of(const std::string& name, const Json& value) {
  std::vector<std::string> out;
  for (const Json& one : value.items()) {
    if (one.is_string()) out.push_back(one.as_string());
  }
  if (!value.is_array() || out.size() != value.items().size())
    return wrong("`" + name + "` must be a list of texts");
  return out;
}

void write_texts(JsonWriter& json, const char* name, const std::vector<std::string>& texts) {
  json.key(name).begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
}

Result<void> set_matchers(Maintenance& out, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    auto matcher = parse_matcher(text);
    if (!matcher) return wrong("`matchers`: " + matcher.error().what());
    out.matchers.push_back(*std::move(matcher));
  }
  return {};
}

// What needs the zone is read after it.
struct Raw {
  std::string starts_at, duration;
  std::vector<std::string> rdate, exdate, matchers;
  std::vector<std::string> effects{"silence", "slo_exclude", "no_remediation"};
};

Result<void> read_field(const std::string& name, const Json& value, Maintenance& out, Raw& raw) {
  for (const auto& [key, list] :
       {std::pair{"rdate", &raw.rdate}, std::pair{"exdate", &raw.exdate},
        std::pair{"matchers", &raw.matchers}, std::pair{"effects", &raw.effects}}) {
    if (name != key) continue;
    NINES_TRY(*list, texts_of(name, value));
    return {};
  }
  for (const auto& [key, field] :
       {std::pair{"name", &out.name}, std::pair{"comment", &out.comment},
        std::pair{"created_by", &out.created_by}, std::pair{"rrule", &out.rrule},
        std::pair{"starts_at", &raw.starts_at}, std::pair{"duration", &raw.duration}}) {
    if (name != key) continue;
    NINES_TRY(*field, text_of(name, value));
    return {};
  }
  if (name == "time_zone") {
    NINES_TRY(const std::string zone, text_of(name, value));
    const auto found = TimeZone::find(zone);
    if (!found) return wrong("`time_zone`: " + found.error().what());
    out.zone = *found;
    return {};
  }
  if (name == "ended_at") {
    NINES_TRY(const std::string text, text_of(name, value));
    const auto at = parse_time(text);
    if (!at) return wrong("`ended_at`: " + at.error().what());
    out.ended_at = *at;
    return {};
  }
  return wrong("unknown field `" + name +
               "`; known are name, matchers, starts_at, time_zone, duration, rrule, rdate, exdate, "
               "effects, comment, created_by");
}

}  // namespace

std::optional<LocalTime> parse_start(std::string text, const TimeZone& zone) {
  const bool has_offset = text.ends_with('Z') || text.size() > 19;
  if (const auto instant = parse_time(text);
      instant && has_offset && text.find('T') != std::string::npos) {
    return zone.to_local(*instant);
  }
  if (text.size() == 19 && text[10] == 'T') text[10] = ' ';
  const auto at = parse_local_time(text);
  return at ? std::optional(*at) : std::nullopt;
}

std::string format_start(LocalTime at) {
  std::string text = format_time(Timestamp(at.time_since_epoch())).substr(0, 19);
  text[10] = ' ';
  return text;
}

Result<void> set_effects(Maintenance& maintenance, std::span<const std::string> names) {
  if (names.empty()) return wrong("`effects` is empty: this maintenance would do nothing");
  for (const Effect& effect : kEffects) maintenance.*effect.flag = false;
  for (const std::string& name : names) {
    bool known = false;
    for (const Effect& effect : kEffects) {
      if (name != effect.name) continue;
      maintenance.*effect.flag = known = true;
    }
    if (!known) {
      return wrong("`effects` are \"silence\", \"slo_exclude\" and \"no_remediation\", not " +
                   quote_go(name));
    }
  }
  return {};
}

std::vector<std::string> effects_of(const Maintenance& maintenance) {
  std::vector<std::string> out;
  for (const Effect& effect : kEffects) {
    if (maintenance.*effect.flag) out.emplace_back(effect.name);
  }
  return out;
}

Result<void> set_rdate(Maintenance& maintenance, std::span<const std::string> texts) {
  if (auto fits = check_count("rdate", texts.size()); !fits) return fits;
  for (const std::string& text : texts) {
    const auto at = parse_start(text, maintenance.zone);
    const bool good =
        at && text.size() > kDayLength && at->time_since_epoch() % kMinute == Duration::zero();
    if (!good) return wrong_date("rdate", ", whole minutes", text);
    maintenance.rdate.push_back(*at);
  }
  return {};
}

Result<void> set_exdate(Maintenance& maintenance, std::span<const std::string> texts) {
  if (auto fits = check_count("exdate", texts.size()); !fits) return fits;
  for (const std::string& text : texts) {
    const auto at = parse_start(text, maintenance.zone);
    if (!at) return wrong_date("exdate", ", or days like \"2026-01-04\"", text);
    if (text.size() == kDayLength) {
      maintenance.exdate_days.push_back(std::chrono::floor<std::chrono::days>(*at));
    } else {
      maintenance.exdate.push_back(*at);
    }
  }
  return {};
}

void write_fields(JsonWriter& json, const Maintenance& m) {
  json.field("name", m.name);
  std::vector<std::string> texts;
  for (const Matcher& matcher : m.matchers) texts.push_back(matcher.to_string());
  write_texts(json, "matchers", texts);
  json.field("starts_at", format_start(m.start)).field("time_zone", m.zone.name());
  json.field("duration", format_duration(m.duration));
  if (!m.rrule.empty()) json.field("rrule", m.rrule);
  texts.clear();
  for (const LocalTime at : m.rdate) texts.push_back(format_start(at));
  if (!texts.empty()) write_texts(json, "rdate", texts);
  texts.clear();
  for (const LocalTime at : m.exdate) texts.push_back(format_start(at));
  for (const auto day : m.exdate_days) texts.push_back(format_start(day).substr(0, kDayLength));
  if (!texts.empty()) write_texts(json, "exdate", texts);
  write_texts(json, "effects", effects_of(m));
  if (!m.comment.empty()) json.field("comment", m.comment);
  if (!m.created_by.empty()) json.field("created_by", m.created_by);
  if (m.ended_at) json.field("ended_at", format_time(*m.ended_at));
}

Result<Maintenance> read_fields(const Json& json, Timestamp now) {
  if (!json.is_object()) {
    return wrong(
        R"(the body must be an object such as {"name":"db","duration":"1h","matchers":["service=\"db\""]})");
  }
  Maintenance out;
  Raw raw;
  for (const auto& [name, value] : json.members()) {
    if (auto read = read_field(name, value, out, raw); !read) return read.error();
  }
  if (out.name.empty()) return wrong("`name` is missing");
  if (raw.duration.empty()) return wrong("`duration` is missing, like \"1h\"");
  const auto duration = parse_duration(raw.duration);
  if (!duration) return wrong("`duration`: " + duration.error().what());
  out.duration = *duration;
  const auto start = raw.starts_at.empty()
                         ? std::optional(out.zone.to_local(now - now.time_since_epoch() % kMinute))
                         : parse_start(raw.starts_at, out.zone);
  if (!start) {
    return wrong(
        "`starts_at` must be a time like \"2026-01-04 02:00:00\" on the clock of `time_zone`, or "
        "like \"2026-01-04T02:00:00Z\", not " +
        quote_go(raw.starts_at));
  }
  out.start = *start;
  if (auto set = set_matchers(out, raw.matchers); !set) return set.error();
  if (auto set = set_effects(out, raw.effects); !set) return set.error();
  if (out.matchers.empty())
    return wrong("`matchers` is missing: whom does it concern? Like [\"service=\\\"db\\\"\"]");
  if (auto set = set_rdate(out, raw.rdate); !set) return set.error();
  if (auto set = set_exdate(out, raw.exdate); !set) return set.error();
  if (auto prepared = prepare(out); !prepared) return prepared.error();
  return out;
}

}  // namespace nines::maintenance
