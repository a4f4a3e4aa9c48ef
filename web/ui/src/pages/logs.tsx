// Read the logs, newest first.

import { useState } from 'preact/hooks';
import { request, ApiError } from '../core/api';
import { clockTime, count, dateTime, duration } from '../core/format';
import { t } from '../core/i18n';
import { useLive } from '../core/live';
import { autoStep, bounds, useRange } from '../core/range';
import { param, setParams } from '../core/router';
import type { Labels, LogResult, Tail } from '../core/types';
import { Card, Empty, Loading, PageHead } from '../ui/bits';
import { Chart } from '../ui/chart';
import { Check, Choice, RangePicker } from '../ui/controls';
import { QueryBox, QueryError } from './query_box';

const kLimits = ['100', '500', '1000', '5000'] as const;
const kRefresh = ['0', '2', '5', '15'] as const;
export const kAllLogs = '{job=~".+"}';

export interface Line {
  ns: string;
  at: number;
  text: string;
  labels: Labels;
  level: string;
}

const kLevels: readonly (readonly [string, RegExp])[] = [
  ['error', /\b(?:error|err|fatal|panic|critical|crit|emerg|alert)\b/i],
  ['warn', /\b(?:warn|warning)\b/i],
  ['info', /\b(?:info|notice)\b/i],
  ['debug', /\b(?:debug|trace)\b/i],
];

function levelIn(text: string): string {
  return kLevels.find(([, pattern]) => pattern.test(text))?.[0] ?? '';
}

// What the labels say; else the first part of the line, where loggers put it.
export function levelOf(labels: Labels, text: string): string {
  const named = labels['level'] ?? labels['detected_level'] ?? labels['severity'];
  return named ? levelIn(named) : levelIn(text.slice(0, 160));
}

async function readLines(query: string, start: number, end: number, limit: string, abort: AbortSignal): Promise<Line[]> {
  const url = new URLSearchParams({ query, start: `${Math.floor(start * 1000)}000000`, end: `${Math.ceil(end * 1000)}000000`, limit, direction: 'backward' });
  const answer = await request<{ data: LogResult }>(`/loki/api/v1/query_range?${url}`, { signal: abort });
  if (answer.data.resultType !== 'streams') throw new ApiError(t('logs.metric_query'), 422);
  const lines = answer.data.result.flatMap((stream) => stream.values.map(([ns, text]): Line => ({ ns, at: Number(ns) / 1e9, text, labels: stream.stream, level: levelOf(stream.stream, text) })));
  return lines.sort((a, b) => (a.ns.length === b.ns.length ? (a.ns < b.ns ? 1 : a.ns > b.ns ? -1 : 0) : b.ns.length - a.ns.length));
}

interface Volume {
  times: number[];
  values: number[];
  step: number;
}

async function readVolume(query: string, start: number, end: number, abort: AbortSignal): Promise<Volume | null> {
  if (!query.trim().startsWith('{')) return null;
  const step = Math.max(1, autoStep(start, end, 60));
  const from = Math.floor(start / step) * step + step;
  const to = Math.ceil(end / step) * step;
  const url = new URLSearchParams({ query: `sum(count_over_time(${query} [${step}s]))`, start: String(from), end: String(to), step: String(step) });
  const answer = await request<{ data: LogResult }>(`/loki/api/v1/query_range?${url}`, { signal: abort });
  if (answer.data.resultType !== 'matrix') return null;
  const found = new Map((answer.data.result[0]?.values ?? []).map(([at, value]) => [Math.round(at), Number(value)]));
  const times: number[] = [];
  const values: number[] = [];
  for (let at = from; at <= to; at += step) {
    times.push(at - step);
    values.push(found.get(at) ?? 0);
  }
  return { times, values, step };
}

function Entry({ line, wrap, date, addFilter }: { line: Line; wrap: boolean; date: boolean; addFilter: (name: string, op: '=' | '!=', value: string) => void }) {
  const [open, setOpen] = useState(false);
  return (
    <li class={`log level-${line.level || 'none'}`}>
      <button type="button" class="log-line" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="log-time num">{date ? dateTime(line.at) : clockTime(line.at, true)}</span>
        <span class="log-level">{line.level ? t(`level.${line.level as 'info'}`) : ''}</span>
        <span class={`log-text${wrap ? ' wrap' : ''}`}>{line.text}</span>
      </button>
      {open && (
        <dl class="detail log-detail">
          <div><dt>{t('time')}</dt><dd class="mono">{dateTime(line.at)}.{line.ns.slice(-9)}</dd></div>
          {Object.entries(line.labels).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <span class="mono wrap">{value}</span>{' '}
                <button type="button" class="link-button" onClick={() => addFilter(name, '=', value)}>{t('logs.only')}</button>{' '}
                <button type="button" class="link-button" onClick={() => addFilter(name, '!=', value)}>{t('logs.not')}</button>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}

// Adds a matcher to the selector of a query.
export function addMatcher(query: string, name: string, op: '=' | '!=', value: string): string {
  const close = query.indexOf('}');
  if (!query.trim().startsWith('{') || close < 0) return query;
  const inside = query.slice(query.indexOf('{') + 1, close).trim();
  return `{${inside}${inside ? ', ' : ''}${name}${op}${JSON.stringify(value)}}${query.slice(close + 1)}`;
}

function Lines({ query, limit, refresh, wrap, level }: { query: string; limit: string; refresh: number; wrap: boolean; level: string }) {
  const range = useRange('now-1h');
  const key = `${query}:${range.from}:${range.to}`;
  const live = useLive(`lines:${key}:${limit}`, {
    interval: refresh * 1000,
    fetcher: async (abort) => {
      const { start, end } = bounds(range);
      return { start, end, lines: await readLines(query, start, end, limit, abort) };
    },
  });
  // Without a volume the page is still whole: an engine that refuses the query leaves the chart out.
  const volume = useLive(live.error ? null : `volume:${key}`, {
    interval: refresh ? Math.max(refresh, 10) * 1000 : 0,
    fetcher: (abort) => {
      const { start, end } = bounds(range);
      return readVolume(query, start, end, abort).catch(() => null);
    },
  });
  if (live.error) return <QueryError query={query} text={live.error} />;
  if (!live.data) return <Loading />;
  const { start, end, lines } = live.data;
  const shown = level ? lines.filter((line) => line.level === level) : lines;
  const volumeData = volume.data;
  return (
    <>
      {volumeData && volumeData.values.some((value) => value > 0) && (
        <Card>
          <Chart
            label={t('logs.volume')}
            times={volumeData.times}
            series={[{ label: t('logs.lines_per', { d: duration(volumeData.step) }), values: volumeData.values, kind: 'bars', colour: 'accent' }]}
            format={count}
            min={0}
            height={96}
            range={{ start, end }}
            onZoom={(a, b) => range.set(String(Math.floor(a)), String(Math.ceil(Math.max(b, a + 1))))}
          />
        </Card>
      )}
      <Card flush>
        {shown.length === 0 ? <Empty title={t('logs.nothing')}>{t('logs.nothing_hint')}</Empty> : (
          <ol class="log-list">
            {shown.map((line, index) => (
              <Entry key={`${line.ns}:${index}`} line={line} wrap={wrap} date={end - start > 43200} addFilter={(name, op, value) => setParams({ q: addMatcher(query, name, op, value) }, false)} />
            ))}
          </ol>
        )}
      </Card>
      <p class="muted foot">{t('logs.count', { n: shown.length })}{lines.length >= Number(limit) && ` ${t('logs.cut')}`}</p>
    </>
  );
}

export function LogsPage() {
  const query = param('q', kAllLogs);
  const limit = kLimits.find((one) => one === param('limit')) ?? '500';
  const refresh = kRefresh.find((one) => one === param('refresh')) ?? '0';
  const level = param('level');
  const wrap = param('wrap', '1') === '1';
  const range = useRange('now-1h');
  const tails = useLive<{ tails: Tail[] }>('/api/nines/v1/tails', { interval: 60_000 });
  const jobs = [...new Set((tails.data?.tails ?? []).map((tail) => tail.job))];
  return (
    <>
      <PageHead title={t('nav.logs')}>
        <RangePicker range={range} set={range.set} />
        <Choice label={t('refresh')} value={refresh} options={kRefresh.map((one) => [one, one === '0' ? t('refresh.off') : duration(Number(one))] as const)} onChange={(next) => setParams({ refresh: next === '0' ? '' : next })} />
      </PageHead>
      <QueryBox kind="logql" label={t('logs.query')} value={query} example={'{job="nginx"} |= "error"'} onRun={(next) => setParams({ q: next }, false)} />
      <div class="bar">
        <Choice label={t('logs.level')} value={level} options={[['', t('all')], ...(['error', 'warn', 'info', 'debug'] as const).map((one) => [one, t(`level.${one}`)] as const)]} onChange={(next) => setParams({ level: next })} />
        <Choice label={t('logs.limit')} value={limit} options={kLimits.map((one) => [one, one] as const)} onChange={(next) => setParams({ limit: next === '500' ? '' : next })} />
        <Check label={t('logs.wrap')} checked={wrap} onChange={(next) => setParams({ wrap: next ? '' : '0' })} />
        {jobs.length > 0 && (
          <span class="chips">
            {jobs.slice(0, 12).map((job) => <a key={job} class="chip-link" href={`/logs?q=${encodeURIComponent(`{job=${JSON.stringify(job)}}`)}`}>{job}</a>)}
          </span>
        )}
      </div>
      <Lines key={query} query={query} limit={limit} refresh={Number(refresh)} wrap={wrap} level={level} />
    </>
  );
}
