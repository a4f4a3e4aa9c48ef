#include "base/text/internal/html_place.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text/text.h"

namespace nines::internal {
namespace {

constexpr std::size_t kTagBytesMax = 8;  // "</script"

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(),
                     [text](std::string_view end) { return text.ends_with(end); });
}

}  // namespace

void HtmlPlace::follow(std::string_view document) {
  // A tag may have been cut by the end of the last call.
  const std::size_t from = read_ > kTagBytesMax ? read_ - kTagBytesMax : 0;
  const std::string tail = to_lower(document.substr(from));
  for (std::size_t at = tail.find('<'); at != std::string::npos; at = tail.find('<', at + 1)) {
    const std::string_view tag = std::string_view(tail).substr(at);
    if (tag.starts_with("<script") || tag.starts_with("<style")) code_ = true;
    if (tag.starts_with("</script") || tag.starts_with("</style")) code_ = false;
  }
  read_ = document.size();
  std::string_view before = std::string_view(tail);
  if (before.ends_with('"') || before.ends_with('\'')) before.remove_suffix(1);
  begins_address_ = ends_with_any(before, {"href=", "src=", "action="});
}

bool is_harmless_address(std::string_view address) {
  const std::string_view shown = trim(address);
  const std::size_t colon = shown.find(':');
  if (colon == std::string_view::npos) return true;
  const std::string_view scheme = shown.substr(0, colon);
  if (scheme.find_first_of("/?#") != std::string_view::npos) return true;  // a path with a colon
  static constexpr std::array<std::string_view, 3> kHarmless = {"http", "https", "mailto"};
  return std::find(kHarmless.begin(), kHarmless.end(), to_lower(scheme)) != kHarmless.end();
}

}  // namespace nines::internal
