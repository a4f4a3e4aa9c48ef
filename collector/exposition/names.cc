#include "collector/exposition/names.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

// The code point at the front of valid UTF-8, taken off.
std::uint32_t take_code_point(std::string_view& rest) {
  const auto first = static_cast<unsigned char>(rest.front());
  rest.remove_prefix(1);
  const int more = first < 0xC0 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  std::uint32_t code = more == 0 ? first : first & (0x3FU >> more);
  for (int i = 0; i < more && !rest.empty(); ++i) {
    code = (code << 6) | (static_cast<unsigned char>(rest.front()) & 0x3FU);
    rest.remove_prefix(1);
  }
  return code;
}

bool is_plain(std::uint32_t code, bool first, NameKind kind) {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || code == '_' ||
         (code == ':' && kind == NameKind::kMetric) || (!first && code >= '0' && code <= '9');
}

void add_value(std::uint32_t code, std::string& out) {
  char digits[8];
  const auto end = std::to_chars(digits, digits + sizeof digits, code, 16).ptr;
  out += '_';
  out.append(digits, end);
  out += '_';
}

// One element of an Accept header, as far as it is about text.
struct Wanted {
  double weight = 1;
  bool newer = false;  // version 1.0.0
  std::optional<NameEscaping> escaping;
};

std::optional<Wanted> wanted_text(std::string_view element) {
  const std::vector<std::string_view> parts = split(element, ';');
  const std::string type = to_lower(trim(parts.front()));
  if (type != "text/plain" && type != "text/*" && type != "*/*") return std::nullopt;
  Wanted out;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string_view part = trim(parts[i]);
    const std::size_t equals = part.find('=');
    if (equals == part.npos) continue;
    const std::string name = to_lower(trim(part.substr(0, equals)));
    const std::string_view value = trim(part.substr(equals + 1));
    if (name == "q") {
      out.weight = parse_double(value).value_or(0);
    } else if (name == "version") {
      // Another version than there are is none we could answer with.
      if (value != "0.0.4" && value != "1.0.0") return std::nullopt;
      out.newer = value == "1.0.0";
    } else if (name == "escaping") {
      out.escaping = name_escaping(value);
    }
  }
  return out;
}

}  // namespace

std::string escape_name(std::string_view name, NameEscaping escaping, NameKind kind) {
  const bool plain =
      kind == NameKind::kMetric ? is_legacy_metric_name(name) : is_legacy_label_name(name);
  if (name.empty() || escaping == NameEscaping::kAllowUtf8 ||
      (plain && escaping != NameEscaping::kDots)) {
    return std::string(name);
  }
  std::string out = escaping == NameEscaping::kValues ? "U__" : "";
  bool first = true;
  for (std::string_view rest = name; !rest.empty(); first = false) {
    const std::uint32_t code = take_code_point(rest);
    if (code == '_' && escaping != NameEscaping::kUnderscores) {
      out += "__";
    } else if (is_plain(code, first, kind)) {
      out += static_cast<char>(code);
    } else if (code == '.' && escaping == NameEscaping::kDots) {
      out += "_dot_";
    } else if (escaping == NameEscaping::kValues) {
      add_value(code, out);
    } else {
      out += '_';
    }
  }
  return out;
}

LabelSet escape_names(const LabelSet& labels, NameEscaping escaping) {
  if (escaping == NameEscaping::kAllowUtf8) return labels;
  LabelBuilder out;
  for (const Label& label : labels) {
    if (label.name == kMetricName) {
      out.set(kMetricName, escape_name(label.value, escaping, NameKind::kMetric));
      continue;
    }
    const std::string name = escape_name(label.name, escaping, NameKind::kLabel);
    if (out.get(name).empty()) out.set(name, label.value);
  }
  return out.build();
}

std::string exposed_text(const LabelSet& labels) {
  const auto quoted = [](std::string_view text) { return '"' + escape_label_value(text) + '"'; };
  const std::string_view metric = labels.metric_name();
  const bool plain = metric.empty() || is_legacy_metric_name(metric);
  std::string inside = plain ? "" : quoted(metric);
  for (const Label& label : labels) {
    if (label.name == kMetricName) continue;
    if (!inside.empty()) inside += ',';
    inside += is_legacy_label_name(label.name) ? label.name : quoted(label.name);
    inside += '=' + quoted(label.value);
  }
  const std::string name(plain ? metric : "");
  return inside.empty() ? name : name + '{' + inside + '}';
}

TextAnswer negotiate_text(std::string_view accept) {
  Wanted best;
  best.weight = 0;
  for (const std::string_view element : split(accept, ',')) {
    const std::optional<Wanted> wanted = wanted_text(element);
    if (wanted && wanted->weight > best.weight) best = *wanted;
  }
  TextAnswer out;
  out.escaping = best.escaping.value_or(NameEscaping::kUnderscores);
  if (best.newer) out.content_type = "text/plain; version=1.0.0; charset=utf-8";
  if (best.newer || best.escaping) {
    out.content_type += "; escaping=" + std::string(to_string(out.escaping));
  }
  return out;
}

}  // namespace nines::collector
