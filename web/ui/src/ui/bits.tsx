// The small parts every page is made of.

import type { ComponentChildren } from 'preact';
import { now } from '../core/clock';
import { dateTime, duration } from '../core/format';
import { t, type Key } from '../core/i18n';
import { href } from '../core/router';
import type { Labels } from '../core/types';
import { Icon, type IconName } from './icons';

export type Tone = 'ok' | 'warn' | 'bad' | 'none' | 'info';

interface StateLook {
  tone: Tone;
  icon: IconName;
  word: Key;
}

// Every state word of the product: a colour, a shape and a word, so that colour is never alone.
const kStates: Record<string, StateLook> = {
  ok: { tone: 'ok', icon: 'check', word: 'state.ok' },
  at_risk: { tone: 'warn', icon: 'warn', word: 'state.at_risk' },
  breached: { tone: 'bad', icon: 'stop', word: 'state.breached' },
  no_data: { tone: 'none', icon: 'none', word: 'state.no_data' },
  firing: { tone: 'bad', icon: 'stop', word: 'state.firing' },
  pending: { tone: 'warn', icon: 'clock', word: 'state.pending' },
  inactive: { tone: 'ok', icon: 'check', word: 'state.inactive' },
  resolved: { tone: 'ok', icon: 'check', word: 'state.resolved' },
  silenced: { tone: 'none', icon: 'mute', word: 'state.silenced' },
  up: { tone: 'ok', icon: 'check', word: 'state.up' },
  down: { tone: 'bad', icon: 'stop', word: 'state.down' },
  unknown: { tone: 'none', icon: 'none', word: 'state.unknown' },
  intent: { tone: 'info', icon: 'clock', word: 'state.intent' },
  acted: { tone: 'info', icon: 'play', word: 'state.acted' },
  verified: { tone: 'ok', icon: 'check', word: 'state.verified' },
  failed: { tone: 'bad', icon: 'stop', word: 'state.failed' },
  skipped: { tone: 'none', icon: 'minus', word: 'state.skipped' },
  queued: { tone: 'warn', icon: 'clock', word: 'state.queued' },
  delivered: { tone: 'ok', icon: 'check', word: 'state.delivered' },
  given_up: { tone: 'bad', icon: 'stop', word: 'state.given_up' },
  err: { tone: 'bad', icon: 'stop', word: 'state.err' },
  active: { tone: 'info', icon: 'mute', word: 'state.active' },
  running: { tone: 'info', icon: 'calendar', word: 'state.running' },
  planned: { tone: 'none', icon: 'clock', word: 'state.planned' },
  over: { tone: 'none', icon: 'check', word: 'state.over' },
  overdue: { tone: 'warn', icon: 'clock', word: 'state.overdue' },
};

export function toneOf(state: string): Tone {
  return kStates[state]?.tone ?? 'none';
}

export function State({ of, text }: { of: string; text?: string }) {
  const look = kStates[of];
  const tone = look?.tone ?? 'none';
  return (
    <span class={`state tone-${tone}`}>
      <Icon name={look?.icon ?? 'none'} />
      <span>{text ?? (look ? t(look.word) : of)}</span>
    </span>
  );
}

export function Pill({ tone = 'none', children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`pill tone-${tone}`}>{children}</span>;
}

export function Card(props: {
  title?: ComponentChildren;
  aside?: ComponentChildren;
  children: ComponentChildren;
  flush?: boolean;
  id?: string;
}) {
  return (
    <section class={`card${props.flush ? ' flush' : ''}`} id={props.id}>
      {props.title !== undefined && (
        <header class="card-head">
          <h2>{props.title}</h2>
          {props.aside && <div class="card-aside">{props.aside}</div>}
        </header>
      )}
      <div class="card-body">{props.children}</div>
    </section>
  );
}

export function Tile(props: {
  label: ComponentChildren;
  value: ComponentChildren;
  note?: ComponentChildren;
  tone?: Tone;
  children?: ComponentChildren;
}) {
  return (
    <div class={`tile${props.tone ? ` edge-${props.tone}` : ''}`}>
      <div class="tile-label">{props.label}</div>
      <div class="tile-value">{props.value}</div>
      {props.note !== undefined && <div class="tile-note">{props.note}</div>}
      {props.children}
    </div>
  );
}

// How much of a whole, drawn; the number stands beside it.
export function Meter({ ratio, tone = 'info', label }: { ratio: number; tone?: Tone; label: string }) {
  const share = Math.max(0, Math.min(1, Number.isFinite(ratio) ? ratio : 0));
  return (
    <div class={`meter tone-${tone}`} role="img" aria-label={label}>
      <div class="meter-fill" style={{ width: `${(share * 100).toFixed(2)}%` }} />
    </div>
  );
}

export function Banner(props: { tone: Tone; icon?: IconName; children: ComponentChildren; urgent?: boolean }) {
  const icon = props.icon ?? (props.tone === 'bad' ? 'stop' : props.tone === 'warn' ? 'warn' : 'info');
  return (
    <div class={`banner tone-${props.tone}`} role={props.urgent ? 'alert' : 'status'}>
      <Icon name={icon} />
      <div class="banner-text">{props.children}</div>
    </div>
  );
}

export function ErrorBox({ text, title }: { text: string; title?: string }) {
  return (
    <Banner tone="bad" urgent>
      <strong>{title ?? t('error.title')}</strong> <span class="mono wrap">{text}</span>
    </Banner>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <div class="empty-text">{children}</div>}
    </div>
  );
}

export function Loading() {
  return (
    <p class="loading" role="status">
      {t('loading')}
    </p>
  );
}

// What to show before there is data: an error, or patience. Null when there is something to show.
export function Waiting({ data, error }: { data: unknown; error: string | undefined }) {
  if (error !== undefined) return <ErrorBox text={error} />;
  return data === undefined ? <Loading /> : null;
}

export function Ago({ at }: { at: number | null | undefined }) {
  if (!at) return <span>–</span>;
  const past = now.value - at;
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={dateTime(at)}>
      {past < 1.5 ? t('time.now') : t('time.ago', { d: duration(past) })}
    </time>
  );
}

export function When({ at }: { at: number | null | undefined }) {
  if (!at) return <span>–</span>;
  return (
    <time class="num" dateTime={new Date(at * 1000).toISOString()}>
      {dateTime(at)}
    </time>
  );
}

export function LabelList({ labels, skip = [] }: { labels: Labels; skip?: string[] }) {
  const shown = Object.entries(labels).filter(([name]) => !skip.includes(name));
  if (shown.length === 0) return null;
  return (
    <span class="labels">
      {shown.map(([name, value]) => (
        <span class="label" key={name}>
          <span class="label-name">{name}</span>
          <span class="label-eq">=</span>
          <span class="label-value">{value}</span>
        </span>
      ))}
    </span>
  );
}

export function exploreHref(query: string, from?: string | number, to?: string | number): string {
  return href('/explore', {
    q: query,
    from: from === undefined ? '' : String(from),
    to: to === undefined ? '' : String(to),
  });
}

export function QueryLink({ query, from, to }: { query: string; from?: string | number; to?: string | number }) {
  return (
    <a class="query" href={exploreHref(query, from, to)} title={t('query.open')}>
      <code>{query}</code>
    </a>
  );
}

export function PageHead(props: { title: ComponentChildren; sub?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <div class="page-head">
      <div class="page-title">
        <h1>{props.title}</h1>
        {props.sub && <p class="page-sub">{props.sub}</p>}
      </div>
      {props.children && <div class="page-tools">{props.children}</div>}
    </div>
  );
}

export function incidentTitle(labels: Labels): string {
  return labels['alertname'] ?? labels['slo'] ?? t('incident.unnamed');
}
