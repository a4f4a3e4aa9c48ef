#include "rules/alerts/lint.h"

#include <map>
#include <set>
#include <utility>

#include "base/text/regex.h"
#include "base/text/text.h"
#include "rules/alerts/internal/expr_advice.h"
#include "rules/alerts/internal/result_labels.h"
#include "rules/alerts/internal/rule_key.h"

namespace nines::alerts {
namespace {

std::string selector_text(const std::vector<Matcher>& matchers) {
  std::string out = "{";
  for (const Matcher& matcher : matchers) {
    if (out.size() > 1) out += ",";
    out += matcher.to_string();
  }
  return out + "}";
}

// The metric a selector asks for by equality; empty when it does not.
std::string metric_of(const std::vector<Matcher>& matchers) {
  for (const Matcher& matcher : matchers) {
    if (matcher.name() == kMetricName && matcher.op() == MatchOp::kEqual) return matcher.value();
  }
  return "";
}

class Linter {
 public:
  Linter(const std::vector<GroupConfig>& groups, const promql::EngineOptions& options,
         const SelectorExists& exists)
      : groups_(groups), options_(options), exists_(exists) {}

  Result<std::vector<LintFinding>> run() {
    note_recorded();
    for (const GroupConfig& group : groups_) {
      for (const RuleConfig& rule : group.rules) {
        group_ = &group;
        rule_ = &rule;
        check_duplicate();
        if (rule.logql) continue;
        NINES_TRY(const promql::Query query, promql::Query::parse(rule.expr, options_));
        check_patterns(query);
        for (ExprAdvice& one : advice_on(query, !rule.alert.empty(), filtered_))
          find(one.check, std::move(one.text));
        if (auto checked = check_alive(query); !checked) return checked.error();
        if (auto checked = check_absent_labels(query); !checked) return checked.error();
        if (rule.alert.empty()) continue;
        if (rule.hold == Duration::zero()) {
          find("missing-for",
               "fires on a single evaluation; a `for` of two intervals or more keeps "
               "one bad scrape from paging");
        }
        check_labels(query);
        check_label_values();
      }
    }
    return std::move(findings_);
  }

 private:
  std::string place() const {
    return rule_->line > 0 ? group_->file + ":" + std::to_string(rule_->line) : group_->file;
  }
  void find(const char* check, std::string text) {
    findings_.push_back({place(), rule_name(*rule_), check, std::move(text)});
  }

  void note_recorded() {
    std::set<std::string> unfiltered;
    for (const GroupConfig& group : groups_) {
      for (const RuleConfig& rule : group.rules) {
        if (rule.record.empty()) continue;
        recorded_.insert(rule.record);
        const auto query = promql::Query::parse(rule.expr, options_);
        const bool some = rule.logql || (query && is_condition(*query, filtered_));
        (some ? filtered_ : unfiltered).insert(rule.record);
      }
    }
    for (const std::string& name : unfiltered) filtered_.erase(name);
  }

  // An alert is told apart by its labels: one that changes with the value is a new alert each time.
  void check_label_values() {
    static const auto kPattern =
        Regex::compile(R"re(\{\{[^}]*(?:\$value\b|\.Value\b))re", RegexAnchor::kNone);
    for (const auto& [name, text] : merged_labels(*group_, *rule_)) {
      if (!(*kPattern)->matches(text)) continue;
      find("value-in-label", "label " + quote_go(name) +
                                 " uses the value: with every change of it the alert ends and "
                                 "another begins; put it into an annotation");
    }
  }

  void check_duplicate() {
    std::string key = (rule_->alert.empty() ? "record " : "alert ") + rule_name(*rule_);
    for (const auto& [name, value] : merged_labels(*group_, *rule_)) {
      key += "\n" + name + "=" + value;
    }
    const auto [first, is_new] = seen_.emplace(std::move(key), place());
    if (is_new) return;
    find("duplicate", "gives series of the same name and labels as the rule at " + first->second +
                          "; tell them apart by a label");
  }

  void check_patterns(const promql::Query& query) {
    for (const std::vector<Matcher>& matchers : query.selectors()) {
      bool bounded = false;
      for (const Matcher& matcher : matchers) {
        bounded |= matcher.op() == MatchOp::kEqual && !matcher.value().empty();
        bounded |= !matcher.literal_set().empty();
        if (matcher.op() == MatchOp::kRegex || matcher.op() == MatchOp::kNotRegex) {
          check_pattern(matcher);
        }
      }
      if (!bounded) {
        find("regex", "the selector " + selector_text(matchers) +
                          " names no metric and no label's value: it reads every series; add one");
      }
    }
  }

  void check_pattern(const Matcher& matcher) {
    const std::string& pattern = matcher.value();
    const std::string shown = "`" + matcher.to_string() + "`";
    if (pattern == ".*") {
      find("regex", shown + (matcher.op() == MatchOp::kRegex
                                 ? " matches everything, leave it out"
                                 : " matches nothing: the selector is always empty"));
    } else if (pattern.starts_with('^') || (pattern.ends_with('$') && !pattern.ends_with("\\$"))) {
      find("regex", shown + ": patterns are anchored on both ends by themselves, drop ^ and $");
    } else if (pattern.find_first_of("\\.+*?()|[]{}^$") == std::string::npos) {
      find("regex",
           shown + " has no pattern in it, use " + (matcher.op() == MatchOp::kRegex ? "=" : "!="));
    }
  }

  void check_labels(const promql::Query& query) {
    const ResultLabels labels = result_labels(query.expr(), query.text());
    std::set<std::string> told;
    const auto look = [&](const char* what, const std::map<std::string, std::string>& texts) {
      for (const auto& [name, text] : texts) {
        for (const std::string& used : labels_used(text)) {
          if (labels.may_have(used) || !told.insert(used).second) continue;
          find("dropped-label", std::string(what) + " " + quote_go(name) + " uses $labels." + used +
                                    ", but the expression drops the label " + quote_go(used));
        }
      }
    };
    look("label", merged_labels(*group_, *rule_));
    look("annotation", rule_->annotations);
  }

  // The X of each $labels.X and index $labels "X".
  static std::vector<std::string> labels_used(const std::string& text) {
    static const auto kPattern =
        Regex::compile(R"re(\$labels(?:\.|\s+["`])([a-zA-Z_][a-zA-Z0-9_]*))re", RegexAnchor::kNone);
    std::vector<std::string> out;
    std::string_view rest = text;
    for (auto groups = (*kPattern)->groups(rest); !groups.empty();
         groups = (*kPattern)->groups(rest)) {
      out.emplace_back(groups[1]);
      rest =
          rest.substr(static_cast<std::size_t>(groups[0].data() - rest.data()) + groups[0].size());
    }
    return out;
  }

  Result<void> check_alive(const promql::Query& query) {
    if (!exists_) return {};
    const std::set<std::string> absent = absent_arguments(query.expr(), query.text());
    for (const std::vector<Matcher>& matchers : query.selectors()) {
      const std::string metric = metric_of(matchers);
      if (recorded_.contains(metric) || metric == "ALERTS" || metric == "ALERTS_FOR_STATE")
        continue;
      std::string listed;
      for (const Matcher& matcher : matchers) listed += matcher.to_string() + ",";
      if (absent.contains(listed)) continue;
      NINES_TRY(const bool alive, exists(matchers));
      if (alive) continue;
      NINES_TRY(const std::string why, why_dead(matchers, metric));
      find("dead-selector", "nothing matches " + selector_text(matchers) + ": " + why);
    }
    return {};
  }

  // Asks once for each selector.
  Result<bool> exists(const std::vector<Matcher>& matchers) {
    const std::string selector = selector_text(matchers);
    const auto known = asked_.find(selector);
    if (known != asked_.end()) return known->second;
    NINES_TRY(const bool alive, exists_(selector));
    asked_[selector] = alive;
    return alive;
  }

  // The first matcher that no series of the metric fulfils, when the metric itself is there.
  Result<std::string> why_dead(const std::vector<Matcher>& matchers, const std::string& metric) {
    const std::string missing = "the target is missing, or a name is misspelt";
    if (metric.empty() || matchers.size() < 2) return missing;
    const Matcher name = Matcher::equal(std::string(kMetricName), metric);
    NINES_TRY(const bool there, exists({name}));
    if (!there) return missing;
    for (const Matcher& matcher : matchers) {
      if (matcher.name() == kMetricName) continue;
      NINES_TRY(const bool fits, exists({matcher, name}));
      if (!fits) return metric + " is there, but none of it has " + matcher.to_string();
    }
    return metric + " is there, but nothing of it has all of these labels";
  }

  // False when no series that `query` reads has the label, and none is one that rules make.
  Result<bool> may_read(const promql::Query& query, const std::string& label) {
    const std::set<std::string> absent = absent_arguments(query.expr(), query.text());
    const auto made = made_labels(query.expr(), query.text());
    if (!made || made->contains(label)) return true;
    const std::vector<std::vector<Matcher>> selectors = query.selectors();
    for (std::vector<Matcher> matchers : selectors) {
      const std::string metric = metric_of(matchers);
      if (recorded_.contains(metric) || metric == "ALERTS" || metric == "ALERTS_FOR_STATE")
        return true;
      NINES_TRY(const bool alive, exists(matchers));
      if (!alive) return true;  // said already, or what absent() waits for
      const auto has_label = Matcher::make(MatchOp::kNotEqual, label, "");
      if (!has_label) return true;
      matchers.push_back(*has_label);
      NINES_TRY(const bool has, exists(matchers));
      if (has) return true;
    }
    return selectors.empty() || !absent.empty();
  }

  Result<void> check_absent_labels(const promql::Query& query) {
    if (!exists_) return {};
    for (const Grouping& grouping : groupings(query.expr(), query.text())) {
      const auto operand = promql::Query::parse(grouping.operand, options_);
      if (!operand) continue;
      NINES_TRY(const bool may, may_read(*operand, grouping.label));
      if (!may) {
        find("absent-label", "groups by " + quote_go(grouping.label) + ", which nothing in `" +
                                 grouping.operand + "` has");
      }
    }
    const ResultLabels labels = result_labels(query.expr(), query.text());
    std::set<std::string> used;
    for (const auto& [name, text] : merged_labels(*group_, *rule_)) {
      for (std::string& label : labels_used(text)) used.insert(std::move(label));
    }
    for (const auto& [name, text] : rule_->annotations) {
      for (std::string& label : labels_used(text)) used.insert(std::move(label));
    }
    for (const std::string& label : used) {
      if (!labels.may_have(label)) continue;  // told as dropped
      NINES_TRY(const bool may, may_read(query, label));
      if (!may) {
        find("absent-label", "a template uses $labels." + label +
                                 ", which none of the series has that the expression reads");
      }
    }
    return {};
  }

  const std::vector<GroupConfig>& groups_;
  const promql::EngineOptions& options_;
  const SelectorExists& exists_;
  const GroupConfig* group_ = nullptr;  // under inspection
  const RuleConfig* rule_ = nullptr;
  std::set<std::string> recorded_;
  std::set<std::string> filtered_;           // of these: by an expression with a condition
  std::map<std::string, std::string> seen_;  // what tells rules apart, and where it stood first
  std::map<std::string, bool> asked_;
  std::vector<LintFinding> findings_;
};

}  // namespace

Result<std::vector<LintFinding>> lint_groups(const std::vector<GroupConfig>& groups,
                                             const promql::EngineOptions& options,
                                             const SelectorExists& exists) {
  return Linter(groups, options, exists).run();
}

}  // namespace nines::alerts
