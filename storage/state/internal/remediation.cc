#include "storage/state/internal/remediation.h"

#include <utility>

namespace nines::storage::state {
namespace {

#define NINES_RUN_COLUMNS                                                           \
  "id, remediation, episode, idempotency_key, target, state, intent_at, acted_at, " \
  "finished_at, action_status, output, reason"

Result<std::vector<RemediationRun>> read_runs(Statement& rows) {
  std::vector<RemediationRun> out;
  for (;;) {
    NINES_TRY(const bool row, rows.step());
    if (!row) return out;
    RemediationRun run;
    run.id = rows.integer(0);
    run.remediation = rows.text(1);
    run.episode = rows.text(2);
    run.idempotency_key = rows.text(3);
    run.target = rows.text(4);
    run.state = static_cast<RunState>(rows.integer(5));
    run.intent_at = rows.time(6);
    run.acted_at = rows.time(7);
    run.finished_at = rows.time(8);
    run.action_status = static_cast<int>(rows.integer(9));
    run.output = rows.text(10);
    run.reason = rows.text(11);
    out.push_back(std::move(run));
  }
}

}  // namespace

Result<std::int64_t> RemediationTable::add(const RemediationRun& run) {
  constexpr const char* kPurpose = "write a remediation's intent";
  const MutexLock lock(db_.mutex);
  Transaction change(db_, kPurpose);
  if (auto r = change.begin(); !r) return std::move(r).error();
  {
    Statement find =
        db_.statement(kPurpose, "SELECT id FROM remediation_runs WHERE idempotency_key = ?");
    find.bind(run.idempotency_key);
    NINES_TRY(const bool there, find.step());
    if (there) {
      return Error(ErrorCode::kOutOfOrder, "run " + run.idempotency_key + " is there already");
    }
  }
  Statement insert = db_.statement(
      kPurpose, "INSERT INTO remediation_runs VALUES(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(run.remediation).bind(run.episode).bind(run.idempotency_key).bind(run.target);
  insert.bind(run.state).bind(run.intent_at).bind(run.acted_at).bind(run.finished_at);
  insert.bind(run.action_status).bind(run.output).bind(run.reason);
  if (auto r = insert.run(); !r) return std::move(r).error();
  const std::int64_t id = db_.last_id();
  Statement old =
      db_.statement(kPurpose, "DELETE FROM remediation_runs WHERE id <= ? AND state NOT IN (0, 1)");
  if (auto r = old.bind(id - static_cast<std::int64_t>(runs_max_)).run(); !r) {
    return std::move(r).error();
  }
  if (auto r = change.commit(); !r) return std::move(r).error();
  return id;
}

Result<void> RemediationTable::update(const RemediationRun& run) {
  const MutexLock lock(db_.mutex);
  Statement change = db_.statement("write a remediation's outcome",
                                   "UPDATE remediation_runs SET state = ?, acted_at = ?, "
                                   "finished_at = ?, action_status = ?, output = ?, reason = ? "
                                   "WHERE id = ?");
  change.bind(run.state).bind(run.acted_at).bind(run.finished_at).bind(run.action_status);
  change.bind(run.output).bind(run.reason).bind(run.id);
  if (auto r = change.run(); !r) return r;
  if (db_.changes() == 0) {
    return Error(ErrorCode::kNotFound, "state: no remediation run " + std::to_string(run.id));
  }
  return {};
}

Result<std::vector<RemediationRun>> RemediationTable::unfinished() {
  const MutexLock lock(db_.mutex);
  Statement rows = db_.statement("list unfinished remediations",
                                 "SELECT " NINES_RUN_COLUMNS
                                 " FROM remediation_runs WHERE state IN (0, 1) ORDER BY id");
  return read_runs(rows);
}

Result<std::vector<RemediationRun>> RemediationTable::since(const std::string& remediation,
                                                            Timestamp since) {
  const MutexLock lock(db_.mutex);
  Statement rows = db_.statement("list remediations",
                                 "SELECT " NINES_RUN_COLUMNS
                                 " FROM remediation_runs WHERE remediation = ? AND intent_at >= ? "
                                 "ORDER BY id");
  rows.bind(remediation).bind(since);
  return read_runs(rows);
}

Result<std::vector<RemediationRun>> RemediationTable::newest(std::size_t limit) {
  const MutexLock lock(db_.mutex);
  Statement rows =
      db_.statement("list remediations",
                    "SELECT " NINES_RUN_COLUMNS " FROM remediation_runs ORDER BY id DESC LIMIT ?");
  rows.bind(static_cast<std::int64_t>(limit));
  return read_runs(rows);
}

#undef NINES_RUN_COLUMNS

Result<bool> RemediationTable::stopped() {
  const MutexLock lock(db_.mutex);
  Statement row = db_.statement("read the kill switch", "SELECT stopped FROM kill_switch");
  NINES_TRY(const bool there, row.step());
  return there && row.flag(0);
}

Result<void> RemediationTable::set_stopped(bool stopped, const std::string& by) {
  const MutexLock lock(db_.mutex);
  Statement put =
      db_.statement("set the kill switch", "INSERT OR REPLACE INTO kill_switch VALUES(1, ?, ?, ?)");
  return put.bind(stopped).bind(by).bind(clock_.now()).run();
}

}  // namespace nines::storage::state
