// What stands around every page: navigation, banners that may not be missed, keys.

import type { ComponentChildren } from 'preact';
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { link } from '../core/api';
import { now } from '../core/clock';
import { dateTime, duration } from '../core/format';
import { t, type Key } from '../core/i18n';
import { useLive } from '../core/live';
import { lang, theme, zone, type Theme } from '../core/prefs';
import { path } from '../core/router';
import type { Overview } from '../core/types';
import { Banner } from './bits';
import { Dialog, IconButton } from './controls';
import { Icon, type IconName } from './icons';
import { kGoKeys, startKeys } from './keys';

interface Place {
  href: string;
  icon: IconName;
  label: Key;
  badge?: (o: Overview) => number;
}

const kGroups: { label: Key; places: Place[] }[] = [
  {
    label: 'nav.now',
    places: [
      { href: '/', icon: 'overview', label: 'nav.overview' },
      { href: '/slos', icon: 'slo', label: 'nav.slos', badge: (o) => o.slos.filter((s) => s.state === 'breached').length },
      { href: '/alerts', icon: 'bell', label: 'nav.alerts', badge: (o) => o.alerts.firing },
      { href: '/incidents', icon: 'incident', label: 'nav.incidents' },
      { href: '/remediation', icon: 'wrench', label: 'nav.remediation' },
      { href: '/maintenance', icon: 'calendar', label: 'nav.maintenance' },
    ],
  },
  {
    label: 'nav.explore',
    places: [
      { href: '/explore', icon: 'chart', label: 'nav.metrics' },
      { href: '/logs', icon: 'logs', label: 'nav.logs' },
    ],
  },
  {
    label: 'nav.system',
    places: [
      { href: '/targets', icon: 'target', label: 'nav.targets', badge: (o) => o.targets.down },
      { href: '/rules', icon: 'rules', label: 'nav.rules' },
      { href: '/status', icon: 'disk', label: 'nav.status', badge: (o) => (o.reload.ok ? 0 : 1) },
    ],
  },
];

export const kOverviewUrl = '/api/nines/v1/overview';
const helpOpen = signal(false);

function isHere(place: string): boolean {
  if (place === '/explore' && path.value === '/query') return true;
  return place === '/' ? path.value === '/' : path.value === place || path.value.startsWith(`${place}/`);
}

function Nav({ overview, onGo }: { overview: Overview | undefined; onGo: () => void }) {
  return (
    <nav aria-label={t('nav.label')} id="nav">
      {kGroups.map((group) => (
        <div class="nav-group" key={group.label}>
          <p class="nav-title" id={`${group.label}-title`}>{t(group.label)}</p>
          <ul aria-labelledby={`${group.label}-title`}>
            {group.places.map((place) => {
              const badge = overview && place.badge ? place.badge(overview) : 0;
              return (
                <li key={place.href}>
                  <a href={place.href} aria-current={isHere(place.href) ? 'page' : undefined} onClick={onGo}>
                    <Icon name={place.icon} />
                    <span>{t(place.label)}</span>
                    {badge > 0 && <span class="badge" aria-label={t('nav.badge', { n: badge })}>{badge}</span>}
                  </a>
                </li>
              );
            })}
          </ul>
        </div>
      ))}
    </nav>
  );
}

const kNextTheme: Record<Theme, Theme> = { auto: 'light', light: 'dark', dark: 'auto' };
const kThemeIcon: Record<Theme, IconName> = { auto: 'auto', light: 'sun', dark: 'moon' };
const kThemeWord: Record<Theme, Key> = { auto: 'theme.auto', light: 'theme.light', dark: 'theme.dark' };

function Settings() {
  return (
    <div class="settings" role="group" aria-label={t('settings')}>
      <IconButton id="set-theme" icon={kThemeIcon[theme.value]} label={t('theme.label')} text={t(kThemeWord[theme.value])} onClick={() => (theme.value = kNextTheme[theme.value])} />
      <IconButton id="set-lang" icon="globe" label={t('lang.label')} text={lang.value === 'en' ? '中文' : 'English'} onClick={() => (lang.value = lang.value === 'en' ? 'zh' : 'en')} />
      <IconButton id="set-zone" icon="clock" label={t('zone.label')} text={zone.value === 'utc' ? 'UTC' : t('zone.short')} onClick={() => (zone.value = zone.value === 'utc' ? 'local' : 'utc')} />
      <IconButton id="open-help" icon="help" label={t('help.title')} text={t('help.keys')} onClick={() => (helpOpen.value = true)} />
    </div>
  );
}

const kStaleAfter = 15;

function Banners({ overview, at }: { overview: Overview | undefined; at: number }) {
  const age = at ? now.value - at / 1000 : 0;
  return (
    <div class="banners">
      {!link.value.up && (
        <Banner tone="bad" urgent>
          <strong>{t('link.lost')}</strong> {t('link.since', { at: dateTime(link.value.lastAnswer / 1000), d: duration(Math.max(1, now.value - link.value.lastAnswer / 1000)) })}
        </Banner>
      )}
      {link.value.up && age > kStaleAfter && <Banner tone="warn">{t('link.stale', { d: duration(age) })}</Banner>}
      {overview?.remediation.stopped && (
        <Banner tone="warn">
          <strong>{t('kill.on')}</strong> <a href="/remediation">{t('kill.look')}</a>
        </Banner>
      )}
      {overview && !overview.reload.ok && (
        <Banner tone="bad">
          <strong>{t('reload.failed')}</strong> <span class="mono wrap">{overview.reload.error}</span>
        </Banner>
      )}
    </div>
  );
}

function Help() {
  const keys: [string, string][] = [
    ['/', t('keys.search')],
    ['?', t('keys.help')],
    ...Object.entries(kGoKeys).map(([key, place]): [string, string] => [`g ${key}`, t(place.label)]),
    ['Esc', t('keys.escape')],
    ['← →', t('keys.chart')],
    ['Enter', t('keys.run')],
  ];
  return (
    <Dialog title={t('help.title')} onClose={() => (helpOpen.value = false)}>
      <table class="table dense plain">
        <caption class="sr-only">{t('help.title')}</caption>
        <thead class="sr-only">
          <tr><th scope="col">{t('help.key')}</th><th scope="col">{t('help.does')}</th></tr>
        </thead>
        <tbody>
          {keys.map(([key, text]) => (
            <tr key={key}>
              <th scope="row"><kbd>{key}</kbd></th>
              <td>{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  );
}

function Logo() {
  return (
    <svg class="logo-mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <rect width="24" height="24" rx="6" fill="var(--accent)" />
      <path d="M16 10.500a4 4 0 1 0-8 0 4 4 0 0 0 8 0zm0 0c0 4-1.800 6.500-5 7.500" fill="none" stroke="var(--on-accent)" stroke-width="2.400" stroke-linecap="round" />
    </svg>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const live = useLive<Overview>(kOverviewUrl);
  const [menu, setMenu] = useState(false);
  useEffect(() => startKeys(() => (helpOpen.value = true)), []);
  return (
    <div class={`shell${menu ? ' menu-open' : ''}`}>
      <a class="skip" href="#main" data-plain>{t('skip')}</a>
      <header class="side">
        <div class="brand">
          <a href="/" class="logo"><Logo /><span>Nines</span></a>
          <button type="button" class="icon-button menu-button" aria-expanded={menu} aria-controls="side-body" onClick={() => setMenu(!menu)}>
            <Icon name={menu ? 'close' : 'menu'} />
            <span class="sr-only">{t('menu')}</span>
          </button>
        </div>
        <div class="side-body" id="side-body">
          <Nav overview={live.data} onGo={() => setMenu(false)} />
          <Settings />
          <p class="version muted">{live.data ? `nines ${live.data.version}` : ' '}</p>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <Banners overview={live.data} at={live.at} />
        {children}
      </main>
      {helpOpen.value && <Help />}
    </div>
  );
}
