// What happened around one alert, on one axis of time: a lane each for the alert, the pages and the repair.

import { useEffect, useRef, useState } from 'preact/hooks';
import { axisTime, clockTime, dateTime, duration } from '../core/format';
import { t, type Key } from '../core/i18n';
import { now } from '../core/clock';
import type { Incident, IncidentEvent } from '../core/types';
import { param, setParams } from '../core/router';
import type { Tone } from '../ui/bits';
import { Tabs } from '../ui/controls';
import type { IconName } from '../ui/icons';

interface Look {
  lane: 0 | 1 | 2;
  tone: Tone;
  icon: IconName;
  word: Key;
}

const kLooks: Record<string, Look> = {
  pending: { lane: 0, tone: 'warn', icon: 'clock', word: 'event.pending' },
  firing: { lane: 0, tone: 'bad', icon: 'stop', word: 'event.firing' },
  resolved: { lane: 0, tone: 'ok', icon: 'check', word: 'event.resolved' },
  restarted: { lane: 0, tone: 'info', icon: 'refresh', word: 'event.restarted' },
  notified: { lane: 1, tone: 'info', icon: 'mail', word: 'event.notified' },
  notify_failed: { lane: 1, tone: 'bad', icon: 'mail', word: 'event.notify_failed' },
  escalated: { lane: 1, tone: 'warn', icon: 'up', word: 'event.escalated' },
  acknowledged: { lane: 1, tone: 'ok', icon: 'user', word: 'event.acknowledged' },
  unacknowledged: { lane: 1, tone: 'none', icon: 'user', word: 'event.unacknowledged' },
  note: { lane: 1, tone: 'none', icon: 'logs', word: 'event.note' },
  remediation_intent: { lane: 2, tone: 'info', icon: 'wrench', word: 'event.remediation_intent' },
  remediation_started: { lane: 2, tone: 'info', icon: 'play', word: 'event.remediation_started' },
  remediation_outcome: { lane: 2, tone: 'info', icon: 'arrow', word: 'event.remediation_outcome' },
  verified: { lane: 2, tone: 'ok', icon: 'check', word: 'event.verified' },
  verify_failed: { lane: 2, tone: 'bad', icon: 'stop', word: 'event.verify_failed' },
};

export function lookOf(kind: string): Look {
  return kLooks[kind] ?? { lane: 1, tone: 'none', icon: 'info', word: 'event.other' };
}

export function eventWord(kind: string): string {
  return kind in kLooks ? t(lookOf(kind).word) : kind;
}

const kLanes: Key[] = ['lane.alert', 'lane.people', 'lane.repair'];
const kLaneHeight = 40;
const kTop = 6;
const kTail = 1.12;  // an axis that ends with the events leaves room behind the last

// Shapes beside colours: a square is trouble, a diamond is a warning, a ring is help.
function Mark({ x, y, tone }: { x: number; y: number; tone: Tone }) {
  const props = { class: `mark tone-${tone}` };
  if (tone === 'bad') return <rect x={x - 6} y={y - 6} width="12" height="12" {...props} />;
  if (tone === 'warn') return <polygon points={`${x},${y - 8} ${x + 8},${y} ${x},${y + 8} ${x - 8},${y}`} {...props} />;
  if (tone === 'ok') return <circle cx={x} cy={y} r="7" {...props} />;
  return <circle cx={x} cy={y} r="5" {...props} />;
}

interface Span {
  lane: number;
  from: number;
  to: number;
  tone: Tone;
  word: string;
}

function spans(incident: Incident, events: IncidentEvent[], end: number): Span[] {
  const list: Span[] = [];
  const start = incident.started_at ?? end;
  const over = incident.resolved_at ?? end;
  list.push({ lane: 0, from: start, to: incident.fired_at ?? over, tone: 'warn', word: t('event.pending') });
  if (incident.fired_at) list.push({ lane: 0, from: incident.fired_at, to: over, tone: 'bad', word: t('event.firing') });
  let began: number | undefined;
  for (const event of events) {
    if (event.kind === 'remediation_intent' || event.kind === 'remediation_started') began ??= event.at;
    if ((event.kind === 'verified' || event.kind === 'verify_failed') && began !== undefined) {
      list.push({ lane: 2, from: began, to: event.at, tone: event.kind === 'verified' ? 'ok' : 'bad', word: eventWord(event.kind) });
      began = undefined;
    }
  }
  if (began !== undefined) list.push({ lane: 2, from: began, to: over, tone: 'info', word: t('event.remediation_started') });
  return list;
}

export function Timeline({ incident, events }: { incident: Incident; events: IncidentEvent[] }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(800);
  useEffect(() => {
    const node = box.current;
    if (!node) return;
    const watcher = new ResizeObserver(() => setWidth(Math.max(280, node.clientWidth)));
    watcher.observe(node);
    return () => watcher.disconnect();
  }, []);
  const narrow = width < 560;
  const left = narrow ? 64 : 112;
  const over = Math.max(incident.resolved_at ?? now.value, ...events.map((event) => event.at));
  const first = Math.min(incident.started_at ?? over, ...events.map((event) => event.at));
  const lastEvent = Math.max(first, ...events.map((event) => event.at));
  // An incident that goes on for hours would press its first, busy minutes into a dot.
  const crowded = events.length > 1 && (lastEvent - first) * 3 < over - first;
  const cut = crowded && param('axis') !== 'all';
  const last = cut ? first + Math.max(lastEvent - first, 10) * kTail : over;
  const span = Math.max(last - first, 10);
  const x = (at: number) => left + 10 + ((at - first) / span) * (width - left - 30);
  const height = kTop + kLanes.length * kLaneHeight + 26;
  const ticks = Array.from({ length: narrow ? 3 : 6 }, (_unused, index, n = narrow ? 2 : 5) => first + (span * index) / n);
  const y = (lane: number) => kTop + lane * kLaneHeight + kLaneHeight / 2;
  return (
    <div ref={box} class="timeline">
      {crowded && (
        <Tabs label={t('timeline.axis')} value={cut ? '' : 'all'} options={[['', t('timeline.events')], ['all', t('timeline.whole')]]} onChange={(next) => setParams({ axis: next })} />
      )}
      <svg width={width} height={height} role="img" aria-label={t('timeline.label', { from: dateTime(first), d: duration(span), n: events.length })}>
        {kLanes.map((lane, index) => (
          <g key={lane}>
            <rect x="0" y={kTop + index * kLaneHeight} width={width} height={kLaneHeight} class={index % 2 ? 'lane odd' : 'lane'} />
            <text x="8" y={y(index) + 4} class="lane-name">{t(lane)}</text>
          </g>
        ))}
        {ticks.map((at) => (
          <g key={at}>
            <line x1={x(at)} x2={x(at)} y1={kTop} y2={height - 26} class="tick" />
            <text x={x(at)} y={height - 8} text-anchor={at === first ? 'start' : at === ticks[ticks.length - 1] ? 'end' : 'middle'} class="tick-text">{span < 7200 ? clockTime(at) : axisTime(at, span)}</text>
          </g>
        ))}
        {spans(incident, events, over).map((one) => (
          <rect key={`${one.lane}${one.from}${one.tone}`} x={x(one.from)} y={y(one.lane) - 4} width={Math.max(2, x(Math.min(one.to, last)) - x(one.from))} height="8" rx="2" class={`span tone-${one.tone}`}>
            <title>{`${one.word} ${duration(one.to - one.from)}`}</title>
          </rect>
        ))}
        {events.map((event) => {
          const look = lookOf(event.kind);
          return (
            <g key={event.id}>
              <title>{`${clockTime(event.at, true)} ${eventWord(event.kind)}: ${event.text}`}</title>
              <Mark x={x(event.at)} y={y(look.lane)} tone={look.tone} />
            </g>
          );
        })}
      </svg>
    </div>
  );
}
