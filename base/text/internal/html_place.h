#pragma once
// Where in an HTML document a text ends, as far as escaping must know.

#include <cstddef>
#include <string_view>

namespace nines::internal {

class HtmlPlace {
 public:
  // Reads on to the end of `document`, which has only grown since the last call.
  void follow(std::string_view document);
  bool inside_code() const { return code_; }  // between <script> or <style> and its end
  bool begins_address() const { return begins_address_; }  // right after `href="` and the like

 private:
  std::size_t read_ = 0;
  bool code_ = false;
  bool begins_address_ = false;
};

// False for a text that as a link would run something: javascript:, data: and whatever else has a
// scheme but http, https or mailto.
bool is_harmless_address(std::string_view address);

}  // namespace nines::internal
