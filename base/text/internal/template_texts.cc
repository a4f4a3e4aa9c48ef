// Functions on texts: case, regular expressions, hosts, escaping.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>

#include "base/text/internal/letter_case.h"
#include "base/text/internal/template_standard.h"
#include "base/text/internal/template_values.h"
#include "base/text/internal/utf8.h"
#include "base/text/regex.h"
#include "base/text/text.h"

namespace nines {
namespace internal {
namespace {

using Arguments = std::vector<TemplateValue>;

std::string to_upper(const std::string& text) {
  return upper_text(text);
}

// A letter, a digit or _; a code point beyond ASCII counts as a letter.
bool is_word_rune(std::uint32_t code) {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ||
         (code >= '0' && code <= '9') || code == '_' || code >= 0x80;
}

// The first letter of each word in capitals; the rest as it is.
std::string to_title(const std::string& text) {
  std::string out;
  std::uint32_t before = ' ';
  for (std::string_view rest = text; !rest.empty();) {
    const Rune rune = read_rune(rest);
    append_rune(out, is_word_rune(before) ? rune.code : upper_rune(rune.code));
    before = rune.code;
    rest.remove_prefix(rune.length);
  }
  return out;
}

struct HostPort {
  std::string host, port;
  bool split = false;  // false: no port, or not of this form
};

// As Go's net.SplitHostPort: host:port, [v6]:port.
HostPort split_host_port(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {};
  std::string host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return {};
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return {};
  }
  if (host.find_first_of("[]") != std::string::npos) return {};
  return {std::move(host), text.substr(colon + 1), true};
}

bool is_address(const std::string& host) {
  unsigned char bytes[16];
  const std::string six = host.substr(0, host.find('%'));  // without the zone of fe80::1%eth0
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, six.c_str(), bytes) == 1;
}

std::string strip_port(const std::string& text) {
  const HostPort parts = split_host_port(text);
  return parts.split ? parts.host : text;
}

std::string strip_domain(const std::string& text) {
  HostPort parts = split_host_port(text);
  if (!parts.split) parts.host = text;
  if (is_address(parts.host)) return text;
  std::string host = parts.host.substr(0, parts.host.find('.'));
  if (parts.port.empty()) return host;
  return host + ":" + parts.port;
}

std::string trim_space(const std::string& text) {
  return std::string(trim(text));
}

std::string lower(const std::string& text) {
  return lower_text(text);
}

std::string escape_query(const std::string& text) {
  std::string out = url_encode(text);
  for (std::size_t at = out.find("%20"); at != std::string::npos; at = out.find("%20", at + 1)) {
    out.replace(at, 3, "+");
  }
  return out;
}

std::string graph_link(const std::string& expr) {
  return "/graph?g0.expr=" + escape_query(expr) + "&g0.tab=0";
}

std::string table_link(const std::string& expr) {
  return "/graph?g0.expr=" + escape_query(expr) + "&g0.tab=1";
}

TemplateFunction of_text(std::string (*change)(const std::string&)) {
  return {[change](const Arguments& arguments) -> Result<TemplateValue> {
            return TemplateValue(change(*as_text(arguments[0])));
          },
          "s"};
}

Result<TemplateValue> call_html(const Arguments& arguments) {
  return TemplateValue(TemplateHtml{*as_text(arguments[0])});
}

Result<TemplateValue> call_address(const Arguments& arguments) {
  return TemplateValue(TemplateHtml{*as_text(arguments[0]), true});
}

// The alphabet that may stand in an address.
std::string encode_base64(const std::string& text) {
  std::string out = base64_encode(text);
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

Result<TemplateValue> call_decode(const Arguments& arguments) {
  const std::string& text = *as_text(arguments[0]);
  std::string usual = text;
  std::replace(usual.begin(), usual.end(), '-', '+');
  std::replace(usual.begin(), usual.end(), '_', '/');
  const bool mixed = text.find_first_of("+/") != std::string::npos;
  const auto plain = mixed ? std::nullopt : base64_decode(usual);
  if (!plain) return Error(ErrorCode::kInvalid, "illegal base64 data in " + quote_go(text));
  return TemplateValue(*plain);
}

Result<TemplateValue> call_unescape(const Arguments& arguments) {
  const std::string& text = *as_text(arguments[0]);
  const auto plain = url_decode(text, true);
  if (!plain) return Error(ErrorCode::kInvalid, "invalid URL escape in " + quote_go(text));
  return TemplateValue(*plain);
}

bool is_letter(std::uint32_t code) {
  return is_word_rune(code) && code != '_' && !(code >= '0' && code <= '9');
}

// A capital for the first letter of each word, small letters behind. A point, a colon or an
// apostrophe between two letters is part of a word.
std::string to_headline(const std::string& text) {
  std::string out;
  bool titled = false;
  std::uint32_t before = ' ';
  for (std::string_view rest = text; !rest.empty();) {
    const Rune rune = read_rune(rest);
    rest.remove_prefix(rune.length);
    const std::uint32_t code = rune.code;
    if (is_letter(code)) {
      append_rune(out, titled ? lower_rune(code) : upper_rune(code));
      titled = true;
    } else {
      append_rune(out, code);
      const bool joins = code == '\'' || code == '.' || code == ':' || code == 0x2019;
      const bool inside =
          joins && is_letter(before) && !rest.empty() && is_letter(read_rune(rest).code);
      titled = titled && (is_word_rune(code) || inside);
    }
    before = code;
  }
  return out;
}

Result<TemplateValue> call_match(const Arguments& arguments) {
  const std::string& pattern = *as_text(arguments[0]);
  const std::string& text = *as_text(arguments[1]);
  NINES_TRY(const auto regex, Regex::compile(pattern, RegexAnchor::kNone));
  return TemplateValue(regex->matches(text));
}

Result<TemplateValue> call_replace(const Arguments& arguments) {
  const std::string& pattern = *as_text(arguments[0]);
  const std::string& replacement = *as_text(arguments[1]);
  const std::string& text = *as_text(arguments[2]);
  // Every byte may match, and every match may insert the whole replacement.
  constexpr std::size_t kProductMax = 64u << 20;
  if ((text.size() + 1) * (replacement.size() + 1) > kProductMax) {
    return Error(ErrorCode::kLimit, "reReplaceAll of texts that are too long");
  }
  NINES_TRY(const auto regex, Regex::compile(pattern, RegexAnchor::kNone));
  return TemplateValue(regex->replace_all(text, replacement));
}

}  // namespace

void add_text_functions(TemplateFunctions& functions) {
  functions["toUpper"] = of_text(to_upper);
  functions["toLower"] = of_text(lower);
  functions["title"] = of_text(to_title);
  functions["trimSpace"] = of_text(trim_space);
  functions["stripPort"] = of_text(strip_port);
  functions["stripDomain"] = of_text(strip_domain);
  functions["safeHtml"] = {call_html, "s"};
  functions["safeUrl"] = {call_address, "s"};
  functions["base64encode"] = of_text(encode_base64);
  functions["base64decode"] = {call_decode, "s"};
  functions["urlUnescape"] = {call_unescape, "s"};
  functions["urlQueryEscape"] = of_text(escape_query);
  functions["graphLink"] = of_text(graph_link);
  functions["tableLink"] = of_text(table_link);
  functions["match"] = {call_match, "rs"};
  functions["reReplaceAll"] = {call_replace, "rss"};
}

}  // namespace internal

TemplateFunctions standard_template_functions() {
  TemplateFunctions functions;
  internal::add_human_functions(functions);
  internal::add_text_functions(functions);
  internal::add_sample_functions(functions);
  internal::add_time_functions(functions);
  internal::add_date_functions(functions);
  internal::add_collection_functions(functions);
  return functions;
}

TemplateFunctions notification_template_functions(const Clock& clock) {
  TemplateFunctions functions = standard_template_functions();
  functions["title"] = internal::of_text(internal::to_headline);
  internal::add_clock_functions(functions, clock);
  // Routes have no labels here: none is found.
  functions["routeLabels"] = {
      [](const std::vector<TemplateValue>&) -> Result<TemplateValue> { return TemplateValue(""); },
      "s"};
  return functions;
}

}  // namespace nines
