#include "collector/receive/internal/statsd_lines.h"

#include <optional>
#include <string>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

std::optional<StatsdKind> kind_of(std::string_view word) {
  if (word == "c") return StatsdKind::kCounter;
  if (word == "g") return StatsdKind::kGauge;
  if (word == "ms") return StatsdKind::kTimer;
  if (word == "h" || word == "d") return StatsdKind::kHistogram;
  if (word == "s") return StatsdKind::kSet;
  return std::nullopt;
}

void read_tags(std::string_view text, StatsdLine& out) {
  for (const std::string_view tag : split(text, ',')) {
    const std::size_t colon = tag.find(':');
    // A tag without a value is there or it is not: no label can say that but with a value.
    if (colon == 0 || tag.empty()) continue;
    if (colon == std::string_view::npos) {
      out.tags.emplace_back(tag, "true");
    } else {
      out.tags.emplace_back(tag.substr(0, colon), tag.substr(colon + 1));
    }
  }
}

}  // namespace

Result<StatsdLine> read_statsd_line(std::string_view line) {
  const auto invalid = [&](const char* what) {
    return Error(ErrorCode::kInvalid, std::string(what) + ": " + quote_go(line.substr(0, 100)));
  };
  if (line.starts_with("_e{") || line.starts_with("_sc|"))
    return Error(ErrorCode::kNotFound, "an event or a service check");
  StatsdLine out;
  const std::size_t bar = line.find('|');
  if (bar == std::string_view::npos) return invalid("expected NAME:VALUE|TYPE");
  const std::string_view head = line.substr(0, bar);
  const std::size_t colon = head.find(':');
  if (colon == std::string_view::npos || colon == 0) return invalid("expected NAME:VALUE|TYPE");
  out.name = head.substr(0, colon);
  const std::vector<std::string_view> rest = split(line.substr(bar + 1), '|');
  const std::optional<StatsdKind> kind = kind_of(rest[0]);
  if (!kind) return invalid("the type is none of c, g, ms, h, d, s");
  out.kind = *kind;
  if (out.kind == StatsdKind::kSet) {
    out.values.push_back(head.substr(colon + 1));
  } else {
    for (const std::string_view value : split(head.substr(colon + 1), ':')) {
      if (!parse_double(value)) return invalid("the value is no number");
      out.values.push_back(value);
    }
  }
  for (std::size_t i = 1; i < rest.size(); ++i) {
    const std::string_view part = rest[i];
    if (part.starts_with('@')) {
      const std::optional<double> rate = parse_double(part.substr(1));
      if (!rate || !(*rate > 0) || *rate > 1) return invalid("the rate is not above 0 and at most 1");
      out.rate = *rate;
    } else if (part.starts_with('#')) {
      read_tags(part.substr(1), out);
    }
    // Others (a container's id, a time) say nothing about the series.
  }
  return out;
}

}  // namespace nines::collector
