#include "collector/discovery/relabel.h"

#include <algorithm>
#include <array>
#include <cwctype>
#include <functional>
#include <utility>

#include <locale.h>

#include "base/text/text.h"

namespace nines::collector {
namespace {

// By RelabelAction.
constexpr std::array<std::string_view, 11> kNames = {
    "replace",  "keep",      "drop",      "keepequal", "dropequal", "hashmod",
    "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase"};

constexpr std::string_view kSeparator = ";";
constexpr std::string_view kRegex = "(.*)";
constexpr std::string_view kReplacement = "$1";

Error invalid(std::string why) {
  return {ErrorCode::kInvalid, std::move(why)};
}

bool needs_target(RelabelAction action) {
  return action == RelabelAction::kReplace || action == RelabelAction::kHashMod ||
         action == RelabelAction::kLowercase || action == RelabelAction::kUppercase ||
         action == RelabelAction::kKeepEqual || action == RelabelAction::kDropEqual;
}

// A rule with an option that its action does not read is a mistake of its author.
Result<void> check_options(const RelabelSpec& spec) {
  const std::string action = "`action` = \"" + std::string(to_string(spec.action)) + "\"";
  if (spec.action == RelabelAction::kHashMod && spec.modulus == 0) {
    return invalid(action + " needs a `modulus` above 0");
  }
  if (needs_target(spec.action) && spec.target_label.empty()) {
    return invalid(action + " needs a `target_label`");
  }
  const bool has_replacement = spec.replacement && *spec.replacement != kReplacement;
  if ((spec.action == RelabelAction::kLowercase || spec.action == RelabelAction::kUppercase) &&
      has_replacement) {
    return invalid(action + " does not use `replacement`");
  }
  const bool equal =
      spec.action == RelabelAction::kKeepEqual || spec.action == RelabelAction::kDropEqual;
  const bool names_only =
      spec.action == RelabelAction::kLabelDrop || spec.action == RelabelAction::kLabelKeep;
  const bool has_separator = spec.separator && *spec.separator != kSeparator;
  const bool has_regex = spec.regex && *spec.regex != kRegex;
  if (equal && (has_regex || spec.modulus != 0 || has_separator || has_replacement)) {
    return invalid(action + " uses only `source_labels` and `target_label`");
  }
  if (names_only && (!spec.source_labels.empty() || !spec.target_label.empty() ||
                     spec.modulus != 0 || has_separator || has_replacement)) {
    return invalid(action + " uses only `regex`");
  }
  if (!is_valid_utf8(spec.target_label)) return invalid("`target_label` is not valid UTF-8");
  return {};
}

// Code point by code point, as the C library knows them under UTF-8; what is no UTF-8 stays.
std::string change_case(std::string_view text, bool upper) {
  if (!is_valid_utf8(text)) return std::string(text);
  static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint32_t point = bytes == 1 ? lead : lead & (0xFFu >> (bytes + 1));
    for (std::size_t j = 1; j < bytes; ++j) {
      point = point << 6 | (static_cast<unsigned char>(text[i + j]) & 0x3Fu);
    }
    i += bytes;
    const auto wide = static_cast<wint_t>(point);
    point = static_cast<std::uint32_t>(upper ? ::towupper_l(wide, utf8) : ::towlower_l(wide, utf8));
    if (point < 0x80) {
      out += static_cast<char>(point);
    } else if (point < 0x800) {
      out += static_cast<char>(0xC0 | point >> 6);
      out += static_cast<char>(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
      out += static_cast<char>(0xE0 | point >> 12);
      out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
      out += static_cast<char>(0x80 | (point & 0x3F));
    } else {
      out += static_cast<char>(0xF0 | point >> 18);
      out += static_cast<char>(0x80 | (point >> 12 & 0x3F));
      out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
      out += static_cast<char>(0x80 | (point & 0x3F));
    }
  }
  return out;
}

// The last eight bytes of the MD5 sum, as a big-endian number: Prometheus shards by it.
std::uint64_t shard_hash(std::string_view text) {
  const std::string sum = md5(text);
  std::uint64_t n = 0;
  for (std::size_t i = 8; i < 16; ++i) n = n << 8 | static_cast<unsigned char>(sum[i]);
  return n;
}

void replace(const RelabelRule& rule, const std::string& value, LabelBuilder& labels) {
  const std::vector<std::string_view> groups = rule.regex->groups(value);
  if (groups.empty()) return;
  const std::string target = rule.regex->expand(rule.target_label, groups);
  if (target.empty() || !is_valid_utf8(target)) return;
  labels.set(target, rule.regex->expand(rule.replacement, groups));
}

// For the rules that look at names: each label as it was before the rule.
template <typename Each>
void each_matching(const RelabelRule& rule, LabelBuilder& labels, bool matching, Each each) {
  for (const Label& label : labels.build()) {
    if (rule.regex->matches(label.name) == matching) each(label);
  }
}

// False: dropped.
bool apply(const RelabelRule& rule, LabelBuilder& labels) {
  std::string value;
  for (std::size_t i = 0; i < rule.source_labels.size(); ++i) {
    if (i != 0) value += rule.separator;
    value += labels.get(rule.source_labels[i]);
  }
  switch (rule.action) {
    case RelabelAction::kKeep:
      return rule.regex->matches(value);
    case RelabelAction::kDrop:
      return !rule.regex->matches(value);
    case RelabelAction::kKeepEqual:
      return labels.get(rule.target_label) == value;
    case RelabelAction::kDropEqual:
      return labels.get(rule.target_label) != value;
    case RelabelAction::kReplace:
      replace(rule, value, labels);
      return true;
    case RelabelAction::kHashMod:
      labels.set(rule.target_label, std::to_string(shard_hash(value) % rule.modulus));
      return true;
    case RelabelAction::kLowercase:
    case RelabelAction::kUppercase:
      labels.set(rule.target_label, change_case(value, rule.action == RelabelAction::kUppercase));
      return true;
    case RelabelAction::kLabelMap:
      each_matching(rule, labels, true, [&](const Label& label) {
        const std::string name =
            rule.regex->expand(rule.replacement, rule.regex->groups(label.name));
        if (!name.empty()) labels.set(name, label.value);
      });
      return true;
    case RelabelAction::kLabelDrop:
    case RelabelAction::kLabelKeep:
      each_matching(rule, labels, rule.action == RelabelAction::kLabelDrop,
                    [&](const Label& label) { labels.remove(label.name); });
      return true;
  }
  return true;
}

}  // namespace

std::string_view to_string(RelabelAction action) noexcept {
  return kNames[static_cast<std::size_t>(action)];
}

std::optional<RelabelAction> relabel_action(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), to_lower(name));
  if (found == kNames.end()) return std::nullopt;
  return static_cast<RelabelAction>(found - kNames.begin());
}

std::span<const std::string_view> relabel_action_names() noexcept {
  return kNames;
}

Result<RelabelRule> make_relabel_rule(const RelabelSpec& spec) {
  if (Result<void> fits = check_options(spec); !fits) return std::move(fits).error();
  RelabelRule rule;
  rule.source_labels = spec.source_labels;
  rule.separator = spec.separator.value_or(std::string(kSeparator));
  rule.regex_text = spec.regex.value_or(std::string(kRegex));
  Result<std::shared_ptr<const Regex>> regex = Regex::compile(rule.regex_text, RegexAnchor::kBoth);
  if (!regex) return std::move(regex).error().in("`regex`");
  rule.regex = *std::move(regex);
  rule.modulus = spec.modulus;
  rule.target_label = spec.target_label;
  rule.replacement = spec.replacement.value_or(std::string(kReplacement));
  rule.action = spec.action;
  return rule;
}

std::optional<LabelSet> relabel(const LabelSet& labels, std::span<const RelabelRule> rules) {
  LabelBuilder builder(labels);
  for (const RelabelRule& rule : rules) {
    if (!apply(rule, builder)) return std::nullopt;
  }
  return builder.build();
}

std::vector<RelabelStep> relabel_steps(const LabelSet& labels, std::span<const RelabelRule> rules) {
  std::vector<RelabelStep> steps;
  LabelBuilder builder(labels);
  for (const RelabelRule& rule : rules) {
    const bool keep = apply(rule, builder);
    steps.push_back({keep ? builder.build() : LabelSet(), keep});
  }
  return steps;
}

}  // namespace nines::collector
