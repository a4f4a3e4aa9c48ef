// What the server answers: docs/api.md, and the parts of Prometheus's, Alertmanager's and Loki's APIs in use.

export type Labels = Record<string, string>;
export type Time = number | null;  // seconds since the epoch

export type SloState = 'ok' | 'at_risk' | 'breached' | 'no_data';
export interface BurnWindow {
  long_seconds: number;
  short_seconds: number;
  burn_rate: number;
  severity: string;
}
export interface Slo {
  name: string;
  service: string;
  description: string;
  state: SloState;
  target_percent: number;
  window_seconds: number;
  window_from: number;
  window_to: number;
  sli: number;
  good: number;
  valid: number;
  excluded: number;
  budget_total: number;
  budget_consumed: number;
  budget_remaining: number;
  burn_rates: Record<string, number | null>;
  exhaustion_seconds: number | null;
  bad_minutes: number;
  exhaustion_band: { soonest_seconds: number | null; latest_seconds: number | null };
  unit: 'events' | 'minutes' | 'slices';
  definition: string;
  objective: string;
  grouped: string; // of one group: the SLO that is split
  group: Labels;
  indicator: {
    type: string;
    counting: 'exact' | 'interpolated';
    interpolation?: string;
    good?: string;
    bad?: string;
    total: string;
    method?: string;
    members?: { slo: string; weight: number }[];
  };
  alerting: BurnWindow[];
  alerts_firing: number;
}
export interface GroupedSlo {
  name: string;
  service: string;
  group_by: string[];
  groups: number;
  max_groups: number;
  refused: number;
  refused_examples: string[];
}
export interface Contributors {
  slo: string;
  from: number;
  to: number;
  labels: { label: string; bad: number; values: { value: string; bad: number; valid: number; share: number; budget_share: number }[] }[];
}
export interface IncidentCost {
  incident: Incident;
  cost: { slo: string; bad: number; valid: number; share: number } | null;
}
export interface BudgetPoint {
  t: number;
  good: number;
  bad: number;
  remaining: number;
}
export interface Minute {
  t: number;
  good: number;
  valid: number;
  excluded: number;
}

export interface Incident {
  episode: string;
  labels: Labels;
  annotations: Labels;
  started_at: Time;
  fired_at: Time;
  resolved_at: Time;
  state: 'pending' | 'firing' | 'resolved';
  acknowledged: Acknowledgement | null;
}
export interface Acknowledgement {
  by: string;
  comment: string;
  at: number;
  expires_at: Time;
}
export interface IncidentEvent {
  id: number;
  at: number;
  kind: string;
  text: string;
  detail: Record<string, unknown> | null;
}

export interface Delivery {
  id: number;
  receiver: string;
  group_key: string;
  state: 'queued' | 'delivered' | 'given_up';
  resolved: boolean;
  attempts: number;
  queued_at: Time;
  next_attempt_at: Time;
  delivered_at: Time;
  last_error: string;
  idempotency_key: string;
}

export interface Remediation {
  name: string;
  mode: string;
  matchers: string[];
  running: number;
  runs_last_hour: number;
  last_reason: string;
}
export interface Run {
  id: number;
  remediation: string;
  episode: string;
  target: string;
  state: 'intent' | 'acted' | 'verified' | 'failed' | 'unknown' | 'skipped';
  intent_at: Time;
  acted_at: Time;
  finished_at: Time;
  action_status: number;
  output: string;
  reason: string;
  idempotency_key: string;
}
export interface Remediations {
  stopped: boolean;
  remediations: Remediation[];
  runs: Run[];
}

export interface Target {
  pool: string;
  kind: 'scrape' | 'probe' | 'host' | 'self';
  url: string;
  labels: Labels;
  health: 'up' | 'down' | 'unknown';
  last_error: string;
  body_start: string;
  last_scrape: Time;
  last_duration: number;
  last_samples: number;
  interval: number;
  timeout: number;
}
export interface Tail {
  job: string;
  path: string;
  offset: number;
  size: number;
  lines: number;
  rotations: number;
  last_error: string;
  last_line: Time;
}

export interface RingClass {
  name: string;
  segments: number;
  segments_used: number;
  bytes: number;
  bytes_used: number;
  oldest: Time;
  newest: Time;
  bytes_per_second: number;
  projected_retention_seconds: number | null;
}
export interface Storage {
  path: string;
  budget_bytes: number;
  zero_filled_bytes: number;
  head_series: number;
  head_groups: number;
  series_max: number;
  series_refused: number;
  samples_appended: number;
  log_lines_appended: number;
  damaged_segments: number;
  damage: string[];
  recovery_seconds: number;
  classes: RingClass[];
}
export interface Reload {
  ok: boolean;
  error: string;
  at: Time;
}
export interface Overview {
  version: string;
  started_at: number;
  now: number;
  targets: { up: number; down: number; unknown: number };
  alerts: { firing: number; pending: number };
  slos: Slo[];
  incidents: Incident[];
  deliveries: { queued: number; given_up: number };
  paging_configured: boolean;
  remediation: { stopped: boolean; running: number; configured: number };
  storage: Storage;
  host: {
    cpu_busy_ratio: number | null;
    memory_used_ratio: number | null;
    filesystem_used_ratio: number | null;
    load1: number | null;
  } | null;
  reload: Reload;
}
export interface Config {
  file: string;
  toml: string;
  reload: Reload;
}

export interface PromAlert {
  labels: Labels;
  annotations: Labels;
  state: 'firing' | 'pending' | 'inactive';
  activeAt: string;
  value: string;
}
export interface PromRule {
  type: 'alerting' | 'recording';
  name: string;
  query: string;
  duration?: number;
  keepFiringFor?: number;
  labels?: Labels;
  annotations?: Labels;
  state?: 'firing' | 'pending' | 'inactive';
  alerts?: PromAlert[];
  health: string;
  lastError?: string;
  lastEvaluation: string;
  evaluationTime: number;
}
export interface RuleGroup {
  name: string;
  file: string;
  interval: number;
  lastEvaluation: string;
  evaluationTime: number;
  rules: PromRule[];
}

export type Sample = [number, string];
export interface Series {
  metric: Labels;
  values?: Sample[];
  value?: Sample;
}
export type QueryResult =
  | { resultType: 'matrix' | 'vector'; result: Series[] }
  | { resultType: 'scalar' | 'string'; result: Sample };

export interface Silence {
  id: string;
  status: { state: 'active' | 'pending' | 'expired' };
  matchers: { name: string; value: string; isRegex: boolean; isEqual?: boolean }[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
}

export interface Span {
  from: number;
  to: number;
}
export interface Maintenance {
  name: string;
  matchers: string[];
  starts_at: string;  // on the clock of time_zone
  time_zone: string;
  duration: string;
  rrule?: string;
  rdate?: string[];
  exdate?: string[];
  effects: string[];
  comment?: string;
  created_by?: string;
  ended_at?: string;
  source: 'configuration' | 'added';
  active: boolean;
  window: Span | null;  // the one that lasts, or the next
  upcoming: Span[];     // those after it
}

export interface LogStream {
  stream: Labels;
  values: [string, string, ...unknown[]][];
}
export type LogResult =
  | { resultType: 'streams'; result: LogStream[] }
  | { resultType: 'matrix' | 'vector'; result: Series[] };
