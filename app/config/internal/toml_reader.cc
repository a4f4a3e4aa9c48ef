#include "app/config/internal/toml_reader.h"

#include <algorithm>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::config {
namespace {

std::string_view type_name(toml::node_type type) {
  switch (type) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::none:
      return "nothing";
    default:
      return "a date or time";
  }
}

}  // namespace

void Problems::add(std::uint32_t line, std::uint32_t column, std::string_view message) {
  lines_.push_back(file_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " +
                   std::string(message));
}

void TableReader::know(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
}

const toml::node* TableReader::find(std::string_view key) {
  know(key);
  return table_.get(key);
}

bool TableReader::has(std::string_view key) {
  return find(key) != nullptr;
}

void TableReader::wrong_type(const toml::node& node, std::string_view key,
                             std::string_view wanted) {
  problems_.add(node.source(), "`" + std::string(key) + "` in " + name_ + " must be " +
                                   std::string(wanted) + ", not " +
                                   std::string(type_name(node.type())));
}

void Problems::warn(const toml::source_region& where, std::string_view message) {
  warnings_.push_back(file_ + ":" + std::to_string(where.begin.line) + ":" +
                      std::to_string(where.begin.column) + ": " + std::string(message));
}

void TableReader::warn(std::string_view key, std::string_view message) {
  const toml::node* node = table_.get(key);
  problems_.warn(node ? node->source() : table_.source(), message);
}

void TableReader::fail(std::string_view key, std::string_view message) {
  const toml::node* node = key.empty() ? nullptr : table_.get(key);
  problems_.add(node ? node->source() : table_.source(), message);
}

std::optional<toml::source_region> TableReader::place(std::string_view key) const {
  const toml::node* node = table_.get(key);
  if (!node) return std::nullopt;
  return node->source();
}

void TableReader::read(std::string_view key, std::string& out) {
  const toml::node* node = find(key);
  if (!node) return;
  if (const auto* text = node->as_string()) {
    out = text->get();
  } else {
    wrong_type(*node, key, "a string");
  }
}

void TableReader::read(std::string_view key, bool& out) {
  const toml::node* node = find(key);
  if (!node) return;
  if (const auto* value = node->as_boolean()) {
    out = value->get();
  } else {
    wrong_type(*node, key, "true or false");
  }
}

void TableReader::read(std::string_view key, double& out) {
  const toml::node* node = find(key);
  if (!node) return;
  if (const auto value = node->value<double>(); value && node->is_number()) {
    out = *value;
  } else {
    wrong_type(*node, key, "a number");
  }
}

void TableReader::read_integer(std::string_view key, std::int64_t& out) {
  const toml::node* node = find(key);
  if (!node) return;
  const auto* value = node->as_integer();
  if (!value) {
    wrong_type(*node, key, "an integer");
  } else if (value->get() < 0) {
    problems_.add(node->source(), "`" + std::string(key) + "` must not be negative");
  } else {
    out = value->get();
  }
}

void TableReader::read(std::string_view key, Duration& out) {
  const toml::node* node = find(key);
  if (!node) return;
  const auto* text = node->as_string();
  if (!text) {
    wrong_type(*node, key, "a duration such as \"15s\" or \"1h30m\"");
    return;
  }
  if (const Result<Duration> parsed = parse_duration(text->get()); parsed) {
    out = *parsed;
  } else {
    problems_.add(node->source(), "`" + std::string(key) + "`: " + parsed.error().what() +
                                      " (write durations as \"15s\", \"5m\", \"1h30m\", \"30d\")");
  }
}

void TableReader::read_bytes(std::string_view key, std::uint64_t& out) {
  const toml::node* node = find(key);
  if (!node) return;
  if (const auto* number = node->as_integer(); number && number->get() >= 0) {
    out = static_cast<std::uint64_t>(number->get());
    return;
  }
  const auto* text = node->as_string();
  if (!text) {
    wrong_type(*node, key, "a size such as \"10GiB\"");
    return;
  }
  if (const Result<std::uint64_t> parsed = parse_bytes(text->get()); parsed) {
    out = *parsed;
  } else {
    problems_.add(node->source(), "`" + std::string(key) + "`: " + parsed.error().what());
  }
}

void TableReader::read(std::string_view key, std::vector<std::string>& out) {
  const toml::node* node = find(key);
  if (!node) return;
  const toml::array* array = node->as_array();
  if (!array) {
    wrong_type(*node, key, "an array of strings");
    return;
  }
  out.clear();
  for (const toml::node& item : *array) {
    if (const auto* text = item.as_string()) {
      out.push_back(text->get());
    } else {
      wrong_type(item, key, "an array of strings");
    }
  }
}

void TableReader::each_string(std::string_view key,
                              const std::function<void(const std::string&, const std::string&,
                                                       const toml::source_region&)>& each) {
  const toml::node* node = find(key);
  if (!node) return;
  const toml::table* inner = node->as_table();
  if (!inner) {
    wrong_type(*node, key, "a table of strings such as { env = \"prod\" }");
    return;
  }
  for (auto&& [name, value] : *inner) {
    if (const auto* text = value.as_string()) {
      each(std::string(name.str()), text->get(), value.source());
    } else {
      wrong_type(value, std::string(key) + "." + std::string(name.str()), "a string");
    }
  }
}

void TableReader::read(std::string_view key, std::map<std::string, std::string>& out) {
  each_string(key, [&](const std::string& name, const std::string& value,
                       const toml::source_region&) { out[name] = value; });
}

void TableReader::read(std::string_view key, std::vector<Matcher>& out) {
  const toml::node* node = find(key);
  if (!node) return;
  const toml::array* array = node->as_array();
  if (!array) {
    wrong_type(*node, key, "an array of matchers such as ['severity=\"page\"']");
    return;
  }
  for (const toml::node& item : *array) {
    const auto* text = item.as_string();
    if (!text) {
      wrong_type(item, key, "an array of matchers such as ['severity=\"page\"']");
      continue;
    }
    Result<Matcher> matcher = parse_matcher(text->get());
    if (matcher) {
      out.push_back(*std::move(matcher));
    } else {
      problems_.add(item.source(), "`" + std::string(key) + "`: " + matcher.error().what());
    }
  }
}

void TableReader::read_one_of(std::string_view key, std::string& out,
                              std::vector<std::string_view> allowed) {
  const toml::node* node = find(key);
  if (!node) return;
  std::string value;
  read(key, value);
  if (!node->is_string()) return;
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) {
    out = value;
    return;
  }
  std::string message = "`" + std::string(key) + "` must be one of";
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    message += (i == 0 ? " " : ", ") + quote_go(allowed[i]);
  }
  message += ", not " + quote_go(value);
  if (const auto near = nearest_word(value, allowed); !near.empty()) {
    message += "; did you mean " + quote_go(near) + "?";
  }
  problems_.add(node->source(), message);
}

void TableReader::read_secret(
    std::string_view key, std::string& out,
    const std::function<std::optional<std::string>(const std::string&)>& read_file,
    std::string* path_out) {
  read(key, out);
  const std::string file_key = std::string(key) + "_file";
  std::string path;
  read(file_key, path);
  if (path.empty()) return;
  if (!out.empty()) {
    fail(file_key, "give `" + std::string(key) + "` or `" + file_key + "`, not both");
    return;
  }
  if (std::optional<std::string> text = read_file(path)) {
    if (path_out != nullptr) {
      *path_out = path;
    } else {
      out = std::string(trim(*text));
    }
  } else {
    fail(file_key, "cannot read " + quote_go(path));
  }
}

const toml::array* TableReader::array(std::string_view key) {
  const toml::node* node = find(key);
  if (!node) return nullptr;
  if (const toml::array* items = node->as_array()) return items;
  wrong_type(*node, key, "an array");
  return nullptr;
}

void TableReader::table(std::string_view key, const std::function<void(TableReader&)>& each) {
  const toml::node* node = find(key);
  if (!node) return;
  const toml::table* inner = node->as_table();
  if (!inner) {
    wrong_type(*node, key, "a table");
    return;
  }
  TableReader reader(*inner, name_.empty() ? "[" + std::string(key) + "]" : std::string(key),
                     problems_);
  each(reader);
  reader.finish();
}

void TableReader::tables(std::string_view key, const std::function<void(TableReader&)>& each) {
  const toml::node* node = find(key);
  if (!node) return;
  const toml::array* array = node->as_array();
  const std::string inner_name = "[[" + std::string(key) + "]]";
  if (!array) {
    wrong_type(*node, key, "an array of tables: write " + inner_name);
    return;
  }
  for (const toml::node& item : *array) {
    const toml::table* inner = item.as_table();
    if (!inner) {
      wrong_type(item, key, "an array of tables: write " + inner_name);
      continue;
    }
    TableReader reader(*inner, inner_name, problems_);
    each(reader);
    reader.finish();
  }
}

void TableReader::finish() {
  if (problems_.ignores_unknown()) return;
  std::vector<std::string_view> candidates(known_.begin(), known_.end());
  for (auto&& [key, value] : table_) {
    const std::string_view name = key.str();
    if (std::find(candidates.begin(), candidates.end(), name) != candidates.end()) continue;
    std::string message = "unknown key `" + std::string(name) + "`";
    if (!name_.empty()) message += " in " + name_;
    if (const auto near = nearest_word(name, candidates); !near.empty()) {
      message += "; did you mean `" + std::string(near) + "`?";
    } else if (name_.empty()) {
      message += "; known sections: " + [&] {
        std::string all;
        for (const auto c : candidates) all += (all.empty() ? "" : ", ") + std::string(c);
        return all;
      }();
    }
    problems_.add(key.source(), message);
  }
}

}  // namespace nines::config
