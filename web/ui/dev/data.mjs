// Made-up data with the shapes of docs/api.md: a shop with one bad hour.

export const now = () => Date.now() / 1000;
const kStart = now();
const kOutage = kStart - 5400;  // the shop broke an hour and a half ago
const kMinute = 60;

// Repeatable noise in [0, 1).
function noise(n) {
  const x = Math.sin(n * 12.9898) * 43758.5453;
  return x - Math.floor(x);
}

const kAlerting = [
  { long_seconds: 3600, short_seconds: 300, burn_rate: 14.4, severity: 'page' },
  { long_seconds: 21600, short_seconds: 1800, burn_rate: 6, severity: 'page' },
  { long_seconds: 86400, short_seconds: 7200, burn_rate: 3, severity: 'ticket' },
  { long_seconds: 259200, short_seconds: 21600, burn_rate: 1, severity: 'ticket' },
];

function slo(name, service, state, target, remaining, burn, extra = {}) {
  const valid = state === 'no_data' ? 0 : 18_402_113;
  const total = valid * (1 - target / 100);
  return {
    name, service, state, description: `Requests to ${service} are answered.`, target_percent: target,
    window_seconds: 30 * 86400, window_from: now() - 30 * 86400, window_to: now(),
    sli: valid ? 1 - (total * (1 - remaining)) / valid : 1, good: valid - total * (1 - remaining), valid, excluded: 1200,
    budget_total: total, budget_consumed: total * (1 - remaining), budget_remaining: remaining,
    burn_rates: state === 'no_data' ? {} : { '5m': burn * 1.3, '30m': burn * 1.1, '1h': burn, '2h': burn * 0.8, '6h': burn * 0.7, '1d': burn * 0.5, '3d': burn * 0.4 },
    exhaustion_seconds: burn > 0 && remaining > 0 ? (remaining * 30 * 86400) / burn : null,
    exhaustion_band: { soonest_seconds: burn > 0 && remaining > 0 ? (remaining * 30 * 86400) / burn / 2 : null, latest_seconds: null },
    unit: 'events', definition: name, objective: '', grouped: '', group: {},
    bad_minutes: state === 'no_data' ? 0 : 143,
    indicator: { type: 'ratio', counting: 'exact', good: `${service}_requests_total{status!~"5.."}`, total: `${service}_requests_total` },
    alerting: kAlerting, alerts_firing: 0, ...extra,
  };
}

export const slos = () => [
  slo('shop-availability', 'shop', 'breached', 99.9, -0.084, 16.2, { alerts_firing: 1 }),
  slo('checkout-latency', 'checkout', 'at_risk', 99.5, 0.181, 1.62),
  slo('login-availability', 'login', 'ok', 99.95, 0.634, 0.31),
  slo('search-availability', 'search', 'ok', 99.9, 0.912, 0.08, { exhaustion_seconds: null }),
  slo('nines-self', 'nines', 'ok', 99.9, 1, 0, { description: 'Scrapes and rule evaluations of nines succeed.' }),
  slo('batch-import', 'batch', 'no_data', 99, 1, 0),
];

const kLabels = { alertname: 'ShopDown', severity: 'page', job: 'shop', instance: 'http://127.0.0.1:8080/health', service: 'shop', slo: 'shop-availability' };
export const kEpisode = 'a1b2c3d4e5f60718-19a3f0c2d10';

export const incidents = () => [
  { episode: kEpisode, labels: kLabels, annotations: { summary: 'http://127.0.0.1:8080/health does not answer', runbook_url: 'https://example.org/runbooks/shop-down' }, started_at: kOutage, fired_at: kOutage + 30.2, resolved_at: null, state: 'firing' },
  { episode: 'bb02', labels: { alertname: 'DiskFillsUp', severity: 'ticket', instance: 'host-1', mountpoint: '/var' }, annotations: { summary: '/var on host-1 is full in four hours' }, started_at: kStart - 400, fired_at: null, resolved_at: null, state: 'pending' },
  { episode: 'cc03', labels: { alertname: 'ShopDown', severity: 'page', job: 'shop', instance: 'http://127.0.0.1:8080/health', service: 'shop', slo: 'shop-availability' }, annotations: { summary: 'http://127.0.0.1:8080/health does not answer' }, started_at: kStart - 3 * 86400, fired_at: kStart - 3 * 86400 + 30, resolved_at: kStart - 3 * 86400 + 1630, state: 'resolved' },
  { episode: 'dd04', labels: { alertname: 'CheckoutSlow', severity: 'ticket', job: 'checkout', service: 'checkout' }, annotations: { summary: 'A tenth of checkouts takes longer than 2 s' }, started_at: kStart - 6 * 86400, fired_at: kStart - 6 * 86400 + 300, resolved_at: kStart - 6 * 86400 + 7930, state: 'resolved' },
];

export const events = () => {
  const at = kOutage;
  return [
    [0, 'pending', 'probe_success{job="shop"} == 0 holds since now', { value: 0 }],
    [30.2, 'firing', 'The condition held for 30 s', { value: 0 }],
    [30.3, 'remediation_intent', 'restart-shop is about to POST http://127.0.0.1:8086/restart', { remediation: 'restart-shop', key: 'restart-shop:a1b2c3d4e5f60718:1' }],
    [30.4, 'remediation_started', 'POST http://127.0.0.1:8086/restart', { url: 'http://127.0.0.1:8086/restart', attempt: 1 }],
    [35.2, 'notified', 'oncall was told by webhook', { receiver: 'oncall', status: 200, attempt: 1, key: 'n-771' }],
    [44.9, 'remediation_outcome', 'HTTP 200 after 14.5 s', { status: 200, output: 'restarted shop-1, shop-2' }],
    [165, 'verify_failed', 'probe_success{job="shop"} == 1 did not hold within 2 min', { expr: 'probe_success{job="shop"} == 1' }],
    [165.4, 'escalated', 'The fix did not help: oncall was told', { receiver: 'oncall', reason: 'verify timed out' }],
    [166.1, 'notify_failed', 'oncall answered HTTP 503; the next attempt is in 5 s', { receiver: 'oncall', status: 503, attempt: 1 }],
    [171.2, 'notified', 'oncall was told by webhook', { receiver: 'oncall', status: 200, attempt: 2 }],
  ].map(([offset, kind, text, detail], index) => ({ id: index + 1, at: at + offset, kind, text, detail }));
};

export function budget(start, end, points) {
  const list = [];
  for (let n = 0; n < points; n++) {
    const t = start + ((n + 1) * (end - start)) / points;
    const worst = t > kOutage ? Math.min(1, (t - kOutage) / 5400) : 0;
    const week = t > kStart - 6 * 86400 ? 0.12 : 0;
    const three = t > kStart - 3 * 86400 ? 0.2 : 0;
    const bad = Math.abs(t - kOutage) < 7200 ? 5200 : Math.abs(t - (kStart - 3 * 86400)) < 7200 ? 3400 : Math.floor(noise(n) * 12);
    list.push({ t, good: 61340 - bad, bad, remaining: 0.83 - week - three - worst * 0.59 - 0.002 * Math.sin(n / 9) });
  }
  return list;
}

export function minutes(start, end) {
  const list = [];
  for (let t = Math.ceil(start / kMinute) * kMinute; t < end; t += kMinute) {
    const valid = 420 + Math.floor(noise(t) * 60);
    const outage = t >= kOutage - 60 && t < kOutage + 5400;
    const older = t > kStart - 3 * 86400 && t < kStart - 3 * 86400 + 1600;
    const bad = outage ? Math.floor(valid * 0.6) : older ? Math.floor(valid * 0.4) : noise(t / 60) > 0.997 ? 1 : 0;
    list.push({ t, good: valid - bad, valid, excluded: 0 });
  }
  return list;
}

export const targets = () => [
  { pool: 'node', kind: 'host', url: 'host', labels: { job: 'node', instance: 'host-1' }, health: 'up', last_error: '', body_start: '', last_samples: 412 },
  { pool: 'nines', kind: 'self', url: 'self', labels: { job: 'nines', instance: '127.0.0.1:9999' }, health: 'up', last_error: '', body_start: '', last_samples: 238 },
  { pool: 'api', kind: 'scrape', url: 'http://10.0.0.12:9100/metrics', labels: { job: 'api', instance: '10.0.0.12:9100', env: 'prod' }, health: 'up', last_error: '', body_start: '', last_samples: 1893 },
  { pool: 'api', kind: 'scrape', url: 'http://10.0.0.13:9100/metrics', labels: { job: 'api', instance: '10.0.0.13:9100', env: 'prod' }, health: 'down', last_error: 'line 7: expected a value after the label set', body_start: '# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\nhttp_requests_total{code="200"} <script>alert(1)</script>\n', last_samples: 0 },
  { pool: 'shop', kind: 'probe', url: 'http://127.0.0.1:8080/health', labels: { job: 'shop', instance: 'http://127.0.0.1:8080/health' }, health: 'down', last_error: 'connect to 127.0.0.1:8080: connection refused', body_start: '', last_samples: 8 },
  { pool: 'shop', kind: 'probe', url: 'http://127.0.0.1:8081/health', labels: { job: 'shop', instance: 'http://127.0.0.1:8081/health' }, health: 'unknown', last_error: '', body_start: '', last_samples: 0 },
].map((one) => ({ ...one, last_scrape: one.health === 'unknown' ? null : now() - 3.1, last_duration: one.health === 'unknown' ? 0 : 0.0123, interval: 5, timeout: 5 }));

export const tails = () => [
  { job: 'nginx', path: '/var/log/nginx/access.log', offset: 48_120_331, size: 48_120_331, lines: 412_331, rotations: 3, last_error: '', last_line: now() - 0.4 },
  { job: 'shop', path: '/var/log/shop/app.log', offset: 1_120_331, size: 1_300_000, lines: 9_331, rotations: 0, last_error: '', last_line: now() - 12 },
];

export const storage = () => ({
  path: '/var/lib/nines', budget_bytes: 10 * 2 ** 30, zero_filled_bytes: 6.2 * 2 ** 30, head_series: 12_431, head_groups: 9, series_max: 1_000_000,
  series_refused: 0, samples_appended: 913_342_121, log_lines_appended: 421_662, damaged_segments: 1,
  damage: ['segment 17, frame at 1048576: checksum does not match; 61440 bytes left out'], recovery_seconds: 0.31,
  classes: [
    { name: 'journal', segments: 8, segments_used: 8, bytes: 2 ** 29, bytes_used: 2 ** 29, oldest: now() - 5200, newest: now() - 1, bytes_per_second: 21_000, projected_retention_seconds: 25_000 },
    { name: 'raw', segments: 112, segments_used: 47, bytes: 7 * 2 ** 30, bytes_used: 2.9 * 2 ** 30, oldest: now() - 13 * 86400, newest: now() - 900, bytes_per_second: 2_700, projected_retention_seconds: 31 * 86400 },
    { name: 'logs', segments: 40, segments_used: 3, bytes: 2.5 * 2 ** 30, bytes_used: 0.15 * 2 ** 30, oldest: now() - 86400, newest: now() - 2, bytes_per_second: 0, projected_retention_seconds: null },
  ],
});

let stopped = false;
export const setStopped = (value) => { stopped = value; };
export const remediations = () => ({
  stopped,
  remediations: [
    { name: 'restart-shop', mode: 'auto', matchers: ['alertname="ShopDown"'], running: 0, runs_last_hour: 1, last_reason: 'cooldown: 3 min 12 s left' },
    { name: 'clean-var', mode: 'dry_run', matchers: ['alertname="DiskFillsUp"', 'mountpoint=~"/var.*"'], running: 0, runs_last_hour: 0, last_reason: '' },
  ],
  runs: [
    { id: 3, remediation: 'restart-shop', episode: kEpisode, target: 'http://127.0.0.1:8080/health', state: 'failed', intent_at: kOutage + 30.3, acted_at: kOutage + 44.9, finished_at: kOutage + 165, action_status: 200, output: 'restarted shop-1, shop-2', reason: 'verification did not hold within 2 min', idempotency_key: 'k3' },
    { id: 2, remediation: 'restart-shop', episode: 'cc03', target: 'http://127.0.0.1:8080/health', state: 'verified', intent_at: kStart - 3 * 86400 + 31, acted_at: kStart - 3 * 86400 + 36, finished_at: kStart - 3 * 86400 + 52, action_status: 200, output: 'restarted shop-1', reason: '', idempotency_key: 'k2' },
    { id: 1, remediation: 'clean-var', episode: 'bb02', target: 'host-1', state: 'skipped', intent_at: kStart - 300, acted_at: null, finished_at: kStart - 300, action_status: 0, output: '', reason: 'dry run: would POST http://127.0.0.1:8086/clean', idempotency_key: 'k1' },
  ],
});

export const deliveries = () => [
  { id: 9, receiver: 'oncall', group_key: '{alertname="ShopDown", service="shop"}', state: 'delivered', resolved: false, attempts: 1, queued_at: kOutage + 35, next_attempt_at: null, delivered_at: kOutage + 35.2, last_error: '', idempotency_key: 'n-771' },
  { id: 8, receiver: 'tickets', group_key: '{alertname="DiskFillsUp"}', state: 'queued', resolved: false, attempts: 3, queued_at: now() - 60, next_attempt_at: now() + 12, delivered_at: null, last_error: 'HTTP 503', idempotency_key: 'n-770' },
];

export const overview = () => ({
  version: '0.1.0', started_at: kStart - 90_000, now: now(), targets: { up: 3, down: 2, unknown: 1 }, alerts: { firing: 1, pending: 1 },
  slos: slos().slice(0, 5), incidents: incidents(), deliveries: { queued: 1, given_up: 0 }, paging_configured: false,
  remediation: { stopped, running: 0, configured: 2 }, storage: storage(),
  host: { cpu_busy_ratio: 0.231, memory_used_ratio: 0.612, filesystem_used_ratio: 0.874, load1: 1.42 }, reload: { ok: true, error: '', at: kStart - 3600 },
});

export const config = () => ({
  file: '/etc/nines/nines.toml', reload: { ok: true, error: '', at: kStart - 3600 },
  toml: '[global]\nscrape_interval = "15s"\n\n[[receivers]]\nname = "oncall"\nwebhook_configs = [{ url = "<secret>" }]\n',
});

const iso = (at) => new Date(at * 1000).toISOString();
export const rules = (type) => {
  const last = { lastEvaluation: iso(now() - 4), evaluationTime: 0.0008, health: 'ok' };
  const groups = [
    { name: 'shop', file: 'rules/shop.toml', interval: 15, ...last, rules: [
      { type: 'alerting', name: 'ShopDown', query: 'probe_success{job="shop"} == 0', duration: 30, labels: { severity: 'page' }, annotations: {}, state: 'firing', ...last,
        alerts: [{ labels: kLabels, annotations: incidents()[0].annotations, state: 'firing', activeAt: iso(kOutage), value: '0e+00' }] },
      { type: 'alerting', name: 'CheckoutSlow', query: 'histogram_quantile(0.9, sum by (le) (rate(checkout_seconds_bucket[5m]))) > 2', duration: 300, labels: { severity: 'ticket' }, annotations: {}, state: 'inactive', alerts: [], ...last },
      { type: 'recording', name: 'shop:requests:rate5m', query: 'sum by (status) (rate(shop_requests_total[5m]))', ...last, evaluationTime: 0.0123 },
    ] },
    { name: 'host', file: 'built-in', interval: 15, ...last, rules: [
      { type: 'alerting', name: 'DiskFillsUp', query: 'predict_linear(node_filesystem_avail_bytes[1h], 4 * 3600) < 0', duration: 600, labels: { severity: 'ticket' }, annotations: {}, state: 'pending', ...last,
        alerts: [{ labels: incidents()[1].labels, annotations: incidents()[1].annotations, state: 'pending', activeAt: iso(kStart - 400), value: '-1.2e+08' }] },
      { type: 'alerting', name: 'TargetDown', query: 'up == 0', duration: 60, labels: { severity: 'ticket' }, annotations: {}, state: 'inactive', alerts: [], ...last, health: 'err', lastError: 'vector cannot contain metrics with the same labelset' },
    ] },
  ];
  return { groups: type === 'alert' ? groups.map((group) => ({ ...group, rules: group.rules.filter((rule) => rule.type === 'alerting') })) : groups };
};

export function matrix(query, start, end, step) {
  const many = /by|node_cpu|requests_total/.test(query);
  const names = many ? ['200', '404', '500', '503'] : [''];
  return names.map((status, index) => ({
    metric: many ? { __name__: query.startsWith('rate') || query.startsWith('sum') ? undefined : 'shop_requests_total', job: 'shop', instance: '127.0.0.1:8080', status } : { job: 'shop' },
    values: Array.from({ length: Math.floor((end - start) / step) + 1 }, (_unused, n) => {
      const at = start + n * step;
      const base = /^1 - /.test(query) ? 0.3 : 42 / (index + 1);
      return [at, String(base * (1 + 0.3 * Math.sin(at / 700 + index) + 0.2 * noise(Math.floor(at / step) + index)))];
    }).filter(([at]) => index !== 3 || at > kOutage),
  }));
}

export const kMetrics = ['up', 'probe_success', 'probe_duration_seconds', 'node_cpu_seconds_total', 'node_load1', 'node_memory_MemAvailable_bytes', 'node_memory_MemTotal_bytes', 'node_filesystem_avail_bytes', 'shop_requests_total', 'checkout_seconds_bucket', 'checkout_seconds_count', 'nines_samples_appended_total'];

export function lines(start, end, limit) {
  const list = [];
  for (let n = 0; n < limit; n++) {
    const at = end - n * Math.max(0.7, (end - start) / 3000) - noise(n) * 0.5;
    if (at < start) break;
    const bad = noise(n + 7) > 0.9;
    const text = bad
      ? `level=error msg="upstream did not answer" upstream=10.0.0.${n % 9} path=/cart?id=${n} <img src=x onerror=alert(1)>`
      : n % 7 === 0 ? `WARN cache is ${80 + (n % 20)} % full` : `10.0.3.${n % 250} - - "GET /product/${n * 31 % 977} HTTP/1.1" ${n % 11 ? 200 : 404} ${300 + n * 7 % 9000}`;
    list.push({ at, text, job: bad || n % 7 === 0 ? 'shop' : 'nginx' });
  }
  return list;
}

export const silences = [{
  id: '6c9f6a5e-6d5c-4c4b-9f39-2a5e3b1c0d77', status: { state: 'active' }, matchers: [{ name: 'alertname', value: 'DiskFillsUp', isRegex: false, isEqual: true }],
  startsAt: iso(kStart - 600), endsAt: iso(kStart + 5000), updatedAt: iso(kStart - 600), createdBy: 'Lin', comment: 'a bigger disk is on its way',
}];

export const alerts = () => ({ alerts: rules('alert').groups.flatMap((group) => group.rules).flatMap((rule) => rule.alerts ?? []) });

// Who works on what, and what people did about it; kept while the server runs.
const acknowledgements = new Map();
const deeds = [];
export const acknowledged = (episode) => acknowledgements.get(episode) ?? null;
export const deedsOf = (episode) => deeds.filter((one) => one.episode === episode);
export function acknowledge(episode, body) {
  const text = body ? `${body.by} works on ShopDown: ${body.comment ?? ''}` : 'the acknowledgement was withdrawn';
  deeds.push({ episode, id: 1000 + deeds.length, at: now(), kind: body ? 'acknowledged' : 'unacknowledged', text, detail: body ? { by: body.by } : {} });
  if (body) acknowledgements.set(episode, { by: body.by, comment: body.comment ?? '', at: now(), expires_at: null });
  else acknowledgements.delete(episode);
  return acknowledged(episode);
}

const span = (from, seconds) => ({ from, to: from + seconds });
const kEffects = ['silence', 'slo_exclude', 'no_remediation'];
const added = [{
  name: 'new-disks', matchers: ['service="db"', 'severity!="page"'], starts_at: '2026-01-05 09:30:00', time_zone: 'Asia/Shanghai', duration: '2h', effects: ['silence'],
  comment: 'bigger disks for the database', created_by: 'Lin', source: 'added', active: true, window: span(kStart - 900, 7200), upcoming: [],
}];
export const maintenance = () => [{
  name: 'weekly-db', matchers: ['service="db"'], starts_at: '2026-01-04 02:00:00', time_zone: 'Europe/Berlin', duration: '1h30m', rrule: 'FREQ=WEEKLY;BYDAY=SU', effects: kEffects,
  comment: 'backups to tape', source: 'configuration', active: false, window: span(kStart + 200_000, 5400), upcoming: [1, 2, 3, 4, 5].map((n) => span(kStart + 200_000 + n * 7 * 86400, 5400)),
}, ...added];
export function planMaintenance(body) {
  if (body.duration.endsWith('s')) return [400, { error: 'the duration must be whole minutes, from 1m to 366d, not 30s' }];
  const upcoming = body.rrule ? [1, 2, 3, 4, 5].map((n) => span(now() + n * 86400, 5400)) : [];
  added.push({ effects: kEffects, ...body, source: 'added', active: true, window: span(now() - 1, 5400), upcoming });
  return [200, added.at(-1)];
}
export function endMaintenance(name) {
  const found = added.find((one) => one.name === name);
  if (!found) return [404, { error: `there is no maintenance "${name}"` }];
  Object.assign(found, { active: false, window: null, upcoming: [], ended_at: iso(now()) });
  return [200, found];
}
