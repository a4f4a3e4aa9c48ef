// Any text: it parses or is refused with a place; what parses executes within its limits, twice the
// same.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/text/template.h"

namespace {

using nines::TemplateValue;

TemplateValue sample_data() {
  using Map = TemplateValue::Map;
  using List = TemplateValue::List;
  const Map labels{{"alertname", "Down"}, {"job", "api"}, {"instance", "web:80"}};
  const nines::TemplateRecord sample{"template.sample", {{"Labels", labels}, {"Value", 1.5}}};
  const nines::TemplateRecord firing{
      "template.Alert",
      {{"Status", "firing"}, {"Labels", TemplateValue(labels).as("template.KV")}, {"Value", 1.5}}};
  const nines::TemplateTime time{nines::LogTime(std::chrono::seconds(1'750'000'000)),
                                 nines::TimeZone::utc()};
  return Map{{"Labels", labels},
             {"Alerts", TemplateValue(List{firing, firing}).as("template.Alerts")},
             {"Common", TemplateValue(labels).as("template.KV")},
             {"Result", List{sample, sample}},
             {"D", std::chrono::nanoseconds(1'500'000'000)},
             {"Value", 0.25},
             {"N", 7},
             {"At", time}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const nines::TemplateFunctions functions = nines::standard_template_functions();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = nines::Template::parse("t", text, functions);
  if (!parsed) {
    if (!parsed.error().what().starts_with("t:")) __builtin_trap();
    return 0;
  }
  nines::TemplateLimits limits;
  limits.output_bytes_max = 16u << 10;
  limits.steps_max = 2000;
  const TemplateValue dot = sample_data();
  const auto first = parsed->execute(dot, {{"value", 1.5}}, limits);
  const auto again = parsed->execute(dot, {{"value", 1.5}}, limits);
  if (first.has_value() != again.has_value()) __builtin_trap();
  // As HTML too: what is a value there cannot open a tag of its own.
  const auto html = nines::Template::parse("t", text, functions, nines::TemplateMode::kHtml);
  if (html && html->execute(dot, {}, limits) &&
      html->execute(dot, {}, limits)->size() > limits.output_bytes_max) {
    __builtin_trap();
  }
  if (first && (*first != *again || first->size() > limits.output_bytes_max)) __builtin_trap();
  return 0;
}
