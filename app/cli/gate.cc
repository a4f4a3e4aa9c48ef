// `nines gate`.
#include "app/cli/internal/gate.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/ask.h"
#include "app/cli/internal/junit.h"
#include "app/cli/internal/verbs.h"
#include "base/text/text.h"

namespace nines::app {
namespace {

// A name is also that of all objectives, or all groups, of one definition.
bool is_named(const Json& s, const std::string& name) {
  return s["name"].as_string() == name || s["definition"].as_string() == name ||
         s["grouped"].as_string() == name;
}

GateCheck check_slo(const Json& s, const GateOptions& options) {
  GateCheck check{s["name"].as_string(), s["service"].as_string(), "pass", "", 1};
  check.remaining = s["budget_remaining"].as_double();
  const std::string left = fmt::format("{:.1f}% of the budget is left", check.remaining * 100);
  if (s["state"].as_string() == "no_data") {
    check.verdict = "no_data";
    check.reason = "too few events in its window to judge it";
    return check;
  }
  check.reason = left;
  if (check.remaining * 100 < options.min_remaining) {
    check.verdict = "blocked";
    check.reason = fmt::format("{}, {:g}% must be", left, options.min_remaining);
  }
  if (options.max_burn <= 0) return check;
  const Json& burn = s["burn_rates"][options.burn_window];
  if (!burn.is_number()) {
    check.verdict = "blocked";
    check.reason = "it has no burn rate over " + options.burn_window;
  } else if (burn.as_double() > options.max_burn) {
    check.verdict = "blocked";
    check.reason = fmt::format("it burns {:.2f} times too fast over {}, {:g} is allowed",
                               burn.as_double(), options.burn_window, options.max_burn);
  }
  return check;
}

std::string as_json(const GateResult& result) {
  JsonWriter json;
  json.begin_object().field("exit_code", result.exit_code);
  json.field("verdict", result.exit_code == kExitOk            ? "pass"
                        : result.exit_code == kExitGateBlocked ? "blocked"
                        : result.exit_code == kExitGateNoData  ? "no_data"
                                                               : "not_found");
  json.key("slos").begin_array();
  for (const GateCheck& check : result.checks) {
    json.begin_object().field("name", check.slo).field("service", check.service);
    json.field("verdict", check.verdict).field("reason", check.reason);
    json.field("budget_remaining", check.remaining).end_object();
  }
  json.end_array().key("unknown").begin_array();
  for (const std::string& name : result.unknown) json.value(name);
  return json.end_array().end_object().take() + "\n";
}

std::string as_junit(const GateResult& result) {
  const auto failed = std::count_if(result.checks.begin(), result.checks.end(),
                                    [](const GateCheck& c) { return c.verdict == "blocked"; });
  const auto skipped = std::count_if(result.checks.begin(), result.checks.end(),
                                     [](const GateCheck& c) { return c.verdict == "no_data"; });
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"nines gate\" tests=\"{}\" "
      "failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
      result.checks.size() + result.unknown.size(), failed, result.unknown.size(), skipped);
  for (const GateCheck& check : result.checks) {
    out += fmt::format("  <testcase classname=\"{}\" name=\"{}\">", xml_escape(check.service),
                       xml_escape(check.slo));
    if (check.verdict == "blocked")
      out += fmt::format("<failure message=\"{}\"/>", xml_escape(check.reason));
    if (check.verdict == "no_data")
      out += fmt::format("<skipped message=\"{}\"/>", xml_escape(check.reason));
    out += "</testcase>\n";
  }
  for (const std::string& name : result.unknown) {
    out += fmt::format(
        "  <testcase name=\"{}\"><error message=\"there is no such SLO\"/></testcase>\n",
        xml_escape(name));
  }
  return out + "</testsuite>\n";
}

// As the runner reads them: the message, and a property, which ends at a colon or a comma.
std::string github_escape(const std::string& text, bool is_property) {
  std::string out;
  for (const char c : text) {
    const bool special =
        c == '%' || c == '\r' || c == '\n' || (is_property && (c == ':' || c == ','));
    if (special) {
      out += fmt::format("%{:02X}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

// Annotations of a GitHub workflow. Source: docs.github.com, "Workflow commands".
std::string as_github(const GateResult& result) {
  std::string out;
  for (const GateCheck& check : result.checks) {
    const char* level = check.verdict == "blocked"   ? "error"
                        : check.verdict == "no_data" ? "warning"
                                                     : "notice";
    out += fmt::format("::{} title=SLO {}::{}\n", level, github_escape(check.slo, true),
                       github_escape(check.reason, false));
  }
  for (const std::string& name : result.unknown)
    out += fmt::format("::error title=SLO {}::there is no such SLO\n", github_escape(name, true));
  return out;
}

// GitLab's code quality report. Source: docs.gitlab.com, "Code Quality", report format.
std::string as_gitlab(const GateResult& result) {
  JsonWriter json;
  json.begin_array();
  for (const GateCheck& check : result.checks) {
    if (check.verdict == "pass") continue;
    json.begin_object().field("description", "SLO " + check.slo + ": " + check.reason);
    json.field("check_name", "error-budget");
    json.field("fingerprint", sha256_hex("nines gate\n" + check.slo).substr(0, 32));
    json.field("severity", check.verdict == "blocked" ? "blocker" : "minor");
    json.key("location").begin_object().field("path", "slo/" + check.slo);
    json.key("lines").begin_object().field("begin", 1).end_object().end_object().end_object();
  }
  return json.end_array().take() + "\n";
}

}  // namespace

GateResult judge_gate(const Json& answer, const GateOptions& options) {
  GateResult result;
  std::set<std::string> found;
  const auto of_service = [&](const Json& s) {
    return options.service.empty() || s["service"].as_string() == options.service;
  };
  for (const Json& s : answer["slos"].items()) {
    if (!of_service(s)) continue;
    bool wanted = options.slos.empty();
    for (const std::string& name : options.slos) {
      if (!is_named(s, name)) continue;
      wanted = true;
      found.insert(name);
    }
    if (!wanted) continue;
    result.checks.push_back(check_slo(s, options));
  }
  for (const std::string& name : options.slos) {
    if (found.contains(name)) continue;
    const auto& grouped = answer["grouped"].items();
    const auto of_groups = std::find_if(grouped.begin(), grouped.end(), [&](const Json& one) {
      return of_service(one) && one["name"].as_string() == name;
    });
    if (of_groups == grouped.end()) {
      result.unknown.push_back(name);
    } else {
      result.checks.push_back(
          {name, (*of_groups)["service"].as_string(), "no_data", "it has no groups yet", 1});
    }
  }
  const auto any = [&](const char* verdict) {
    return std::any_of(result.checks.begin(), result.checks.end(),
                       [&](const GateCheck& check) { return check.verdict == verdict; });
  };
  if (!result.unknown.empty() || result.checks.empty()) {
    result.exit_code = kExitNotFound;
  } else if (any("blocked")) {
    result.exit_code = kExitGateBlocked;
  } else if (any("no_data") && !options.no_data_passes) {
    result.exit_code = kExitGateNoData;
  }
  return result;
}

std::string gate_text(const GateResult& result, const std::string& format) {
  if (format == "json") return as_json(result);
  if (format == "junit") return as_junit(result);
  if (format == "github") return as_github(result);
  if (format == "gitlab") return as_gitlab(result);
  std::string out;
  for (const GateCheck& check : result.checks)
    out += fmt::format("{:<8} {}: {}\n", check.verdict, check.slo, check.reason);
  for (const std::string& name : result.unknown)
    out += fmt::format("{:<8} {}: there is no such SLO\n", "unknown", name);
  if (result.checks.empty() && result.unknown.empty()) out += "no SLO matches\n";
  return out;
}

int gate(const ClientOptions& client, const GateOptions& options) {
  const Answer answer = ask(client, "GET", "/api/nines/v1/slos", {});
  if (answer.exit_code != kExitOk) return answer.exit_code;
  const GateResult result = judge_gate(answer.json, options);
  fmt::print("{}", gate_text(result, options.format));
  return result.exit_code;
}

}  // namespace nines::app
