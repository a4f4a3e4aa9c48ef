#include "rules/promql/internal/script_commands.h"

#include <utility>

#include "base/text/numbers.h"
#include "base/text/regex.h"
#include "base/text/text.h"
#include "rules/promql/internal/lexer.h"

namespace nines::promql {
namespace {

class ScriptParser {
 public:
  explicit ScriptParser(std::string_view text) {
    for (std::string_view line : split(text, '\n')) {
      line = trim(line);
      lines_.push_back(line.starts_with('#') ? std::string_view() : line);
    }
  }

  Result<std::vector<ScriptCommand>> run() {
    std::vector<ScriptCommand> out;
    while (at_ < lines_.size()) {
      if (lines_[at_].empty()) {
        ++at_;
        continue;
      }
      rest_ = lines_[at_];
      const std::string command = to_lower(word());
      if (command == "clear") {
        out.emplace_back(ClearCommand{});
        ++at_;
      } else if (command.starts_with("load")) {
        NINES_TRY(LoadCommand load, parse_load(command));
        out.emplace_back(std::move(load));
      } else if (command.starts_with("eval")) {
        NINES_TRY(EvalCommand eval, parse_eval(command));
        out.emplace_back(std::move(eval));
      } else {
        return fail("invalid command " + quote_go(lines_[at_]));
      }
    }
    return out;
  }

 private:
  // The next word of the line.
  std::string_view word() {
    rest_ = trim(rest_);
    const std::size_t end = std::min(rest_.find_first_of(" \t"), rest_.size());
    const std::string_view out = rest_.substr(0, end);
    rest_ = trim(rest_.substr(end));
    return out;
  }
  Error fail(const std::string& what) const {
    return Error(ErrorCode::kInvalid, std::to_string(at_ + 1) + ": " + what);
  }
  Result<std::int64_t> time_word() {
    Result<Duration> d = parse_duration(word());
    if (!d) return fail(d.error().what());
    return d->count();
  }

  Result<LoadCommand> parse_load(const std::string& command) {
    LoadCommand out;
    out.line = static_cast<int>(at_) + 1;
    out.with_custom_histograms = command == "load_with_nhcb";
    if (!out.with_custom_histograms && command != "load") return fail("invalid command " + command);
    NINES_TRY(const std::int64_t gap, time_word());
    out.gap = Duration(gap);
    for (++at_; at_ < lines_.size() && !lines_[at_].empty(); ++at_) {
      Result<SeriesLine> line = parse_series_line(lines_[at_]);
      if (!line) return fail(line.error().what());
      out.series.push_back(*std::move(line));
    }
    return out;
  }

  Result<EvalCommand> parse_eval(const std::string& command) {
    EvalCommand out;
    out.line = static_cast<int>(at_) + 1;
    const std::string_view kind = word();
    if (kind == "instant") {
      if (rest_.starts_with("at ")) {
        word();
        NINES_TRY(out.at, time_word());
      }
      out.from = out.to = out.at;
    } else if (kind == "range") {
      out.is_range = true;
      const auto field = [&](std::string_view name, std::int64_t& to) -> Result<void> {
        if (word() != name) return fail("expected \"" + std::string(name) + "\"");
        NINES_TRY(to, time_word());
        return {};
      };
      if (Result<void> ok = field("from", out.from); !ok) return ok.error();
      if (Result<void> ok = field("to", out.to); !ok) return ok.error();
      if (Result<void> ok = field("step", out.step); !ok) return ok.error();
    } else {
      return fail("expected \"instant\" or \"range\"");
    }
    out.expr = std::string(rest_);
    if (command != "eval" && command != "eval_fail" && command != "eval_warn" &&
        command != "eval_info" && command != "eval_ordered") {
      return fail("invalid command " + quote_go(command));
    }
    if (command == "eval_fail") out.fail = Expected{true, false, {}};
    if (command == "eval_warn") out.warnings.push_back({true, false, {}});
    if (command == "eval_info") out.infos.push_back({true, false, {}});
    if (command == "eval_ordered") out.ordered = true;
    for (++at_; at_ < lines_.size() && !lines_[at_].empty(); ++at_) {
      if (Result<void> ok = expectation(out); !ok) return ok.error();
    }
    return out;
  }

  Result<void> expectation(EvalCommand& out) {
    rest_ = lines_[at_];
    if (rest_.starts_with("expected_fail_message")) {
      word();
      out.fail = Expected{false, false, std::string(rest_)};
      return {};
    }
    if (rest_.starts_with("expected_fail_regexp")) {
      word();
      out.fail = Expected{false, true, std::string(rest_)};
      return {};
    }
    if (rest_.starts_with("expect ") || rest_.starts_with("expect\t")) {
      word();
      return expect_line(out);
    }
    if (const std::optional<double> v = parse_double(rest_)) {
      out.scalar = *v;
      return {};
    }
    Result<SeriesLine> line = parse_series_line(rest_);
    if (!line) return fail(line.error().what());
    out.series.push_back(*std::move(line));
    return {};
  }

  Result<void> expect_line(EvalCommand& out) {
    if (rest_.starts_with("range vector")) return expected_range(out);
    if (rest_.starts_with("string")) {
      word();
      if (rest_.size() < 2 || rest_.front() != rest_.back()) {
        return fail("expected a quoted string");
      }
      Result<std::string> text = unquote(rest_);
      if (!text) return fail("string is not correctly quoted");
      out.text = *std::move(text);
      return {};
    }
    const std::string_view kind = word();
    Expected what;
    what.any = rest_.empty();
    what.is_regex = rest_.starts_with("regex:");
    if (!what.any) {
      if (!what.is_regex && !rest_.starts_with("msg:")) return fail("expected msg: or regex:");
      what.text = std::string(trim(rest_.substr(rest_.find(':') + 1)));
    }
    if (what.is_regex) {
      const auto regex = Regex::compile(what.text, RegexAnchor::kNone);
      if (!regex) return fail(regex.error().what());
    }
    if (kind == "fail") {
      out.fail = what;
    } else if (kind == "warn") {
      out.warnings.push_back(what);
    } else if (kind == "info") {
      out.infos.push_back(what);
    } else if (kind == "no_warn") {
      out.no_warnings = true;
    } else if (kind == "no_info") {
      out.no_infos = true;
    } else if (kind == "ordered") {
      out.ordered = true;
    } else {
      return fail("invalid expected error/annotation type " + std::string(kind));
    }
    return {};
  }

  // range vector from TIME to TIME step TIME: when the samples of the window are, not of the query.
  Result<void> expected_range(EvalCommand& out) {
    constexpr std::string_view kForm = "range vector from <time> to <time> step <duration>";
    word(), word();
    out.range_vector = true;
    if (word() != "from") return fail("expected " + std::string(kForm));
    NINES_TRY(out.from, time_word());
    if (word() != "to") return fail("expected " + std::string(kForm));
    NINES_TRY(out.to, time_word());
    if (word() != "step") return fail("expected " + std::string(kForm));
    NINES_TRY(out.step, time_word());
    if (out.to < out.from) return fail("a range must not end before it begins");
    if (out.step <= 0) return fail("the step of a range must be above zero");
    return {};
  }

  std::vector<std::string_view> lines_;
  std::size_t at_ = 0;
  std::string_view rest_;
};

}  // namespace

Result<std::vector<ScriptCommand>> parse_script(std::string_view text) {
  return ScriptParser(text).run();
}

}  // namespace nines::promql
