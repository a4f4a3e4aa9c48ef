#include "collector/exposition/names.h"

#include <string>

#include <doctest/doctest.h>

namespace nines::collector {
namespace {

using enum NameEscaping;

TEST_CASE("names are escaped by each scheme, as its description's examples are") {
  struct Row {
    const char *name, *underscores, *dots, *values;
  };
  const Row rows[] = {
      {"metric.name/with/slashes", "metric_name_with_slashes", "metric_dot_name_with_slashes",
       "U__metric_2e_name_2f_with_2f_slashes"},
      {"metric.name.with.dots", "metric_name_with_dots", "metric_dot_name_dot_with_dot_dots",
       "U__metric_2e_name_2e_with_2e_dots"},
      {"metric.name", "metric_name", "metric_dot_name", "U__metric_2e_name"},
      // What is a name already only loses its underscores to dots.
      {"plain_name", "plain_name", "plain__name", "plain_name"},
      {"no:changes", "no:changes", "no:changes", "no:changes"},
      {"with_under.dot", "with_under_dot", "with__under_dot_dot", "U__with__under_2e_dot"},
      {"1st", "_st", "_st", "U___31_st"},
      {"\u82b1\u706b", "__", "__", "U___82b1__706b_"},
      {"\U0001F600", "_", "_", "U___1f600_"},
      {"\u00e9", "_", "_", "U___e9_"},
      {"a b", "a_b", "a_b", "U__a_20_b"},
      {"", "", "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(escape_name(row.name, kAllowUtf8, NameKind::kMetric) == row.name);
    CHECK(escape_name(row.name, kUnderscores, NameKind::kMetric) == row.underscores);
    CHECK(escape_name(row.name, kDots, NameKind::kMetric) == row.dots);
    CHECK(escape_name(row.name, kValues, NameKind::kMetric) == row.values);
  }
  CHECK(escape_name("a:b", kUnderscores, NameKind::kLabel) == "a_b");
  CHECK(escape_name("a:b", kValues, NameKind::kLabel) == "U__a_3a_b");
}

TEST_CASE("all names of a series are escaped; of two that fall together the first stays") {
  const LabelSet series{{"__name__", "a.b"}, {"c.d", "1"}, {"c/d", "2"}, {"e", "3"}};
  CHECK(escape_names(series, kAllowUtf8) == series);
  CHECK(escape_names(series, kUnderscores) ==
        LabelSet{{"__name__", "a_b"}, {"c_d", "1"}, {"e", "3"}});
  CHECK(escape_names(series, kValues) ==
        LabelSet{{"__name__", "U__a_2e_b"}, {"U__c_2e_d", "1"}, {"U__c_2f_d", "2"}, {"e", "3"}});
}

TEST_CASE("a series as text is read as that series") {
  for (const LabelSet& series : {
           LabelSet{{"__name__", "up"}},
           LabelSet{{"__name__", "up"}, {"job", "a"}},
           LabelSet{{"__name__", "a.b"}},
           LabelSet{{"__name__", "a.\"b\\"}, {"c d", "\t\"\\\n\u00e9"}, {"plain", "x"}},
       }) {
    const std::string text = exposed_text(series);
    CAPTURE(text);
    const auto read = parse_series(text);
    REQUIRE(read);
    CHECK(*read == series);
  }
  CHECK(exposed_text(LabelSet{{"__name__", "up"}, {"job", "a"}}) == "up{job=\"a\"}");
  CHECK(exposed_text(LabelSet{{"__name__", "a.b"}, {"c", "d"}}) == "{\"a.b\",c=\"d\"}");
}

TEST_CASE("a reader gets the text it asks for most, and the escaping it names") {
  struct Row {
    const char* accept;
    NameEscaping escaping;
    const char* type;  // behind "text/plain; "
  };
  const char* const old = "version=0.0.4; charset=utf-8";
  const Row rows[] = {
      {"", kUnderscores, old},
      {"*/*", kUnderscores, old},
      {"text/html,application/xhtml+xml,*/*;q=0.8", kUnderscores, old},
      {"text/plain;version=0.0.4;q=0.5,*/*;q=0.1", kUnderscores, old},
      {"text/plain;version=1.0.0", kUnderscores,
       "version=1.0.0; charset=utf-8; escaping=underscores"},
      {"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3",
       kAllowUtf8, "version=1.0.0; charset=utf-8; escaping=allow-utf-8"},
      {"text/plain;version=0.0.4;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3",
       kUnderscores, old},
      {"TEXT/PLAIN ; Version=1.0.0 ; Escaping=dots", kDots,
       "version=1.0.0; charset=utf-8; escaping=dots"},
      {"text/plain;version=1.0.0;escaping=values", kValues,
       "version=1.0.0; charset=utf-8; escaping=values"},
      {"text/plain;version=0.0.4;escaping=values", kValues,
       "version=0.0.4; charset=utf-8; escaping=values"},
      {"text/plain;version=1.0.0;escaping=nonsense", kUnderscores,
       "version=1.0.0; charset=utf-8; escaping=underscores"},
      {"text/plain;version=2.0.0;q=1,text/plain;version=1.0.0;escaping=dots;q=0.2", kDots,
       "version=1.0.0; charset=utf-8; escaping=dots"},
      {"text/plain;version=1.0.0;escaping=dots;q=0", kUnderscores, old},
      {"text/plain;version=1.0.0;q=x,", kUnderscores, old},
      {"application/openmetrics-text;version=1.0.0;escaping=dots", kUnderscores, old},
      {",;,=;q", kUnderscores, old},
  };
  for (const Row& row : rows) {
    CAPTURE(row.accept);
    const TextAnswer answer = negotiate_text(row.accept);
    CHECK(answer.escaping == row.escaping);
    CHECK(answer.content_type == "text/plain; " + std::string(row.type));
  }
  // What nines itself sends when it scrapes.
  for (const NameEscaping escaping : {kAllowUtf8, kUnderscores, kDots, kValues}) {
    CHECK(negotiate_text(accept_header(default_scrape_protocols(), escaping)).escaping == escaping);
  }
}

}  // namespace
}  // namespace nines::collector
