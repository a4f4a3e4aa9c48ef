#include "collector/probe/internal/scenario_text.h"

#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

Error missing(const std::string& what) {
  return {ErrorCode::kNotFound, what};
}

// RFC 6901: "~1" is a slash, "~0" a tilde.
std::string unescape(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool escaped = token[i] == '~' && i + 1 < token.size();
    if (escaped && (token[i + 1] == '0' || token[i + 1] == '1')) {
      out += token[++i] == '0' ? '~' : '/';
    } else {
      out += token[i];
    }
  }
  return out;
}

Result<std::string> scalar_text(const Json& json, const std::string& pointer) {
  switch (json.type()) {
    case Json::Type::kString:
      return json.as_string();
    case Json::Type::kNumber:
      return format_double(json.as_double());
    case Json::Type::kBool:
      return std::string(json.as_bool() ? "true" : "false");
    default:
      return missing("JSON has no text, number or boolean at " + pointer);
  }
}

Result<std::string> at_pointer(const std::string& body, const std::string& pointer) {
  const Result<Json> parsed = Json::parse(body);
  if (!parsed) return Error(parsed.error()).in("the answer is no JSON");
  const Json* at = &*parsed;
  for (const std::string_view token : split(std::string_view(pointer).substr(1), '/')) {
    if (at->is_array()) {
      const auto index = parse_int(token);
      if (!index || *index < 0 || static_cast<std::size_t>(*index) >= at->items().size()) {
        return missing("JSON has nothing at " + pointer);
      }
      at = &at->items()[static_cast<std::size_t>(*index)];
    } else {
      at = &(*at)[unescape(token)];
    }
  }
  if (at->is_number() && static_cast<double>(at->as_int()) == at->as_double()) {
    return std::to_string(at->as_int());
  }
  return scalar_text(*at, pointer);
}

}  // namespace

Result<std::string> fill_in(const std::string& text, const Variables& variables) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
    } else if (text[i + 1] == '$') {
      out += text[++i];
    } else if (text[i + 1] == '{') {
      const std::size_t end = text.find('}', i);
      const std::string name =
          text.substr(i + 2, end == std::string::npos ? std::string::npos : end - i - 2);
      const auto found = variables.find(name);
      if (end == std::string::npos || found == variables.end()) {
        return Error(ErrorCode::kInvalid, "no variable " + quote_go(name) + " for " +
                                              quote_go(text) + ": no step before captured it");
      }
      out += found->second;
      i = end;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<std::string> take(const Capture& capture, const HttpResponse& response) {
  if (!capture.json_pointer.empty()) return at_pointer(response.body, capture.json_pointer);
  std::string subject = response.body;
  if (!capture.header.empty()) {
    subject = std::string(response.header(capture.header));
    if (subject.empty()) return missing("the answer has no header " + capture.header);
    if (!capture.regexp) return subject;
  }
  const std::vector<std::string_view> groups = capture.regexp->groups(subject);
  if (groups.empty()) {
    return missing("nothing in the answer matches " + quote_go(capture.regexp->pattern()));
  }
  return std::string(groups.size() > 1 ? groups[1] : groups[0]);
}

}  // namespace nines::collector
