// What is watched, and why what is down is down.

import { bytes, count, duration } from '../core/format';
import { t } from '../core/i18n';
import { useLive } from '../core/live';
import { parseFilter, passes } from '../core/matchers';
import { param, setParams } from '../core/router';
import type { Tail, Target } from '../core/types';
import { Ago, Card, Empty, exploreHref, LabelList, PageHead, Pill, State, Waiting } from '../ui/bits';
import { Check, SearchField } from '../ui/controls';
import { Table } from '../ui/table';

const kOrder = { down: 0, unknown: 1, up: 2 };

function Failure({ target }: { target: Target }) {
  if (!target.last_error) return null;
  return (
    <span class="sub">
      <span class="tone-bad wrap">{target.last_error}</span>
      {target.body_start && (
        <details>
          <summary>{t('targets.body')}</summary>
          <pre class="code">{target.body_start}</pre>
        </details>
      )}
    </span>
  );
}

function Tails({ tails }: { tails: Tail[] }) {
  return (
    <Table
      caption={t('tails.title')}
      name="tails"
      rows={tails}
      rowKey={(tail) => `${tail.job}:${tail.path}`}
      columns={[
        { key: 'path', label: t('tails.path'), main: true, sort: (tail) => tail.path, render: (tail) => <><a class="mono wrap" href={`/logs?q=${encodeURIComponent(`{job=${JSON.stringify(tail.job)}}`)}`}>{tail.path}</a>{tail.last_error && <span class="sub tone-bad">{tail.last_error}</span>}</> },
        { key: 'job', label: t('targets.pool'), sort: (tail) => tail.job, render: (tail) => tail.job },
        { key: 'read', label: t('tails.read'), right: true, sort: (tail) => tail.size - tail.offset, render: (tail) => <span class="num">{bytes(tail.offset)} / {bytes(tail.size)}</span> },
        { key: 'lines', label: t('tails.lines'), right: true, sort: (tail) => tail.lines, render: (tail) => <span class="num">{count(tail.lines)}</span> },
        { key: 'rotations', label: t('tails.rotations'), right: true, sort: (tail) => tail.rotations, render: (tail) => <span class="num">{count(tail.rotations)}</span> },
        { key: 'last', label: t('tails.last'), right: true, sort: (tail) => tail.last_line ?? 0, render: (tail) => (typeof tail.last_line === 'number' ? <Ago at={tail.last_line} /> : '–') },
      ]}
    />
  );
}

export function TargetsPage() {
  const live = useLive<{ targets: Target[] }>('/api/nines/v1/targets');
  const tails = useLive<{ tails: Tail[] }>('/api/nines/v1/tails');
  const filter = parseFilter(param('filter'));
  const onlySick = param('health') === 'down';
  const all = live.data?.targets ?? [];
  const found = all.filter((target) => passes(filter, { ...target.labels, pool: target.pool, kind: target.kind, health: target.health }, `${target.url} ${target.last_error}`));
  const rows = onlySick ? found.filter((target) => target.health !== 'up') : found;
  const n = (of: string) => all.filter((target) => target.health === of).length;
  return (
    <>
      <PageHead title={t('nav.targets')} sub={live.data && <><State of="up" text={t('targets.up_n', { n: n('up') })} /> <State of="down" text={t('targets.down_n', { n: n('down') })} /> <State of="unknown" text={t('targets.unknown_n', { n: n('unknown') })} /></>}>
        <SearchField label={t('targets.search')} hint='job="node" timeout' />
        <Check label={t('targets.only_sick')} checked={onlySick} onChange={(next) => setParams({ health: next ? 'down' : '' })} />
      </PageHead>
      {!live.data ? <Waiting data={live.data} error={live.error} /> : (
        <Card flush>
          <Table
            caption={t('nav.targets')}
            rows={rows}
            rowKey={(target) => `${target.pool}:${target.kind}:${target.url}:${JSON.stringify(target.labels)}`}
            initial="health"
            empty={all.length === 0 ? <Empty title={t('targets.empty')}>{t('targets.empty_hint')} <code>[[scrape_configs]]</code></Empty> : <Empty title={onlySick && n('up') === all.length ? t('targets.all_well') : t('filter.none')} />}
            columns={[
              { key: 'url', label: t('targets.target'), main: true, sort: (target) => target.url, render: (target) => (
                <>
                  <span class="mono wrap">{target.url}</span>
                  <LabelList labels={target.labels} />
                  <Failure target={target} />
                </>
              ) },
              { key: 'health', label: t('state'), sort: (target) => kOrder[target.health], render: (target) => <State of={target.health} /> },
              { key: 'pool', label: t('targets.pool'), sort: (target) => target.pool, render: (target) => <>{target.pool} <Pill>{target.kind}</Pill></> },
              { key: 'last', label: t('targets.last'), right: true, sort: (target) => target.last_scrape ?? 0, render: (target) => <Ago at={target.last_scrape} /> },
              { key: 'took', label: t('targets.took'), right: true, sort: (target) => target.last_duration, render: (target) => <span class={target.timeout > 0 && target.last_duration > 0.8 * target.timeout ? 'tone-bad strong' : ''} title={t('targets.limits', { i: duration(target.interval), o: duration(target.timeout) })}>{target.last_scrape ? duration(target.last_duration) : '–'}</span> },
              { key: 'samples', label: t('targets.samples'), right: true, sort: (target) => target.last_samples, render: (target) => <span class="num">{count(target.last_samples)}</span> },
              { key: 'look', label: t('look'), render: (target) => <a href={exploreHref(`${target.kind === 'probe' ? 'probe_success' : 'up'}{job=${JSON.stringify(target.labels['job'] ?? target.pool)}${target.labels['instance'] ? `, instance=${JSON.stringify(target.labels['instance'])}` : ''}}`)}>{t('targets.history')}</a> },
            ]}
          />
        </Card>
      )}
      {(tails.data?.tails.length ?? 0) > 0 && <Card title={t('tails.title')} flush><Tails tails={tails.data?.tails ?? []} /></Card>}
    </>
  );
}
