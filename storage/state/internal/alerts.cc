#include "storage/state/internal/alerts.h"

#include <utility>

#include "storage/state/internal/encode.h"

namespace nines::storage::state {
namespace {

constexpr const char* kSaving = "save alerts";

}  // namespace

Result<std::vector<StoredAlert>> AlertTable::load() {
  const MutexLock lock(db_.mutex);
  Statement rows = db_.statement("load alerts",
                                 "SELECT rule, labels, annotations, value, firing, active_at, "
                                 "fired_at, resolved_at, keep_firing_since, last_sent_at, "
                                 "flaps "
                                 "FROM alerts ORDER BY rule, labels");
  std::vector<StoredAlert> out;
  for (;;) {
    NINES_TRY(const bool row, rows.step());
    if (!row) return out;
    StoredAlert alert;
    alert.rule = rows.text(0);
    NINES_TRY(alert.labels, decode_labels(rows.text(1)));
    NINES_TRY(alert.annotations, decode_labels(rows.text(2)));
    alert.value = rows.real(3);
    alert.firing = rows.flag(4);
    alert.active_at = rows.time(5);
    alert.fired_at = rows.time(6);
    alert.resolved_at = rows.time(7);
    alert.keep_firing_since = rows.time(8);
    alert.last_sent_at = rows.time(9);
    alert.flaps = static_cast<std::uint32_t>(rows.integer(10));
    out.push_back(std::move(alert));
  }
}

Result<void> AlertTable::save(std::span<const RuleAlerts> rules) {
  const MutexLock lock(db_.mutex);
  Transaction change(db_, kSaving);
  if (auto r = change.begin(); !r) return r;
  for (const RuleAlerts& rule : rules) {
    if (auto r = replace(rule); !r) return r;
  }
  return change.commit();
}

Result<void> AlertTable::replace(const RuleAlerts& rule) {
  if (auto r = db_.statement(kSaving, "DELETE FROM alerts WHERE rule = ?").bind(rule.rule).run();
      !r) {
    return r;
  }
  Statement insert =
      db_.statement(kSaving, "INSERT INTO alerts VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const StoredAlert& alert : rule.alerts) {
    insert.rewind();
    insert.bind(rule.rule).bind(encode_labels(alert.labels)).bind(encode_labels(alert.annotations));
    insert.bind(alert.value).bind(alert.firing).bind(alert.active_at).bind(alert.fired_at);
    insert.bind(alert.resolved_at).bind(alert.keep_firing_since).bind(alert.last_sent_at);
    insert.bind(std::int64_t{alert.flaps});
    if (auto r = insert.run(); !r) return r;
  }
  return {};
}

}  // namespace nines::storage::state
