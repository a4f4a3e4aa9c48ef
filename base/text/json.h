#pragma once
// JSON out (streaming) and in (a small tree), over RapidJSON.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/result.h"

namespace nines {

// Appends to one string; commas and quotes are its business. Misuse (a value where a key belongs)
// asserts. Invalid UTF-8 is written as U+FFFD.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(bool b);
  JsonWriter& value(std::int64_t n);
  JsonWriter& value(std::uint64_t n);
  JsonWriter& value(int n) { return value(static_cast<std::int64_t>(n)); }
  JsonWriter& value(double d);  // shortest digits; NaN and infinities become null
  JsonWriter& null();
  JsonWriter& raw(std::string_view json);  // a value that is JSON already
  // For a value that is appended as JSON in many pieces, all before the next call of a method.
  std::string& raw_pieces();
  // key and value in one.
  template <typename T>
  JsonWriter& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  const std::string& str() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  void separate();
  std::string out_;
  std::vector<bool> has_item_;  // one per open object or array
  bool after_key_ = false;
};

// A parsed JSON value. Depth at most 32; numbers are doubles, with the integer kept when it is one.
class Json {
 public:
  enum class Type : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
  static Result<Json> parse(std::string_view text);  // kInvalid with the byte offset

  Type type() const { return type_; }
  bool is_object() const { return type_ == Type::kObject; }
  bool is_array() const { return type_ == Type::kArray; }
  bool is_string() const { return type_ == Type::kString; }
  bool is_number() const { return type_ == Type::kNumber; }
  bool as_bool(bool fallback = false) const { return type_ == Type::kBool ? bool_ : fallback; }
  double as_double(double fallback = 0) const {
    return type_ == Type::kNumber ? number_ : fallback;
  }
  std::int64_t as_int(std::int64_t fallback = 0) const {
    return type_ == Type::kNumber ? integer_ : fallback;
  }
  const std::string& as_string() const { return string_; }   // empty unless a string
  const std::vector<Json>& items() const { return items_; }  // of an array
  const std::vector<std::pair<std::string, Json>>& members() const { return members_; }
  const Json& operator[](std::string_view name) const;  // a null value when absent
  const Json& operator[](std::size_t index) const;

 private:
  friend class JsonBuilder;
  Type type_ = Type::kNull;
  bool bool_ = false;
  double number_ = 0;
  std::int64_t integer_ = 0;
  std::string string_;
  std::vector<Json> items_;
  std::vector<std::pair<std::string, Json>> members_;
};

}  // namespace nines
