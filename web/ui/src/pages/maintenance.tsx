// Planned work: what lasts, what comes, whom it concerns and what it quiets; planned and ended here.

import { useState } from 'preact/hooks';
import { request } from '../core/api';
import { now } from '../core/clock';
import { dateTime, duration } from '../core/format';
import { t } from '../core/i18n';
import { useLive } from '../core/live';
import { parseFilter, passes } from '../core/matchers';
import { param, setParams } from '../core/router';
import type { Maintenance, Span } from '../core/types';
import { Card, Empty, ErrorBox, PageHead, Pill, State, Waiting } from '../ui/bits';
import { Dialog, SearchField, Tabs } from '../ui/controls';
import { Icon } from '../ui/icons';
import { Table } from '../ui/table';
import { kEffects, MaintenanceDialog } from './maintenance_dialog';

const kUrl = '/api/nines/v1/maintenance';
const kStates = ['running', 'planned', 'over'] as const;
type Stage = (typeof kStates)[number];

// The last is judged by the page's clock: between two answers a window may begin or end.
function stageOf(one: Maintenance): Stage {
  if (!one.window) return 'over';
  return one.window.from <= now.value && now.value < one.window.to ? 'running' : 'planned';
}

function SpanText({ span }: { span: Span }) {
  return <span class="num">{dateTime(span.from)} – {dateTime(span.to)}</span>;
}

function Window({ one }: { one: Maintenance }) {
  if (!one.window) return <>{one.ended_at ? t('maintenance.ended_at', { at: dateTime(Date.parse(one.ended_at) / 1000) }) : '–'}</>;
  const { from, to } = one.window;
  const left = from > now.value ? t('maintenance.starts_in', { d: duration(from - now.value) }) : t('silence.ends_in', { d: duration(to - now.value) });
  return (
    <span class="stack">
      <SpanText span={one.window} />
      <span class="muted">{left}</span>
    </span>
  );
}

function Upcoming({ one }: { one: Maintenance }) {
  if (one.upcoming.length === 0) return <>{one.rrule || one.rdate ? t('maintenance.no_more') : t('maintenance.once')}</>;
  return (
    <details>
      <summary>{t('maintenance.next', { n: one.upcoming.length })}</summary>
      <ul class="plain-list">
        {one.upcoming.map((span) => <li key={span.from}><SpanText span={span} /></li>)}
      </ul>
    </details>
  );
}

function Name({ one }: { one: Maintenance }) {
  return (
    <>
      {one.name} {one.source === 'configuration' && <Pill>{t('maintenance.configured')}</Pill>}
      {one.comment && <span class="sub">{one.comment}</span>}
      {one.rrule && <span class="sub mono wrap">{one.rrule} · {one.time_zone}</span>}
      {one.created_by && <span class="sub">{t('maintenance.by', { who: one.created_by })}</span>}
    </>
  );
}

function EndDialog({ one, onClose, onDone }: { one: Maintenance; onClose: () => void; onDone: () => void }) {
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const send = () => {
    setBusy(true);
    setError(undefined);
    request(`${kUrl}/${encodeURIComponent(one.name)}`, { method: 'DELETE' }).then(onDone, (cause: Error) => {
      setError(cause.message);
      setBusy(false);
    });
  };
  return (
    <Dialog title={t('maintenance.end_title', { name: one.name })} onClose={onClose}>
      <div class="form">
        <p>{t(stageOf(one) === 'running' ? 'maintenance.end_running' : 'maintenance.end_planned')}</p>
        {error && <ErrorBox text={error} />}
        <div class="form-end">
          <button type="button" class="button" onClick={onClose}>{t('cancel')}</button>
          <button type="button" class="button danger" disabled={busy} onClick={send}>{t('maintenance.end')}</button>
        </div>
      </div>
    </Dialog>
  );
}

// Those that last first, then by when they come; what is over last ended first.
function byTime(a: Maintenance, b: Maintenance): number {
  const end = (one: Maintenance) => (one.ended_at ? Date.parse(one.ended_at) / 1000 : 0);
  return (a.window?.from ?? Infinity) - (b.window?.from ?? Infinity) || end(b) - end(a) || a.name.localeCompare(b.name);
}

export function MaintenancePage() {
  const live = useLive<{ maintenance: Maintenance[] }>(kUrl, { interval: 10_000 });
  const [planning, setPlanning] = useState(false);
  const [ending, setEnding] = useState<Maintenance | null>(null);
  const filter = parseFilter(param('filter'));
  const stage = param('state');
  const all = live.data?.maintenance ?? [];
  const found = all.filter((one) => passes(filter, { name: one.name, source: one.source }, [one.comment, one.created_by, ...one.matchers].join(' ')));
  const rows = found.filter((one) => (stage === '' ? stageOf(one) !== 'over' : stageOf(one) === stage)).sort(byTime);
  const n = (of: string) => found.filter((one) => stageOf(one) === of).length;
  const empty = stage === '' && all.every((one) => stageOf(one) === 'over')
    ? <Empty title={t('maintenance.empty')}>{t('maintenance.empty_hint')} <code>[[maintenance]]</code></Empty>
    : <Empty title={t('filter.none')} />;
  return (
    <>
      <PageHead title={t('nav.maintenance')} sub={t('maintenance.sub')}>
        <SearchField label={t('maintenance.search')} />
        <button type="button" class="button" onClick={() => setPlanning(true)}><Icon name="plus" /> {t('maintenance.new')}</button>
      </PageHead>
      {!live.data ? <Waiting data={live.data} error={live.error} /> : (
        <>
          {live.error && <ErrorBox text={live.error} />}
          <Tabs
            label={t('state')}
            value={stage}
            options={[['', `${t('maintenance.open')} ${n('running') + n('planned')}`], ...kStates.map((one) => [one, <State key={one} of={one} text={`${t(`state.${one}`)} ${n(one)}`} />] as const)]}
            onChange={(next) => setParams({ state: next })}
          />
          <Card flush>
            <Table
              caption={t('nav.maintenance')}
              rows={rows}
              rowKey={(one) => `${one.source}:${one.name}`}
              empty={empty}
              columns={[
                { key: 'name', label: t('maintenance.name'), main: true, sort: (one) => one.name, render: (one) => <Name one={one} /> },
                { key: 'state', label: t('state'), sort: (one) => kStates.indexOf(stageOf(one)), render: (one) => <State of={stageOf(one)} /> },
                { key: 'window', label: t('maintenance.window'), sort: (one) => one.window?.from ?? Infinity, render: (one) => <Window one={one} /> },
                { key: 'next', label: t('maintenance.repeats'), render: (one) => <Upcoming one={one} /> },
                { key: 'covers', label: t('maintenance.covers'), render: (one) => <code class="wrap">{one.matchers.join(', ') || '–'}</code> },
                { key: 'effects', label: t('maintenance.effects'), render: (one) => <span class="stack">{one.effects.map((effect) => <span key={effect}>{kEffects[effect] ? t(kEffects[effect]) : effect}</span>)}</span> },
                { key: 'end', label: t('maintenance.action'), render: (one) => (one.source === 'added' && stageOf(one) !== 'over' ? <button type="button" class="button small" onClick={() => setEnding(one)}>{t('maintenance.end')}</button> : '–') },
              ]}
            />
          </Card>
        </>
      )}
      {planning && <MaintenanceDialog onClose={() => setPlanning(false)} onDone={() => { setPlanning(false); live.reload(); }} />}
      {ending && <EndDialog one={ending} onClose={() => setEnding(null)} onDone={() => { setEnding(null); live.reload(); }} />}
    </>
  );
}
