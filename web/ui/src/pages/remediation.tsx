// What nines tried to fix by itself, and the switch that stops it.

import { useState } from 'preact/hooks';
import { post } from '../core/api';
import { duration } from '../core/format';
import { t } from '../core/i18n';
import { useLive } from '../core/live';
import { parseFilter, passes } from '../core/matchers';
import { param } from '../core/router';
import type { Remediations, Run } from '../core/types';
import { Banner, Card, Empty, ErrorBox, PageHead, Pill, State, Waiting, When } from '../ui/bits';
import { Dialog, SearchField } from '../ui/controls';
import { Icon } from '../ui/icons';
import { Table } from '../ui/table';

function KillSwitch({ stopped, onDone }: { stopped: boolean; onDone: () => void }) {
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<string>();
  const send = () => {
    setError(undefined);
    post('/api/nines/v1/remediations/stop', { stopped: !stopped }).then(() => {
      setAsking(false);
      onDone();
    }, (cause: Error) => setError(cause.message));
  };
  return (
    <>
      <button type="button" class={`button ${stopped ? 'primary' : 'danger'}`} onClick={() => setAsking(true)}>
        <Icon name={stopped ? 'play' : 'stop'} /> {stopped ? t('kill.resume') : t('kill.stop')}
      </button>
      {asking && (
        <Dialog title={stopped ? t('kill.resume') : t('kill.stop')} onClose={() => setAsking(false)}>
          <div class="form">
            <p>{stopped ? t('kill.resume_text') : t('kill.stop_text')}</p>
            {error && <ErrorBox text={error} />}
            <div class="form-end">
              <button type="button" class="button" onClick={() => setAsking(false)}>{t('cancel')}</button>
              <button type="button" class={`button ${stopped ? 'primary' : 'danger'}`} onClick={send}>{stopped ? t('kill.resume') : t('kill.stop')}</button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Output({ run }: { run: Run }) {
  if (!run.output && !run.reason) return <>–</>;
  return (
    <>
      {run.reason && <span class="wrap">{run.reason}</span>}
      {run.output && (
        <details>
          <summary>{t('remediation.output')}</summary>
          <pre class="code">{run.output}</pre>
        </details>
      )}
    </>
  );
}

function Runs({ runs }: { runs: Run[] }) {
  return (
    <Table
      caption={t('remediation.runs')}
      rows={runs}
      rowKey={(run) => run.id}
      initial="-at"
      empty={<Empty title={t('remediation.no_runs')} />}
      columns={[
        { key: 'at', label: t('time'), main: true, sort: (run) => run.intent_at ?? 0, render: (run) => <When at={run.intent_at} /> },
        { key: 'name', label: t('remediation.name'), sort: (run) => run.remediation, render: (run) => run.remediation },
        { key: 'target', label: t('remediation.target'), sort: (run) => run.target, render: (run) => <span class="mono wrap">{run.target}</span> },
        { key: 'state', label: t('state'), sort: (run) => run.state, render: (run) => <State of={run.state} {...(run.state === 'unknown' ? { text: t('state.outcome_unknown') } : {})} /> },
        { key: 'status', label: t('remediation.answer'), right: true, sort: (run) => run.action_status, render: (run) => (run.action_status ? <Pill tone={run.action_status < 400 ? 'ok' : 'bad'}>HTTP {run.action_status}</Pill> : '–') },
        { key: 'took', label: t('duration'), right: true, sort: (run) => (run.finished_at ?? 0) - (run.intent_at ?? 0), render: (run) => (run.finished_at && run.intent_at ? duration(run.finished_at - run.intent_at) : '–') },
        { key: 'why', label: t('remediation.why'), render: (run) => <Output run={run} /> },
        { key: 'incident', label: t('incident.title'), render: (run) => (run.episode ? <a href={`/incidents/${encodeURIComponent(run.episode)}`}>{t('open')}</a> : '–') },
      ]}
    />
  );
}

export function RemediationPage() {
  const live = useLive<Remediations>('/api/nines/v1/remediations');
  const filter = parseFilter(param('filter'));
  if (!live.data) return <><PageHead title={t('nav.remediation')} /><Waiting data={live.data} error={live.error} /></>;
  const { stopped, remediations, runs } = live.data;
  const shown = runs.filter((run) => passes(filter, { name: run.remediation, target: run.target, state: run.state }, run.reason));
  return (
    <>
      <PageHead title={t('nav.remediation')} sub={t('remediation.sub')}>
        <SearchField label={t('remediation.search')} />
        <KillSwitch stopped={stopped} onDone={live.reload} />
      </PageHead>
      {stopped ? <Banner tone="warn"><strong>{t('kill.on')}</strong> {t('kill.on_text')}</Banner> : null}
      <Card title={t('remediation.configured')} flush>
        <Table
          caption={t('remediation.configured')}
          name="by"
          rows={remediations}
          rowKey={(one) => one.name}
          empty={<Empty title={t('remediation.none')}>{t('remediation.none_hint')} <code>[[remediations]]</code></Empty>}
          columns={[
            { key: 'name', label: t('remediation.name'), main: true, sort: (one) => one.name, render: (one) => one.name },
            { key: 'mode', label: t('remediation.mode'), sort: (one) => one.mode, render: (one) => <Pill tone={one.mode === 'auto' ? 'info' : 'none'}>{one.mode}</Pill> },
            { key: 'matchers', label: t('remediation.matchers'), render: (one) => <code>{one.matchers.join(', ')}</code> },
            { key: 'running', label: t('remediation.running'), right: true, sort: (one) => one.running, render: (one) => <span class="num">{one.running}</span> },
            { key: 'hour', label: t('remediation.hour'), right: true, sort: (one) => one.runs_last_hour, render: (one) => <span class="num">{one.runs_last_hour}</span> },
            { key: 'reason', label: t('remediation.last_reason'), render: (one) => one.last_reason || '–' },
          ]}
        />
      </Card>
      <Card title={t('remediation.runs')} flush><Runs runs={shown} /></Card>
    </>
  );
}
