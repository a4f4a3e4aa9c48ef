#include "collector/receive/internal/push_groups.h"

#include <bit>
#include <set>
#include <utility>

#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

Error invalid(std::string why) {
  return {ErrorCode::kInvalid, std::move(why)};
}

// base64 for URLs, with or without padding; "=" stands for nothing.
std::optional<std::string> decode_base64_url(std::string_view text) {
  std::string plain(text.substr(0, text.find_last_not_of('=') + 1));
  if (text.find_first_not_of('=') == std::string_view::npos) return "";
  for (char& c : plain) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  while (plain.size() % 4 != 0) plain += '=';
  return base64_decode(plain);
}

class Reader final : public ExpositionVisitor {
 public:
  Reader(const LabelSet& key, std::int64_t now_ms, const GroupLimits& limits)
      : key_(key), now_ms_(now_ms), limits_(limits) {}

  Result<void> on_sample(const ExposedSample& sample) override {
    if (sample.time_ms) return invalid("pushed metrics must not have timestamps");
    NINES_TRY(const LabelSet own, parse_series(sample.series));
    if (!seen_.insert(own).second) {
      return invalid("collected metric " + own.to_string() +
                     " was collected before with the same name and label values");
    }
    LabelBuilder labels(own);
    for (const Label& label : key_) labels.set(label.name, label.value);
    const LabelSet all = labels.build();
    const WrittenLabels written = [&] {
      WrittenLabels out;
      for (const Label& label : all) out.emplace_back(label.name, label.value);
      return out;
    }();
    NINES_TRY(LabelSet checked, checked_labels(written, "a series", limits_));
    families_[family_of(std::string(own.metric_name()))].values.push_back(
        {std::move(checked), sample.value});
    return {};
  }
  void on_type(std::string_view family, MetricType type) override {
    PushedFamily& f = families_[std::string(family)];
    f.type = type;
    f.pushed_ms = now_ms_;
  }
  void on_help(std::string_view family, std::string_view help) override {
    families_[std::string(family)].help = help;
  }

  std::map<std::string, PushedFamily> take() {
    std::erase_if(families_, [](const auto& f) { return f.second.values.empty(); });
    for (auto& [name, family] : families_) family.pushed_ms = now_ms_;
    return std::move(families_);
  }

 private:
  // What a sample's name belongs to: its own, or the histogram or summary it is a part of.
  std::string family_of(const std::string& name) const {
    for (const std::string_view suffix : {"_bucket", "_count", "_sum", "_total", "_info"}) {
      if (!name.ends_with(suffix)) continue;
      const std::string base = name.substr(0, name.size() - suffix.size());
      const auto found = families_.find(base);
      if (found == families_.end()) continue;
      const MetricType type = found->second.type;
      const bool composed = type == MetricType::kHistogram || type == MetricType::kSummary ||
                            type == MetricType::kGaugeHistogram;
      if (composed == (suffix != "_total" && suffix != "_info")) return base;
    }
    return name;
  }

  const LabelSet& key_;
  const std::int64_t now_ms_;
  const GroupLimits& limits_;
  std::map<std::string, PushedFamily> families_;
  std::set<LabelSet> seen_;
};

void write_labels(const LabelSet& labels, JsonWriter& json) {
  json.begin_object();
  for (const Label& label : labels) json.field(label.name, label.value);
  json.end_object();
}

LabelSet read_labels(const Json& object) {
  std::vector<Label> labels;
  for (const auto& [name, value] : object.members()) labels.push_back({name, value.as_string()});
  return LabelSet::from(std::move(labels));
}

}  // namespace

std::size_t PushGroup::series() const {
  std::size_t count = 0;
  for (const auto& [name, family] : families) count += family.values.size();
  return count;
}

Result<LabelSet> parse_grouping_key(std::string_view path, const GroupLimits& limits) {
  if (path.ends_with('/')) path.remove_suffix(1);
  const std::vector<std::string_view> words = split(path, '/');
  if (words.size() % 2 != 0) {
    return invalid("odd number of components in label string " + quote_go(path));
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    std::string name(words[i]), value(words[i + 1]);
    if (name.ends_with("@base64")) {
      name.resize(name.size() - 7);
      std::optional<std::string> decoded = decode_base64_url(value);
      if (!decoded) {
        return invalid("invalid base64 encoding for " + name + " name " + quote_go(value));
      }
      value = *std::move(decoded);
    }
    if (i == 0 ? name != "job" : !is_legacy_label_name(name) || name.starts_with("__")) {
      return invalid("improper label name " + quote_go(name));
    }
    pairs.emplace_back(std::move(name), std::move(value));
  }
  if (pairs.front().second.empty()) return invalid("job name is required");
  const WrittenLabels written(pairs.begin(), pairs.end());
  return checked_labels(written, "a grouping key", limits);
}

Result<std::map<std::string, PushedFamily>> parse_push(std::string_view body,
                                                       ExpositionFormat format, const LabelSet& key,
                                                       std::int64_t now_ms,
                                                       const GroupLimits& limits) {
  Reader reader(key, now_ms, limits);
  if (const Result<void> read = parse_exposition(body, format, reader); !read) return read.error();
  return reader.take();
}

std::string group_to_json(const PushGroup& group) {
  JsonWriter json;
  json.begin_object().key("key");
  write_labels(group.key, json);
  json.field("pushed", group.pushed_ms).field("failed", group.failed_ms);
  json.key("families").begin_array();
  for (const auto& [name, family] : group.families) {
    json.begin_object().field("name", name).field("type", static_cast<int>(family.type));
    json.field("help", family.help).field("pushed", family.pushed_ms);
    json.key("values").begin_array();
    for (const PushedValue& value : family.values) {
      json.begin_array();
      write_labels(value.labels, json);
      // The bits: each NaN is a value of its own.
      json.value(hex(std::bit_cast<std::uint64_t>(value.value))).end_array();
    }
    json.end_array().end_object();
  }
  return json.end_array().end_object().take();
}

Result<PushGroup> group_from_json(std::string_view text) {
  NINES_TRY(const Json json, Json::parse(text));
  PushGroup group;
  group.key = read_labels(json["key"]);
  group.pushed_ms = json["pushed"].as_int();
  group.failed_ms = json["failed"].as_int();
  if (group.key.empty()) return invalid("a pushed group has no key");
  for (const Json& f : json["families"].items()) {
    PushedFamily& family = group.families[f["name"].as_string()];
    family.type = static_cast<MetricType>(f["type"].as_int());
    family.help = f["help"].as_string();
    family.pushed_ms = f["pushed"].as_int();
    for (const Json& v : f["values"].items()) {
      std::uint64_t bits = 0;
      for (const char c : v[std::size_t{1}].as_string()) {
        bits = bits << 4 | static_cast<std::uint64_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
      }
      family.values.push_back({read_labels(v[std::size_t{0}]), std::bit_cast<double>(bits)});
    }
  }
  return group;
}

}  // namespace nines::collector
