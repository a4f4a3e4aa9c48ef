// The first look: how bad is it, where, and since when.

import { bytes, count, duration, number, percent } from '../core/format';
import { t } from '../core/i18n';
import { prom } from '../core/api';
import { useLive } from '../core/live';
import type { Overview, QueryResult, Series } from '../core/types';
import { Ago, Card, Empty, exploreHref, Meter, PageHead, Pill, State, Tile, Waiting, Banner, type Tone } from '../ui/bits';
import { Icon, type IconName } from '../ui/icons';
import { kOverviewUrl } from '../ui/shell';
import { Spark } from '../ui/spark';
import { IncidentRows, mostUrgentFirst } from './incident_rows';
import { className } from './ring_classes';
import { BudgetBar } from './slo_bits';

interface Verdict {
  tone: Tone;
  icon: IconName;
  title: string;
  parts: string[];
}

export function verdict(o: Overview): Verdict {
  const breached = o.slos.filter((slo) => slo.state === 'breached').length;
  const risk = o.slos.filter((slo) => slo.state === 'at_risk').length;
  const blind = o.slos.filter((slo) => slo.state === 'no_data').length;
  const all = o.targets.up + o.targets.down + o.targets.unknown;
  const parts: string[] = [];
  if (o.alerts.firing > 0) parts.push(t('verdict.firing', { n: o.alerts.firing }));
  if (o.alerts.pending > 0) parts.push(t('verdict.pending', { n: o.alerts.pending }));
  if (breached > 0) parts.push(t('verdict.breached', { n: breached }));
  if (risk > 0) parts.push(t('verdict.risk', { n: risk }));
  if (blind > 0) parts.push(t('verdict.no_data', { n: blind }));
  if (o.deliveries.given_up > 0) parts.push(t('verdict.given_up', { n: o.deliveries.given_up }));
  if (all > 0) parts.push(t('verdict.targets', { up: o.targets.up, n: all }));
  if (o.alerts.firing > 0 || breached > 0) return { tone: 'bad', icon: 'stop', title: t('verdict.bad'), parts };
  if (o.alerts.pending + risk + o.targets.down + o.deliveries.given_up > 0) return { tone: 'warn', icon: 'warn', title: t('verdict.warn'), parts };
  if (all === o.targets.unknown) return { tone: 'none', icon: 'none', title: t('verdict.unknown'), parts };
  if (blind > 0) return { tone: 'none', icon: 'none', title: t('verdict.partly'), parts };
  return { tone: 'ok', icon: 'check', title: t('verdict.ok'), parts };
}

function VerdictLine({ overview }: { overview: Overview }) {
  const v = verdict(overview);
  return (
    <div class={`verdict tone-${v.tone}`}>
      <Icon name={v.icon} size={28} />
      <div>
        <h1>{v.title}</h1>
        <p>{v.parts.join(t('list.join'))}{v.parts.length > 0 && t('list.stop')}</p>
      </div>
    </div>
  );
}

const kIncidentsShown = 6;  // more than a screen of them is the Incidents page's

const kHost = [
  { key: 'cpu_busy_ratio', label: 'host.cpu', query: '1 - avg(rate(node_cpu_seconds_total{mode="idle"}[1m]))' },
  { key: 'memory_used_ratio', label: 'host.memory', query: '1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes' },
  { key: 'filesystem_used_ratio', label: 'host.disk', query: '1 - min(node_filesystem_avail_bytes / node_filesystem_size_bytes)' },
  { key: 'load1', label: 'host.load', query: 'node_load1' },
] as const;

async function history(query: string, abort: AbortSignal): Promise<number[]> {
  const end = Math.floor(Date.now() / 30000) * 30;
  const answer = await prom<QueryResult>('/api/v1/query_range', { query, start: end - 3600, end, step: 60 }, abort);
  const first = (answer.result as Series[])[0];
  return (first?.values ?? []).map(([, value]) => Number(value)).filter(Number.isFinite);
}

function HostTile({ place, value }: { place: (typeof kHost)[number]; value: number | null }) {
  const past = useLive(`spark:${place.key}`, { interval: 30_000, fetcher: (abort) => history(place.query, abort) });
  const ratio = place.key !== 'load1';
  const tone: Tone | undefined = ratio && value !== null ? (value > 0.95 ? 'bad' : value > 0.85 ? 'warn' : undefined) : undefined;
  return (
    <a class="tile-link" href={exploreHref(place.query)}>
      <Tile label={t(place.label)} value={ratio ? percent(value, 1) : number(value)} {...(tone ? { tone } : {})}>
        <Spark values={past.data ?? []} label={t('host.hour')} {...(ratio ? { max: 1 } : {})} />
      </Tile>
    </a>
  );
}

function RingCard({ overview }: { overview: Overview }) {
  const { storage } = overview;
  const used = storage.classes.reduce((sum, one) => sum + one.bytes_used, 0);
  const share = storage.budget_bytes ? used / storage.budget_bytes : 0;
  return (
    <Card title={t('ring.title')} aside={<a href="/status">{t('more')}</a>}>
      <p class="split">
        <span>{t('ring.of', { used: bytes(used), all: bytes(storage.budget_bytes) })}</span>
        <b class="num">{percent(share, 1)}</b>
      </p>
      <Meter ratio={share} label={t('ring.fill', { p: percent(share, 1) })} />
      <dl class="facts">
        {storage.classes.map((one) => (
          <div key={one.name}>
            <dt>{t('ring.keeps', { name: className(one.name) })}</dt>
            <dd>{one.projected_retention_seconds ? duration(one.projected_retention_seconds) : t('ring.unknown')}</dd>
          </div>
        ))}
        <div>
          <dt>{t('ring.series')}</dt>
          <dd class="num">{count(storage.head_series)}</dd>
        </div>
      </dl>
      {storage.damaged_segments > 0 && <Banner tone="warn">{t('ring.damaged', { n: storage.damaged_segments })}</Banner>}
    </Card>
  );
}

function SystemCard({ overview }: { overview: Overview }) {
  const { targets, deliveries, remediation } = overview;
  return (
    <Card title={t('system.title')}>
      <dl class="facts">
        <div>
          <dt><a href="/targets">{t('nav.targets')}</a></dt>
          <dd>
            <State of="up" text={t('targets.up_n', { n: targets.up })} />{' '}
            {targets.down > 0 && <State of="down" text={t('targets.down_n', { n: targets.down })} />}{' '}
            {targets.unknown > 0 && <State of="unknown" text={t('targets.unknown_n', { n: targets.unknown })} />}
          </dd>
        </div>
        <div>
          <dt><a href="/status">{t('deliveries.title')}</a></dt>
          <dd>
            {deliveries.queued + deliveries.given_up === 0 ? <State of="ok" text={t('deliveries.none')} /> : null}
            {deliveries.queued > 0 && <State of="queued" text={t('deliveries.queued_n', { n: deliveries.queued })} />}{' '}
            {deliveries.given_up > 0 && <State of="given_up" text={t('deliveries.given_up_n', { n: deliveries.given_up })} />}
          </dd>
        </div>
        <div>
          <dt><a href="/remediation">{t('nav.remediation')}</a></dt>
          <dd>{remediation.stopped ? <Pill tone="warn">{t('kill.short')}</Pill> : t('remediation.summary', { n: remediation.configured, running: remediation.running })}</dd>
        </div>
        <div>
          <dt>{t('system.running')}</dt>
          <dd>{duration(overview.now - overview.started_at)}</dd>
        </div>
      </dl>
    </Card>
  );
}

function Budgets({ overview }: { overview: Overview }) {
  return (
    <Card title={t('overview.budgets')} aside={<a href="/slos">{t('all')}</a>} flush>
      {overview.slos.length === 0 ? (
        <Empty title={t('slos.empty')}>{t('slos.empty_hint')} <code>[[slos]]</code></Empty>
      ) : (
        <ul class="rows">
          {overview.slos.map((slo) => (
            <li key={slo.name}>
              <a class="row budget-row" href={`/slos/${encodeURIComponent(slo.name)}`}>
                <span class="row-main">
                  <b>{slo.name}</b>
                  <span class="muted">{slo.service}</span>
                </span>
                <State of={slo.state} />
                <BudgetBar slo={slo} />
              </a>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Incidents({ overview }: { overview: Overview }) {
  return (
    <Card title={t('overview.incidents')} aside={<a href="/incidents">{t('all')}</a>} flush>
      {overview.incidents.length === 0 ? <Empty title={t('incidents.empty')} /> : <IncidentRows incidents={mostUrgentFirst(overview.incidents).slice(0, kIncidentsShown)} />}
    </Card>
  );
}

export function OverviewPage() {
  const live = useLive<Overview>(kOverviewUrl);
  const overview = live.data;
  if (!overview) return <><PageHead title={t('nav.overview')} /><Waiting data={overview} error={live.error} /></>;
  const burning = overview.incidents.some((incident) => incident.state === 'firing');  // then it comes first
  const host = overview.host && (
    <div class="tiles">
      {kHost.map((place) => <HostTile key={place.key} place={place} value={overview.host?.[place.key] ?? null} />)}
    </div>
  );
  return (
    <>
      <VerdictLine overview={overview} />
      {!overview.paging_configured && (
        <Banner tone="warn" icon="mail">
          <strong>{t('paging.none')}</strong> {t('paging.how')} <code>[[receivers]]</code>
        </Banner>
      )}
      {!burning && host}
      <div class="columns">
        <div class="column wide">
          {burning && <Incidents overview={overview} />}
          {!burning && <Budgets overview={overview} />}
          {!burning && <Incidents overview={overview} />}
        </div>
        <div class="column">
          {burning && <Budgets overview={overview} />}
          <SystemCard overview={overview} />
          <RingCard overview={overview} />
        </div>
      </div>
      {burning && host}
      <p class="muted foot">{t('updated')} <Ago at={live.at / 1000} /></p>
    </>
  );
}
