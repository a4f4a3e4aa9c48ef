// One incident, from the first sign to the last.

import { useState } from 'preact/hooks';
import { clockTime, dateTime, duration } from '../core/format';
import { t } from '../core/i18n';
import { now } from '../core/clock';
import { prom } from '../core/api';
import { useLive } from '../core/live';
import { href } from '../core/router';
import type { Acknowledgement, Incident, IncidentEvent, RuleGroup } from '../core/types';
import { Card, Empty, ErrorBox, exploreHref, incidentTitle, LabelList, PageHead, QueryLink, State, Tile, Waiting } from '../ui/bits';
import { Icon } from '../ui/icons';
import { AcknowledgeDialog, AcknowledgedBy } from './acknowledge';
import { eventSentence } from './event_text';
import { incidentSeconds, Severity } from './incident_rows';
import { eventWord, lookOf, Timeline } from './timeline';

interface Answer {
  incident: Incident;
  acknowledged: Acknowledgement | null;
  events: IncidentEvent[];
}

function detailText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function Detail({ detail }: { detail: IncidentEvent['detail'] }) {
  const entries = Object.entries(detail ?? {}).filter(([name, value]) => value !== '' && value !== null && !(name === 'status' && value === 0))  // 0: not answered yet;
  if (entries.length === 0) return null;
  return (
    <dl class="detail">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="mono wrap">{detailText(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Events({ incident, events }: Pick<Answer, 'incident' | 'events'>) {
  const zero = incident.fired_at ?? incident.started_at ?? events[0]?.at ?? 0;
  return (
    <ol class="events">
      {events.map((event) => {
        const look = lookOf(event.kind);
        const offset = event.at - zero;
        return (
          <li key={event.id}>
            <span class="event-time">
              <time class="num" dateTime={new Date(event.at * 1000).toISOString()} title={dateTime(event.at)}>{clockTime(event.at, true)}</time>
              <span class="muted num">{Math.abs(offset) < 0.0005 ? '±0' : `${offset < 0 ? '−' : '+'}${duration(Math.abs(offset))}`}</span>
            </span>
            <span class={`state tone-${look.tone}`}><Icon name={look.icon} /> <span>{eventWord(event.kind)}</span></span>
            <div class="event-text">
              {event.text && <p>{eventSentence(event)}</p>}
              <Detail detail={event.detail} />
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function Tiles({ incident, events }: Pick<Answer, 'incident' | 'events'>) {
  const fired = incident.fired_at;
  const page = events.find((event) => event.kind === 'notified');
  return (
    <div class="tiles">
      <Tile label={t('incident.pending_for')} value={duration((fired ?? incident.resolved_at ?? now.value) - (incident.started_at ?? 0))} note={dateTime(incident.started_at)} />
      <Tile label={t('incident.to_page')} value={fired && page ? duration(Math.max(0, page.at - fired)) : '–'} note={page ? dateTime(page.at) : t('incident.no_page')} {...(fired && !page ? { tone: 'warn' as const } : {})} />
      <Tile label={t('incident.to_resolve')} value={fired && incident.resolved_at ? duration(incident.resolved_at - fired) : '–'} note={incident.resolved_at ? dateTime(incident.resolved_at) : t('incident.open')} />
      <Tile label={t('incident.total')} value={duration(incidentSeconds(incident))} />
    </div>
  );
}

export function IncidentPage({ name }: { name: string }) {
  const live = useLive<Answer>(`/api/nines/v1/incidents/${encodeURIComponent(name)}`);
  const rules = useLive('rules:alert', { interval: 60_000, fetcher: (abort) => prom<{ groups: RuleGroup[] }>('/api/v1/rules', { type: 'alert' }, abort) });
  const [asking, setAsking] = useState(false);
  if (!live.data) return <><PageHead title={t('incident.title')} /><Waiting data={live.data} error={live.error} /></>;
  const { incident, events, acknowledged } = live.data;
  const from = Math.floor((incident.started_at ?? now.value) - 900);
  const to = incident.resolved_at ? String(Math.ceil(incident.resolved_at + 900)) : 'now';
  const alertname = incident.labels['alertname'];
  const rule = rules.data?.groups.flatMap((group) => group.rules).find((one) => one.name === alertname);
  const slo = incident.labels['slo'] ?? incident.labels['sloth_slo'];
  return (
    <>
      <PageHead title={<>{incidentTitle(incident.labels)} <Severity labels={incident.labels} /></>} sub={<><State of={incident.state} /> <span>{incident.annotations['summary'] ?? ''}</span></>}>
        {incident.state === 'firing' && !acknowledged && <button type="button" class="button primary" onClick={() => setAsking(true)}>{t('ack.do')}</button>}
        {rule && <a class="button" href={exploreHref(rule.query, from, to)}>{t('alert.query')}</a>}
        <a class="button" href={href('/logs', { from: String(from), to })}>{t('nav.logs')}</a>
        {slo && <a class="button" href={`/slos/${encodeURIComponent(slo)}`}>SLO</a>}
      </PageHead>
      {live.error && <ErrorBox text={live.error} />}
      {asking && <AcknowledgeDialog episode={incident.episode} onClose={() => setAsking(false)} onDone={() => { setAsking(false); live.reload(); }} />}
      {acknowledged && <p role="status"><AcknowledgedBy episode={incident.episode} ack={acknowledged} onDone={live.reload} /></p>}
      <Tiles incident={incident} events={events} />
      <Card title={t('timeline.title')}><Timeline incident={incident} events={events} /></Card>
      <Card title={t('events.title')} flush>{events.length === 0 ? <Empty title={t('events.empty')} /> : <Events incident={incident} events={events} />}</Card>
      <Card title={t('incident.about')}>
        <dl class="facts wide">
          <div><dt>{t('labels')}</dt><dd><LabelList labels={incident.labels} /></dd></div>
          {Object.entries(incident.annotations).map(([key, value]) => <div key={key}><dt>{key}</dt><dd>{value}</dd></div>)}
          {rule && <div><dt>{t('alert.query')}</dt><dd><QueryLink query={rule.query} from={from} to={to} /></dd></div>}
          <div><dt>{t('incident.episode')}</dt><dd class="mono wrap">{incident.episode}</dd></div>
        </dl>
      </Card>
    </>
  );
}
