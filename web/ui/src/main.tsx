// Starts the page: words first, then the routes. Pages beyond the first are loaded when they are gone to.

import type { ComponentType } from 'preact';
import { render } from 'preact';
import { effect, signal } from '@preact/signals';
import { startClock } from './core/clock';
import { startI18n, t, type Key } from './core/i18n';
import { followPrefs } from './core/prefs';
import { path, startRouter } from './core/router';
import { OverviewPage } from './pages/overview';
import { Empty, ErrorBox, Loading } from './ui/bits';
import { Shell } from './ui/shell';

type Page = ComponentType<{ name: string }>;
interface Route {
  pattern: RegExp;
  title: Key;
  load: () => Promise<Page>;
}

const kRoutes: Route[] = [
  { pattern: /^\/$/, title: 'nav.overview', load: async () => OverviewPage },
  { pattern: /^\/slos$/, title: 'nav.slos', load: async () => (await import('./pages/slos')).SlosPage },
  { pattern: /^\/slos\/(.+)$/, title: 'nav.slos', load: async () => (await import('./pages/slo')).SloPage },
  { pattern: /^\/alerts$/, title: 'nav.alerts', load: async () => (await import('./pages/alerts')).AlertsPage },
  { pattern: /^\/incidents$/, title: 'nav.incidents', load: async () => (await import('./pages/incidents')).IncidentsPage },
  { pattern: /^\/incidents\/(.+)$/, title: 'nav.incidents', load: async () => (await import('./pages/incident')).IncidentPage },
  { pattern: /^\/remediation$/, title: 'nav.remediation', load: async () => (await import('./pages/remediation')).RemediationPage },
  { pattern: /^\/maintenance$/, title: 'nav.maintenance', load: async () => (await import('./pages/maintenance')).MaintenancePage },
  { pattern: /^\/(?:explore|query)$/, title: 'nav.metrics', load: async () => (await import('./pages/explore')).ExplorePage },
  { pattern: /^\/logs$/, title: 'nav.logs', load: async () => (await import('./pages/logs')).LogsPage },
  { pattern: /^\/targets$/, title: 'nav.targets', load: async () => (await import('./pages/targets')).TargetsPage },
  { pattern: /^\/rules$/, title: 'nav.rules', load: async () => (await import('./pages/rules')).RulesPage },
  { pattern: /^\/status$/, title: 'nav.status', load: async () => (await import('./pages/status')).StatusPage },
];

const page = signal<{ Component: Page; route: Route } | undefined>(undefined);
const failure = signal<string | undefined>(undefined);

function followPath(): void {
  effect(() => {
    const route = kRoutes.find((candidate) => candidate.pattern.test(path.value));
    failure.value = undefined;
    if (!route) {
      page.value = undefined;
      return;
    }
    route.load().then(
      (Component) => {
        if (route.pattern.test(path.peek())) page.value = { Component, route };
      },
      (cause: unknown) => (failure.value = String(cause)),
    );
  });
}

function App() {
  const here = path.value;
  const route = kRoutes.find((candidate) => candidate.pattern.test(here));
  const shown = page.value;
  document.title = `${route ? t(route.title) : t('lost.title')} · Nines`;
  if (failure.value !== undefined) return <Shell><ErrorBox text={failure.value} /></Shell>;
  if (!route) return <Shell><Empty title={t('lost.title')}><a href="/">{t('nav.overview')}</a></Empty></Shell>;
  if (!shown || shown.route !== route) return <Shell><Loading /></Shell>;
  const name = decodeURIComponent(route.pattern.exec(here)?.[1] ?? '');
  return <Shell><shown.Component name={name} key={route.title + name} /></Shell>;
}

followPrefs();
startClock();
startRouter();
followPath();
void startI18n().then(() => {
  const root = document.getElementById('app');
  if (root) render(<App />, root);
});
