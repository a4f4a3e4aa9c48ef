#pragma once
// The functions of Prometheus's and Alertmanager's templates, by family.

#include "base/text/template.h"

namespace nines::internal {

void add_human_functions(TemplateFunctions& functions);   // humanize...: numbers for people
void add_text_functions(TemplateFunctions& functions);    // title, match, stripPort, join ...
void add_sample_functions(TemplateFunctions& functions);  // first, label, value, sortByLabel ...

void add_time_functions(TemplateFunctions& functions);        // date, tz
void add_date_functions(TemplateFunctions& functions);        // toDate, mustToDate
void add_collection_functions(TemplateFunctions& functions);  // list, append, dict, toJson
void add_clock_functions(TemplateFunctions& functions, const Clock& clock);  // since, now

}  // namespace nines::internal
