#include "web/http/http.h"

#include <algorithm>
#include <utility>

namespace nines::web {
namespace {

// "metrics[]" is asked for as "metrics[]"; the name is taken as given.
std::string_view first(const std::vector<std::pair<std::string, std::string>>& pairs,
                       std::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return value;
  }
  return {};
}

bool is_prefix_pattern(std::string_view pattern) {
  return pattern.ends_with("/*");
}

}  // namespace

void ClientWatch::when_gone(std::function<void()> tell) {
  const MutexLock lock(mutex_);
  tell_ = std::move(tell);
  if (gone_ && tell_) std::exchange(tell_, {})();
}

bool ClientWatch::gone() const {
  const MutexLock lock(mutex_);
  return gone_;
}

void ClientWatch::note_gone() {
  const MutexLock lock(mutex_);
  gone_ = true;
  if (tell_) std::exchange(tell_, {})();
}

std::string_view Request::param(std::string_view name) const {
  return first(params, name);
}

bool Request::has_param(std::string_view name) const {
  return std::any_of(params.begin(), params.end(), [&](const auto& p) { return p.first == name; });
}

std::vector<std::string_view> Request::all(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& [key, value] : params) {
    if (key == name) out.push_back(value);
  }
  return out;
}

std::string_view Request::header(std::string_view lower_name) const {
  return first(headers, lower_name);
}

Response text_response(int status, std::string text) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

Response json_response(int status, std::string json) {
  Response response;
  response.status = status;
  response.body = std::move(json);
  return response;
}

void Router::add(std::string method, std::string pattern, Pool pool, Handler handler,
                 BodyUse body) {
  entries_.push_back(
      {std::move(method), std::move(pattern), pool, std::move(handler), nullptr, body});
}

void Router::add_stream(std::string pattern, StreamHandler handler) {
  entries_.push_back(
      {"GET", std::move(pattern), Pool::kFast, nullptr, std::move(handler), BodyUse::kForm});
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  // The pattern that names the path best: itself, else the longest prefix.
  std::string_view best;
  for (const Entry& entry : entries_) {
    const std::string_view pattern = entry.pattern;
    if (pattern == path) {
      best = pattern;
      break;
    }
    if (!is_prefix_pattern(pattern)) continue;
    const std::string_view prefix = pattern.substr(0, pattern.size() - 1);
    if (path.starts_with(prefix) && pattern.size() > best.size()) best = pattern;
  }
  Match match;
  if (best.empty()) return match;
  for (const Entry& entry : entries_) {
    if (entry.pattern != best) continue;
    if (entry.method == method) {
      match.pool = entry.pool;
      match.body = entry.body;
      match.handler = entry.handler ? &entry.handler : nullptr;
      match.stream = entry.stream ? &entry.stream : nullptr;
      match.allow.clear();
      return match;
    }
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += entry.method == "GET" ? "GET, HEAD" : entry.method;
  }
  if (!match.allow.empty()) match.allow += ", OPTIONS";
  return match;
}

std::vector<std::pair<std::string, std::string>> Router::routes() const {
  std::vector<std::pair<std::string, std::string>> out;
  out.reserve(entries_.size());
  for (const Entry& entry : entries_) out.emplace_back(entry.method, entry.pattern);
  return out;
}

}  // namespace nines::web
