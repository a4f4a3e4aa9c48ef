// Incidents as rows of a list, on the overview, on their own page and beside an SLO.

import { duration } from '../core/format';
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
              <LabelList labels={incident.labels} skip={['alertname', 'severity']} />
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
