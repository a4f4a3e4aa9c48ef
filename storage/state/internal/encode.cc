#include "storage/state/internal/encode.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text/json.h"
#include "base/text/text.h"

namespace nines::storage::state {
namespace {

constexpr std::size_t kHexDigits = 16;

Error damaged(const char* what, const std::string& text) {
  return Error(ErrorCode::kCorrupt, std::string("state: damaged ") + what + ": " + text);
}

std::optional<MatchOp> match_op(std::string_view text) {
  for (const MatchOp op :
       {MatchOp::kEqual, MatchOp::kNotEqual, MatchOp::kRegex, MatchOp::kNotRegex}) {
    if (to_string(op) == text) return op;
  }
  return std::nullopt;
}

}  // namespace

std::string encode_labels(const LabelSet& labels) {
  JsonWriter json;
  json.begin_object();
  for (const Label& label : labels) json.field(label.name, label.value);
  json.end_object();
  return json.take();
}

Result<LabelSet> decode_labels(const std::string& text) {
  const auto json = Json::parse(text);
  if (!json || !json->is_object()) return damaged("label set", text);
  std::vector<Label> labels;
  for (const auto& [name, value] : json->members()) {
    if (!value.is_string()) return damaged("label set", text);
    labels.push_back({name, value.as_string()});
  }
  return LabelSet::from(std::move(labels));
}

std::string encode_matchers(const std::vector<Matcher>& matchers) {
  JsonWriter json;
  json.begin_array();
  for (const Matcher& m : matchers) {
    json.begin_array().value(m.name()).value(to_string(m.op())).value(m.value()).end_array();
  }
  json.end_array();
  return json.take();
}

Result<std::vector<Matcher>> decode_matchers(const std::string& text) {
  const auto json = Json::parse(text);
  if (!json || !json->is_array()) return damaged("matchers", text);
  std::vector<Matcher> out;
  for (const Json& item : json->items()) {
    if (!item.is_array() || item.items().size() != 3) return damaged("matchers", text);
    const std::optional<MatchOp> op = match_op(item.items()[1].as_string());
    if (!op) return damaged("matchers", text);
    auto made = Matcher::make(*op, item.items()[0].as_string(), item.items()[2].as_string());
    if (!made) return damaged("matchers", text);
    out.push_back(*std::move(made));
  }
  return out;
}

std::string encode_fingerprints(const std::vector<std::uint64_t>& values) {
  std::string out;
  out.reserve(values.size() * kHexDigits);
  for (const std::uint64_t v : values) out += hex(v);
  return out;
}

Result<std::vector<std::uint64_t>> decode_fingerprints(const std::string& text) {
  if (text.size() % kHexDigits != 0) return damaged("fingerprints", text);
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; i < text.size(); i += kHexDigits) {
    std::uint64_t v = 0;
    const char* end = text.data() + i + kHexDigits;
    const auto parsed = std::from_chars(text.data() + i, end, v, 16);
    if (parsed.ec != std::errc() || parsed.ptr != end) return damaged("fingerprints", text);
    out.push_back(v);
  }
  return out;
}

}  // namespace nines::storage::state
