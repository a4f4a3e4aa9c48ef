#include "base/text/internal/html_place.h"

#include <algorithm>
#include <array>

#include "base/text/internal/template_values.h"
#include "base/text/text.h"

namespace nines::internal {
namespace {

constexpr std::string_view kRefused = "ZgotmplZ";  // what Go writes in place of what it refuses

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_letter_or_digit(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
}

struct Escapes {
  bool ampersand = true;  // false: entities stay
  bool spaces = false;    // for a value without quotes
};

std::string escaped(std::string_view text, Escapes how) {
  std::string out;
  for (const char c : text) {
    std::string_view special = how.spaces ? "\"'<>+=` \t\n\v\f\r" : "\"'<>+";
    if (c == '\0') {
      out += "\uFFFD";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += how.ampersand ? "&amp;" : "&";
    } else if (special.find(c) != std::string_view::npos) {
      out += "&#" + std::to_string(static_cast<int>(c)) + ";";
    } else {
      out += c;
    }
  }
  return out;
}

std::string without_tags(std::string_view html) {
  std::string out;
  bool inside = false;
  for (const char c : html) {
    if (c == '<') inside = true;
    if (!inside) out += c;
    if (c == '>') inside = false;
  }
  return out;
}

// As an address is written: whole (what has a meaning in one stays) or as a part of its query.
std::string percent_encoded(std::string_view text, bool whole) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  const auto is_hex = [&](std::size_t i) {
    return i < text.size() &&
           std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool plain =
        is_letter_or_digit(c) || std::string_view("-._~").find(c) != std::string_view::npos;
    const bool meant = std::string_view("!#$&*+,/:;=?@[]").find(c) != std::string_view::npos ||
                       (c == '%' && is_hex(i + 1) && is_hex(i + 2));
    if (plain || (whole && meant)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0xFU];
  }
  return out;
}

// A value of a style: words, numbers, colours; nothing that could end the declaration.
std::string style_value(const std::string& text) {
  static constexpr std::string_view kBad("\0\"'()/;@[\\]`{}<>", 16);
  const std::string low = to_lower(text);
  const bool bad =
      text.find_first_of(kBad) != std::string::npos || text.find("--") != std::string::npos ||
      low.find("expression") != std::string::npos || low.find("moz-binding") != std::string::npos;
  return bad ? std::string(kRefused) : text;
}

}  // namespace

std::string HtmlPlace::literal(std::string_view text) {
  std::string out;
  for (const char c : text) next(c, out);
  // What a value may follow is written: it cannot become a tag any more.
  if (!held_.empty() && state_ == State::kText) out += "&lt;" + std::exchange(held_, "").substr(1);
  return out;
}

void HtmlPlace::next(char c, std::string& out) {
  switch (state_) {
    case State::kText:
      in_text(c, out);
      return;
    case State::kComment:
      tail_ += c;
      if (tail_.ends_with("-->")) {
        tail_.clear();
        state_ = State::kText;
      }
      if (tail_.size() > 8) tail_.erase(0, tail_.size() - 4);
      return;
    case State::kRaw:
      out += c;
      in_raw(c);
      return;
    case State::kValue:
      out += c;
      in_value(c);
      return;
    default:
      out += c;
      in_tag(c);
  }
}

// A `<` is a tag's when a letter, a slash with a letter, or an exclamation mark follows.
void HtmlPlace::in_text(char c, std::string& out) {
  if (held_.empty()) {
    if (c == '<') {
      held_ = c;
    } else {
      out += c;
    }
    return;
  }
  held_ += c;
  static constexpr std::string_view kComment = "<!--";
  if (held_ == kComment) {
    held_.clear();
    tail_.clear();
    state_ = State::kComment;
    return;
  }
  if (held_ == "</" || (kComment.starts_with(held_) && held_.size() > 1)) return;
  const bool closing = held_.starts_with("</");
  if (is_letter(c) && (held_.size() == 2 || (closing && held_.size() == 3))) {
    out += std::exchange(held_, "");
    closing_ = closing;
    tag_ = c;
    state_ = State::kTagName;
    return;
  }
  if (held_.starts_with("<!")) {  // a doctype: no place for values, and none is looked for
    out += std::exchange(held_, "");
    tag_.clear();
    closing_ = true;
    state_ = c == '>' ? State::kText : State::kTag;
    return;
  }
  out += "&lt;";
  const std::string again = std::exchange(held_, "").substr(1);
  for (const char one : again) in_text(one, out);
}

void HtmlPlace::in_tag(char c) {
  if (c == '>') return end_tag();
  switch (state_) {
    case State::kTagName:
      if (is_space(c) || c == '/') {
        state_ = State::kTag;
      } else {
        tag_ += c;
      }
      return;
    case State::kTag:
      if (is_space(c) || c == '/') return;
      name_ = c;
      state_ = State::kAttribute;
      return;
    case State::kAttribute:
    case State::kAfterName:
      if (c == '=') {
        kind_ = kind_of_attribute();
        state_ = State::kBeforeValue;
      } else if (is_space(c)) {
        state_ = State::kAfterName;
      } else if (state_ == State::kAfterName) {
        name_ = c;
        state_ = State::kAttribute;
      } else {
        name_ += c;
      }
      return;
    default:  // kBeforeValue
      if (is_space(c)) return;
      quote_ = c == '"' || c == '\'' ? c : '\0';
      began_ = false;
      query_ = false;
      state_ = State::kValue;
      if (quote_ == 0) in_value(c);
  }
}

void HtmlPlace::in_value(char c) {
  if (quote_ != 0 ? c == quote_ : is_space(c)) {
    state_ = State::kTag;
    return;
  }
  if (quote_ == 0 && c == '>') return end_tag();
  if (c == '?' || c == '#') query_ = true;
  if (!is_space(c)) began_ = true;
}

void HtmlPlace::end_tag() {
  static constexpr std::array<std::string_view, 4> kRawElements = {"script", "style", "title",
                                                                   "textarea"};
  const std::string element = to_lower(tag_);
  const bool raw = !closing_ && std::find(kRawElements.begin(), kRawElements.end(), element) !=
                                    kRawElements.end();
  raw_ = raw ? element : "";
  tail_.clear();
  state_ = raw ? State::kRaw : State::kText;
}

void HtmlPlace::in_raw(char c) {
  tail_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (tail_.size() > 16) tail_.erase(0, tail_.size() - 12);
  if (!tail_.ends_with("</" + raw_)) return;
  tag_ = raw_;
  closing_ = true;
  raw_.clear();
  state_ = State::kTagName;
}

HtmlPlace::Kind HtmlPlace::kind_of_attribute() const {
  std::string name = to_lower(name_);
  if (name.starts_with("data-")) {
    name.erase(0, 5);
  } else if (const std::size_t colon = name.find(':'); colon != std::string::npos) {
    if (name.starts_with("xmlns:")) return Kind::kAddress;
    name.erase(0, colon + 1);
  }
  if (name == "style") return Kind::kStyle;
  if (name.starts_with("on")) return Kind::kScript;
  static constexpr std::array<std::string_view, 14> kAddresses = {
      "action",     "archive", "background", "cite",     "classid",  "codebase", "data",
      "formaction", "href",    "icon",       "longdesc", "manifest", "poster",   "profile"};
  const bool address =
      std::find(kAddresses.begin(), kAddresses.end(), name) != kAddresses.end() ||
      name == "usemap" || name == "xmlns" || name.find("src") != std::string::npos ||
      name.find("uri") != std::string::npos || name.find("url") != std::string::npos;
  return address ? Kind::kAddress : Kind::kPlain;
}

std::string HtmlPlace::address(const TemplateValue& value, const std::string& shown,
                               std::string_view function) const {
  if (query_) return function == "urlquery" ? shown : percent_encoded(shown, false);
  const auto* html = std::get_if<TemplateHtml>(&value.data());
  const bool known = html != nullptr && html->address;
  if (!began_ && !known && !is_harmless_address(shown)) return "#" + std::string(kRefused);
  return percent_encoded(shown, true);
}

Result<std::string> HtmlPlace::escape(const TemplateValue& value, const std::string& shown,
                                      std::string_view function) const {
  const auto* held = std::get_if<TemplateHtml>(&value.data());
  const bool html = held != nullptr && !held->address;
  const bool attribute = state_ == State::kValue || state_ == State::kBeforeValue;
  const Kind kind = attribute          ? kind_
                    : raw_ == "script" ? Kind::kScript
                    : raw_ == "style"  ? Kind::kStyle
                                       : Kind::kPlain;
  if (kind == Kind::kScript) {
    return Error(ErrorCode::kInvalid,
                 "a value inside <script> or an on... attribute cannot be escaped");
  }
  if (state_ == State::kComment) return std::string();
  if (kind == Kind::kStyle && !attribute) return style_value(shown);
  if (!attribute && state_ != State::kText && state_ != State::kRaw) {
    // The name of a tag or an attribute.
    const bool plain =
        !shown.empty() && std::all_of(shown.begin(), shown.end(), is_letter_or_digit);
    return plain ? shown : std::string(kRefused);
  }
  if (function == "html" && (!attribute || (kind == Kind::kPlain && quote_ != 0))) return shown;
  if (!attribute) {
    if (!html) return escaped(shown, {});
    return state_ == State::kText ? shown : escaped(shown, {.ampersand = false});
  }
  std::string text = shown;
  if (kind == Kind::kAddress) text = address(value, shown, function);
  if (kind == Kind::kStyle) text = style_value(shown);
  const bool spaces = state_ == State::kBeforeValue || quote_ == 0;
  if (spaces && text.empty()) return std::string(kRefused);
  const bool entities = html && kind == Kind::kPlain;
  return escaped(entities ? without_tags(text) : text, {.ampersand = !entities, .spaces = spaces});
}

bool is_harmless_address(std::string_view address) {
  const std::size_t colon = address.find(':');
  if (colon == std::string_view::npos) return true;
  const std::string_view scheme = address.substr(0, colon);
  if (scheme.find('/') != std::string_view::npos) return true;  // a path with a colon
  static constexpr std::array<std::string_view, 3> kHarmless = {"http", "https", "mailto"};
  return std::find(kHarmless.begin(), kHarmless.end(), to_lower(scheme)) != kHarmless.end();
}

}  // namespace nines::internal
