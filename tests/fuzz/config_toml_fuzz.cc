// Any text as a whole configuration, as a rule file that one names, as rule tests and as a target
// file, all in TOML: no crash, and every problem is a line `file:line:col: message`.

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "app/config/config.h"
#include "app/config/rule_tests.h"
#include "base/text/text.h"
#include "tests/support/mem_fs.h"

namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
}

// Messages may hold line ends of the texts they quote: the first line is what must have its place.
template <typename T>
void check(const nines::Result<T>& read) {
  if (read) return;
  const std::string what = read.error().what();
  const auto parts = nines::split(what, ':');
  if (parts.size() < 4 || !is_number(parts[1]) || !is_number(parts[2])) {
    __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines;
  if (size > 8192) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  testing::MemFs fs;
  fs.put("/c/rules.toml", text);
  check(config::load_text(fs, "/c/f.toml", text));
  check(config::load_text(fs, "/c/f.toml", "rule_files = [\"rules.toml\"]\n"));
  check(config::parse_rule_tests_toml("f", text));
  // Who reads target files says which one it is.
  const auto targets = config::load_targets_toml("f", text);
  if (!targets && targets.error().what().empty()) __builtin_trap();
  return 0;
}
