#include "collector/exposition/internal/series_text.h"

#include <cmath>

#include "base/model/labels.h"
#include "base/text/numbers.h"

namespace nines::collector {
namespace {

void add_escaped(std::string& out, std::string_view text) {
  if (text.find_first_of("\\\"\n") == text.npos) {
    out += text;
    return;
  }
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}

void add_quoted(std::string& out, std::string_view text) {
  out += '"';
  add_escaped(out, text);
  out += '"';
}

}  // namespace

std::string format_bound(double value) {
  std::string text = format_double_g(value);
  if (std::isfinite(value) && text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

void SeriesText::add_label(std::string_view name, std::string_view value) {
  if (!labels_.empty()) labels_ += ',';
  if (is_legacy_label_name(name)) {
    labels_ += name;
  } else {
    add_quoted(labels_, name);
  }
  labels_ += '=';
  add_quoted(labels_, value);
}

std::string_view SeriesText::series(std::string_view name, std::string_view suffix,
                                    std::string_view extra_label, std::string_view extra_value) {
  const bool quoted = !is_legacy_metric_name(name);
  text_.clear();
  if (quoted) text_ += "{\"";
  quoted ? add_escaped(text_, name) : void(text_ += name);
  text_ += suffix;
  if (quoted) text_ += '"';
  if (!labels_.empty() || !extra_label.empty()) {
    text_ += quoted ? ',' : '{';
    text_ += labels_;
    if (!extra_label.empty()) {
      if (!labels_.empty()) text_ += ',';
      text_ += extra_label;
      text_ += "=\"";
      text_ += extra_value;
      text_ += '"';
    }
    text_ += '}';
  } else if (quoted) {
    text_ += '}';
  }
  return text_;
}

}  // namespace nines::collector
