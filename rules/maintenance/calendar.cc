#include "rules/maintenance/calendar.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text/json.h"
#include "base/text/text.h"
#include "rules/maintenance/encode.h"

namespace nines::maintenance {
namespace {

const std::string kKey = "maintenance";

auto named(const std::string& name) {
  return [&name](const Maintenance& one) { return one.name == name; };
}

}  // namespace

bool is_over(const Maintenance& m, Timestamp at) {
  if (m.ended_at && *m.ended_at <= at) return true;
  if (m.occurrences && m.occurrences->rule().count == 0 && !m.occurrences->rule().until)
    return false;
  constexpr Duration kAhead{100 * 366LL * 86'400'000};  // as far as occurrences are known
  const Timestamp start = instant_of(m.zone, m.start);
  return windows(m, at, std::max(at, start) + kAhead).empty();
}

Calendar::Calendar(storage::KeyValueStore& values, const Clock& clock)
    : values_(values), clock_(clock) {}

Result<void> Calendar::recall() {
  const MutexLock lock(mutex_);
  readable_ = false;
  NINES_TRY(const std::optional<std::string> text, values_.get_value(kKey));
  std::vector<Maintenance> all;
  if (text) {
    const auto json = Json::parse(*text);
    if (!json || !json->is_array())
      return Error(ErrorCode::kCorrupt, "the maintenance that people have added cannot be read");
    for (const Json& one : json->items()) {
      auto read = read_fields(one, clock_.now());
      if (!read) return Error(ErrorCode::kCorrupt, "maintenance kept: " + read.error().what());
      all.push_back(*std::move(read));
    }
  }
  added_ = std::move(all);
  readable_ = true;
  return {};
}

void Calendar::set_configured(std::vector<Maintenance> all) {
  const MutexLock lock(mutex_);
  configured_ = std::move(all);
}

Result<void> Calendar::keep(const std::vector<Maintenance>& all) {
  if (!readable_) {
    return Error(
        ErrorCode::kCorrupt,
        "what was added before cannot be read, and is not overwritten: see the log of the start");
  }
  JsonWriter json;
  json.begin_array();
  for (const Maintenance& one : all) {
    json.begin_object();
    write_fields(json, one);
    json.end_object();
  }
  json.end_array();
  return values_.set_value(kKey, json.take());
}

Result<void> Calendar::add(Maintenance maintenance) {
  const MutexLock lock(mutex_);
  const auto is_it = named(maintenance.name);
  const auto known = std::find_if(added_.begin(), added_.end(), is_it);
  if (std::any_of(configured_.begin(), configured_.end(), is_it) || known != added_.end()) {
    return Error(ErrorCode::kInvalid, "there is a maintenance " + quote_go(maintenance.name) +
                                          " already: choose another name");
  }
  std::vector<Maintenance> all = added_;
  const Timestamp forgotten = clock_.now() - kKeptAfterEnd;
  std::erase_if(all, [&](const Maintenance& one) { return is_over(one, forgotten); });
  if (all.size() >= kAddedMax) {
    return Error(ErrorCode::kLimit, "there are " + std::to_string(kAddedMax) +
                                        " added already: write what comes back as [[maintenance]] "
                                        "with an `rrule`");
  }
  all.push_back(std::move(maintenance));
  if (auto kept = keep(all); !kept) return kept;
  added_ = std::move(all);
  return {};
}

Result<Maintenance> Calendar::end(const std::string& name) {
  const MutexLock lock(mutex_);
  std::vector<Maintenance> all = added_;
  const auto found = std::find_if(all.begin(), all.end(), named(name));
  if (found == all.end()) {
    if (std::any_of(configured_.begin(), configured_.end(), named(name))) {
      return Error(ErrorCode::kInvalid, "maintenance " + quote_go(name) +
                                            " is the configuration's: change [[maintenance]] there "
                                            "and reload");
    }
    return Error(ErrorCode::kNotFound, "there is no maintenance " + quote_go(name));
  }
  const Timestamp now = clock_.now();
  if (is_over(*found, now))
    return Error(ErrorCode::kInvalid, "maintenance " + quote_go(name) + " is over");
  found->ended_at = now;
  Maintenance ended = *found;
  if (auto kept = keep(all); !kept) return kept.error();
  added_ = std::move(all);
  return ended;
}

std::vector<Maintenance> Calendar::configured() const {
  const MutexLock lock(mutex_);
  return configured_;
}

std::vector<Maintenance> Calendar::added() const {
  const MutexLock lock(mutex_);
  return added_;
}

}  // namespace nines::maintenance
