#include "base/text/internal/template_builtins.h"

#include <utility>

#include "base/text/internal/template_values.h"
#include "base/text/text.h"

namespace nines::internal {
namespace {

using Arguments = std::vector<TemplateValue>;

Error invalid(std::string text) {
  return Error(ErrorCode::kInvalid, std::move(text));
}

Error bad_types(const TemplateValue& a, const TemplateValue& b) {
  return invalid("incompatible types for comparison: " + std::string(type_name(a)) + " and " +
                 std::string(type_name(b)));
}

// Go refuses to compare an int with a float64; here they compare by value, for a template's author
// cannot see which of the two a number is.
Result<bool> equal(const TemplateValue& a, const TemplateValue& b) {
  if (as_list(a) || as_map(a) || as_list(b) || as_map(b)) {
    return invalid("non-comparable type " +
                   std::string(type_name(as_list(a) || as_map(a) ? a : b)));
  }
  if (is_nil(a) || is_nil(b)) return is_nil(a) && is_nil(b);
  if (as_integer(a) && as_integer(b)) return *as_integer(a) == *as_integer(b);
  if (as_number(a) && as_number(b)) return *as_number(a) == *as_number(b);
  if (as_text(a) && as_text(b)) return *as_text(a) == *as_text(b);
  if (as_time(a) && as_time(b)) return as_time(a)->at == as_time(b)->at;
  if (as_duration(a) && as_duration(b)) return *as_duration(a) == *as_duration(b);
  if (a.data().index() != b.data().index()) return bad_types(a, b);
  return std::get<bool>(a.data()) == std::get<bool>(b.data());
}

Result<bool> less(const TemplateValue& a, const TemplateValue& b) {
  if (as_integer(a) && as_integer(b)) return *as_integer(a) < *as_integer(b);
  if (as_number(a) && as_number(b)) return *as_number(a) < *as_number(b);
  if (as_text(a) && as_text(b)) return *as_text(a) < *as_text(b);
  if (as_time(a) && as_time(b)) return as_time(a)->at < as_time(b)->at;
  if (as_duration(a) && as_duration(b)) return *as_duration(a) < *as_duration(b);
  return bad_types(a, b);
}

Result<TemplateValue> call_eq(const Arguments& arguments) {
  if (arguments.size() < 2) return invalid("missing argument for comparison");
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    NINES_TRY(const bool same, equal(arguments[0], arguments[i]));
    if (same) return TemplateValue(true);
  }
  return TemplateValue(false);
}

TemplateFunction two(Result<bool> (*compare)(const TemplateValue&, const TemplateValue&)) {
  return [compare](const Arguments& arguments) -> Result<TemplateValue> {
    if (arguments.size() != 2) return invalid("a comparison wants two arguments");
    NINES_TRY(const bool answer, compare(arguments[0], arguments[1]));
    return TemplateValue(answer);
  };
}

Result<bool> not_equal(const TemplateValue& a, const TemplateValue& b) {
  NINES_TRY(const bool same, equal(a, b));
  return !same;
}

Result<bool> at_most(const TemplateValue& a, const TemplateValue& b) {
  NINES_TRY(const bool below, less(a, b));
  if (below) return true;
  return equal(a, b);
}

// Go defines these two as the opposite of le and lt; so both hold for a NaN.
Result<bool> greater(const TemplateValue& a, const TemplateValue& b) {
  NINES_TRY(const bool at_most_b, at_most(a, b));
  return !at_most_b;
}

Result<bool> at_least(const TemplateValue& a, const TemplateValue& b) {
  NINES_TRY(const bool below, less(a, b));
  return !below;
}

Result<TemplateValue> call_len(const Arguments& arguments) {
  if (arguments.size() != 1) return invalid("len wants one argument");
  const TemplateValue& v = arguments[0];
  std::size_t size = 0;
  if (const auto* text = as_text(v)) {
    size = text->size();
  } else if (const auto* list = as_list(v)) {
    size = list->size();
  } else if (const auto* map = as_map(v)) {
    size = map->size();
  } else {
    return invalid("len of type " + std::string(type_name(v)));
  }
  return TemplateValue(static_cast<std::int64_t>(size));
}

// A place in something of `size` parts; `end` allows the place behind the last.
Result<std::size_t> place(const TemplateValue& v, std::size_t size, bool end) {
  const auto index = as_integer(v);
  if (!index) return invalid("cannot index with type " + std::string(type_name(v)));
  const auto limit = static_cast<std::int64_t>(size) + (end ? 1 : 0);
  if (*index < 0 || *index >= limit) {
    return invalid("index out of range: " + std::to_string(*index));
  }
  return static_cast<std::size_t>(*index);
}

Result<TemplateValue> index_one(const TemplateValue& v, const TemplateValue& key) {
  if (const auto* map = as_map(v)) {
    const auto* name = as_text(key);
    if (name == nullptr) return invalid("a map's key must be a string");
    return map_entry(*map, *name);
  }
  if (const auto* list = as_list(v)) {
    NINES_TRY(const std::size_t at, place(key, list->size(), false));
    return (*list)[at];
  }
  if (const auto* text = as_text(v)) {
    NINES_TRY(const std::size_t at, place(key, text->size(), false));
    return TemplateValue(std::int64_t{static_cast<unsigned char>((*text)[at])});
  }
  return invalid(is_nil(v) ? "index of nil"
                           : "cannot index a value of type " + std::string(type_name(v)));
}

Result<TemplateValue> call_index(const Arguments& arguments) {
  if (arguments.empty()) return invalid("index wants a value");
  TemplateValue found = arguments[0];
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    NINES_TRY(found, index_one(found, arguments[i]));
  }
  return found;
}

Result<TemplateValue> call_slice(const Arguments& arguments) {
  if (arguments.empty() || arguments.size() > 3) return invalid("slice wants a value and a range");
  const auto* text = as_text(arguments[0]);
  const auto* list = as_list(arguments[0]);
  if (text == nullptr && list == nullptr) {
    return invalid("cannot slice a value of type " + std::string(type_name(arguments[0])));
  }
  const std::size_t size = text != nullptr ? text->size() : list->size();
  std::size_t begin = 0;
  std::size_t end = size;
  if (arguments.size() > 1) {
    NINES_TRY(begin, place(arguments[1], size, true));
  }
  if (arguments.size() > 2) {
    NINES_TRY(end, place(arguments[2], size, true));
  }
  if (begin > end) {
    return invalid("invalid slice index: " + std::to_string(begin) + " > " + std::to_string(end));
  }
  if (text != nullptr) return TemplateValue(text->substr(begin, end - begin));
  return TemplateValue(TemplateValue::List(list->begin() + static_cast<std::ptrdiff_t>(begin),
                                           list->begin() + static_cast<std::ptrdiff_t>(end)));
}

Result<TemplateValue> call_format(const Arguments& arguments) {
  const auto* format = arguments.empty() ? nullptr : as_text(arguments[0]);
  if (format == nullptr) return invalid("printf wants a format first");
  return TemplateValue(format_values(*format, arguments.data() + 1, arguments.size() - 1));
}

Result<TemplateValue> call_not(const Arguments& arguments) {
  if (arguments.size() != 1) return invalid("not wants one argument");
  return TemplateValue(!arguments[0].truth());
}

// html, js and urlquery print their arguments first.
template <typename Escape>
TemplateFunction escaped(Escape escape) {
  return [escape](const Arguments& arguments) -> Result<TemplateValue> {
    return TemplateValue(escape(print_values(arguments, false)));
  };
}

std::string escape_query(const std::string& text) {
  std::string out;
  for (const std::string_view word : split(text, ' ')) {
    if (!out.empty() || word.data() != text.data()) out += '+';
    out += url_encode(word);
  }
  return out;
}

std::string escape_script(const std::string& text) {
  static constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\' || c == '\'' || c == '"') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&' || c == '=') {
      out += "\\u00";
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 0xFU];
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

const TemplateFunctions& template_builtins() {
  static const TemplateFunctions kBuiltins = {
      {"eq", call_eq},
      {"ne", two(not_equal)},
      {"lt", two(less)},
      {"le", two(at_most)},
      {"gt", two(greater)},
      {"ge", two(at_least)},
      {"not", call_not},
      {"len", call_len},
      {"index", call_index},
      {"slice", call_slice},
      {"print",
       [](const Arguments& a) -> Result<TemplateValue> {
         return TemplateValue(print_values(a, false));
       }},
      {"println",
       [](const Arguments& a) -> Result<TemplateValue> {
         return TemplateValue(print_values(a, true));
       }},
      {"printf", call_format},
      // Known to the parser; the executor runs it itself.
      {"tmpl",
       [](const Arguments&) -> Result<TemplateValue> { return invalid("tmpl cannot run here"); }},
      {"html", escaped(escape_html)},
      {"js", escaped(escape_script)},
      {"urlquery", escaped(escape_query)},
  };
  return kBuiltins;
}

}  // namespace nines::internal
