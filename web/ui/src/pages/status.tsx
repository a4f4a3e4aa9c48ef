// nines about itself: the ring, the queue of pages, the configuration.

import { bytes, count, dateTime, duration, percent } from '../core/format';
import { t } from '../core/i18n';
import { useLive } from '../core/live';
import type { Config, Delivery, Overview, RingClass, Storage } from '../core/types';
import { Ago, Banner, Card, Empty, Meter, PageHead, State, Tile, Waiting, When } from '../ui/bits';
import { Table } from '../ui/table';
import { kOverviewUrl } from '../ui/shell';
import { className } from './ring_classes';

function Classes({ classes }: { classes: RingClass[] }) {
  return (
    <Table
      caption={t('ring.classes')}
      name="class"
      rows={classes}
      rowKey={(one) => one.name}
      columns={[
        { key: 'name', label: t('ring.class'), main: true, sort: (one) => one.name, render: (one) => <>{className(one.name)}<span class="sub mono">{one.name}</span></> },
        { key: 'fill', label: t('ring.used'), sort: (one) => (one.bytes ? one.bytes_used / one.bytes : 0), render: (one) => {
          const share = one.bytes ? one.bytes_used / one.bytes : 0;
          return (
            <span class="budget">
              <Meter ratio={share} label={t('ring.fill', { p: percent(share, 1) })} />
              <span class="num budget-number">{percent(share, 1)}</span>
            </span>
          );
        } },
        { key: 'bytes', label: t('ring.size'), right: true, sort: (one) => one.bytes, render: (one) => (
          <>
            <span class="num">{bytes(one.bytes_used)} / {bytes(one.bytes)}</span>
            <span class="sub num">{t('ring.segments', { used: one.segments_used, n: one.segments })}</span>
          </>
        ) },
        { key: 'rate', label: t('ring.rate'), right: true, sort: (one) => one.bytes_per_second, render: (one) => <span class="num">{one.bytes_per_second > 0 ? `${bytes(one.bytes_per_second)}/s` : '–'}</span> },
        { key: 'holds', label: t('ring.holds'), right: true, sort: (one) => (one.newest ?? 0) - (one.oldest ?? 0), render: (one) => (!one.oldest || !one.newest ? '–' : (
          <>
            {duration(one.newest - one.oldest)}
            <span class="sub num">{t('ring.since', { at: dateTime(one.oldest) })}</span>
          </>
        )) },
        { key: 'keeps', label: t('ring.retention'), right: true, sort: (one) => one.projected_retention_seconds ?? 0, render: (one) => <b>{one.projected_retention_seconds ? duration(one.projected_retention_seconds) : t('ring.unknown')}</b> },
      ]}
    />
  );
}

function StorageTiles({ storage }: { storage: Storage }) {
  const ready = storage.budget_bytes ? storage.zero_filled_bytes / storage.budget_bytes : 0;
  return (
    <div class="tiles">
      <Tile label={t('ring.budget')} value={bytes(storage.budget_bytes)} note={ready < 1 ? t('ring.filling', { p: percent(ready, 0) }) : t('ring.capped')} />
      <Tile label={t('ring.series')} value={count(storage.head_series)} note={t('ring.series_max', { n: count(storage.series_max) })} {...(storage.series_refused > 0 ? { tone: 'warn' as const } : {})} />
      <Tile label={t('ring.samples')} value={count(storage.samples_appended)} note={t('ring.lines', { n: count(storage.log_lines_appended) })} />
      <Tile label={t('ring.recovery')} value={duration(storage.recovery_seconds)} note={t('ring.groups', { n: count(storage.head_groups) })} />
    </div>
  );
}

function Deliveries() {
  const live = useLive<{ deliveries: Delivery[] }>('/api/nines/v1/deliveries?limit=50');
  if (!live.data) return <Waiting data={live.data} error={live.error} />;
  return (
    <Table
      caption={t('deliveries.title')}
      name="sent"
      rows={live.data.deliveries}
      rowKey={(one) => one.id}
      empty={<Empty title={t('deliveries.empty')} />}
      columns={[
        { key: 'at', label: t('deliveries.queued_at'), main: true, sort: (one) => one.queued_at ?? 0, render: (one) => <When at={one.queued_at} /> },
        { key: 'state', label: t('state'), sort: (one) => one.state, render: (one) => <State of={one.state} /> },
        { key: 'receiver', label: t('deliveries.receiver'), sort: (one) => one.receiver, render: (one) => <>{one.receiver}{one.last_error && <span class="sub tone-bad wrap">{one.last_error}</span>}</> },
        { key: 'group', label: t('deliveries.group'), render: (one) => <span class="mono wrap">{one.group_key}</span> },
        { key: 'says', label: t('deliveries.says'), render: (one) => <State of={one.resolved ? 'resolved' : 'firing'} /> },
        { key: 'took', label: t('deliveries.took'), right: true, sort: (one) => (one.delivered_at ?? Infinity) - (one.queued_at ?? 0), render: (one) => (one.delivered_at && one.queued_at ? duration(one.delivered_at - one.queued_at) : '–') },
        { key: 'attempts', label: t('deliveries.attempts'), right: true, sort: (one) => one.attempts, render: (one) => <span class="num">{one.attempts}</span> },
      ]}
    />
  );
}

function ConfigCard() {
  const live = useLive<Config>('/api/nines/v1/config', { interval: 30_000 });
  if (!live.data) return <Waiting data={live.data} error={live.error} />;
  const { file, toml, reload } = live.data;
  return (
    <>
      <dl class="facts">
        <div><dt>{t('config.file')}</dt><dd class="mono wrap">{file || t('config.defaults')}</dd></div>
        <div><dt>{t('config.reload')}</dt><dd>{reload.ok ? <State of="ok" text={reload.at ? dateTime(reload.at) : t('state.ok')} /> : <><State of="err" text={dateTime(reload.at)} /> <span class="tone-bad mono wrap">{reload.error}</span></>}</dd></div>
      </dl>
      {toml !== '' && (
        <details>
          <summary>{t('config.show')}</summary>
          <pre class="code" tabIndex={0}>{toml}</pre>
        </details>
      )}
    </>
  );
}

export function StatusPage() {
  const storage = useLive<Storage>('/api/nines/v1/storage');
  const overview = useLive<Overview>(kOverviewUrl);
  const data = storage.data;
  return (
    <>
      <PageHead title={t('nav.status')} sub={overview.data && <>nines {overview.data.version} · {t('status.since')} <Ago at={overview.data.started_at} /></>} />
      {!data ? <Waiting data={data} error={storage.error} /> : (
        <>
          {data.series_refused > 0 && <Banner tone="warn">{t('ring.refused', { n: count(data.series_refused) })}</Banner>}
          {data.damaged_segments > 0 && (
            <Banner tone="warn">
              <strong>{t('ring.damaged', { n: data.damaged_segments })}</strong>
              <ul class="plain-list mono">{data.damage.map((line) => <li key={line} class="wrap">{line}</li>)}</ul>
            </Banner>
          )}
          <StorageTiles storage={data} />
          <Card title={t('ring.classes')} aside={<span class="mono wrap">{data.path}</span>} flush><Classes classes={data.classes} /></Card>
        </>
      )}
      <Card title={t('deliveries.title')} id="deliveries" flush><Deliveries /></Card>
      <Card title={t('config.title')}><ConfigCard /></Card>
    </>
  );
}
