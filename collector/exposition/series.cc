// The labels of one series text.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/text/text.h"
#include "collector/exposition/internal/series_scan.h"
#include "collector/exposition/internal/unescape.h"
#include "collector/exposition/parser.h"

namespace nines::collector {
namespace {

struct Collected {
  std::string name;
  std::vector<Label> labels;

  void on_name(RawText text) {
    name = text.has_escapes ? unescape(text.text) : std::string(text.text);
  }
  void on_label(RawText label, RawText value) {
    labels.push_back({label.has_escapes ? unescape(label.text) : std::string(label.text),
                      value.has_escapes ? unescape(value.text) : std::string(value.text)});
  }
};

}  // namespace

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char next = text[++i];
    if (next == 'n') {
      out += '\n';
    } else if (next == '\\' || next == '"') {
      out += next;
    } else {
      out += '\\';
      out += next;
    }
  }
  return out;
}

Result<LabelSet> parse_series(std::string_view series) {
  Collected found;
  const char* const end = series.data() + series.size();
  const Scan scan = scan_series(series.data(), end, found);
  const auto invalid = [&](std::string_view why) {
    return Error(ErrorCode::kInvalid, std::string(why) + " in " + quote_go(series.substr(0, 200)));
  };
  if (scan.error != nullptr) return invalid(scan.error);
  if (scan.at != end) return invalid("unexpected text after the series");
  if (!is_valid_utf8(series)) return invalid("invalid UTF-8");
  found.labels.push_back({std::string(kMetricName), std::move(found.name)});
  std::sort(found.labels.begin(), found.labels.end());
  const auto twice =
      std::adjacent_find(found.labels.begin(), found.labels.end(),
                         [](const Label& a, const Label& b) { return a.name == b.name; });
  if (twice != found.labels.end()) return invalid("label \"" + twice->name + "\" stands twice");
  return LabelSet::from(std::move(found.labels));
}

}  // namespace nines::collector
