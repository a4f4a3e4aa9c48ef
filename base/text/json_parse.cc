#include <cmath>
#include <limits>

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "base/text/json.h"

namespace nines {
namespace {

constexpr std::size_t kDepthMax = 32;

std::int64_t to_integer(double d) {
  if (std::isnan(d)) return 0;
  if (d >= 0x1p63) return std::numeric_limits<std::int64_t>::max();
  if (d <= -0x1p63) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(d);
}

}  // namespace

// Takes the reader's events; open containers wait on a stack and move into their parent when
// closed.
class JsonBuilder {
 public:
  using Ch = char;

  bool Null() { return add(Json()); }
  bool Bool(bool b) {
    Json json;
    json.type_ = Json::Type::kBool;
    json.bool_ = b;
    return add(std::move(json));
  }
  bool Int(int n) { return Int64(n); }
  bool Uint(unsigned n) { return Int64(n); }
  bool Int64(std::int64_t n) { return number(static_cast<double>(n), n); }
  bool Uint64(std::uint64_t n) {
    const auto max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return number(static_cast<double>(n), static_cast<std::int64_t>(n > max ? max : n));
  }
  bool Double(double d) { return number(d, to_integer(d)); }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return false; }  // never asked for
  bool String(const char* text, rapidjson::SizeType size, bool) {
    Json json;
    json.type_ = Json::Type::kString;
    json.string_.assign(text, size);
    return add(std::move(json));
  }
  bool StartObject() { return open(Json::Type::kObject); }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    keys_.emplace_back(text, size);
    return true;
  }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool StartArray() { return open(Json::Type::kArray); }
  bool EndArray(rapidjson::SizeType) { return close(); }

  bool too_deep() const { return too_deep_; }
  Json take() { return std::move(root_); }

 private:
  bool number(double value, std::int64_t integer) {
    Json json;
    json.type_ = Json::Type::kNumber;
    json.number_ = value;
    json.integer_ = integer;
    return add(std::move(json));
  }

  bool open(Json::Type type) {
    too_deep_ = open_.size() == kDepthMax;
    if (too_deep_) return false;
    Json json;
    json.type_ = type;
    open_.push_back(std::move(json));
    return true;
  }

  bool close() {
    Json json = std::move(open_.back());
    open_.pop_back();
    return add(std::move(json));
  }

  bool add(Json json) {
    if (open_.empty()) {
      root_ = std::move(json);
    } else if (open_.back().is_array()) {
      open_.back().items_.push_back(std::move(json));
    } else {
      open_.back().members_.emplace_back(std::move(keys_.back()), std::move(json));
      keys_.pop_back();
    }
    return true;
  }

  Json root_;
  std::vector<Json> open_;
  std::vector<std::string> keys_;  // of members whose value is not there yet
  bool too_deep_ = false;
};

Result<Json> Json::parse(std::string_view text) {
  // Iterative: the depth of hostile input costs no stack. Full precision: correctly rounded
  // doubles.
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseFullPrecisionFlag |
                              rapidjson::kParseValidateEncodingFlag;
  rapidjson::MemoryStream bytes(text.data() != nullptr ? text.data() : "", text.size());
  rapidjson::Reader reader;
  JsonBuilder builder;
  const bool parsed = !reader.Parse<kFlags>(bytes, builder).IsError();
  if (parsed && bytes.Tell() == text.size()) return builder.take();
  // The reader takes a NUL for the end of the text; we know better.
  const std::size_t offset = parsed ? bytes.Tell() : reader.GetErrorOffset();
  const auto at = "JSON at byte " + std::to_string(offset) + ": ";
  if (parsed) return Error(ErrorCode::kInvalid, at + "a NUL byte");
  if (builder.too_deep()) {
    return Error(ErrorCode::kInvalid,
                 at + "nested deeper than " + std::to_string(kDepthMax) + " levels");
  }
  return Error(ErrorCode::kInvalid, at + rapidjson::GetParseError_En(reader.GetParseErrorCode()));
}

const Json& Json::operator[](std::string_view name) const {
  static const Json kNull;
  // The last of equal names counts, as in every browser.
  for (auto it = members_.rbegin(); it != members_.rend(); ++it) {
    if (it->first == name) return it->second;
  }
  return kNull;
}

const Json& Json::operator[](std::size_t index) const {
  static const Json kNull;
  return index < items_.size() ? items_[index] : kNull;
}

}  // namespace nines
