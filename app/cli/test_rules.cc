// `nines test rules`: promtool's unit tests of rules, in YAML or TOML.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/junit.h"
#include "app/cli/internal/line_diff.h"
#include "app/cli/internal/ring_store.h"
#include "app/cli/internal/rule_coverage.h"
#include "app/cli/internal/verbs.h"
#include "app/config/config.h"
#include "app/config/rule_tests.h"
#include "base/core/real_clock.h"
#include "base/fs/fs.h"
#include "base/text/numbers.h"
#include "base/text/regex.h"
#include "base/text/text.h"
#include "rules/alerts/rule_test.h"

namespace nines::app {
namespace {

std::string beside(const std::string& file, const std::string& path) {
  const std::filesystem::path given(path);
  if (given.is_absolute()) return path;
  return (std::filesystem::absolute(file).parent_path() / given).lexically_normal().string();
}

// Rules of every kind of file that a configuration may name.
Result<std::vector<alerts::GroupConfig>> load_groups(Fs& fs, const alerts::RuleTestFile& tests,
                                                     alerts::UnknownKeys unknown) {
  std::vector<std::string> paths;
  for (const std::string& pattern : tests.rule_files) {
    const std::string path = beside(tests.file, pattern);
    const Result<std::vector<std::string>> files = glob_files(fs, path);
    // No failure, as in promtool: the tests that need the rules will tell.
    if (files && files->empty()) {
      fmt::print(stderr, "{}: WARNING: no file match pattern {}\n", tests.file, pattern);
      continue;
    }
    paths.push_back(quote_go(path));
  }
  const std::string toml =
      "rule_files = [" + join(paths, ", ") + "]\n[builtin]\nrules = false\nslo = false\n";
  NINES_TRY(config::Config config, config::load_text(fs, tests.file, toml, unknown));
  return std::move(config.groups);
}

// The JUnit report: a suite a file, a case a test, a failure each of its comparisons that failed.
class JunitReport {
 public:
  void begin_file(const std::string& file) { suites_.push_back({file, 0, 0, 0, ""}); }
  void add_test(const std::string& name, const std::vector<std::string>& failures) {
    Suite& suite = suites_.back();
    ++suite.tests;
    suite.failures += failures.empty() ? 0 : 1;
    suite.cases += case_head(suite.file, name);
    for (const std::string& text : failures)
      suite.cases += fmt::format("<failure>{}</failure>", xml_escape(text));
    suite.cases += "</testcase>\n";
  }
  // What keeps a whole file from being run.
  void add_error(const std::string& message) {
    Suite& suite = suites_.back();
    ++suite.tests;
    ++suite.errors;
    suite.cases += case_head(suite.file, suite.file) +
                   fmt::format("<error>{}</error></testcase>\n", xml_escape(message));
  }
  std::string text(Timestamp now) const {
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
    for (const Suite& s : suites_) {
      out += fmt::format(
          "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" "
          "timestamp=\"{}\">\n{}  </testsuite>\n",
          xml_escape(s.file), s.tests, s.failures, s.errors, format_time(now), s.cases);
    }
    return out + "</testsuites>\n";
  }

 private:
  struct Suite {
    std::string file;
    int tests = 0, failures = 0, errors = 0;
    std::string cases;
  };
  static std::string case_head(const std::string& file, const std::string& name) {
    return fmt::format("    <testcase classname=\"{}\" name=\"{}\">", xml_escape(file),
                       xml_escape(name));
  }

  std::vector<Suite> suites_;
};

class Tester {
 public:
  Tester(Fs& fs, const RuleTestRunOptions& options, std::shared_ptr<const Regex> wanted)
      : fs_(fs), options_(options), wanted_(std::move(wanted)) {
    const char* plain = std::getenv("NO_COLOR");
    colour_ = isatty(STDOUT_FILENO) != 0 && (plain == nullptr || *plain == 0);
  }

  void run_file(const std::string& file) {
    report_.begin_file(file);
    const auto text = read_file(fs_, file);
    if (!text) return add_error(text.error().what());
    const auto unknown = options_.ignore_unknown_fields ? alerts::UnknownKeys::kIgnore
                                                        : alerts::UnknownKeys::kRefuse;
    auto tests = file.ends_with(".toml") ? config::parse_rule_tests_toml(file, *text, unknown)
                                         : alerts::parse_rule_tests_yaml(file, *text, unknown);
    if (!tests) return add_error(tests.error().what());
    if (wanted_) {
      std::erase_if(tests->tests,
                    [&](const alerts::RuleTest& test) { return !wanted_->matches(test.name); });
    }
    const auto groups = load_groups(fs_, *tests, unknown);
    if (!groups) return add_error(groups.error().what());
    coverage_.add(*groups, *tests);
    const auto results = alerts::run_rule_tests(*tests, *groups, [&] { return stores_.make(); },
                                                {{}, options_.debug});
    if (!results) return add_error(results.error().what());
    const int failed_before = failed_;
    for (const alerts::RuleTestResult& result : *results) add_result(file, result);
    fmt::print("{}: {}\n", file, failed_ == failed_before ? "SUCCESS" : "FAILED");
  }

  int passed() const { return passed_; }
  int failed() const { return failed_; }
  const JunitReport& report() const { return report_; }
  const RuleCoverage& coverage() const { return coverage_; }

 private:
  void add_result(const std::string& file, const alerts::RuleTestResult& result) {
    const std::string place = file + ":" + std::to_string(result.line);
    std::vector<std::string> failures;
    for (const alerts::CaseResult& one : result.cases) {
      if (one.failure.empty()) {
        ++passed_;
        continue;
      }
      ++failed_;
      const std::string what = options_.diff && one.expected != one.got
                                   ? one.name + ":\n" + difference(one, false)
                                   : one.name + ": " + one.failure;
      failures.push_back(what);
      fmt::print("{}:{}: {}{}\n", file, one.line, result.name.empty() ? "" : result.name + ": ",
                 colour_ && what != one.name + ": " + one.failure
                     ? one.name + ":\n" + difference(one, true)
                     : what);
    }
    report_.add_test(result.name.empty() ? place : result.name, failures);
    if (!options_.debug) return;
    fmt::print("{}: {}: everything stored in the end\n", place,
               result.name.empty() ? "unnamed" : result.name);
    for (const std::string& line : result.dump) fmt::print("  {}\n", line);
  }

  static std::string difference(const alerts::CaseResult& one, bool colour) {
    std::vector<std::string> lines = line_diff(one.expected, one.got);
    for (std::string& line : lines) {
      const char* paint = line[0] == '-' ? "\x1b[31m" : line[0] == '+' ? "\x1b[32m" : nullptr;
      if (colour && paint != nullptr) line = paint + line + "\x1b[0m";
      line = "    " + line;
    }
    return "    - expected, + got\n" + join(lines, "\n");
  }

  // What keeps a whole file from being run counts as one failure.
  void add_error(const std::string& message) {
    fmt::print("{}\n", message);
    ++failed_;
    report_.add_error(message);
  }

  Fs& fs_;
  const RuleTestRunOptions& options_;
  std::shared_ptr<const Regex> wanted_;  // null: every test
  bool colour_ = false;
  RingStores stores_;
  JunitReport report_;
  RuleCoverage coverage_;
  int passed_ = 0, failed_ = 0;
};

// One expression for all; null when there is none.
Result<std::shared_ptr<const Regex>> pattern_of(const std::vector<std::string>& run) {
  if (run.empty()) return std::shared_ptr<const Regex>();
  for (const std::string& one : run) {
    if (auto alone = Regex::compile(one, RegexAnchor::kNone); !alone) return alone.error();
  }
  return Regex::compile("(?:" + join(run, ")|(?:") + ")", RegexAnchor::kNone);
}

}  // namespace

int test_rules(const std::vector<std::string>& files, const RuleTestRunOptions& options) {
  const auto wanted = pattern_of(options.run);
  if (!wanted) {
    fmt::print(stderr, "nines: --run: {}\n", wanted.error().what());
    return kExitUsage;
  }
  const auto fs = make_posix_fs();
  Tester tester(*fs, options, *wanted);
  for (const std::string& file : files) tester.run_file(file);
  if (!options.junit.empty()) {
    const std::string report = tester.report().text(make_real_clock()->now());
    if (auto written = write_file_atomically(*fs, options.junit, report); !written) {
      fmt::print(stderr, "nines: {}\n", written.error().what());
      return kExitFailure;
    }
  }
  if (options.coverage || options.coverage_least > 0)
    fmt::print(stderr, "{}", tester.coverage().report());
  const bool covered = tester.coverage().percent() >= options.coverage_least;
  if (!covered) fmt::print(stderr, "nines: that is less than {} %\n", options.coverage_least);
  fmt::print("{} passed, {} failed\n", tester.passed(), tester.failed());
  return tester.failed() == 0 && covered ? kExitOk : kExitFailure;
}

}  // namespace nines::app
