// Everything that fired or nearly did, newest first; what is still on is there however old it is.

import { useLive } from '../core/live';
import { t } from '../core/i18n';
import { parseFilter, passes } from '../core/matchers';
import { param, setParams } from '../core/router';
import type { Incident } from '../core/types';
import { Card, Empty, PageHead, State, Waiting } from '../ui/bits';
import { SearchField, Tabs } from '../ui/controls';
import { IncidentRows } from './incident_rows';

export function IncidentsPage() {
  const live = useLive<{ incidents: Incident[] }>('/api/nines/v1/incidents?limit=200');
  const open = useLive<{ incidents: Incident[] }>('/api/nines/v1/incidents?state=open&limit=10000');
  const filter = parseFilter(param('filter'));
  const state = param('state');
  const newest = live.data?.incidents ?? [];
  const listed = new Set(newest.map((one) => one.episode));
  const all = [...newest, ...(open.data?.incidents ?? []).filter((one) => !listed.has(one.episode))];
  const found = all.filter((one) => passes(filter, one.labels, Object.values(one.annotations).join(' ')));
  const rows = state ? found.filter((one) => one.state === state) : found;
  const n = (of: string) => found.filter((one) => one.state === of).length;
  return (
    <>
      <PageHead title={t('nav.incidents')} sub={t('incidents.sub')}>
        <SearchField label={t('incidents.search')} hint='severity="page" job=~"api.*"' />
      </PageHead>
      {!live.data ? <Waiting data={live.data} error={live.error} /> : (
        <>
          <Tabs
            label={t('state')}
            value={state}
            options={[['', `${t('all')} ${found.length}`], ...(['firing', 'pending', 'resolved'] as const).map((one) => [one, <State key={one} of={one} text={`${t(`state.${one}`)} ${n(one)}`} />] as const)]}
            onChange={(next) => setParams({ state: next })}
          />
          <Card flush>{rows.length === 0 ? <Empty title={all.length === 0 ? t('incidents.empty') : t('filter.none')}>{all.length === 0 && t('incidents.empty_hint')}</Empty> : <IncidentRows incidents={rows} />}</Card>
        </>
      )}
    </>
  );
}
