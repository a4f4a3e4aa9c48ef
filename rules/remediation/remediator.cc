#include "rules/remediation/remediator.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/core/mutex.h"
#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/remediation/internal/run.h"

namespace nines::remediation {
namespace {

constexpr std::string_view kComponent = "remediation";
constexpr Duration kVerifyEvery{1'000};
constexpr Duration kHour{3'600'000};
constexpr std::size_t kOutputMax = 4096;

}  // namespace

struct Remediator::Impl {
  explicit Impl(RemediatorParts p) : parts(std::move(p)) {}

  using RunId = std::int64_t;

  Timestamp now() const { return parts.scheduler.clock().now(); }
  Instant elapsed() const { return parts.scheduler.clock().elapsed(); }
  void post(std::function<void()> task);
  void consider(const RemediationConfig& config, const alerts::Alert& alert);
  // Why there must be no run now; empty when there may be one.
  std::string refusal(const RemediationConfig& config, const alerts::Alert& alert, int& attempt);
  void skip(const RemediationConfig& config, const alerts::Alert& alert, const std::string& reason);
  void act(ActiveRun run, int attempt);
  std::string secret_now(const std::string& file, const std::string& configured) const;
  void on_action(RunId id, Result<HttpResponse> answer);
  void begin_verification(RunId id);
  void verify(RunId id);
  void finish(RunId id, storage::RunState state, const std::string& reason);
  void take_up(const storage::RemediationRun& row);
  void event(const std::string& episode, const std::string& kind, const std::string& text,
             const storage::RemediationRun& row);

  RemediatorParts parts;
  mutable Mutex mutex;
  std::vector<RemediationConfig> configs NINES_GUARDED_BY(mutex);
  std::vector<maintenance::Maintenance> maintenance NINES_GUARDED_BY(mutex);
  std::map<RunId, ActiveRun> runs NINES_GUARDED_BY(mutex);
  // (remediation, episode) pairs being looked at or run: never two at once.
  std::map<std::pair<std::string, std::string>, bool> busy NINES_GUARDED_BY(mutex);
  std::map<std::pair<std::string, std::string>, std::string> said
      NINES_GUARDED_BY(mutex);  // last skip reason
  std::map<std::string, std::string> last_reason NINES_GUARDED_BY(mutex);
  bool running NINES_GUARDED_BY(mutex) = false;

  struct Shared {
    std::recursive_mutex mutex;  // recursive: a client or an executor may answer inside the call
    Impl* impl = nullptr;
  };
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
};

void Remediator::Impl::post(std::function<void()> task) {
  const auto guarded = [s = shared, task = std::move(task)] {
    const std::lock_guard lock(s->mutex);
    if (s->impl) task();
  };
  if (!parts.executor.post(guarded)) parts.scheduler.after(Duration(100), guarded);
}

void Remediator::Impl::event(const std::string& episode, const std::string& kind,
                             const std::string& text, const storage::RemediationRun& row) {
  JsonWriter detail;
  detail.begin_object();
  detail.field("remediation", row.remediation);
  detail.field("target", row.target);
  detail.field("run", row.id);
  detail.field("status", row.action_status);
  detail.field("idempotency_key", row.idempotency_key);
  if (!row.output.empty()) detail.field("output", row.output);
  if (!row.reason.empty()) detail.field("reason", row.reason);
  detail.end_object();
  storage::IncidentEvent e;
  e.episode = episode;
  e.at = now();
  e.kind = kind;
  e.text = text;
  e.detail_json = detail.take();
  if (Result<void> kept = parts.incidents.add_event(e); !kept) {
    parts.log.warn(kComponent, "cannot add to incident {}: {}", episode, kept.error().what());
  }
}

std::string Remediator::Impl::refusal(const RemediationConfig& config, const alerts::Alert& alert,
                                      int& attempt) {
  const Result<bool> off = parts.journal.remediation_stopped();
  if (!off) return "the kill switch cannot be read: " + off.error().what();
  if (*off) return "remediation is stopped by the kill switch";
  const Limits& limits = config.limits;
  const Timestamp at = now();
  {
    const MutexLock lock(mutex);
    const auto quiet = maintenance::active_for(
        maintenance, &maintenance::Maintenance::stops_remediation, alert.labels, at);
    if (!quiet.empty()) return "maintenance " + quote_go(quiet.front()) + " is under way";
  }
  const Result<std::vector<storage::RemediationRun>> past =
      parts.journal.runs_since(config.name, at - std::max(kHour, limits.cooldown));
  if (!past) return "the journal cannot be read: " + past.error().what();
  int last_hour = 0;
  const std::string target = target_of(alert);
  for (const storage::RemediationRun& run : *past) {
    if (run.state == storage::RunState::kSkipped) continue;
    if (run.intent_at > at - kHour) ++last_hour;
    if (run.episode == alert.episode()) ++attempt;
    if (run.target == target && run.intent_at + limits.cooldown > at) {
      return "cooldown: " + target + " was acted on at " + format_time(run.intent_at) +
             ", the next time is " + format_duration(limits.cooldown) + " later";
    }
  }
  if (last_hour >= limits.max_per_hour) {
    return "limit: " + std::to_string(last_hour) + " runs in the last hour, max_per_hour is " +
           std::to_string(limits.max_per_hour);
  }
  {
    const MutexLock lock(mutex);
    const auto active = std::count_if(runs.begin(), runs.end(), [&](const auto& entry) {
      return entry.second.row.remediation == config.name;
    });
    if (active >= limits.max_concurrent)
      return "limit: max_concurrent is " + std::to_string(limits.max_concurrent);
  }
  if (config.precondition_expr.empty()) return "";
  const auto query = promql::Query::parse(config.precondition_expr, parts.engine.options());
  if (!query) return "precondition: " + query.error().what();
  const auto result = parts.engine.instant(*query, at);
  std::string why;
  if (!result) return "precondition cannot be evaluated: " + result.error().what();
  return holds(*result, why)
             ? ""
             : "precondition " + quote_go(config.precondition_expr) + " does not hold: " + why;
}

// Said once per episode and reason, so that an alert that fires for hours does not fill the
// incident.
void Remediator::Impl::skip(const RemediationConfig& config, const alerts::Alert& alert,
                            const std::string& reason) {
  const std::string kind = reason.substr(0, reason.find(':'));
  {
    const MutexLock lock(mutex);
    last_reason[config.name] = reason;
    std::string& last = said[{config.name, alert.episode()}];
    if (last == kind) return;
    last = kind;
  }
  parts.telemetry
      .counter("nines_remediation_skipped_total", "Remediations that a limit or mode held back.",
               {{"remediation", config.name}})
      .add();
  storage::RemediationRun row;
  row.remediation = config.name;
  row.episode = alert.episode();
  row.target = target_of(alert);
  row.state = storage::RunState::kSkipped;
  row.intent_at = now();
  row.finished_at = row.intent_at;
  row.reason = reason;
  row.idempotency_key = sha256_hex(config.name + "\n" + row.episode + "\nskipped\n" +
                                   std::to_string(to_millis(row.intent_at)))
                            .substr(0, 32);
  if (Result<std::int64_t> id = parts.journal.add_run(row); id) row.id = *id;
  event(row.episode, "remediation_outcome", config.name + " was not run: " + reason, row);
  parts.log.info(kComponent, "{} not run for {}: {}", config.name, row.target, reason);
}

void Remediator::Impl::consider(const RemediationConfig& config, const alerts::Alert& alert) {
  const std::pair<std::string, std::string> key{config.name, alert.episode()};
  const auto done = [&] {
    const MutexLock lock(mutex);
    busy.erase(key);
  };
  if (config.mode == Mode::kDryRun) {
    skip(config, alert, "dry run: would have posted to " + config.action.url);
    return done();
  }
  int attempt = 1;
  if (const std::string reason = refusal(config, alert, attempt); !reason.empty()) {
    skip(config, alert, reason);
    return done();
  }
  ActiveRun run;
  run.config = config;
  run.alert = alert;
  run.row.remediation = config.name;
  run.row.episode = alert.episode();
  run.row.target = target_of(alert);
  run.row.intent_at = now();
  run.row.idempotency_key =
      sha256_hex(config.name + "\n" + run.row.episode + "\n" + std::to_string(attempt))
          .substr(0, 32);
  // Intent first; without it on disk there is no action: remediation fails closed.
  Result<std::int64_t> id = parts.journal.add_run(run.row);
  if (!id) {
    parts.log.error(kComponent, "{} not run, its intent cannot be written down: {}", config.name,
                    id.error().what());
    parts.telemetry
        .counter("nines_remediation_refused_total",
                 "Actions not taken because the journal could not be written.")
        .add();
    return done();
  }
  run.row.id = *id;
  event(run.row.episode, "remediation_intent",
        config.name + " is about to act on " + run.row.target, run.row);
  act(std::move(run), attempt);
}

std::string Remediator::Impl::secret_now(const std::string& file,
                                         const std::string& configured) const {
  if (file.empty() || !parts.read_file) return configured;
  const Result<std::string> text = parts.read_file(file);
  if (text && !trim(*text).empty()) return std::string(trim(*text));
  parts.log.warn(kComponent, "{}; going on with what it held when it was configured",
                 text ? file + " is empty" : text.error().what());
  return configured;
}

void Remediator::Impl::act(ActiveRun run, int attempt) {
  HttpRequest request;
  request.method = "POST";
  const WebhookAction& action = run.config.action;
  request.url = secret_now(action.url_file, action.url);
  request.timeout = action.timeout;
  request.body_bytes_max = 1u << 20;
  request.body = action_payload(run, attempt);
  request.headers = {{"Content-Type", "application/json"},
                     {"Idempotency-Key", run.row.idempotency_key}};
  if (const std::string secret = secret_now(action.secret_file, action.secret); !secret.empty()) {
    // Standard Webhooks: the signature covers id, time and body.
    const std::string seconds = std::to_string(to_millis(now()) / 1000);
    request.headers.emplace_back("webhook-id", run.row.idempotency_key);
    request.headers.emplace_back("webhook-timestamp", seconds);
    request.headers.emplace_back(
        "webhook-signature",
        "v1," + base64_encode(hmac_sha256(
                    secret, run.row.idempotency_key + "." + seconds + "." + request.body)));
  }
  const RunId id = run.row.id;
  const storage::RemediationRun row = run.row;
  {
    const MutexLock lock(mutex);
    runs[id] = std::move(run);
  }
  parts.telemetry
      .counter("nines_remediation_runs_total", "Actions begun.", {{"remediation", row.remediation}})
      .add();
  event(row.episode, "remediation_started", row.remediation + ": POST " + request.url, row);
  parts.log.info(kComponent, "{} acts on {}", row.remediation, row.target);
  const HttpCallId call =
      parts.http.send(std::move(request), [s = shared, id](Result<HttpResponse> answer) {
        const std::lock_guard lock(s->mutex);
        if (!s->impl) return;
        auto kept = std::make_shared<Result<HttpResponse>>(std::move(answer));
        s->impl->post([impl = s->impl, id, kept] { impl->on_action(id, std::move(*kept)); });
      });
  const MutexLock lock(mutex);
  if (const auto it = runs.find(id);
      it != runs.end() && it->second.row.state == storage::RunState::kIntent) {
    it->second.call = call;
  }
}

void Remediator::Impl::on_action(RunId id, Result<HttpResponse> answer) {
  storage::RemediationRun row;
  {
    const MutexLock lock(mutex);
    const auto it = runs.find(id);
    if (it == runs.end()) return;
    ActiveRun& run = it->second;
    run.call = HttpCallId::kNone;
    run.row.state = storage::RunState::kActed;
    run.row.acted_at = now();
    run.row.action_status = answer ? answer->status : 0;
    run.row.output = (answer ? answer->body : answer.error().what()).substr(0, kOutputMax);
    row = run.row;
  }
  if (Result<void> kept = parts.journal.update_run(row); !kept) {
    parts.log.error(kComponent, "cannot note that {} acted: {}", row.remediation,
                    kept.error().what());
  }
  if (answer && answer->status / 100 != 2) {
    event(row.episode, "remediation_outcome",
          row.remediation + " was refused: HTTP " + std::to_string(row.action_status), row);
    finish(id, storage::RunState::kFailed,
           "the action answered HTTP " + std::to_string(row.action_status));
    return;
  }
  // No answer is not no action: only verification can tell.
  event(row.episode, "remediation_outcome",
        answer ? row.remediation + " answered HTTP " + std::to_string(row.action_status) +
                     ", verifying"
               : row.remediation + " gave no answer, verifying all the same: " + row.output,
        row);
  begin_verification(id);
}

void Remediator::Impl::begin_verification(RunId id) {
  {
    const MutexLock lock(mutex);
    const auto it = runs.find(id);
    if (it == runs.end()) return;
    it->second.verify_until = elapsed() + it->second.config.verify.timeout;
    it->second.held_since.reset();
  }
  verify(id);
}

void Remediator::Impl::verify(RunId id) {
  Verify wanted;
  Timestamp at = now();
  {
    const MutexLock lock(mutex);
    const auto it = runs.find(id);
    if (it == runs.end() || !running) return;
    wanted = it->second.config.verify;
  }
  std::string why;
  bool yes = false;
  if (const auto query = promql::Query::parse(wanted.expr, parts.engine.options()); !query) {
    why = query.error().what();
  } else if (const auto result = parts.engine.instant(*query, at); !result) {
    why = "it cannot be evaluated: " + result.error().what();
  } else {
    yes = holds(*result, why);
  }
  storage::RunState outcome = storage::RunState::kActed;
  std::string reason;
  {
    const MutexLock lock(mutex);
    const auto it = runs.find(id);
    if (it == runs.end()) return;
    ActiveRun& run = it->second;
    if (!yes) {
      run.held_since.reset();
      run.last_verify = why;
    } else if (!run.held_since) {
      run.held_since = elapsed();
    }
    if (run.held_since && elapsed() - *run.held_since >= wanted.hold) {
      outcome = storage::RunState::kVerified;
      reason = wanted.hold > Duration(0) ? "held for " + format_duration(wanted.hold) : "held";
    } else if (elapsed() >= run.verify_until) {
      outcome = run.found_after_crash && run.row.state == storage::RunState::kIntent
                    ? storage::RunState::kUnknown
                    : storage::RunState::kFailed;
      reason = quote_go(wanted.expr) + " did not hold for " + format_duration(wanted.hold) +
               " within " + format_duration(wanted.timeout) +
               (run.last_verify.empty() ? "" : ": " + run.last_verify);
    } else {
      run.timer = parts.scheduler.after(kVerifyEvery, [s = shared, id] {
        const std::lock_guard guard(s->mutex);
        if (s->impl) s->impl->post([impl = s->impl, id] { impl->verify(id); });
      });
      return;
    }
  }
  finish(id, outcome, reason);
}

void Remediator::Impl::finish(RunId id, storage::RunState state, const std::string& reason) {
  ActiveRun run;
  {
    const MutexLock lock(mutex);
    const auto it = runs.find(id);
    if (it == runs.end()) return;
    run = std::move(it->second);
    runs.erase(it);
    busy.erase({run.row.remediation, run.row.episode});
  }
  run.row.state = state;
  run.row.finished_at = now();
  run.row.reason = reason;
  // A person is told before the run counts as over: a crash between the two verifies it again, and
  // the escalation is then sent under the same key instead of being lost.
  const bool escalates = state != storage::RunState::kVerified &&
                         !run.config.on_failure_receiver.empty() && parts.escalate;
  if (escalates) {
    LabelBuilder annotations(run.alert.annotations);
    annotations.set("remediation", run.row.remediation + " did not help: " + reason);
    alerts::Alert alert = run.alert;
    alert.annotations = annotations.build();
    parts.escalate(run.config.on_failure_receiver, alert, run.row.idempotency_key, reason);
  }
  if (Result<void> kept = parts.journal.update_run(run.row); !kept) {
    parts.log.error(kComponent, "cannot note the outcome of run {}: {}", id, kept.error().what());
  }
  parts.telemetry
      .counter("nines_remediation_outcomes_total", "Runs by how they ended.",
               {{"remediation", run.row.remediation}, {"outcome", storage::to_string(state)}})
      .add();
  if (state == storage::RunState::kVerified) {
    parts.log.info(kComponent, "{} helped {}", run.row.remediation, run.row.target);
    event(run.row.episode, "verified",
          run.row.remediation + " helped: `" + run.config.verify.expr + "` " + reason, run.row);
    return;
  }
  parts.log.warn(kComponent, "{} did not help {}: {}", run.row.remediation, run.row.target, reason);
  event(run.row.episode, "verify_failed", run.row.remediation + " did not help: " + reason,
        run.row);
  if (!escalates) return;
  event(run.row.episode, "escalated", "escalated to " + run.config.on_failure_receiver, run.row);
}

// A run that a crash left open is verified, never repeated.
void Remediator::Impl::take_up(const storage::RemediationRun& row) {
  ActiveRun run;
  run.row = row;
  run.found_after_crash = true;
  const Result<storage::Incident> incident = parts.incidents.incident(row.episode);
  if (incident) {
    run.alert.labels = incident->labels;
    run.alert.annotations = incident->annotations;
    run.alert.active_at = incident->started_at;
    run.alert.fired_at = incident->fired_at;
    run.alert.state = alerts::AlertState::kFiring;
  }
  bool known = false;
  {
    const MutexLock lock(mutex);
    for (const RemediationConfig& config : configs) {
      if (config.name != row.remediation) continue;
      run.config = config;
      known = true;
    }
    runs[row.id] = run;
    busy[{row.remediation, row.episode}] = true;
  }
  event(row.episode, "restarted",
        "nines was restarted while " + row.remediation + " was under way: verifying, not repeating",
        row);
  if (!known || run.config.verify.expr.empty()) {
    finish(row.id, storage::RunState::kUnknown, "its definition is gone, nothing can be verified");
    return;
  }
  begin_verification(row.id);
}

Remediator::Remediator(RemediatorParts parts) : impl_(std::make_unique<Impl>(std::move(parts))) {
  impl_->shared->impl = impl_.get();
}

Remediator::~Remediator() {
  stop();
}

void Remediator::load(std::vector<RemediationConfig> configs,
                      std::vector<maintenance::Maintenance> maintenance) {
  const MutexLock lock(impl_->mutex);
  impl_->configs = std::move(configs);
  impl_->maintenance = std::move(maintenance);
}

void Remediator::start() {
  {
    const MutexLock lock(impl_->mutex);
    impl_->running = true;
  }
  const Result<std::vector<storage::RemediationRun>> open = impl_->parts.journal.unfinished_runs();
  if (!open) {
    impl_->parts.log.error(kComponent, "cannot read the journal: {}", open.error().what());
    return;
  }
  {
    // Before any alert can be told: what is still open is nobody's candidate.
    const MutexLock lock(impl_->mutex);
    for (const storage::RemediationRun& row : *open)
      impl_->busy[{row.remediation, row.episode}] = true;
  }
  for (const storage::RemediationRun& row : *open) {
    impl_->post([impl = impl_.get(), row] { impl->take_up(row); });
  }
}

void Remediator::stop() {
  {
    const std::lock_guard lock(impl_->shared->mutex);
    impl_->shared->impl = nullptr;
  }
  std::vector<HttpCallId> calls;
  std::vector<TimerId> timers;
  {
    const MutexLock lock(impl_->mutex);
    impl_->running = false;
    for (const auto& [id, run] : impl_->runs) {
      calls.push_back(run.call);
      timers.push_back(run.timer);
    }
  }
  for (const TimerId timer : timers) impl_->parts.scheduler.cancel(timer);
  for (const HttpCallId call : calls) {
    if (call != HttpCallId::kNone) impl_->parts.http.cancel(call);
  }
}

void Remediator::on_alerts(const std::string& /*rule*/, std::span<const alerts::Alert> alerts) {
  std::vector<std::pair<RemediationConfig, alerts::Alert>> candidates;
  {
    const MutexLock lock(impl_->mutex);
    if (!impl_->running) return;
    const Timestamp now = impl_->now();
    for (const alerts::Alert& alert : alerts) {
      if (alert.state != alerts::AlertState::kFiring) {
        std::erase_if(impl_->said,
                      [&](const auto& entry) { return entry.first.second == alert.episode(); });
        continue;
      }
      for (const RemediationConfig& config : impl_->configs) {
        if (config.mode == Mode::kOff || !matches_all(config.matchers, alert.labels)) continue;
        if (now - alert.fired_at < config.trigger_after) continue;
        bool& busy = impl_->busy[{config.name, alert.episode()}];
        if (busy) continue;
        busy = true;
        candidates.emplace_back(config, alert);
      }
    }
  }
  for (auto& [config, alert] : candidates) {
    impl_->post(
        [impl = impl_.get(), config = config, alert = alert] { impl->consider(config, alert); });
  }
}

Result<void> Remediator::set_stopped(bool stopped, const std::string& by) {
  Result<void> kept = impl_->parts.journal.set_remediation_stopped(stopped, by);
  if (kept)
    impl_->parts.log.warn(kComponent, "remediation {} by {}", stopped ? "stopped" : "allowed again",
                          by);
  return kept;
}

bool Remediator::stopped() const {
  const Result<bool> stopped = impl_->parts.journal.remediation_stopped();
  return !stopped || *stopped;  // unreadable counts as stopped: so does refusal()
}

std::vector<RemediationStatus> Remediator::status() const {
  std::vector<RemediationStatus> out;
  const MutexLock lock(impl_->mutex);
  for (const RemediationConfig& config : impl_->configs) {
    RemediationStatus status;
    status.config = config;
    for (const auto& [id, run] : impl_->runs)
      status.running += run.row.remediation == config.name ? 1 : 0;
    if (const auto past = impl_->parts.journal.runs_since(config.name, impl_->now() - kHour)) {
      for (const storage::RemediationRun& run : *past) {
        status.runs_last_hour += run.state != storage::RunState::kSkipped ? 1 : 0;
      }
    }
    if (const auto it = impl_->last_reason.find(config.name); it != impl_->last_reason.end())
      status.last_reason = it->second;
    out.push_back(std::move(status));
  }
  return out;
}

std::vector<storage::RemediationRun> Remediator::runs(std::size_t limit) const {
  if (auto recent = impl_->parts.journal.recent_runs(limit)) return *std::move(recent);
  return {};
}

}  // namespace nines::remediation
