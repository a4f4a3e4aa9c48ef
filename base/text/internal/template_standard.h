#pragma once
// The functions of Prometheus's and Alertmanager's templates, by family.

#include "base/text/template.h"

namespace nines::internal {

void add_human_functions(TemplateFunctions& functions);   // humanize...: numbers for people
void add_text_functions(TemplateFunctions& functions);    // title, match, stripPort, join ...
void add_sample_functions(TemplateFunctions& functions);  // first, label, value, sortByLabel ...

void add_time_functions(TemplateFunctions& functions);        // date, tz
void add_collection_functions(TemplateFunctions& functions);  // list, append, dict, toJson
void add_clock_functions(TemplateFunctions& functions, const Clock& clock);  // since, now

// For the function `name`: an error unless there are exactly `count` arguments.
Result<void> want_arguments(const std::vector<TemplateValue>& arguments, std::size_t count);
// Argument `i` as text; kInvalid for anything else.
Result<std::string> text_argument(const std::vector<TemplateValue>& arguments, std::size_t i);

}  // namespace nines::internal
