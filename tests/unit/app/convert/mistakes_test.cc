// Files with mistakes: the place, the key, and what to write instead.
#include <doctest/doctest.h>

#include "app/convert/convert.h"
#include "base/text/text.h"

namespace nines::convert {
namespace {

std::string sloth(const std::string& text) {
  const auto done = convert_sloth("s.yml", text, nullptr);
  return done ? "" : done.error().what();
}
std::string pyrra(const std::string& text) {
  const auto done = convert_pyrra("p.yml", text, nullptr);
  return done ? "" : done.error().what();
}
std::string openslo(const std::string& text) {
  const auto done = convert_openslo("o.yml", text, nullptr);
  return done ? "" : done.error().what();
}

bool says(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

std::string spec(const std::string& slo) {
  return "version: prometheus/v1\nservice: shop\nslos:\n- " + slo;
}
const std::string kSli =
    "{events: {error_query: 'sum(rate(a[{{.window}}]))', total_query: "
    "'sum(rate(b[{{.window}}]))'}}";

std::string slo(const std::string& rest, const std::string& more = "") {
  return "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: s}\nspec:\n  service: shop\n"
         "  timeWindow: [{duration: 30d, isRolling: true}]\n  budgetingMethod: Occurrences\n" +
         rest + more;
}
const std::string kIndicator =
    "  indicator: {spec: {ratioMetric: {counter: true, good: {metricSource: {spec: {query: a}}}, "
    "total: {metricSource: {spec: {query: b}}}}}}\n";

}  // namespace

TEST_CASE("what is no YAML, or of another tool, says so with its place") {
  says(sloth("a: [1"), "s.yml:");
  says(sloth("a: [1"), "this is no YAML");
  says(sloth("version: prometheus/v1\n---\n ]\n"), "s.yml:3:2: this is no YAML");
  says(sloth(""), "s.yml:1:1: the file holds no document");
  says(sloth("just a text"), "s.yml:1:1: a Sloth file must be a mapping");
  says(sloth("apiVersion: openslo/v1\nkind: SLO\n"), "nines import openslo");
  says(sloth("version: prometheus/v2\n"), "s.yml:1:10: version \"prometheus/v2\" is not known");
  says(pyrra("apiVersion: pyrra.dev/v2\nkind: ServiceLevelObjective\n"),
       "p.yml:1:1: this is no SLO");
  says(openslo("apiVersion: openslo/v1alpha\nkind: SLO\n"),
       "o.yml:1:13: `apiVersion: openslo/v1` is needed");
  says(openslo("apiVersion: openslo/v1\nkind: SLOO\nmetadata: {name: s}\n"), "did you mean SLO?");
  says(openslo("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: s}\n"), "holds no SLO");
}

TEST_CASE("a field of Sloth that is missing or wrong is named with its line and a remedy") {
  says(sloth("version: prometheus/v1\nslos: []\n"), "`service` is missing in a Sloth file");
  says(sloth("version: prometheus/v1\nservice: a\nslos: []\n"), "s.yml:3:7: `slos` is empty");
  says(sloth("version: prometheus/v1\nservice: a\nslos: 5\n"), "must be a list");
  says(sloth(spec("{objective: 99, sli: " + kSli + "}")), "s.yml:4:3: `name` is missing");
  says(sloth(spec("{name: a, sli: " + kSli + "}")), "`objective` is missing in an SLO");
  says(sloth(spec("{name: a, objective: many, sli: " + kSli + "}")),
       "`objective` of an SLO must be a number, like 99.9");
  for (const char* wrong : {"0", "100.1", "-1"}) {
    says(sloth(spec("{name: a, objective: " + std::string(wrong) + ", sli: " + kSli + "}")),
         "above 0 and at most 100");
  }
  says(sloth(spec("{name: a, objective: 99}")), "`sli` is missing");
  says(sloth(spec("{name: a, objective: 99, sli: {}}")), "exactly one of `events`");
  says(sloth(spec("{name: a, objective: 99, sli: {events: {total_query: 'b'}}}")),
       "`error_query` is missing");
  says(
      sloth(spec("{name: a, objective: 99, sli: {events: {error_query: 'sum(', total_query: b}}}")),
      "parse error");
  says(sloth(spec("{name: a, name: b, objective: 99, sli: " + kSli + "}")), "twice");
  says(sloth(spec("{name: a, objective: 99, alerting: {page_alert: {disable: perhaps}}, sli: " +
                  kSli + "}")),
       "must be true or false");
  // All mistakes at once.
  const std::string both = sloth(spec("{objective: no, sli: " + kSli + "}"));
  says(both, "`name` is missing");
  says(both, "must be a number");
}

TEST_CASE("a field of Pyrra that is missing or wrong is named with its line and a remedy") {
  const auto object = [](const std::string& rest) {
    return "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\n" + rest;
  };
  const std::string ratio = "indicator: {ratio: {errors: {metric: a}, total: {metric: b}}}";
  says(pyrra(object("metadata: {}\nspec: {target: '99', window: 2w, " + ratio + "}\n")),
       "`name` is missing in `metadata`");
  says(pyrra(object("metadata: {name: a}\n")), "`spec` is missing");
  says(pyrra(object("metadata: {name: a}\nspec: {window: 2w, " + ratio + "}\n")),
       "p.yml:4:7: `target` is missing");
  says(pyrra(object("metadata: {name: a}\nspec: {target: '101', window: 2w, " + ratio + "}\n")),
       "from 0 to 100");
  says(pyrra(object("metadata: {name: a}\nspec: {target: '99', window: soon, " + ratio + "}\n")),
       "`window`:");
  says(pyrra(object("metadata: {name: a}\nspec: {target: '99', window: 2w, indicator: {}}\n")),
       "exactly one of `ratio`");
  says(pyrra(object("metadata: {name: a}\nspec: {target: '99', window: 2w, indicator: {ratio: "
                    "{errors: {metric: 'sum(a)'}, total: {metric: b}}}}\n")),
       "without functions");
  says(pyrra(object("metadata: {name: a}\nspec: {target: '99', window: 2w, indicator: {latency: "
                    "{success: {metric: a_bucket}, total: {metric: a_count}}}}\n")),
       "must name its bucket");
  says(pyrra(object("metadata: {name: a}\nspec: {target: '99', window: 2w, indicator: "
                    "{latencyNative: {latency: quick, total: {metric: a}}}}\n")),
       "must be a duration");
}

TEST_CASE("a field of OpenSLO that is missing or wrong is named with its line and a remedy") {
  const std::string good = "  objectives: [{target: 0.99}]\n";
  CHECK(openslo(slo(kIndicator + good)).empty());
  says(openslo(slo(good)), "there is no indicator");
  says(openslo(slo("  indicatorRef: nobody\n" + good)), "there is no SLI \"nobody\" in this file");
  says(openslo(slo(kIndicator)), "`objectives` is empty");
  says(openslo(slo(kIndicator + "  objectives: [{target: 99}]\n")), "in per cent it is");
  says(openslo(slo(kIndicator + "  objectives: [{target: 0.9, targetPercent: 90}]\n")),
       "exactly one of `target`");
  says(openslo(slo(kIndicator + good, "  alertPolicies: [nobody]\n")),
       "there is no AlertPolicy \"nobody\"");
  says(openslo(slo(kIndicator + good,
                   "  alertPolicies: [{spec: {conditions: [{spec: {severity: page, condition: "
                   "{kind: burnrate, lookbackWindow: 1h}}}]}}]\n")),
       "`threshold` is missing");
  says(openslo(slo("  indicator: {spec: {}}\n" + good)), "exactly one of `thresholdMetric`");
  says(openslo(slo("  indicator: {spec: {thresholdMetric: {metricSource: {spec: {query: a}}}}}\n"
                   "  objectives: [{target: 0.9, op: near}]\n")),
       "must be lt, lte, gt or gte");
  const std::string twice = slo(kIndicator + good) + "---\n" + slo(kIndicator + good);
  says(openslo(twice), "stands in this file twice");
  std::string window = slo(kIndicator + good);
  window.replace(window.find("isRolling: true"), 15, "isRolling: false");
  says(openslo(window), "either has `isRolling: true` or a `calendar`");
}

TEST_CASE("a Pyrra selector of another time leaves its SLO out, and the others stay") {
  const auto object = [](const std::string& name, const std::string& modifier) {
    return "---\napiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {name: " +
           name +
           "}\nspec: {target: '99', window: 2w, indicator: {ratio: {errors: {metric: 'a{b=\"c\"}" +
           modifier + "'}, total: {metric: 'a" + modifier + "'}}}}\n";
  };
  const auto done =
      convert_pyrra("p.yml", object("x", " offset 1m") + object("y", " offset 1d"), nullptr);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().what()));
  CHECK(done->slos == 1);
  CHECK(done->left_out == 1);
  CHECK(done->toml.find("total = 'a'") != std::string::npos);
  const std::string notes = join(done->notes, "\n");
  CHECK(notes.find("`offset 1m` dropped") != std::string::npos);
  CHECK(notes.find("not converted: SLO \"y\": `a{b=\"c\"} offset 1d` looks at another time") !=
        std::string::npos);
}

TEST_CASE("every object and field of OpenSLO is converted, or named as dropped") {
  const std::string text =
      slo("  indicatorRef: sli\n  objectives: [{target: 0.99, op: gt, value: 2, color: red}]\n",
          "  alertPolicies: [{alertPolicyRef: silent}]\n") +
      "---\napiVersion: openslo/v1\nkind: SLI\nmetadata: {name: sli, displayName: S, annotations: "
      "{a/b: c}}\nspec: {ratioMetric: {rawType: failure, raw: {metricSource: {metricSourceRef: "
      "prom, spec: {query: 'bad_share', step: 5}}}}}\n"
      "---\napiVersion: openslo/v1\nkind: SLI\nmetadata: {name: idle}\nspec: {}\n"
      "---\napiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: prom}\nspec: {type: "
      "Prometheus}\n"
      "---\napiVersion: openslo/v1\nkind: AlertPolicy\nmetadata: {name: silent}\nspec: "
      "{alertWhenBreaching: false, conditions: [{conditionRef: c}], notificationTargets: []}\n"
      "---\napiVersion: openslo/v1\nkind: AlertCondition\nmetadata: {name: c}\nspec: {severity: "
      "page, condition: {threshold: 2, lookbackWindow: 1h}}\n";
  const auto done = convert_openslo("o.yml", text, nullptr);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().what()));
  CHECK(done->slos == 1);
  CHECK(done->toml.find("raw = 'bad_share'\nraw_type = 'failure'\n") != std::string::npos);
  const std::string notes = join(done->notes, "\n");
  for (const char* part :
       {"`op` dropped", "`value` dropped", "`color` dropped", "`displayName` dropped",
        "`annotations` dropped", "`step` dropped", "SLI \"idle\" dropped: no SLO",
        "`conditions` dropped: with `alertWhenBreaching: false`", "DataSource \"prom\" dropped",
        "AlertCondition \"c\" dropped: no SLO"}) {
    CHECK_MESSAGE(notes.find(part) != std::string::npos, part << " in " << notes);
  }
}

TEST_CASE("another data source leaves its SLO out, whatever its query looks like") {
  const auto done = convert_openslo(
      "o.yml",
      slo("  indicator: {spec: {ratioMetric: {counter: true, good: {metricSource: "
          "{metricSourceRef: dd, spec: {query: 'sum:hits{*}.as_count()'}}}, total: {metricSource: "
          "{metricSourceRef: dd, spec: {query: 'sum:all{*}.as_count()'}}}}}}\n"
          "  objectives: [{target: 0.99}]\n") +
          "---\napiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: dd}\nspec: {type: "
          "Datadog}\n",
      nullptr);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().what()));
  CHECK(done->left_out == 1);
  CHECK(join(done->notes, "\n").find("of type \"Datadog\"") != std::string::npos);
}

TEST_CASE("merge keys, anchors and lists of documents are read as YAML means them") {
  const auto done = convert_sloth("s.yml",
                                  "version: prometheus/v1\nservice: a\nslos:\n"
                                  "- &base {name: one, objective: 99, sli: " +
                                      kSli +
                                      "}\n"
                                      "- {<<: *base, name: two}\n",
                                  nullptr);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().what()));
  CHECK(done->slos == 2);
  CHECK(done->toml.find("name = 'two'") != std::string::npos);
}

TEST_CASE("what nines refuses is left out, with the reason, and the others stay") {
  const auto done = convert_sloth(
      "s.yml",
      spec("{name: a, objective: 99, sli: " + kSli + "}\n- {name: b, objective: 99, sli: " + kSli +
           "}\n"),
      [](const std::string& toml) {
        return toml.find("name = 'b'") == std::string::npos ? "" : "not this one\nat all";
      });
  REQUIRE(done);
  CHECK(done->slos == 1);
  CHECK(done->left_out == 1);
  CHECK(done->notes.back().find("s.yml:5:3: not converted: SLO \"b\": not this one at all") !=
        std::string::npos);
  CHECK(done->toml.find("# s.yml:5: SLO \"b\" is not converted: not this one at all\n") !=
        std::string::npos);
}

}  // namespace nines::convert
