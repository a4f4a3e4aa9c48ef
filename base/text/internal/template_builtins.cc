#include "base/text/internal/template_builtins.h"

#include <algorithm>
#include <utility>

#include "base/text/internal/template_values.h"
#include "base/text/internal/utf8.h"
#include "base/text/text.h"

namespace nines::internal {
namespace {

using Arguments = std::vector<TemplateValue>;

Error invalid(std::string text) {
  return Error(ErrorCode::kInvalid, std::move(text));
}

Error bad_order() {
  return invalid("invalid type for comparison");
}

Error bad_types(const TemplateValue& a, const TemplateValue& b) {
  return invalid("incompatible types for comparison: " + std::string(type_name(a)) + " and " +
                 std::string(type_name(b)));
}

// Go refuses to compare an int with a float64; here they compare by value, for a template's author
// cannot see which of the two a number is.
Result<bool> equal(const TemplateValue& a, const TemplateValue& b);

// Of one type and with equal fields; a list or a map in one cannot be compared.
Result<bool> equal_records(const TemplateRecord& a, const TemplateRecord& b) {
  bool same = a.type == b.type && a.fields.size() == b.fields.size();
  for (std::size_t i = 0; i < std::min(a.fields.size(), b.fields.size()); ++i) {
    NINES_TRY(const bool equal_field, equal(a.fields[i].value, b.fields[i].value));
    same = same && equal_field;
  }
  return same;
}

Result<bool> equal(const TemplateValue& a, const TemplateValue& b) {
  if (is_nil(a) || is_nil(b)) return is_nil(a) && is_nil(b);
  for (const TemplateValue* v : {&a, &b}) {
    if (as_list(*v) || as_map(*v)) {
      return invalid("non-comparable type " + v->to_string() + ": " + std::string(type_name(*v)));
    }
  }
  if (as_record(a) && as_record(b)) return equal_records(*as_record(a), *as_record(b));
  if (as_integer(a) && as_integer(b)) return *as_integer(a) == *as_integer(b);
  if (as_number(a) && as_number(b)) return *as_number(a) == *as_number(b);
  if (as_text(a) && as_text(b)) return *as_text(a) == *as_text(b);
  if (as_time(a) && as_time(b)) return as_time(a)->at == as_time(b)->at;
  if (as_duration(a) && as_duration(b)) return *as_duration(a) == *as_duration(b);
  if (a.data().index() != b.data().index() || !std::holds_alternative<bool>(a.data())) {
    return bad_types(a, b);
  }
  return std::get<bool>(a.data()) == std::get<bool>(b.data());
}

Result<bool> less(const TemplateValue& a, const TemplateValue& b) {
  if (as_integer(a) && as_integer(b)) return *as_integer(a) < *as_integer(b);
  if (as_number(a) && as_number(b)) return *as_number(a) < *as_number(b);
  if (as_text(a) && as_text(b)) return *as_text(a) < *as_text(b);
  if (as_time(a) && as_time(b)) return as_time(a)->at < as_time(b)->at;
  if (as_duration(a) && as_duration(b)) return *as_duration(a) < *as_duration(b);
  const bool ordered_a = as_number(a) || as_text(a);
  const bool ordered_b = as_number(b) || as_text(b);
  return ordered_a && ordered_b ? bad_types(a, b) : bad_order();
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
  return {[compare](const Arguments& arguments) -> Result<TemplateValue> {
            NINES_TRY(const bool answer, compare(arguments[0], arguments[1]));
            return TemplateValue(answer);
          },
          "aa"};
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
  const TemplateValue& v = arguments[0];
  std::size_t size = 0;
  if (const auto* text = as_text(v)) {
    size = text->size();
  } else if (const auto* list = as_list(v)) {
    size = list->size();
  } else if (const auto* map = as_map(v)) {
    size = map->size();
  } else {
    return invalid(is_nil(v) ? "len of nil pointer" : "len of type " + std::string(type_name(v)));
  }
  return TemplateValue(static_cast<std::int64_t>(size));
}

// A place in something of `size` parts; `end` allows the place behind the last.
Result<std::size_t> place(const TemplateValue& v, std::size_t size, bool end) {
  const auto index = as_integer(v);
  if (!index) {
    return invalid("cannot index slice/array with " +
                   (is_nil(v) ? "nil" : "type " + std::string(type_name(v))));
  }
  const auto limit = static_cast<std::int64_t>(size) + (end ? 1 : 0);
  if (*index < 0 || *index >= limit) {
    return invalid("index out of range: " + std::to_string(*index));
  }
  return static_cast<std::size_t>(*index);
}

Result<TemplateValue> index_one(const TemplateValue& v, const TemplateValue& key) {
  if (as_map(v) != nullptr) {
    const auto* name = as_text(key);
    if (name == nullptr) {
      return invalid(is_nil(key)
                         ? "value is nil; should be of type string"
                         : "value has type " + std::string(type_name(key)) + "; should be string");
    }
    return map_entry(v, *name);
  }
  if (const auto* list = as_list(v)) {
    NINES_TRY(const std::size_t at, place(key, list->size(), false));
    return (*list)[at];
  }
  if (const auto* text = as_text(v)) {
    NINES_TRY(const std::size_t at, place(key, text->size(), false));
    return TemplateValue(std::int64_t{static_cast<unsigned char>((*text)[at])});
  }
  return invalid(is_nil(v) ? "index of nil pointer"
                           : "can't index item of type " + std::string(type_name(v)));
}

Result<TemplateValue> call_index(const Arguments& arguments) {
  if (is_nil(arguments[0])) return invalid("index of untyped nil");
  TemplateValue found = arguments[0];
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    NINES_TRY(found, index_one(found, arguments[i]));
  }
  return found;
}

Result<TemplateValue> call_slice(const Arguments& arguments) {
  if (is_nil(arguments[0])) return invalid("slice of untyped nil");
  if (arguments.size() > 4) {
    return invalid("too many slice indexes: " + std::to_string(arguments.size() - 1));
  }
  const auto* text = as_text(arguments[0]);
  const auto* list = as_list(arguments[0]);
  if (text == nullptr && list == nullptr) {
    return invalid("can't slice item of type " + std::string(type_name(arguments[0])));
  }
  if (text != nullptr && arguments.size() == 4) return invalid("cannot 3-index slice a string");
  const std::size_t size = text != nullptr ? text->size() : list->size();
  std::size_t begin = 0;
  std::size_t end = size;
  if (arguments.size() > 1) {
    NINES_TRY(begin, place(arguments[1], size, true));
  }
  if (arguments.size() > 2) {
    NINES_TRY(end, place(arguments[2], size, true));
  }
  if (arguments.size() > 3) {  // what the list might grow to: only looked at
    NINES_TRY(const std::size_t most, place(arguments[3], size, true));
    if (end > most) {
      return invalid("invalid slice index: " + std::to_string(end) + " > " + std::to_string(most));
    }
  }
  if (begin > end) {
    return invalid("invalid slice index: " + std::to_string(begin) + " > " + std::to_string(end));
  }
  if (text != nullptr) return TemplateValue(text->substr(begin, end - begin));
  TemplateValue part(TemplateValue::List(list->begin() + static_cast<std::ptrdiff_t>(begin),
                                         list->begin() + static_cast<std::ptrdiff_t>(end)));
  return part.as(arguments[0].type());
}

Result<TemplateValue> call_format(const Arguments& arguments) {
  return TemplateValue(
      format_values(*as_text(arguments[0]), arguments.data() + 1, arguments.size() - 1));
}

// No value of a template is a function.
Result<TemplateValue> call_call(const Arguments& arguments) {
  if (is_nil(arguments[0])) return invalid("call of nil");
  return invalid("non-function of type " + std::string(type_name(arguments[0])));
}

Result<TemplateValue> call_not(const Arguments& arguments) {
  return TemplateValue(!arguments[0].truth());
}

// html, js and urlquery print their arguments first.
template <typename Escape>
TemplateFunction escaped(Escape escape) {
  return [escape](const Arguments& arguments) -> Result<TemplateValue> {
    // One value alone is printed as an action prints it.
    if (arguments.size() == 1 && is_nil(arguments[0])) return TemplateValue(escape("<no value>"));
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
  for (std::string_view rest = text; !rest.empty();) {
    const Rune rune = read_rune(rest);
    const std::string_view bytes = rest.substr(0, rune.length);
    rest.remove_prefix(rune.length);
    const std::uint32_t c = rune.code;
    if (c == '\\' || c == '\'' || c == '"') {
      out += '\\';
      out += bytes;
    } else if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == '=') {
      out += "\\u00";
      out += kHexDigits[c >> 4];
      out += kHexDigits[c & 0xFU];
    } else if (c < 0x80 || is_printable(c)) {
      out += bytes;
    } else {
      out += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[(c >> shift) & 0xFU];
    }
  }
  return out;
}

}  // namespace

const TemplateFunctions& template_builtins() {
  static const TemplateFunctions kBuiltins = {
      {"eq", {call_eq, "aa*"}},
      {"ne", two(not_equal)},
      {"lt", two(less)},
      {"le", two(at_most)},
      {"gt", two(greater)},
      {"ge", two(at_least)},
      {"not", {call_not, "a"}},
      {"call", {call_call, "aa*"}},
      {"len", {call_len, "a"}},
      {"index", {call_index, "aa*"}},
      {"slice", {call_slice, "aa*"}},
      {"print",
       [](const Arguments& a) -> Result<TemplateValue> {
         return TemplateValue(print_values(a, false));
       }},
      {"println",
       [](const Arguments& a) -> Result<TemplateValue> {
         return TemplateValue(print_values(a, true));
       }},
      {"printf", {call_format, "sa*"}},
      // Known to the parser; the executor runs it itself.
      {"tmpl",
       {[](const Arguments&) -> Result<TemplateValue> { return invalid("tmpl cannot run here"); },
        "sa"}},
      {"html", escaped(escape_html)},
      {"js", escaped(escape_script)},
      {"urlquery", escaped(escape_query)},
  };
  return kBuiltins;
}

}  // namespace nines::internal
