#include "tests/support/naive_promql.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "tests/support/naive_windows.h"

namespace nines::naive {
namespace {

std::string number(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  std::ostringstream out;
  out.precision(17);
  out << v;
  return out.str();
}

std::string milliseconds(std::int64_t ms) {
  return std::to_string(ms) + "ms";
}

std::string shift_text(const Node& n) {
  std::string out;
  if (n.at == At::kStart) out += " @ start()";
  if (n.at == At::kEnd) out += " @ end()";
  if (n.at == At::kFixed) {
    std::string rest = std::to_string(n.at_ms % 1000);
    rest.insert(0, 3 - rest.size(), '0');
    out += " @ " + std::to_string(n.at_ms / 1000) + "." + rest;
  }
  if (n.offset != 0) {
    out +=
        n.offset < 0 ? " offset -" + milliseconds(-n.offset) : " offset " + milliseconds(n.offset);
  }
  return out;
}

std::string selector_text(const Node& n) {
  return n.name + (n.label.empty() ? "" : "{" + n.label + "=\"" + n.value + "\"}");
}

std::string list(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return "(" + out + ")";
}

std::int64_t moment(const Question& q, const Node& n, std::int64_t at) {
  if (n.at == At::kStart) at = q.start;
  if (n.at == At::kEnd) at = q.end;
  if (n.at == At::kFixed) at = n.at_ms;
  return at - n.offset;
}

bool selects(const Node& n, const Labels& labels) {
  if (labels.at("__name__") != n.name) return false;
  return n.label.empty() || labels.at(n.label) == n.value;
}

Labels nameless(Labels labels) {
  labels.erase("__name__");
  return labels;
}

Vector instant(const Question& q, const Node& n, std::int64_t at) {
  const std::int64_t when = moment(q, n, at);
  Vector out;
  for (const auto& [labels, points] : q.data) {
    if (!selects(n, labels)) continue;
    const Point* newest = nullptr;
    for (const Point& p : points) {
      if (p.at > when - q.lookback && p.at <= when) newest = &p;
    }
    if (newest != nullptr && !newest->stale) out[labels] = newest->value;
  }
  return out;
}

// The samples of each series in (to - range, to].
Data window(const Question& q, const Node& n, std::int64_t to) {
  Data out;
  if (n.step == 0) {
    for (const auto& [labels, points] : q.data) {
      if (!selects(*n.left, labels)) continue;
      for (const Point& p : points) {
        if (p.at > to - n.range && p.at <= to && !p.stale) out[labels].push_back(p);
      }
    }
    return out;
  }
  for (std::int64_t t = (to / n.step + 1) * n.step; t > to - n.range; t -= n.step) {
    if (t > to) continue;
    for (const auto& [labels, value] : evaluate(q, *n.left, t)) {
      out[labels].insert(out[labels].begin(), Point{t, value, false});
    }
  }
  return out;
}

Vector function(const Question& q, const Node& n, std::int64_t at) {
  const std::int64_t to = moment(q, n.step > 0 ? n : *n.left, at);
  const bool keeps_name = n.name == "last_over_time" || n.name == "first_over_time";
  Vector out;
  for (const auto& [labels, points] : window(q, n, to)) {
    const WindowOf w{points, to - n.range, to, at};
    const auto value = of_window(n.name, w, n.params);
    if (value && !out.emplace(keeps_name ? labels : nameless(labels), *value).second)
      q.clash = true;
  }
  return out;
}

double folded(const std::string& op, const std::vector<double>& v,
              const std::vector<double>& params) {
  long double sum = 0;
  double least = v[0], most = v[0];
  for (const double one : v) {
    sum += one;
    if (one < least || std::isnan(least)) least = one;
    if (one > most || std::isnan(most)) most = one;
  }
  if (op == "sum") return static_cast<double>(sum);
  if (op == "avg") return static_cast<double>(sum / static_cast<long double>(v.size()));
  if (op == "min") return least;
  if (op == "max") return most;
  if (op == "count") return static_cast<double>(v.size());
  if (op == "group") return 1;
  if (op == "stdvar") return static_cast<double>(variance(v));
  if (op == "stddev") return static_cast<double>(std::sqrt(variance(v)));
  return quantile(params[0], v);
}

Vector aggregate(const Question& q, const Node& n, std::int64_t at) {
  std::map<Labels, std::vector<double>> groups;
  for (const auto& [labels, value] : evaluate(q, *n.left, at)) {
    Labels key;
    for (const auto& [name, text] : nameless(labels)) {
      const bool named = std::find(n.by.begin(), n.by.end(), name) != n.by.end();
      if (named != n.without) key[name] = text;
    }
    groups[key].push_back(value);
  }
  Vector out;
  for (const auto& [key, values] : groups) out[key] = folded(n.name, values, n.params);
  return out;
}

// Whether a comparison holds, or what an arithmetic operator makes of both.
std::pair<bool, double> applied(const std::string& op, double a, double b) {
  if (op == "+") return {true, a + b};
  if (op == "-") return {true, a - b};
  if (op == "*") return {true, a * b};
  if (op == "/") return {true, a / b};
  if (op == "%") return {true, std::fmod(a, b)};
  if (op == "==") return {a == b, a};
  if (op == "!=") return {a != b, a};
  if (op == ">") return {a > b, a};
  if (op == "<") return {a < b, a};
  if (op == ">=") return {a >= b, a};
  return {a <= b, a};
}

bool compares(const std::string& op) {
  return op == "==" || op == "!=" || op == ">" || op == "<" || op == ">=" || op == "<=";
}

void put(const Question& q, Vector& out, const Node& n, const Labels& labels,
         std::pair<bool, double> result) {
  const bool keeps_name = compares(n.name) && !n.with_bool;
  if (n.with_bool) result = {true, result.first ? 1 : 0};
  if (!result.first) return;
  if (!out.emplace(keeps_name ? labels : nameless(labels), result.second).second) q.clash = true;
}

// What has to be equal on both sides.
Labels match_key(const Node& n, const Labels& labels) {
  if (n.match == Node::kAll) return nameless(labels);
  Labels key;
  for (const auto& [name, text] : nameless(labels)) {
    const bool named = std::find(n.by.begin(), n.by.end(), name) != n.by.end();
    if (named != n.without) key[name] = text;
  }
  return key;
}

Vector of_sets(const Question& q, const Node& n, std::int64_t at) {
  const Vector left = evaluate(q, *n.left, at), right = evaluate(q, *n.right, at);
  std::set<Labels> mine, other;
  for (const auto& [labels, value] : left) mine.insert(match_key(n, labels));
  for (const auto& [labels, value] : right) other.insert(match_key(n, labels));
  Vector out;
  for (const auto& [labels, value] : left) {
    if (n.name == "or" || other.contains(match_key(n, labels)) == (n.name == "and"))
      out[labels] = value;
  }
  if (n.name != "or") return out;
  for (const auto& [labels, value] : right) {
    if (!mine.contains(match_key(n, labels))) out[labels] = value;
  }
  return out;
}

// The labels of one to one: those that matched; a comparison keeps the name with ignoring().
Labels single_labels(const Node& n, const Labels& left) {
  Labels out = match_key(n, left);
  const auto name = left.find("__name__");
  if (name != left.end() && (n.match == Node::kAll || n.without)) out["__name__"] = name->second;
  return out;
}

Vector one_to_one(const Question& q, const Node& n, std::int64_t at) {
  const Vector left = evaluate(q, *n.left, at), right = evaluate(q, *n.right, at);
  std::map<Labels, double> other;
  for (const auto& [labels, value] : right) {
    if (!other.emplace(match_key(n, labels), value).second) q.clash = true;
  }
  Vector out;
  std::set<Labels> met;
  for (const auto& [labels, value] : left) {
    const Labels key = match_key(n, labels);
    const auto match = other.find(key);
    if (match == other.end() && !n.fill_right) continue;
    if (!met.insert(key).second) q.clash = true;
    const double there = match == other.end() ? *n.fill_right : match->second;
    put(q, out, n, single_labels(n, labels), applied(n.name, value, there));
  }
  for (const auto& [key, value] : other) {
    if (n.fill_left && !met.contains(key))
      put(q, out, n, key, applied(n.name, *n.fill_left, value));
  }
  return out;
}

// Many on one side: each keeps its labels, and takes those asked for from the one.
Vector many_to_one(const Question& q, const Node& n, std::int64_t at) {
  const bool left_many = n.match == Node::kGroupLeft;
  const Vector many = evaluate(q, left_many ? *n.left : *n.right, at);
  const Vector ones = evaluate(q, left_many ? *n.right : *n.left, at);
  std::map<Labels, std::pair<Labels, double>> one;
  for (const auto& [labels, value] : ones) {
    if (!one.emplace(match_key(n, labels), std::pair(labels, value)).second) q.clash = true;
  }
  Vector out;
  for (const auto& [labels, value] : many) {
    const auto match = one.find(match_key(n, labels));
    if (match == one.end()) continue;
    Labels result = labels;
    for (const std::string& name : n.include) {
      const auto given = match->second.first.find(name);
      result.erase(name);
      if (given != match->second.first.end()) result[name] = given->second;
    }
    const double there = match->second.second;
    put(q, out, n, result,
        left_many ? applied(n.name, value, there) : applied(n.name, there, value));
  }
  return out;
}

Vector with_vector(const Question& q, const Node& n, std::int64_t at) {
  if (n.name == "or" || n.name == "and" || n.name == "unless") return of_sets(q, n, at);
  if (n.match == Node::kGroupLeft || n.match == Node::kGroupRight) return many_to_one(q, n, at);
  return one_to_one(q, n, at);
}

std::string matching_text(const Node& n) {
  std::string out;
  if (n.match != Node::kAll) out += (n.without ? " ignoring " : " on ") + list(n.by);
  if (n.match == Node::kGroupLeft) out += " group_left " + list(n.include);
  if (n.match == Node::kGroupRight) out += " group_right " + list(n.include);
  if (n.fill_left) out += " fill_left(" + number(*n.fill_left) + ")";
  if (n.fill_right) out += " fill_right(" + number(*n.fill_right) + ")";
  return out;
}

}  // namespace

std::string to_text(const Node& n) {
  switch (n.kind) {
    case Node::kSelector:
      return selector_text(n) + shift_text(n);
    case Node::kFunction: {
      std::string range;
      if (n.step == 0) {
        range = selector_text(*n.left) + "[" + milliseconds(n.range) + "]" + shift_text(*n.left);
      } else {
        range = "(" + to_text(*n.left) + ")[" + milliseconds(n.range) + ":" + milliseconds(n.step) +
                "]" + shift_text(n);
      }
      std::string args =
          n.name == "quantile_over_time" ? number(n.params[0]) + ", " + range : range;
      if (n.name != "quantile_over_time") {
        for (const double p : n.params) args += ", " + number(p);
      }
      return n.name + "(" + args + ")";
    }
    case Node::kAggregate:
      return n.name + (n.without ? " without " : " by ") + list(n.by) + " (" +
             (n.params.empty() ? "" : number(n.params[0]) + ", ") + to_text(*n.left) + ")";
    case Node::kScalarOp:
      return "(" + to_text(*n.left) + " " + n.name + (n.with_bool ? " bool " : " ") +
             number(n.params[0]) + ")";
    case Node::kVectorOp:
      return "(" + to_text(*n.left) + " " + n.name + (n.with_bool ? " bool" : "") +
             matching_text(n) + " " + to_text(*n.right) + ")";
  }
  return {};
}

Vector evaluate(const Question& q, const Node& n, std::int64_t at) {
  switch (n.kind) {
    case Node::kSelector:
      return instant(q, n, at);
    case Node::kFunction:
      return function(q, n, at);
    case Node::kAggregate:
      return aggregate(q, n, at);
    case Node::kScalarOp: {
      Vector out;
      for (const auto& [labels, value] : evaluate(q, *n.left, at)) {
        put(q, out, n, labels, applied(n.name, value, n.params[0]));
      }
      return out;
    }
    case Node::kVectorOp:
      return with_vector(q, n, at);
  }
  return {};
}

}  // namespace nines::naive
