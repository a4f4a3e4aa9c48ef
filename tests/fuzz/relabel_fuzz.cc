// Lines of: action, source, target, regex, replacement; then a label set. No crash, equal runs give
// equal sets, and the steps end where the whole does.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/text/text.h"
#include "collector/discovery/relabel.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines::collector;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<RelabelRule> rules;
  nines::LabelBuilder labels;
  for (const std::string_view line : nines::split(text, '\n')) {
    const std::vector<std::string_view> words = nines::split(line, '\t');
    if (words.size() == 2) labels.set(words[0], words[1]);
    if (words.size() != 5 || rules.size() >= 20) continue;
    const auto action = relabel_action(words[0]);
    if (!action) continue;
    RelabelSpec spec;
    spec.action = *action;
    if (!words[1].empty()) spec.source_labels = {std::string(words[1]), "a"};
    spec.target_label = words[2];
    if (!words[3].empty()) spec.regex = words[3];
    if (!words[4].empty()) spec.replacement = words[4];
    if (*action == RelabelAction::kHashMod) spec.modulus = 7;
    if (auto rule = make_relabel_rule(spec)) rules.push_back(*std::move(rule));
  }
  const nines::LabelSet in = labels.build();
  const auto out = relabel(in, rules);
  if (out != relabel(in, rules)) __builtin_trap();
  const auto steps = relabel_steps(in, rules);
  if (steps.size() != rules.size()) __builtin_trap();
  if (out && !steps.empty() && steps.back().output != *out) __builtin_trap();
  return 0;
}
