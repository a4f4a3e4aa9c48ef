// [route], [[receivers]], [[inhibit_rules]], [[remediations]]: what is done about it.
#include <set>
#include <string>
#include <vector>

#include "app/config/internal/collector_keys.h"
#include "app/config/internal/sections.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::config {
namespace {

constexpr int kRouteDepthMax = 32;

void read_optional(TableReader& t, std::string_view key, std::optional<Duration>& out) {
  if (!t.has(key)) return;
  Duration value{0};
  t.read(key, value);
  out = value;
}

notify::Route read_route(TableReader& t, int depth) {
  notify::Route route;
  t.read("receiver", route.receiver);
  t.read("matchers", route.matchers);
  if (t.has("group_by")) {
    std::vector<std::string> by;
    t.read("group_by", by);
    route.group_by = std::move(by);
  }
  read_optional(t, "group_wait", route.group_wait);
  read_optional(t, "group_interval", route.group_interval);
  read_optional(t, "repeat_interval", route.repeat_interval);
  t.read("continue", route.continue_matching);
  if (depth == kRouteDepthMax) {
    t.fail("", "routes nest deeper than " + std::to_string(kRouteDepthMax));
    return route;
  }
  t.tables("routes",
           [&](TableReader& child) { route.routes.push_back(read_route(child, depth + 1)); });
  return route;
}

// A secret, or the file that is read anew whenever it is used; what it holds now is the secret, too.
void read_lasting_secret(TableReader& t, std::string_view key, const Context& context,
                         std::string& out, std::string& file) {
  t.read_secret(key, out, context.read_secret, &file);
  if (file.empty()) return;
  out = std::string(trim(context.read_secret(file).value_or("")));
  file = beside(context, std::move(file));
}

void read_receivers(TableReader& root, Config& config, const Context& context) {
  root.tables("receivers", [&](TableReader& t) {
    notify::Receiver receiver;
    t.read("name", receiver.name);
    t.tables("webhook_configs", [&](TableReader& w) {
      notify::WebhookConfig hook;
      read_lasting_secret(w, "url", context, hook.url, hook.url_file);
      check_url(w, "url", hook.url);
      w.read("send_resolved", hook.send_resolved);
      w.read("timeout", hook.timeout);
      w.read_count("max_alerts", hook.max_alerts);
      read_lasting_secret(w, "secret", context, hook.secret, hook.secret_file);
      receiver.webhook_configs.push_back(std::move(hook));
    });
    config.notify.receivers.push_back(std::move(receiver));
  });
}

}  // namespace

void read_notify(TableReader& root, Config& config, const Context& context) {
  root.table("route", [&](TableReader& t) { config.notify.route = read_route(t, 0); });
  read_receivers(root, config, context);
  read_alerting(root, config, context);
  root.tables("inhibit_rules", [&](TableReader& t) {
    notify::InhibitRule rule;
    t.read("source_matchers", rule.source_matchers);
    t.read("target_matchers", rule.target_matchers);
    t.read("equal", rule.equal);
    config.notify.inhibit_rules.push_back(std::move(rule));
  });
  if (root.has("route") || root.has("receivers")) {
    for (const std::string& problem : notify::check_config(config.notify)) {
      root.fail(root.has("route") ? "route" : "receivers", problem);
    }
  }
}

void read_remediations(TableReader& root, Config& config, const Context& context) {
  std::set<std::string> names;
  root.tables("remediations", [&](TableReader& t) {
    remediation::RemediationConfig r;
    r.line = t.line();
    t.read("name", r.name);
    if (!names.insert(r.name).second)
      t.fail("name", "remediation " + quote_go(r.name) + " is defined twice");
    t.read("matchers", r.matchers);
    std::string mode = "off";
    t.read_one_of("mode", mode, {"off", "dry_run", "approve", "auto"});
    using remediation::Mode;
    r.mode = mode == "auto"      ? Mode::kAuto
             : mode == "approve" ? Mode::kApprove
             : mode == "dry_run" ? Mode::kDryRun
                                 : Mode::kOff;
    t.read("trigger_after", r.trigger_after);
    t.read("precondition_expr", r.precondition_expr);
    if (!r.precondition_expr.empty())
      check_promql(t, "precondition_expr", r.precondition_expr, config);
    t.table("action", [&](TableReader& a) {
      a.table("webhook", [&](TableReader& w) {
        read_lasting_secret(w, "url", context, r.action.url, r.action.url_file);
        check_url(w, "url", r.action.url);
        w.read("timeout", r.action.timeout);
        read_lasting_secret(w, "secret", context, r.action.secret, r.action.secret_file);
      });
    });
    t.table("limits", [&](TableReader& l) {
      l.read("cooldown", r.limits.cooldown);
      l.read_count("max_per_hour", r.limits.max_per_hour);
      l.read_count("max_concurrent", r.limits.max_concurrent);
    });
    t.table("verify", [&](TableReader& v) {
      v.read("expr", r.verify.expr);
      if (!r.verify.expr.empty()) check_promql(v, "expr", r.verify.expr, config);
      v.read("for", r.verify.hold);
      v.read("timeout", r.verify.timeout);
      if (r.verify.timeout <= r.verify.hold)
        v.fail("timeout", "`timeout` must be longer than `for`");
    });
    t.table("on_failure", [&](TableReader& f) {
      f.read("receiver", r.on_failure_receiver);
      bool known = r.on_failure_receiver.empty();
      for (const auto& receiver : config.notify.receivers)
        known = known || receiver.name == r.on_failure_receiver;
      if (!known)
        f.fail("receiver",
               "`receiver` " + quote_go(r.on_failure_receiver) + " is not among [[receivers]]");
    });
    for (const std::string& problem : remediation::check_remediation(r, config.promql))
      t.fail("", problem);
    config.remediations.push_back(std::move(r));
  });
}

}  // namespace nines::config
