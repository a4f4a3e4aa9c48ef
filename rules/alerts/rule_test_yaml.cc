#include <array>

#include <yaml-cpp/yaml.h>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/alerts/internal/yaml_reader.h"
#include "rules/alerts/rule_test.h"

namespace nines::alerts {
namespace {

constexpr std::array<std::string_view, 5> kFileKeys = {
    "rule_files", "evaluation_interval", "group_eval_order", "fuzzy_compare", "tests"};
constexpr std::array<std::string_view, 8> kTestKeys = {"name",
                                                       "interval",
                                                       "input_series",
                                                       "alert_rule_test",
                                                       "promql_expr_test",
                                                       "external_labels",
                                                       "external_url",
                                                       "start_timestamp"};
constexpr std::array<std::string_view, 2> kSeriesKeys = {"series", "values"};
constexpr std::array<std::string_view, 3> kAlertKeys = {"eval_time", "alertname", "exp_alerts"};
constexpr std::array<std::string_view, 2> kExpectedKeys = {"exp_labels", "exp_annotations"};
constexpr std::array<std::string_view, 3> kExprKeys = {"expr", "eval_time", "exp_samples"};
constexpr std::array<std::string_view, 3> kSampleKeys = {"labels", "value", "histogram"};

Result<std::vector<std::string>> text_list(const YamlReader& reader, const YamlField& field) {
  NINES_TRY(const std::vector<YAML::Node> items, reader.items(field));
  std::vector<std::string> out;
  for (const YAML::Node& item : items) {
    if (!item.IsScalar())
      return reader.error(item.Mark(), "\"" + field.key + "\" must be a list of texts");
    out.push_back(item.Scalar());
  }
  return out;
}

// Calls `read` for every mapping of the list; `read(node, fields)`.
template <typename Read>
Result<void> each(const YamlReader& reader, const YamlField& list, std::string_view what,
                  std::span<const std::string_view> keys, Read read) {
  NINES_TRY(const std::vector<YAML::Node> items, reader.items(list));
  for (const YAML::Node& item : items) {
    NINES_TRY(const std::vector<YamlField> fields, reader.fields(item, what, keys));
    if (Result<void> done = read(item, fields); !done) return done;
  }
  return {};
}

Result<AlertCase> read_alert_case(const YamlReader& reader, const YAML::Node& node,
                                  const std::vector<YamlField>& fields) {
  AlertCase out;
  out.line = node.Mark().line + 1;
  for (const YamlField& field : fields) {
    if (field.key == "eval_time") {
      NINES_TRY(out.eval_time, reader.duration(field));
    } else if (field.key == "alertname") {
      NINES_TRY(out.alertname, reader.text(field));
    } else {
      const auto read = [&](const YAML::Node&, const std::vector<YamlField>& of) -> Result<void> {
        ExpectedAlert expected;
        for (const YamlField& f : of) {
          auto& into = f.key == "exp_labels" ? expected.labels : expected.annotations;
          NINES_TRY(into, reader.texts(f));
        }
        out.alerts.push_back(std::move(expected));
        return {};
      };
      if (auto done = each(reader, field, "an expected alert", kExpectedKeys, read); !done)
        return done.error();
    }
  }
  if (out.alertname.empty())
    return reader.error(node.Mark(), "an alert_rule_test needs an \"alertname\"");
  return out;
}

Result<ExpectedSample> read_sample(const YamlReader& reader, const std::vector<YamlField>& fields) {
  ExpectedSample out;
  for (const YamlField& field : fields) {
    if (field.key == "labels") {
      NINES_TRY(out.labels, reader.text(field));
    } else if (field.key == "histogram") {
      NINES_TRY(out.histogram, reader.text(field));
    } else {
      std::string written;
      NINES_TRY(written, reader.text(field));
      if (written.starts_with('.') || written.starts_with("-.") || written.starts_with("+."))
        std::erase(written, '.');  // YAML's .inf and .nan
      const auto value = parse_double(written);
      if (!value) return reader.error(field.value.Mark(), "\"value\" must be a number");
      out.value = *value;
    }
  }
  return out;
}

Result<ExprCase> read_expr_case(const YamlReader& reader, const YAML::Node& node,
                                const std::vector<YamlField>& fields) {
  ExprCase out;
  out.line = node.Mark().line + 1;
  for (const YamlField& field : fields) {
    if (field.key == "expr") {
      NINES_TRY(out.expr, reader.text(field));
    } else if (field.key == "eval_time") {
      NINES_TRY(out.eval_time, reader.duration(field));
    } else {
      const auto read = [&](const YAML::Node&, const std::vector<YamlField>& of) -> Result<void> {
        NINES_TRY(ExpectedSample sample, read_sample(reader, of));
        out.samples.push_back(std::move(sample));
        return {};
      };
      if (auto done = each(reader, field, "an expected sample", kSampleKeys, read); !done)
        return done.error();
    }
  }
  if (out.expr.empty()) return reader.error(node.Mark(), "a promql_expr_test needs an \"expr\"");
  return out;
}

Result<void> read_lists(const YamlReader& reader, const YamlField& field, RuleTest& out) {
  if (field.key == "input_series") {
    return each(reader, field, "an input series", kSeriesKeys,
                [&](const YAML::Node&, const std::vector<YamlField>& of) -> Result<void> {
                  promql::TestSeries series;
                  for (const YamlField& f : of) {
                    NINES_TRY((f.key == "series" ? series.series : series.values), reader.text(f));
                  }
                  out.input_series.push_back(std::move(series));
                  return {};
                });
  }
  if (field.key == "alert_rule_test") {
    return each(reader, field, "an alert_rule_test", kAlertKeys,
                [&](const YAML::Node& n, const std::vector<YamlField>& of) -> Result<void> {
                  NINES_TRY(AlertCase one, read_alert_case(reader, n, of));
                  out.alert_cases.push_back(std::move(one));
                  return {};
                });
  }
  return each(reader, field, "a promql_expr_test", kExprKeys,
              [&](const YAML::Node& n, const std::vector<YamlField>& of) -> Result<void> {
                NINES_TRY(ExprCase one, read_expr_case(reader, n, of));
                out.expr_cases.push_back(std::move(one));
                return {};
              });
}

Result<RuleTest> read_test(const YamlReader& reader, const YAML::Node& node,
                           const std::vector<YamlField>& fields) {
  RuleTest out;
  out.line = node.Mark().line + 1;
  for (const YamlField& field : fields) {
    if (field.key == "name") {
      NINES_TRY(out.name, reader.text(field));
    } else if (field.key == "interval") {
      NINES_TRY(out.interval, reader.duration(field));
    } else if (field.key == "external_labels") {
      NINES_TRY(out.external_labels, reader.texts(field));
    } else if (field.key == "external_url") {
      NINES_TRY(out.external_url, reader.text(field));
    } else if (field.key == "start_timestamp") {
      std::string written;
      NINES_TRY(written, reader.text(field));
      const Result<Timestamp> start = parse_time(written);
      if (!start) return reader.error(field.value.Mark(), start.error().what());
      out.start = *start;
    } else if (auto read = read_lists(reader, field, out); !read) {
      return read.error();
    }
  }
  return out;
}

Result<RuleTestFile> read_file(const YamlReader& reader, const std::string& file,
                               const YAML::Node& root) {
  RuleTestFile out;
  out.file = file;
  NINES_TRY(const std::vector<YamlField> fields,
            reader.fields(root, "a rule test file", kFileKeys));
  for (const YamlField& field : fields) {
    if (field.key == "rule_files") {
      NINES_TRY(out.rule_files, text_list(reader, field));
    } else if (field.key == "group_eval_order") {
      NINES_TRY(out.group_eval_order, text_list(reader, field));
    } else if (field.key == "evaluation_interval") {
      NINES_TRY(out.evaluation_interval, reader.duration(field));
    } else if (field.key == "fuzzy_compare") {
      std::string written;
      NINES_TRY(written, reader.text(field));
      if (written != "true" && written != "false")
        return reader.error(field.value.Mark(), "\"fuzzy_compare\" is true or false");
      out.fuzzy_compare = written == "true";
    } else {
      const auto read = [&](const YAML::Node& n, const std::vector<YamlField>& of) -> Result<void> {
        NINES_TRY(RuleTest test, read_test(reader, n, of));
        out.tests.push_back(std::move(test));
        return {};
      };
      if (auto done = each(reader, field, "a test", kTestKeys, read); !done) return done.error();
    }
  }
  if (out.evaluation_interval <= Duration::zero()) out.evaluation_interval = Duration(60'000);
  return out;
}

}  // namespace

Result<RuleTestFile> parse_rule_tests_yaml(const std::string& file, std::string_view text,
                                           UnknownKeys unknown) {
  const YamlReader reader(file, unknown);
  try {
    return read_file(reader, file, YAML::Load(std::string(text)));
  } catch (const YAML::Exception& e) {
    return reader.error(e.mark, e.msg);
  }
}

}  // namespace nines::alerts
