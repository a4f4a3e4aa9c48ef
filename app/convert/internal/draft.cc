#include "app/convert/internal/draft.h"

#include <algorithm>
#include <set>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::convert {
namespace {

std::string toml_key(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  return bare ? key : toml_string(key);
}

std::string toml_map(const std::map<std::string, std::string>& map) {
  std::string out = "{ ";
  for (const auto& [key, value] : map) {
    if (out.size() > 2) out += ", ";
    out += toml_key(key) + " = " + toml_string(value);
  }
  return out + " }";
}

// TOML wants a digit on both sides of the point, and no exponent is needed here.
std::string toml_number(double value) {
  return format_double(value);
}

std::string indicator_toml(const DraftIndicator& indicator) {
  const auto line = [](const char* key, const std::string& value) {
    return std::string(key) + " = " + toml_string(value) + "\n";
  };
  switch (indicator.kind) {
    case DraftIndicator::Kind::kRatio:
      return std::string("[slos.indicator.ratio_metric]\n") +
             (indicator.counter ? "" : "counter = false\n") +
             (indicator.good.empty() ? line("bad", indicator.bad) : line("good", indicator.good)) +
             line("total", indicator.total);
    case DraftIndicator::Kind::kRaw:
      return "[slos.indicator.ratio_metric]\n" + line("raw", indicator.metric) +
             line("raw_type", indicator.raw_is_bad ? "failure" : "success");
    case DraftIndicator::Kind::kThreshold:
      return "[slos.indicator.threshold_metric]\n" + line("metric", indicator.metric) +
             line("op", indicator.op) + "value = " + toml_number(indicator.value) + "\n";
    case DraftIndicator::Kind::kBoolean:
      return "[slos.indicator.boolean_metric]\n" + line("metric", indicator.metric);
    case DraftIndicator::Kind::kLatencyNative:
      return "[slos.indicator.latency_metric]\n" + line("histogram", indicator.metric) +
             "native = true\nthreshold = " + toml_number(indicator.value) + "\n";
    case DraftIndicator::Kind::kNone:
      break;
  }
  return "";
}

std::string members_toml(const std::vector<Draft>& drafts, const Draft& draft) {
  std::string out = "[slos.indicator.composite]\nmethod = 'weighted'\nmembers = [\n";
  for (const auto& [index, weight] : draft.members) {
    out += "  { slo = " + toml_string(drafts[index].name) + ", weight = " + toml_number(weight) +
           " },\n";
  }
  return out + "]\n";
}

std::string texts_toml(const char* table, const DraftTexts& texts) {
  std::string out;
  if (texts.disabled) out += "disable = true\n";
  if (!texts.labels.empty()) out += "labels = " + toml_map(texts.labels) + "\n";
  if (!texts.annotations.empty()) out += "annotations = " + toml_map(texts.annotations) + "\n";
  return out.empty() ? out : "[slos.alerting." + std::string(table) + "]\n" + out;
}

std::string alerting_toml(const Draft& draft) {
  std::string out = "[slos.alerting]\n";
  if (draft.windows.empty()) {
    out += "preset = 'none'\n";
  } else if (!draft.preset.empty()) {
    out += "preset = " + toml_string(draft.preset) + "\n";
  } else {
    out += "windows = [\n";
    for (const slo::BurnWindow& row : draft.windows) {
      out += "  { long = '" + format_duration(row.long_window) + "', short = '" +
             format_duration(row.short_window) + "', burn_rate = " + toml_number(row.burn_rate) +
             ", severity = " + toml_string(row.severity) + " },\n";
    }
    out += "]\n";
  }
  if (!draft.alert_name.empty()) out += "name = " + toml_string(draft.alert_name) + "\n";
  if (!draft.all.labels.empty()) out += "labels = " + toml_map(draft.all.labels) + "\n";
  if (!draft.all.annotations.empty())
    out += "annotations = " + toml_map(draft.all.annotations) + "\n";
  return out + texts_toml("page", draft.page) + texts_toml("ticket", draft.ticket);
}

std::string window_toml(const Draft& draft) {
  if (!draft.calendar) return "{ duration = " + toml_string(draft.window) + ", is_rolling = true }";
  return "{ duration = " + toml_string(draft.window) +
         ", is_rolling = false, calendar = " + "{ start_time = " + toml_string(draft.start_time) +
         ", time_zone = " + toml_string(draft.time_zone) + " } }";
}

std::string slo_toml(const std::vector<Draft>& drafts, const Draft& draft) {
  std::string out = "[[slos]]\nname = " + toml_string(draft.name) +
                    "\nservice = " + toml_string(draft.service) + "\n";
  if (!draft.description.empty()) out += "description = " + toml_string(draft.description) + "\n";
  if (draft.budgeting != "Occurrences")
    out += "budgeting_method = " + toml_string(draft.budgeting) + "\n";
  out += "time_window = " + window_toml(draft) + "\n";
  out += "objectives = [{ target_percent = " + toml_number(draft.target_percent);
  if (draft.slice_target > 0) out += ", time_slice_target = " + toml_number(draft.slice_target);
  if (!draft.slice_window.empty())
    out += ", time_slice_window = " + toml_string(draft.slice_window);
  out += " }]\n";
  if (!draft.labels.empty()) out += "labels = " + toml_map(draft.labels) + "\n";
  if (!draft.group_by.empty()) {
    std::string names;
    for (const std::string& name : draft.group_by)
      names += (names.empty() ? "" : ", ") + toml_string(name);
    out += "group_by = [" + names + "]\n";
  }
  return out +
         (draft.members.empty() ? indicator_toml(draft.indicator) : members_toml(drafts, draft)) +
         alerting_toml(draft);
}

void make_unique(std::vector<Draft>& drafts, Source& source) {
  std::map<std::string, int> uses;
  for (const Draft& draft : drafts) ++uses[draft.name];
  std::set<std::string> taken;
  for (Draft& draft : drafts) {
    std::string name = draft.name;
    if (uses[draft.name] > 1) name = draft.service + "-" + draft.name;
    for (int n = 2; !taken.insert(name).second; ++n)
      name = draft.service + "-" + draft.name + "-" + std::to_string(n);
    if (name != draft.name) {
      source.note(draft.mark, "SLO " + quote_go(draft.name) + " is named " + quote_go(name) +
                                  ": the name of an SLO must be unique");
    }
    draft.name = std::move(name);
  }
}

// A composite is checked with its members; one of them that is left out leaves it out, too.
std::string problem_of(const std::vector<Draft>& drafts, const Draft& draft,
                       const std::string& toml, const Check& check) {
  std::string whole;
  for (const auto& [index, weight] : draft.members) {
    if (!drafts[index].problem.empty())
      return "its objective " + quote_go(drafts[index].name) + " is not converted";
    whole += slo_toml(drafts, drafts[index]);
  }
  return check ? check(whole + toml) : "";
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

std::string toml_string(std::string_view text) {
  const bool literal = std::all_of(text.begin(), text.end(), [](char c) {
    return c != '\'' && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  });
  if (literal) return "'" + std::string(text) + "'";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

void drop_unreachable(Draft& draft, Source& source) {
  if (!(draft.target_percent > 0 && draft.target_percent < 100)) return;
  const double reachable = 1 / slo::budget_ratio(draft.target_percent);
  const auto never = [&](const slo::BurnWindow& row) { return row.burn_rate >= reachable; };
  for (const slo::BurnWindow& row : draft.windows) {
    if (!never(row)) continue;
    source.note(draft.mark, "SLO " + quote_go(draft.name) + ": the alert on a burn rate of " +
                                format_double(row.burn_rate) + " dropped: with a target of " +
                                format_double(draft.target_percent) + "% it could never fire");
    draft.preset.clear();
  }
  std::erase_if(draft.windows, never);
}

Converted write_all(std::vector<Draft> drafts, Source& source, const Check& check) {
  Converted out;
  make_unique(drafts, source);
  for (Draft& draft : drafts) {
    drop_unreachable(draft, source);
    const std::string toml = slo_toml(drafts, draft);
    if (draft.problem.empty()) draft.problem = one_line(problem_of(drafts, draft, toml, check));
    const std::string from = source.line_of(draft.mark);
    if (!out.toml.empty()) out.toml += "\n";
    if (!draft.problem.empty()) {
      ++out.left_out;
      source.note(draft.mark, "not converted: SLO " + quote_go(draft.name) + ": " + draft.problem);
      out.toml += "# " + from + ": SLO " + one_line(quote_go(draft.name)) +
                  " is not converted: " + one_line(draft.problem) + "\n";
      continue;
    }
    ++out.slos;
    out.toml += "# " + from + "\n" + toml;
  }
  out.notes = source.notes();
  return out;
}

Result<Converted> finish(std::vector<Draft> drafts, Source& source, const Check& check) {
  if (source.mistakes().empty()) {
    Converted out = write_all(std::move(drafts), source, check);
    return out;
  }
  return Error(ErrorCode::kInvalid, join(source.mistakes(), "\n"));
}

}  // namespace nines::convert
