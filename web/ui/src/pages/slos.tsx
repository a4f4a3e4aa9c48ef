// Every SLO, the one with the least budget first.

import { number, sliPercent, duration } from '../core/format';
import { t } from '../core/i18n';
import { useLive } from '../core/live';
import { parseFilter, passes } from '../core/matchers';
import { param, setParams } from '../core/router';
import type { GroupedSlo, Slo, SloState } from '../core/types';
import { Banner, Card, Empty, PageHead, Pill, State, Waiting } from '../ui/bits';
import { SearchField, Tabs } from '../ui/controls';
import { Table, type Column } from '../ui/table';
import { BudgetBar } from './slo_bits';

const kStates: SloState[] = ['breached', 'at_risk', 'ok', 'no_data'];

function burnColumn(window: string): Column<Slo> {
  return {
    key: `burn_${window}`,
    label: t('slo.burn_in', { w: window }),
    right: true,
    sort: (slo) => slo.burn_rates[window] ?? NaN,
    render: (slo) => {
      const burn = slo.burn_rates[window];
      if (slo.state === 'no_data' || burn === undefined || burn === null) return '–';
      return <span class={`num${burn > 1 ? ' tone-bad strong' : ''}`}>{number(burn)}×</span>;
    },
  };
}

function columns(slos: Slo[]): Column<Slo>[] {
  const windows = ['1h', '6h', '3d'].filter((name) => slos.some((slo) => name in slo.burn_rates));
  return [
    {
      key: 'name', label: t('slo.name'), main: true, sort: (slo) => slo.name,
      render: (slo) => (
        <>
          <a href={`/slos/${encodeURIComponent(slo.name)}`}>{slo.name}</a>
          {slo.alerts_firing > 0 && <> <Pill tone="bad">{t('slo.firing', { n: slo.alerts_firing })}</Pill></>}
          {(slo.service || slo.objective) && <span class="sub">{[slo.service, slo.objective].filter(Boolean).join(' · ')}</span>}
        </>
      ),
    },
    { key: 'state', label: t('state'), sort: (slo) => kStates.indexOf(slo.state), render: (slo) => <State of={slo.state} /> },
    { key: 'budget', label: t('slo.remaining'), sort: (slo) => (slo.state === 'no_data' ? 1e9 : slo.budget_remaining), render: (slo) => <BudgetBar slo={slo} /> },
    { key: 'sli', label: t('slo.sli'), right: true, sort: (slo) => slo.sli, render: (slo) => (
      <>
        <span class="num">{slo.state === 'no_data' ? '–' : sliPercent(slo.sli, slo.target_percent)}</span>
        <span class="sub num">{t('slo.of_target', { p: `${slo.target_percent} %`, w: duration(slo.window_seconds) })}</span>
      </>
    ) },
    ...windows.map(burnColumn),
    {
      key: 'ends', label: t('slos.ends'), right: true, sort: (slo) => slo.exhaustion_seconds ?? Infinity,
      render: (slo) => (slo.state === 'breached' ? t('slo.gone') : slo.exhaustion_seconds === null || slo.state === 'no_data' ? '–' : t('slo.in', { d: duration(slo.exhaustion_seconds) })),
    },
  ];
}

export function SlosPage() {
  const live = useLive<{ slos: Slo[]; grouped: GroupedSlo[] }>('/api/nines/v1/slos');
  const filter = parseFilter(param('filter'));
  const state = param('state');
  const all = live.data?.slos ?? [];
  const full = (live.data?.grouped ?? []).filter((one) => one.refused > 0);
  const named = all.filter((slo) => passes(filter, { name: slo.name, service: slo.service, state: slo.state }, slo.description));
  const rows = state ? named.filter((slo) => slo.state === state) : named;
  return (
    <>
      <PageHead title={t('nav.slos')} sub={t('slos.sub')}>
        <SearchField label={t('slos.search')} />
      </PageHead>
      {!live.data || (live.error && !live.data) ? <Waiting data={live.data} error={live.error} /> : (
        <>
          <Tabs
            label={t('state')}
            value={state}
            options={[['', `${t('all')} ${named.length}`], ...kStates.map((one) => [one, <State key={one} of={one} text={`${t(`state.${one}`)} ${named.filter((slo) => slo.state === one).length}`} />] as const)]}
            onChange={(next) => setParams({ state: next })}
          />
          {full.map((one) => (
            <Banner key={one.name} tone="warn">
              {t('slos.refused', { name: one.name, n: one.refused, max: one.max_groups })} {one.refused_examples.join(', ')}
            </Banner>
          ))}
          <Card flush>
            <Table
              caption={t('nav.slos')}
              columns={columns(all)}
              rows={rows}
              rowKey={(slo) => slo.name}
              initial="budget"
              empty={all.length === 0 ? <Empty title={t('slos.empty')}>{t('slos.empty_hint')} <code>[[slos]]</code></Empty> : <Empty title={t('filter.none')} />}
            />
          </Card>
        </>
      )}
    </>
  );
}
