// A YAML file as SLOs of Sloth, Pyrra and OpenSLO. No crash; mistakes have their place; what is
// written is as many tables as are said.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "app/convert/convert.h"

namespace {

void check(const nines::Result<nines::convert::Converted>& done) {
  if (!done) {
    if (!done.error().what().starts_with("f:")) __builtin_trap();
    return;
  }
  std::size_t tables = 0;
  std::size_t at = 0;
  const std::string text = "\n" + done->toml;
  while ((at = text.find("\n[[slos]]\n", at)) != std::string::npos) ++at, ++tables;
  if (tables != done->slos) __builtin_trap();
  for (const std::string& note : done->notes) {
    if (!note.starts_with("f:")) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines::convert;
  if (size > 16'384) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(convert_sloth("f", text, nullptr));
  check(convert_pyrra("f", text, nullptr));
  check(convert_openslo("f", text, nullptr));
  return 0;
}
