#pragma once
// Names as readers take them that know only the older ones: what somebody who exposes says.

#include <string>
#include <string_view>

#include "base/model/labels.h"
#include "collector/exposition/parser.h"

namespace nines::collector {

// A name by a scheme; one that is a plain name of its kind already stays as it is, but for its
// underscores under `dots`. Labels may not hold ':'. `name` is valid UTF-8.
//   kUnderscores  each other character an underscore: http.requests -> http_requests
//   kDots         '.' is _dot_, '_' is __, others an underscore: a_b.c -> a__b_dot_c
//   kValues       U__, '_' is __, others their code point: a_b.c -> U__a__b_2e_c
// Source: prometheus.io/docs/instrumenting/escaping_schemes; code points in lower case, as
// Prometheus's own libraries write them.
enum class NameKind : std::uint8_t { kMetric, kLabel };
std::string escape_name(std::string_view name, NameEscaping escaping, NameKind kind);

// All names of a series by a scheme. Should two labels end up with one name, the first stays.
LabelSet escape_names(const LabelSet& labels, NameEscaping escaping);

// The series as a line of text begins with it: names in quotes where they must be.
std::string exposed_text(const LabelSet& labels);

// How a reader wants text, by its Accept header.
struct TextAnswer {
  NameEscaping escaping = NameEscaping::kUnderscores;
  std::string content_type = "text/plain; version=0.0.4; charset=utf-8";
};

// The text/plain of the greatest weight, the first among equals; version 1.0.0 where it is asked
// for, and the escaping it names. A reader that asks for no text, or names no escaping that there
// is, gets 0.0.4 or underscores.
// Source: prometheus.io/docs/instrumenting/content_negotiation, RFC 9110 section 12.5.1.
TextAnswer negotiate_text(std::string_view accept);

}  // namespace nines::collector
