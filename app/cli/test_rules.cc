// `nines test rules`: promtool's unit tests of rules, in YAML or TOML.
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/junit.h"
#include "app/cli/internal/ring_store.h"
#include "app/cli/internal/verbs.h"
#include "app/config/config.h"
#include "app/config/rule_tests.h"
#include "base/fs/fs.h"
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
Result<std::vector<alerts::GroupConfig>> load_groups(Fs& fs, const alerts::RuleTestFile& tests) {
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
  NINES_TRY(config::Config config, config::load_text(fs, tests.file, toml));
  return std::move(config.groups);
}

struct Tally {
  int passed = 0, failed = 0;
  std::string junit;
};

void add_case(Tally& tally, const std::string& file, const std::string& test,
              const alerts::CaseResult& one) {
  const bool passed = one.failure.empty();
  ++(passed ? tally.passed : tally.failed);
  if (!passed) {
    fmt::print("{}:{}: {}{}: {}\n", file, one.line, test.empty() ? "" : test + ": ", one.name,
               one.failure);
  }
  tally.junit += fmt::format("  <testcase classname=\"{}\" name=\"{}\">",
                             xml_escape(test.empty() ? file : test), xml_escape(one.name));
  if (!passed) tally.junit += fmt::format("<failure>{}</failure>", xml_escape(one.failure));
  tally.junit += "</testcase>\n";
}

// What keeps a whole file from being run counts as one failure.
void add_error(Tally& tally, const std::string& file, const std::string& message) {
  fmt::print("{}\n", message);
  ++tally.failed;
  tally.junit +=
      fmt::format("  <testcase classname=\"{0}\" name=\"{0}\"><error>{1}</error></testcase>\n",
                  xml_escape(file), xml_escape(message));
}

void run_file(Fs& fs, RingStores& stores, const std::string& file, Tally& tally) {
  const auto text = read_file(fs, file);
  if (!text) return add_error(tally, file, text.error().what());
  const auto tests = file.ends_with(".toml") ? config::parse_rule_tests_toml(file, *text)
                                             : alerts::parse_rule_tests_yaml(file, *text);
  if (!tests) return add_error(tally, file, tests.error().what());
  const auto groups = load_groups(fs, *tests);
  if (!groups) return add_error(tally, file, groups.error().what());
  const auto results = alerts::run_rule_tests(*tests, *groups, [&] { return stores.make(); }, {});
  if (!results) return add_error(tally, file, results.error().what());
  const int failed_before = tally.failed;
  for (const alerts::RuleTestResult& result : *results) {
    for (const alerts::CaseResult& one : result.cases) add_case(tally, file, result.name, one);
  }
  fmt::print("{}: {}\n", file, tally.failed == failed_before ? "SUCCESS" : "FAILED");
}

}  // namespace

int test_rules(const std::vector<std::string>& files, const std::string& junit) {
  const auto fs = make_posix_fs();
  RingStores stores;
  Tally tally;
  for (const std::string& file : files) run_file(*fs, stores, file, tally);
  if (!junit.empty()) {
    const std::string report = fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"nines test rules\" "
        "tests=\"{}\" failures=\"{}\">\n{}</testsuite>\n",
        tally.passed + tally.failed, tally.failed, tally.junit);
    if (auto written = write_file_atomically(*fs, junit, report); !written) {
      fmt::print(stderr, "nines: {}\n", written.error().what());
      return kExitFailure;
    }
  }
  fmt::print("{} passed, {} failed\n", tally.passed, tally.failed);
  return tally.failed == 0 ? kExitOk : kExitFailure;
}

}  // namespace nines::app
