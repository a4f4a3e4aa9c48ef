// Every rule, how it fares and what it costs.

import { prom } from '../core/api';
import { now } from '../core/clock';
import { duration } from '../core/format';
import { t } from '../core/i18n';
import { useLive } from '../core/live';
import { parseFilter, passes } from '../core/matchers';
import { param, setParams } from '../core/router';
import type { PromRule, RuleGroup } from '../core/types';
import { Ago, Card, Empty, LabelList, PageHead, Pill, QueryLink, State, Waiting } from '../ui/bits';
import { SearchField, Tabs } from '../ui/controls';
import { Table } from '../ui/table';

interface Row {
  rule: PromRule;
  group: RuleGroup;
  key: string;
}

function lastSeconds(text: string): number | null {
  const at = Date.parse(text) / 1000;
  return Number.isFinite(at) && at > 0 ? at : null;  // Prometheus writes the year 1 for "not yet"
}

function health(row: Row): string {
  if (row.rule.health === 'err') return 'err';
  const last = lastSeconds(row.rule.lastEvaluation);
  if (last !== null && now.value - last > 3 * row.group.interval + 5) return 'overdue';
  if (row.rule.type === 'alerting' && row.rule.state) return row.rule.state;
  return row.rule.health === 'ok' ? 'ok' : 'unknown';
}

const kOrder = ['err', 'overdue', 'firing', 'pending', 'unknown', 'inactive', 'ok'];

export function RulesPage() {
  const live = useLive('rules:all', { fetcher: (abort) => prom<{ groups: RuleGroup[] }>('/api/v1/rules', {}, abort) });
  const filter = parseFilter(param('filter'));
  const kind = param('kind');
  const all: Row[] = (live.data?.groups ?? []).flatMap((group) => group.rules.map((rule, index) => ({ rule, group, key: `${group.file}:${group.name}:${index}` })));
  const found = all.filter((row) => passes(filter, { ...row.rule.labels, name: row.rule.name, group: row.group.name, file: row.group.file }, row.rule.query));
  const rows = kind === 'err' ? found.filter((row) => ['err', 'overdue'].includes(health(row))) : kind ? found.filter((row) => row.rule.type === kind) : found;
  const sick = found.filter((row) => ['err', 'overdue'].includes(health(row))).length;
  return (
    <>
      <PageHead title={t('nav.rules')} sub={live.data && t('rules.sub', { n: all.length, g: live.data.groups.length })}>
        <SearchField label={t('rules.search')} />
      </PageHead>
      {!live.data ? <Waiting data={live.data} error={live.error} /> : (
        <>
          <Tabs
            label={t('rules.kind')}
            value={kind}
            options={[['', `${t('all')} ${found.length}`], ['alerting', t('rules.alerting')], ['recording', t('rules.recording')], ['err', <State key="err" of="err" text={`${t('rules.sick')} ${sick}`} />]]}
            onChange={(next) => setParams({ kind: next })}
          />
          <Card flush>
            <Table
              caption={t('nav.rules')}
              rows={rows}
              rowKey={(row) => row.key}
              initial="health"
              empty={<Empty title={all.length === 0 ? t('rules.empty') : t('filter.none')} />}
              columns={[
                { key: 'name', label: t('rules.rule'), main: true, sort: (row) => row.rule.name, render: ({ rule, group }) => (
                  <>
                    <b>{rule.name}</b> {rule.type === 'recording' && <Pill>{t('rules.recording')}</Pill>}
                    {rule.duration ? <span class="muted"> {t('rules.for', { d: duration(rule.duration) })}</span> : null}
                    <QueryLink query={rule.query} />
                    {rule.labels && <LabelList labels={rule.labels} />}
                    {rule.lastError && <span class="sub tone-bad wrap">{rule.lastError}</span>}
                    <span class="sub">{group.name} · {group.file}</span>
                  </>
                ) },
                { key: 'health', label: t('state'), sort: (row) => kOrder.indexOf(health(row)), render: (row) => <State of={health(row)} /> },
                { key: 'last', label: t('rules.last'), right: true, sort: (row) => lastSeconds(row.rule.lastEvaluation) ?? 0, render: (row) => <Ago at={lastSeconds(row.rule.lastEvaluation)} /> },
                { key: 'took', label: t('rules.took'), right: true, sort: (row) => row.rule.evaluationTime, render: (row) => <span class="num">{row.rule.evaluationTime < 0.001 ? `< ${duration(0.001)}` : duration(row.rule.evaluationTime)}</span> },
                { key: 'interval', label: t('rules.interval'), right: true, sort: (row) => row.group.interval, render: (row) => <span class="num">{duration(row.group.interval)}</span> },
              ]}
            />
          </Card>
        </>
      )}
    </>
  );
}
