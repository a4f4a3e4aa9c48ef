#include "collector/receive/internal/push_groups.h"

#include <array>
#include <bit>
#include <set>
#include <span>
#include <utility>

#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/exposition/native_histogram.h"

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
        {std::move(checked), sample.value,
         sample.histogram == nullptr ? nullptr
                                     : std::make_shared<const Histogram>(*sample.histogram)});
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

// The bits of a float, because each NaN is a value of its own.
std::string write_bits(double value) {
  return hex(std::bit_cast<std::uint64_t>(value));
}

double read_bits(const Json& text) {
  std::uint64_t bits = 0;
  for (const char c : text.as_string()) {
    bits = bits << 4 | static_cast<std::uint64_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return std::bit_cast<double>(bits);
}

void write_histogram(const Histogram& h, JsonWriter& json) {
  const auto floats = [&json](const char* name, std::span<const double> values) {
    json.key(name).begin_array();
    for (const double value : values) json.value(write_bits(value));
    json.end_array();
  };
  const auto spans = [&json](const char* name, const std::vector<HistogramSpan>& all) {
    json.key(name).begin_array();
    for (const HistogramSpan& span : all) {
      json.value(span.offset).value(std::uint64_t{span.length});
    }
    json.end_array();
  };
  json.begin_object().field("schema", h.schema).field("hint", static_cast<int>(h.reset_hint));
  floats("totals", std::array{h.zero_threshold, h.zero_count, h.count, h.sum});
  spans("positive_spans", h.positive_spans);
  floats("positive", h.positive_buckets);
  spans("negative_spans", h.negative_spans);
  floats("negative", h.negative_buckets);
  floats("bounds", h.custom_values);
  json.end_object();
}

Result<HistogramPtr> read_histogram(const Json& json) {
  Histogram h;
  const auto floats = [&json](const char* name) {
    std::vector<double> out;
    for (const Json& one : json[name].items()) out.push_back(read_bits(one));
    return out;
  };
  const auto spans = [&json](const char* name) {
    std::vector<HistogramSpan> out;
    const std::vector<Json>& all = json[name].items();
    for (std::size_t i = 0; i + 1 < all.size(); i += 2) {
      out.push_back({static_cast<std::int32_t>(all[i].as_int()),
                     static_cast<std::uint32_t>(all[i + 1].as_int())});
    }
    return out;
  };
  const std::vector<double> totals = floats("totals");
  if (totals.size() != 4) return invalid("a pushed histogram has no count");
  h.schema = static_cast<std::int32_t>(json["schema"].as_int());
  h.reset_hint = static_cast<ResetHint>(json["hint"].as_int() & 3);
  h.zero_threshold = totals[0];
  h.zero_count = totals[1];
  h.count = totals[2];
  h.sum = totals[3];
  h.positive_spans = spans("positive_spans");
  h.positive_buckets = floats("positive");
  h.negative_spans = spans("negative_spans");
  h.negative_buckets = floats("negative");
  h.custom_values = floats("bounds");
  if (Result<void> checked = check_histogram(h, false); !checked) return checked.error();
  return std::make_shared<const Histogram>(std::move(h));
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
  ExpositionOptions options;
  options.native_histograms = true;
  options.keep_classic = true;
  if (const Result<void> read = parse_exposition(body, format, reader, options); !read) {
    return read.error();
  }
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
      if (value.histogram) {
        write_histogram(*value.histogram, json);
      } else {
        json.value(write_bits(value.value));
      }
      json.end_array();
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
      const Json& kept = v[std::size_t{1}];
      PushedValue value{read_labels(v[std::size_t{0}])};
      if (kept.is_object()) {
        NINES_TRY(value.histogram, read_histogram(kept));
      } else {
        value.value = read_bits(kept);
      }
      family.values.push_back(std::move(value));
    }
  }
  return group;
}

}  // namespace nines::collector
