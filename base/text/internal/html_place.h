#pragma once
// Where in an HTML document a template stands, as far as escaping its values must know.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/result.h"
#include "base/text/template.h"

namespace nines::internal {

class HtmlPlace {
 public:
  // Reads on over a text of the template itself; gives what of it is written: all but comments.
  std::string literal(std::string_view text);
  // The value as it is written here; `shown` is its text, `function` the one that made it, by name:
  // what `html` and `urlquery` made is not escaped again where they are the escaping. kInvalid
  // where no value can be made safe: within scripts.
  Result<std::string> escape(const TemplateValue& value, const std::string& shown,
                             std::string_view function) const;

 private:
  enum class State : std::uint8_t {
    kText,
    kTagName,
    kTag,          // between attributes
    kAttribute,    // its name
    kAfterName,    // before a possible =
    kBeforeValue,  // after the =
    kValue,
    kComment,
    kRaw,  // within <title>, <textarea>, <style>, <script>
  };
  enum class Kind : std::uint8_t { kPlain, kAddress, kStyle, kScript };

  void next(char c, std::string& out);
  void in_text(char c, std::string& out);
  void in_tag(char c);
  void in_value(char c);
  void in_raw(char c);
  void end_tag();
  Kind kind_of_attribute() const;
  std::string address(const TemplateValue& value, const std::string& shown,
                      std::string_view function) const;

  State state_ = State::kText;
  std::string held_;  // a `<` and what follows it, until it is known to begin a tag or a comment
  std::string name_;  // of the tag; of the attribute
  std::string raw_;   // the element whose text is read; empty outside of such
  std::string tail_;  // the last bytes, to know the end of comments and of raw elements
  std::string tag_;
  bool closing_ = false;
  char quote_ = 0;  // of an attribute's value; 0: it has none
  Kind kind_ = Kind::kPlain;
  bool began_ = false;  // the address has begun
  bool query_ = false;  // its query or fragment has begun
};

// False for a text that as a link would run something: javascript:, data: and whatever else has a
// scheme but http, https or mailto.
bool is_harmless_address(std::string_view address);

}  // namespace nines::internal
