// Ask the metrics.

import { useState } from 'preact/hooks';
import { prom } from '../core/api';
import { count, dateTime, duration, number } from '../core/format';
import { t } from '../core/i18n';
import { useLive } from '../core/live';
import { seriesName } from '../core/matchers';
import { autoStep, bounds, parseDuration, useRange } from '../core/range';
import { param, setParams } from '../core/router';
import type { Labels, QueryResult, Sample, Series } from '../core/types';
import { Banner, Card, Empty, Loading, PageHead, LabelList } from '../ui/bits';
import { Chart, Swatch } from '../ui/chart';
import { Choice, RangePicker, Tabs } from '../ui/controls';
import { kPromFunctions } from './promql_words';
import { QueryBox, QueryError } from './query_box';

const kSeriesDrawn = 100;
const kNamesShown = 1000;  // of metrics, in the list to browse: more are found by typing
const kSteps = ['auto', '5s', '15s', '1m', '5m', '15m', '1h', '6h'] as const;
const kRefresh = ['0', '5', '15', '60'] as const;

interface Grid {
  times: number[];
  rows: { metric: Labels; values: (number | null)[] }[];
}

// All series on the same times; a time without a sample is a gap.
function grid(series: Series[], start: number, end: number, step: number): Grid {
  const first = series.reduce((least, one) => Math.min(least, one.values?.[0]?.[0] ?? Infinity), Infinity);
  if (!Number.isFinite(first)) return { times: [], rows: [] };
  const base = first - Math.floor((first - start) / step) * step;
  const n = Math.floor((end - base) / step + 1e-6) + 1;
  const times = Array.from({ length: n }, (_unused, index) => base + index * step);
  const rows = series.map((one) => {
    const values: (number | null)[] = new Array<number | null>(n).fill(null);
    for (const [at, text] of one.values ?? []) {
      const value = Number(text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : text);
      values[Math.round((at - base) / step)] = Number.isFinite(value) ? value : null;
    }
    return { metric: one.metric, values };
  });
  return { times, rows };
}

function sharedLabels(list: Labels[]): Labels {
  const shared: Labels = { ...list[0] };
  for (const labels of list) for (const name of Object.keys(shared)) if (labels[name] !== shared[name]) delete shared[name];
  return list.length > 1 ? shared : {};
}

function without(labels: Labels, shared: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !(name in shared)));
}

interface Stat {
  min: number;
  max: number;
  mean: number;
  last: number;
}
function stats(values: (number | null)[]): Stat | null {
  const present = values.filter((value): value is number => value !== null);
  if (present.length === 0) return null;
  let min = Infinity, max = -Infinity, sum = 0;
  for (const value of present) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  return { min, max, mean: sum / present.length, last: present[present.length - 1] ?? NaN };
}

function Legend({ data, only, setOnly }: { data: Grid; only: number | null; setOnly: (index: number | null) => void }) {
  const shared = sharedLabels(data.rows.map((row) => row.metric));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('explore.legend')}>
      {Object.keys(shared).length > 0 && <p class="pad muted">{t('explore.common')} <LabelList labels={shared} /></p>}
      <table class="table dense plain legend">
        <caption class="sr-only">{t('explore.legend')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('explore.series')}</th>
            <th scope="col" class="right">{t('stat.min')}</th>
            <th scope="col" class="right">{t('stat.mean')}</th>
            <th scope="col" class="right">{t('stat.max')}</th>
            <th scope="col" class="right">{t('stat.last')}</th>
          </tr>
        </thead>
        <tbody>
          {data.rows.map((row, index) => {
            const s = stats(row.values);
            const name = seriesName(without(row.metric, shared));
            return (
              <tr key={seriesName(row.metric)} class={only !== null && only !== index ? 'dim' : undefined}>
                <th scope="row">
                  <button type="button" class="legend-button mono" aria-pressed={only === index} onClick={() => setOnly(only === index ? null : index)}>
                    <Swatch index={index} /> <span class="wrap">{name === '{}' ? t('explore.no_labels') : name}</span>
                  </button>
                </th>
                {(['min', 'mean', 'max', 'last'] as const).map((key) => <td key={key} class="right num">{s ? number(s[key], 5) : '–'}</td>)}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Notes({ warnings, infos }: { warnings: string[]; infos: string[] }) {
  return (
    <>
      {warnings.map((text) => <Banner key={text} tone="warn"><span class="wrap">{text}</span></Banner>)}
      {infos.map((text) => <Banner key={text} tone="info"><span class="wrap">{text}</span></Banner>)}
    </>
  );
}

function Graph({ query, refresh }: { query: string; refresh: number }) {
  const range = useRange('now-1h');
  const step = param('step', 'auto');
  const [only, setOnly] = useState<number | null>(null);
  const live = useLive(`graph:${query}:${range.from}:${range.to}:${step}`, {
    interval: refresh * 1000,
    fetcher: async (abort) => {
      const began = performance.now();
      const b = bounds(range);
      const width = parseDuration(step) ?? autoStep(b.start, b.end);
      const start = Math.floor(b.start / width) * width;
      const end = Math.floor(b.end / width) * width;
      const answer = await prom<QueryResult>('/api/v1/query_range', { query, start, end, step: width }, abort);
      const series = answer.resultType === 'matrix' ? answer.result : [];
      return { ...grid(series.slice(0, kSeriesDrawn), start, end, width), total: series.length, start, end, step: width, warnings: answer.warnings, infos: answer.infos, took: (performance.now() - began) / 1000 };
    },
  });
  if (live.error) return <QueryError query={query} text={live.error} />;
  const data = live.data;
  if (!data) return <Loading />;
  return (
    <>
      <Notes warnings={data.warnings} infos={data.infos} />
      {data.rows.length === 0 ? <Card><Empty title={t('explore.nothing')}>{t('explore.nothing_hint')}</Empty></Card> : (
        <Card flush>
          <div class="pad">
            <Chart
              label={t('explore.chart', { q: query })}
              times={data.times}
              series={data.rows.map((row, index) => ({ label: seriesName(row.metric), values: row.values, hidden: only !== null && only !== index }))}
              range={{ start: data.start, end: data.end }}
              height={320}
              legend={false}
              onZoom={(a, b) => range.set(String(Math.round(a)), String(Math.round(Math.max(b, a + 5))))}
            />
          </div>
          <Legend data={data} only={only} setOnly={setOnly} />
        </Card>
      )}
      <p class="muted foot">
        {t('explore.stats', { n: count(data.total), step: duration(data.step), took: duration(data.took) })}
        {data.total > kSeriesDrawn && ` ${t('explore.cut', { n: kSeriesDrawn })}`}
      </p>
    </>
  );
}

function Instant({ query, refresh }: { query: string; refresh: number }) {
  const range = useRange('now-1h');
  const live = useLive(`instant:${query}:${range.to}`, {
    interval: refresh * 1000,
    fetcher: (abort) => prom<QueryResult>('/api/v1/query', { query, time: bounds(range).end.toFixed(3) }, abort),
  });
  if (live.error) return <QueryError query={query} text={live.error} />;
  const data = live.data;
  if (!data) return <Loading />;
  const single = data.resultType === 'scalar' || data.resultType === 'string';
  const rows = single ? [{ metric: {}, value: data.result as Sample }] as Series[] : (data.result as Series[]);
  return (
    <>
      <Notes warnings={data.warnings} infos={data.infos} />
      <Card flush>
        {rows.length === 0 ? <Empty title={t('explore.nothing')}>{t('explore.nothing_hint')}</Empty> : (
          <div class="scroll" tabIndex={0} role="region" aria-label={t('explore.table')}>
            <table class="table dense plain">
              <caption class="sr-only">{t('explore.table')}</caption>
              <thead><tr><th scope="col">{t('explore.series')}</th><th scope="col" class="right">{t('alert.value')}</th></tr></thead>
              <tbody>
                {rows.slice(0, 1000).map((row) => (
                  <tr key={seriesName(row.metric)}>
                    <th scope="row" class="mono wrap">{seriesName(row.metric)}</th>
                    <td class="right num">{row.value ? row.value[1] : (row.values ?? []).map(([at, value]) => `${value} @ ${dateTime(at)}`).slice(-10).join(', ')}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Card>
      <p class="muted foot">{t('explore.count', { n: rows.length })}</p>
    </>
  );
}

function Browse({ names, run }: { names: string[]; run: (query: string) => void }) {
  const [text, setText] = useState('');
  const shown = names.filter((name) => name.toLowerCase().includes(text.toLowerCase()));
  return (
    <Card title={t('explore.browse')} aside={<label class="field inline"><span class="sr-only">{t('explore.find_metric')}</span><input type="search" value={text} placeholder={t('explore.find_metric')} onInput={(event) => setText(event.currentTarget.value)} /></label>}>
      {shown.length === 0 ? <p class="muted">{t('explore.no_metrics')}</p> : (
        <>
          <div class="scroll" tabIndex={0} role="region" aria-label={t('explore.browse')}>
            <ul class="metric-list">
              {shown.slice(0, kNamesShown).map((name) => (
                <li key={name}><button type="button" class="link-button mono" onClick={() => run(/_total$|_count$|_sum$/.test(name) ? `rate(${name}[5m])` : name)}>{name}</button></li>
              ))}
            </ul>
          </div>
          {shown.length > kNamesShown && <p class="muted">{t('explore.names_cut', { n: count(kNamesShown), all: count(shown.length) })}</p>}
        </>
      )}
    </Card>
  );
}

export function ExplorePage() {
  const query = param('q') || param('g0.expr');  // Prometheus's own links say g0.expr
  const tab = param('tab') === 'table' ? 'table' : 'graph';
  const refresh = param('refresh', '0');
  const range = useRange('now-1h');
  const names = useLive('metric-names', { interval: 60_000, fetcher: (abort) => prom<string[]>('/api/v1/label/__name__/values', {}, abort) });
  const labels = useLive('label-names', { interval: 60_000, fetcher: (abort) => prom<string[]>('/api/v1/labels', {}, abort) });
  const labelNames = Array.isArray(labels.data) ? labels.data : [];
  const list = Array.isArray(names.data) ? names.data : [];
  const run = (next: string) => setParams({ q: next }, false);
  return (
    <>
      <PageHead title={t('nav.metrics')}>
        <RangePicker range={range} set={range.set} />
        <Choice label={t('explore.step')} value={param('step', 'auto')} options={kSteps.map((one) => [one, one === 'auto' ? t('auto') : one] as const)} onChange={(next) => setParams({ step: next === 'auto' ? '' : next })} />
        <Choice label={t('refresh')} value={refresh} options={kRefresh.map((one) => [one, one === '0' ? t('refresh.off') : duration(Number(one))] as const)} onChange={(next) => setParams({ refresh: next === '0' ? '' : next })} />
      </PageHead>
      <QueryBox kind="promql" label={t('explore.query')} value={query} names={[...new Set([...list, ...labelNames, ...kPromFunctions])]} example={'rate(node_cpu_seconds_total{mode!="idle"}[5m])'} onRun={run} />
      {query === '' ? <Browse names={list} run={run} /> : (
        <>
          <Tabs label={t('explore.view')} value={tab} options={[['graph', t('explore.graph')], ['table', t('explore.table')]]} onChange={(next) => setParams({ tab: next === 'graph' ? '' : next })} />
          {tab === 'graph' ? <Graph key={query} query={query} refresh={Number(refresh)} /> : <Instant query={query} refresh={Number(refresh)} />}
        </>
      )}
    </>
  );
}
