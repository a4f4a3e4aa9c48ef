// Incidents as rows of a list, on the overview, on their own page and beside an SLO.

import { dateTime, duration } from '../core/format';
import { t } from '../core/i18n';
import { now } from '../core/clock';
import type { Incident } from '../core/types';
import { Ago, incidentTitle, LabelList, Pill, State } from '../ui/bits';

export function incidentSeconds(incident: Incident): number {
  return (incident.resolved_at ?? now.value) - (incident.started_at ?? now.value);
}

export function Severity({ labels }: { labels: Record<string, string> }) {
  const severity = labels['severity'];
  if (!severity) return null;
  const bad = severity === 'page' || severity === 'critical';
  return <Pill tone={bad ? 'bad' : severity === 'ticket' || severity === 'warning' ? 'warn' : 'none'}>{severity}</Pill>;
}

// Who works on it already, so that nobody else starts.
export function AcknowledgedNote({ incident }: { incident: Incident }) {
  const ack = incident.acknowledged;
  if (!ack) return null;
  const until = ack.expires_at === null ? '' : ` ${t('ack.until', { at: dateTime(ack.expires_at) })}`;
  return <span class="acknowledged">{t('ack.by', { who: ack.by, at: dateTime(ack.at) })}{until}{ack.comment && `: ${ack.comment}`}</span>;
}

const kStateOrder: Record<string, number> = { firing: 0, pending: 1 };
const kSeverityOrder: Record<string, number> = { page: 0, critical: 0, ticket: 1, warning: 1 };

// What wakes somebody stands above what can wait; the newest first among equals.
export function mostUrgentFirst(incidents: Incident[]): Incident[] {
  const rank = (one: Incident) => (kStateOrder[one.state] ?? 2) * 10 + (one.state === 'resolved' ? 0 : kSeverityOrder[one.labels['severity'] ?? ''] ?? 2);
  const at = (one: Incident) => one.fired_at ?? one.started_at ?? 0;
  return [...incidents].sort((a, b) => rank(a) - rank(b) || at(b) - at(a));
}

// Said by the title, or a second time for other tools.
const kSkip = ['alertname', 'severity', 'sloth_id', 'sloth_service', 'sloth_slo'];

export function IncidentRows({ incidents }: { incidents: Incident[] }) {
  return (
    <ul class="rows">
      {incidents.map((incident) => (
        <li key={incident.episode}>
          <a class="row incident-row" href={`/incidents/${encodeURIComponent(incident.episode)}`}>
            <State of={incident.state} />
            <span class="row-main">
              <span class="row-title"><b>{incidentTitle(incident.labels)}</b> <Severity labels={incident.labels} /></span>
              {incident.annotations['summary'] && <span class="muted">{incident.annotations['summary']}</span>}
              <AcknowledgedNote incident={incident} />
              <LabelList labels={incident.labels} skip={kSkip} />
            </span>
            <span class="row-end">
              <span><Ago at={incident.fired_at ?? incident.started_at} /></span>
              <span class="muted">{t('incident.lasted', { d: duration(Math.max(1, incidentSeconds(incident))) })}</span>
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}
