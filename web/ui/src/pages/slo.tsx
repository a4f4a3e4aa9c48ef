// One SLO: what is left, how fast it goes, and what ate it.

import { count, dateTime, duration, number, percent, promDuration, sliPercent } from '../core/format';
import { t } from '../core/i18n';
import { request } from '../core/api';
import { useLive } from '../core/live';
import { bounds, useRange, type Range } from '../core/range';
import type { BudgetPoint, BurnWindow, Contributors, Incident, IncidentCost, Minute, Slo } from '../core/types';
import { Banner, Card, Empty, exploreHref, PageHead, Pill, QueryLink, State, Tile, toneOf, Waiting, When } from '../ui/bits';
import { Chart } from '../ui/chart';
import { RangePicker } from '../ui/controls';
import { Table } from '../ui/table';
import { IncidentRows } from './incident_rows';
import { BudgetBar, burnWindows } from './slo_bits';

// Before the first event there is no budget to speak of: a gap, not 100 %. Nothing when there is none at all.
function counted(points: BudgetPoint[]): (Omit<BudgetPoint, 'remaining'> & { remaining: number | null })[] {
  const first = points.findIndex((point) => point.good + point.bad > 0 || point.remaining !== 1);
  return first < 0 ? [] : points.map((point, index) => (index < first ? { ...point, remaining: null } : point));
}

function wholeWindow(slo: Slo): string {
  return `now-${promDuration(slo.window_seconds)}`;
}

const kPoints = 240;    // of the budget's line
const kShortest = 600;  // seconds: below this a line is noise
const kMinutesMax = 7 * 86400;  // minutes are asked for at most this far back

export interface BadSpan {
  from: number;
  to: number;
  bad: number;
  valid: number;
}

// Bad minutes that touch, or leave a gap of at most two, are one event for a person.
export function badSpans(minutes: Minute[]): BadSpan[] {
  const spans: BadSpan[] = [];
  for (const minute of minutes) {
    const bad = minute.valid - minute.good;
    if (bad <= 0) continue;
    const last = spans[spans.length - 1];
    if (last && minute.t - last.to <= 120) {
      last.to = minute.t + 60;
      last.bad += bad;
      last.valid += minute.valid;
    } else {
      spans.push({ from: minute.t, to: minute.t + 60, bad, valid: minute.valid });
    }
  }
  return spans;
}

// A share too small for its digits is not nothing.
function shareText(share: number): string {
  return share > 0 && share < 0.0005 ? `< ${percent(0.001, 1)}` : percent(share, 1);
}

// By the fastest and the slowest of the burn rates of an hour, six hours and a day.
function bandText(slo: Slo): string {
  const { soonest_seconds: soonest, latest_seconds: latest } = slo.exhaustion_band;
  if (soonest === null || soonest === 0 || soonest === latest) return '';
  return ` · ${t('slo.band', { a: duration(soonest), b: latest === null ? t('slo.never') : duration(latest) })}`;
}

function Tiles({ slo }: { slo: Slo }) {
  const none = slo.state === 'no_data';
  const hour = slo.burn_rates['1h'];
  return (
    <div class="tiles three">
      <Tile label={t('slo.sli')} value={none ? '–' : sliPercent(slo.sli, slo.target_percent)} note={t('slo.against', { p: `${slo.target_percent} %`, w: duration(slo.window_seconds) })} tone={toneOf(slo.state)} />
      <Tile
        label={t('slo.remaining')}
        value={none ? '–' : percent(slo.budget_remaining, 1)}
        note={none ? t('slo.no_events') : t('slo.consumed', { bad: count(slo.budget_consumed), all: number(slo.budget_total, 4) })}
        tone={toneOf(slo.state)}
      >
        <BudgetBar slo={slo} />
      </Tile>
      <Tile
        label={t('slo.ends')}
        value={none ? '–' : slo.state === 'breached' ? t('slo.gone') : slo.exhaustion_seconds === null ? t('slo.never') : duration(slo.exhaustion_seconds)}
        note={hour === undefined || hour === null ? t('slo.burn_unknown') : `${t('slo.burn_now', { x: number(hour) })}${bandText(slo)}`}
        tone={hour !== undefined && hour !== null && hour > 1 ? 'warn' : toneOf(slo.state)}
      />
    </div>
  );
}

function BudgetChart({ slo, range, incidents, set }: { slo: Slo; range: Range; incidents: Incident[]; set: (from: string, to: string) => void }) {
  const whole = range.from === wholeWindow(slo) && range.to === 'now';
  const path = `/api/nines/v1/slos/${encodeURIComponent(slo.name)}/budget`;
  const live = useLive(`budget:${slo.name}:${range.from}:${range.to}`, {
    interval: 30_000,
    fetcher: async (abort) => {
      const b = bounds(range);
      const start = Math.floor(b.start);
      const end = Math.ceil(b.end);
      const ask = async (from: number) => counted((await request<{ points: BudgetPoint[] }>(`${path}?start=${from}&end=${end}&points=${kPoints}`, { signal: abort })).points);
      // A young SLO would be a hair at the right edge: come closer until its beginning is in sight.
      let begin = start;
      let points = await ask(begin);
      for (let look = 0; whole && look < 3; look++) {
        const first = points.find((point) => point.remaining !== null)?.t ?? begin;
        const next = Math.floor(Math.min(first - (end - begin) / kPoints, end - kShortest));
        if (next - begin < (end - begin) / 2) break;
        begin = next;
        points = await ask(begin);
      }
      return { start: begin, end, points };
    },
  });
  const data = live.data;
  if (!data) return <Waiting data={data} error={live.error} />;
  if (data.points.length === 0) return <Empty title={t('slo.no_points')}>{t('slo.no_points_hint')}</Empty>;
  const times = data.points.map((point) => point.t);
  const zoom = (a: number, b: number) => set(String(Math.round(a)), String(Math.round(b)));
  const bands = incidents.map((one) => ({ from: one.started_at ?? data.start, to: one.resolved_at ?? data.end, label: one.episode, colour: 'bad' }));
  const x = { start: data.start, end: data.end };
  return (
    <>
      <Chart
        label={t('slo.chart_budget', { name: slo.name })}
        times={times}
        series={[{ label: t('slo.remaining'), values: data.points.map((point) => point.remaining), kind: 'area', colour: 'accent' }]}
        format={(value) => percent(value, 2)}
        axisFormat={(value) => `${Number((value * 100).toFixed(2))} %`}
        thresholds={[{ value: 0, label: t('slo.line_spent'), colour: 'bad' }, { value: 0.25, label: t('slo.line_risk'), colour: 'warn' }]}
        bands={bands}
        range={x}
        onZoom={zoom}
      />
      <Chart
        label={t('slo.chart_bad', { name: slo.name })}
        times={times}
        series={[{ label: t('slo.bad_events'), values: data.points.map((point) => point.bad), kind: 'bars', colour: 'bad' }]}
        format={count}
        min={0}
        height={120}
        bands={bands}
        range={x}
        onZoom={zoom}
      />
      {data.start > bounds(range).start + 60 && <p class="muted">{t('slo.since_first', { w: duration(slo.window_seconds) })}</p>}
    </>
  );
}

// The pair of windows of an alert; a rate that the server did not compute is a dash, not a zero.
function BurnTable({ slo }: { slo: Slo }) {
  const rate = (seconds: number) => slo.burn_rates[promDuration(seconds)];
  const show = (seconds: number, limit: number) => {
    const value = rate(seconds);
    if (value === undefined || value === null) return '–';
    return <span class={`num${value > limit ? ' tone-bad strong' : ''}`}>{number(value)}×</span>;
  };
  const state = (row: BurnWindow) => {
    const long = rate(row.long_seconds);
    const short = rate(row.short_seconds);
    if (slo.state === 'no_data' || long === undefined || long === null) return 'no_data';
    if (long > row.burn_rate && short !== undefined && short !== null && short > row.burn_rate) return 'firing';
    return long > row.burn_rate ? 'pending' : 'ok';
  };
  if (slo.alerting.length === 0) return <Empty title={t('slo.no_alerting')} />;
  return (
    <Table
      caption={t('slo.burn_title')}
      name="burn"
      rows={slo.alerting}
      rowKey={(row) => `${row.long_seconds}:${row.short_seconds}`}
      columns={[
        { key: 'window', label: t('slo.windows'), main: true, render: (row) => `${promDuration(row.long_seconds)} + ${promDuration(row.short_seconds)}` },
        { key: 'severity', label: t('severity'), render: (row) => <Pill tone={row.severity === 'page' ? 'bad' : 'warn'}>{row.severity}</Pill> },
        { key: 'limit', label: t('slo.threshold'), right: true, render: (row) => <span class="num">{number(row.burn_rate)}×</span> },
        { key: 'long', label: t('slo.long'), right: true, render: (row) => show(row.long_seconds, row.burn_rate) },
        { key: 'short', label: t('slo.short'), right: true, render: (row) => show(row.short_seconds, row.burn_rate) },
        { key: 'state', label: t('state'), render: (row) => {
          const of = state(row);
          return <State of={of} {...(of === 'pending' ? { text: t('slo.long_only') } : {})} />;
        } },
      ]}
    />
  );
}

// What to look at in the metrics; nothing for log lines and composites.
function queryOf(slo: Slo): string {
  const { type, total } = slo.indicator;
  if (type === 'logs' || type === 'composite' || !total) return '';
  if (type === 'threshold' || type === 'boolean' || type === 'probe') return total;
  if (type === 'latency_native') return `histogram_quantile(0.99, sum(rate(${total}[1m])))`;
  if (type === 'latency') return '';
  return `sum(rate(${total}[1m]))`;
}

function BadMinutes({ slo, range, incidents }: { slo: Slo; range: Range; incidents: Incident[] }) {
  const path = `/api/nines/v1/slos/${encodeURIComponent(slo.name)}/minutes`;
  const live = useLive(`minutes:${slo.name}:${range.from}:${range.to}`, {
    interval: 60_000,
    fetcher: async (abort) => {
      const { start, end } = bounds(range);
      const from = Math.floor(Math.max(start, end - kMinutesMax));
      const answer = await request<{ minutes: Minute[] }>(`${path}?start=${from}&end=${Math.ceil(end)}`, { signal: abort });
      return { cut: from > start + 60, spans: badSpans(answer.minutes) };
    },
  });
  if (!live.data) return <Waiting data={live.data} error={live.error} />;
  const during = (span: BadSpan) => incidents.filter((one) => (one.started_at ?? 0) < span.to && (one.resolved_at ?? Infinity) > span.from);
  return (
    <>
      {live.data.cut && <p class="muted pad">{t('slo.minutes_cut')}</p>}
      <Table
        caption={t('slo.bad_minutes')}
        name="spans"
        page={10}
        initial="-bad"
        rows={live.data.spans}
        rowKey={(span) => span.from}
        empty={<Empty title={t('slo.no_bad_minutes')} />}
        columns={[
          { key: 'from', label: t('range.from'), main: true, sort: (span) => span.from, render: (span) => <When at={span.from} /> },
          { key: 'long', label: t('duration'), right: true, sort: (span) => span.to - span.from, render: (span) => duration(span.to - span.from) },
          { key: 'bad', label: t('slo.bad_events'), right: true, sort: (span) => span.bad, render: (span) => <span class="num">{count(span.bad)} / {count(span.valid)}</span> },
          { key: 'share', label: t('slo.share'), right: true, sort: (span) => span.bad, render: (span) => <b class="num">{slo.budget_total > 0 ? shareText(span.bad / slo.budget_total) : '–'}</b> },
          { key: 'incident', label: t('slo.during'), render: (span) => during(span).slice(0, 3).map((one) => (
            <a class="chip-link" key={one.episode} href={`/incidents/${encodeURIComponent(one.episode)}`}>{one.labels['alertname'] ?? one.episode}</a>
          )) },
          { key: 'look', label: t('look'), render: (span) => (
            <span class="button-row">
              {queryOf(slo) && <a href={exploreHref(queryOf(slo), span.from - 600, span.to + 600)}>{t('nav.metrics')}</a>}
              <a href={`/logs?from=${span.from - 60}&to=${span.to + 60}`}>{t('nav.logs')}</a>
            </span>
          ) },
        ]}
      />
    </>
  );
}

function Contributed({ slo }: { slo: Slo }) {
  const live = useLive<Contributors>(`/api/nines/v1/contributors?slo=${encodeURIComponent(slo.name)}`, { interval: 60_000 });
  if (!live.data) return <Waiting data={live.data} error={live.error} />;
  const rows = live.data.labels.flatMap((one) => one.values.map((value) => ({ label: one.label, ...value })));
  return (
    <Table
      caption={t('slo.contributors')}
      name="contributors"
      page={10}
      rows={rows}
      rowKey={(row) => `${row.label}=${row.value}`}
      empty={<Empty title={t('slo.no_bad_minutes')} />}
      columns={[
        { key: 'label', label: t('slo.label'), sort: (row) => row.label, render: (row) => <code>{row.label}</code> },
        { key: 'value', label: t('slo.value'), main: true, sort: (row) => row.value, render: (row) => row.value || '–' },
        { key: 'bad', label: t('slo.bad_events'), right: true, sort: (row) => row.bad, render: (row) => <span class="num">{count(row.bad)} / {count(row.valid)}</span> },
        { key: 'share', label: t('slo.of_bad'), right: true, sort: (row) => row.share, render: (row) => <span class="num">{shareText(row.share)}</span> },
        { key: 'budget', label: t('slo.share'), right: true, sort: (row) => row.budget_share, render: (row) => <b class="num">{shareText(row.budget_share)}</b> },
      ]}
    />
  );
}

// What the budget lost while each incident was on.
function Costs({ slo }: { slo: Slo }) {
  const live = useLive<{ incidents: IncidentCost[] }>(`/api/nines/v1/slos/${encodeURIComponent(slo.name)}/incidents?limit=100`, { interval: 15_000 });
  const rows = (live.data?.incidents ?? []).filter((one) => one.cost !== null && one.cost.bad > 0);
  if (rows.length === 0) return null;
  return (
    <Table
      caption={t('slo.costs')}
      name="costs"
      page={10}
      initial="-bad"
      rows={rows}
      rowKey={(one) => one.incident.episode}
      columns={[
        { key: 'incident', label: t('alert.incident'), main: true, render: (one) => <a href={`/incidents/${encodeURIComponent(one.incident.episode)}`}>{one.incident.labels['alertname'] ?? one.incident.episode}</a> },
        { key: 'from', label: t('range.from'), sort: (one) => one.incident.started_at ?? 0, render: (one) => (one.incident.started_at === null ? '–' : <When at={one.incident.started_at} />) },
        { key: 'bad', label: t('slo.bad_events'), right: true, sort: (one) => one.cost?.bad ?? 0, render: (one) => <span class="num">{count(one.cost?.bad ?? 0)}</span> },
        { key: 'share', label: t('slo.share'), right: true, sort: (one) => one.cost?.share ?? 0, render: (one) => <b class="num">{shareText(one.cost?.share ?? 0)}</b> },
      ]}
    />
  );
}

function Indicator({ slo }: { slo: Slo }) {
  const { type, members, method, good, bad, total } = slo.indicator;
  if (members) {
    return (
      <div><dt>{t('slo.members')}</dt><dd>{method} · {members.map((one) => (
        <><a key={one.slo} href={`/slos/${encodeURIComponent(one.slo)}`}>{one.slo}</a> ×{number(one.weight)} </>
      ))}</dd></div>
    );
  }
  const window = promDuration(slo.window_seconds);
  const part = good ?? bad ?? '';
  const ratio = `sum(increase(${part}[${window}])) / sum(increase(${total}[${window}]))`;
  const isQuery = type !== 'logs';
  return (
    <>
      {part && <div><dt>{good ? t('slo.good_query') : t('slo.bad_query')}</dt><dd>{isQuery ? <QueryLink query={part} /> : <code>{part}</code>}</dd></div>}
      <div><dt>{t('slo.total_query')}</dt><dd>{isQuery ? <QueryLink query={total} /> : <code>{total}</code>}</dd></div>
      {type === 'ratio' && <div><dt>{t('slo.sli_query')}</dt><dd><QueryLink query={good ? ratio : `1 - ${ratio}`} /></dd></div>}
    </>
  );
}

function Definition({ slo }: { slo: Slo }) {
  return (
    <dl class="facts wide">
      {slo.description && <div><dt>{t('description')}</dt><dd>{slo.description}</dd></div>}
      {slo.grouped && <div><dt>{t('slo.grouped')}</dt><dd><a href={`/slos?filter=${encodeURIComponent(slo.grouped)}`}>{slo.grouped}</a></dd></div>}
      <div><dt>{t('slo.indicator')}</dt><dd>{slo.indicator.type} · {t(`slo.${slo.indicator.counting}`)} {slo.indicator.interpolation && <span class="muted">{slo.indicator.interpolation}</span>}</dd></div>
      <Indicator slo={slo} />
      <div><dt>{t('slo.target')}</dt><dd>{slo.objective && `${slo.objective} · `}{slo.target_percent} % · {t('slo.rolling', { w: duration(slo.window_seconds) })}</dd></div>
      <div><dt>{t('slo.window')}</dt><dd class="num">{dateTime(slo.window_from)} – {dateTime(slo.window_to)}</dd></div>
      <div><dt>{t('slo.events')}</dt><dd class="num">{t('slo.events_n', { good: count(slo.good), valid: count(slo.valid), excluded: count(slo.excluded) })}</dd></div>
      <div><dt>{t('slo.bad_minutes')}</dt><dd class="num">{count(slo.bad_minutes)}</dd></div>
      <div><dt>{t('slo.burn_rates')}</dt><dd class="num">{burnWindows(slo).map(([name, value]) => `${name} ${value === null ? '–' : `${number(value)}×`}`).join(' · ') || '–'}</dd></div>
    </dl>
  );
}

export function SloPage({ name }: { name: string }) {
  const live = useLive<Slo>(`/api/nines/v1/slos/${encodeURIComponent(name)}`);
  const log = useLive<{ incidents: Incident[] }>('/api/nines/v1/incidents?limit=200', { interval: 15_000 });
  const slo = live.data;
  const range = useRange(slo ? wholeWindow(slo) : 'now-30d');
  if (!slo) return <><PageHead title={name} /><Waiting data={slo} error={live.error} /></>;
  const { start, end } = bounds(range);
  const overlapping = (log.data?.incidents ?? []).filter((one) => (one.started_at ?? 0) < end && (one.resolved_at ?? Infinity) > start);
  const mine = overlapping.filter((one) => Object.values(one.labels).includes(slo.name) || (slo.service !== '' && one.labels['service'] === slo.service));
  const others = overlapping.filter((one) => !mine.includes(one));
  return (
    <>
      <PageHead title={slo.name} sub={<><State of={slo.state} /> {slo.service && <span>{slo.service}</span>} {slo.alerts_firing > 0 && <a href={`/alerts?filter=${encodeURIComponent(slo.name)}`}><Pill tone="bad">{t('slo.firing', { n: slo.alerts_firing })}</Pill></a>}</>}>
        <RangePicker range={range} set={range.set} extra={[[wholeWindow(slo), t('slo.whole_window', { w: duration(slo.window_seconds) })]]} />
      </PageHead>
      {slo.state === 'no_data' && <Banner tone="none">{t('slo.no_data_hint')} {slo.indicator.total && slo.indicator.type !== 'logs' && <QueryLink query={slo.indicator.total} />}</Banner>}
      <Tiles slo={slo} />
      <Card title={t('slo.burn_down')}>
        <BudgetChart slo={slo} range={range} incidents={mine} set={range.set} />
        <p class="muted">{t('slo.rolling_hint')}</p>
      </Card>
      <Card title={t('slo.what_ate')} flush><BadMinutes slo={slo} range={range} incidents={mine} /></Card>
      {slo.budget_consumed > 0 && slo.indicator.type !== 'composite' && <Card title={t('slo.contributors')} flush><Contributed slo={slo} /></Card>}
      <Card title={t('slo.burn_title')} flush><BurnTable slo={slo} /></Card>
      <Card title={t('slo.incidents')} flush>
        <Costs slo={slo} />
        {mine.length === 0 ? <Empty title={t('slo.no_incidents')} /> : <IncidentRows incidents={mine} />}
        {others.length > 0 && (
          <details class="pad">
            <summary>{t('slo.other_incidents', { n: others.length })}</summary>
            <IncidentRows incidents={others.slice(0, 50)} />
          </details>
        )}
      </Card>
      <Card title={t('slo.definition')}><Definition slo={slo} /></Card>
    </>
  );
}
