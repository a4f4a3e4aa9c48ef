// Alerts as they stand, the firing ones first; silences, and the way to write one.

import { useState } from 'preact/hooks';
import { prom, request } from '../core/api';
import { now } from '../core/clock';
import { dateTime, duration, number } from '../core/format';
import { t } from '../core/i18n';
import { useLive } from '../core/live';
import { matches, matcherText, ofSilence, parseFilter, passes, sameLabels } from '../core/matchers';
import { param, setParams } from '../core/router';
import type { Incident, Labels, PromAlert, PromRule, RuleGroup, Silence } from '../core/types';
import { Ago, Card, Empty, ErrorBox, exploreHref, LabelList, PageHead, State, Waiting } from '../ui/bits';
import { Choice, SearchField, Tabs } from '../ui/controls';
import { Icon } from '../ui/icons';
import { AcknowledgeDialog } from './acknowledge';
import { AcknowledgedNote, Severity } from './incident_rows';
import { SilenceDialog } from './silence_dialog';

interface Row {
  alert: PromAlert;
  rule: PromRule;
  silences: Silence[];
  incident: Incident | undefined;
}

const kSilencesUrl = '/api/v2/silences';

function seconds(text: string): number {
  return Date.parse(text) / 1000;
}

function common(rows: Row[]): Labels {
  const shared: Labels = { ...rows[0]?.alert.labels };
  for (const row of rows) {
    for (const name of Object.keys(shared)) if (row.alert.labels[name] !== shared[name]) delete shared[name];
  }
  return shared;
}

interface AlertRowProps {
  row: Row;
  skip: string[];
  named: boolean;
  onSilence: (labels: Labels) => void;
  onAcknowledge: (episode: string) => void;
}

function AlertRow({ row, skip, named, onSilence, onAcknowledge }: AlertRowProps) {
  const { alert, rule, incident } = row;
  const since = seconds(alert.activeAt);
  const said = alert.annotations['summary'] ?? alert.annotations['description'];
  const runbook = alert.annotations['runbook_url'] ?? alert.annotations['runbook'];
  return (
    <li class="row alert-row">
      <span class="stack">
        <State of={alert.state} />
        {row.silences.length > 0 && <State of="silenced" />}
      </span>
      <span class="row-main">
        <span class="row-title">{named && <b>{alert.labels['alertname'] ?? rule.name}</b>}<Severity labels={alert.labels} /></span>
        {said && <span>{said}</span>}
        {incident && <AcknowledgedNote incident={incident} />}
        <LabelList labels={alert.labels} skip={['alertname', 'severity', ...skip]} />
        <span class="muted">{t('alert.value')} <b class="num">{number(Number(alert.value))}</b> · {t('alert.since')} <span class="num">{dateTime(since)}</span> (<Ago at={since} />)</span>
      </span>
      <span class="row-actions">
        {incident && alert.state === 'firing' && !incident.acknowledged && <button type="button" class="button small primary" onClick={() => onAcknowledge(incident.episode)}>{t('ack.do')}</button>}
        {incident && <a class="button small" href={`/incidents/${encodeURIComponent(incident.episode)}`}>{t('alert.incident')}</a>}
        <a class="button small" href={exploreHref(rule.query, `now-${now.value - since > 3000 ? '6h' : '1h'}`)}>{t('alert.query')}</a>
        {runbook && /^https?:/.test(runbook) && <a class="button small" href={runbook} target="_blank" rel="noreferrer">{t('alert.runbook')}</a>}
        <button type="button" class="button small" onClick={() => onSilence(alert.labels)}>
          <Icon name="mute" /> {t('silence')}
        </button>
      </span>
    </li>
  );
}

function groupRows(rows: Row[], by: string): [string, Row[]][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const name = by === 'none' ? '' : row.alert.labels[by] ?? t('alerts.without', { name: by });
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  const firing = (list: Row[]) => list.filter((row) => row.alert.state === 'firing').length;
  return [...groups].sort(([a, x], [b, y]) => firing(y) - firing(x) || a.localeCompare(b));
}

function SilenceList({ silences, onChange }: { silences: Silence[]; onChange: () => void }) {
  const [error, setError] = useState<string>();
  const open = silences.filter((one) => one.status.state !== 'expired').sort((a, b) => seconds(a.endsAt) - seconds(b.endsAt));
  const expire = (id: string) => {
    setError(undefined);
    request(`/api/v2/silence/${encodeURIComponent(id)}`, { method: 'DELETE' }).then(onChange, (cause: Error) => setError(cause.message));
  };
  return (
    <Card title={t('silences.title')} flush>
      {error && <ErrorBox text={error} />}
      {open.length === 0 ? <Empty title={t('silences.empty')} /> : (
        <ul class="rows">
          {open.map((one) => (
            <li class="row alert-row" key={one.id}>
              <State of={one.status.state} />
              <span class="row-main">
                <code>{ofSilence(one).map(matcherText).join(', ')}</code>
                <span>{one.comment}</span>
                <span class="muted">{one.createdBy} · {seconds(one.startsAt) > now.value ? `${t('silence.starts')} ${dateTime(seconds(one.startsAt))} · ` : ''}{t('silence.ends_in', { d: duration(seconds(one.endsAt) - now.value) })} ({dateTime(seconds(one.endsAt))})</span>
              </span>
              <span class="row-actions"><button type="button" class="button small" onClick={() => expire(one.id)}>{t('silence.expire')}</button></span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

export function AlertsPage() {
  const rules = useLive('rules:alert', { fetcher: (abort) => prom<{ groups: RuleGroup[] }>('/api/v1/rules', { type: 'alert' }, abort) });
  const silences = useLive<Silence[]>(kSilencesUrl, { interval: 10_000 });
  const incidents = useLive<{ incidents: Incident[] }>('/api/nines/v1/incidents?state=open&limit=10000', { interval: 15_000 });
  const [drafting, setDrafting] = useState<Labels | null>(null);
  const [taking, setTaking] = useState<string>();  // the incident to acknowledge
  const by = param('by', 'alertname');
  const state = param('state');
  const filter = parseFilter(param('filter'));

  const active = (silences.data ?? []).filter((one) => one.status.state === 'active');
  const all: Row[] = (rules.data?.groups ?? []).flatMap((group) => group.rules).flatMap((rule) =>
    (rule.alerts ?? []).filter((alert) => alert.state !== 'inactive').map((alert) => ({
      alert, rule,
      silences: active.filter((one) => ofSilence(one).every((matcher) => matches(matcher, alert.labels))),
      incident: incidents.data?.incidents.find((one) => sameLabels(one.labels, alert.labels)),
    })),
  );
  all.sort((a, b) => Number(a.alert.state !== 'firing') - Number(b.alert.state !== 'firing') || Number(a.silences.length > 0) - Number(b.silences.length > 0) || seconds(b.alert.activeAt) - seconds(a.alert.activeAt));
  const found = all.filter((row) => passes(filter, row.alert.labels, Object.values(row.alert.annotations).join(' ')));
  const rows = found.filter((row) => state === '' || (state === 'silenced' ? row.silences.length > 0 : row.alert.state === state));
  const names = [...new Set(all.flatMap((row) => Object.keys(row.alert.labels)))].sort();
  const quiet = (rules.data?.groups ?? []).flatMap((group) => group.rules).filter((rule) => rule.type === 'alerting' && (rule.alerts ?? []).length === 0).length;
  const n = (of: string) => found.filter((row) => (of === 'silenced' ? row.silences.length > 0 : row.alert.state === of)).length;

  return (
    <>
      <PageHead title={t('nav.alerts')} sub={rules.data && t('alerts.sub', { n: quiet })}>
        <SearchField label={t('alerts.search')} hint='severity="page" job=~"api.*"' />
        <Choice label={t('alerts.group')} value={by} options={[['none', t('alerts.no_group')], ...[...new Set(['alertname', by === 'none' ? 'alertname' : by, ...names])].map((name) => [name, name] as const)]} onChange={(next) => setParams({ by: next === 'alertname' ? '' : next })} />
        <button type="button" class="button" onClick={() => setDrafting({})}><Icon name="mute" /> {t('silence.new')}</button>
      </PageHead>
      {rules.error && <ErrorBox text={rules.error} />}
      <Tabs
        label={t('state')}
        value={state}
        options={[['', `${t('all')} ${found.length}`], ...(['firing', 'pending', 'silenced'] as const).map((one) => [one, <State key={one} of={one} text={`${t(`state.${one}`)} ${n(one)}`} />] as const)]}
        onChange={(next) => setParams({ state: next })}
      />
      {!rules.data ? <Waiting data={rules.data} error={undefined} /> : rows.length === 0 ? (
        <Card><Empty title={all.length === 0 ? t('alerts.empty') : t('filter.none')}>{all.length === 0 && <a href="/rules">{t('alerts.rules')}</a>}</Empty></Card>
      ) : (
        groupRows(rows, by).map(([name, list]) => {
          const shared = by === 'none' || list.length === 1 ? {} : common(list);
          return (
            <Card key={name} title={by === 'none' ? t('nav.alerts') : <>{name} <span class="muted">{list.length}</span></>} aside={<LabelList labels={shared} skip={['alertname', by]} />} flush>
              <ul class="rows">
                {list.map((row) => <AlertRow key={JSON.stringify(row.alert.labels) + row.rule.query} row={row} skip={Object.keys(shared)} named={by !== 'alertname'} onSilence={setDrafting} onAcknowledge={setTaking} />)}
              </ul>
            </Card>
          );
        })
      )}
      <SilenceList silences={silences.data ?? []} onChange={silences.reload} />
      {taking && <AcknowledgeDialog episode={taking} onClose={() => setTaking(undefined)} onDone={() => { setTaking(undefined); incidents.reload(); }} />}
      {drafting && <SilenceDialog labels={drafting} alerts={all.map((row) => row.alert)} onClose={() => setDrafting(null)} onDone={() => { setDrafting(null); silences.reload(); }} />}
    </>
  );
}
