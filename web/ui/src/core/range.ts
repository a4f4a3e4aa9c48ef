// Time ranges as they stand in the address: "now-1h" .. "now", or seconds since the epoch.

import { param, setParams } from './router';

export interface Range {
  from: string;
  to: string;
}

const kUnits: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text);
  if (!match) return null;
  return Number(match[1]) * (kUnits[match[2] ?? ''] ?? 0);
}

// Seconds since the epoch, or null when the text means nothing.
export function resolve(text: string, nowSeconds = Date.now() / 1000): number | null {
  if (text === 'now') return nowSeconds;
  if (text.startsWith('now-')) {
    const back = parseDuration(text.slice(4));
    return back === null ? null : nowSeconds - back;
  }
  const value = Number(text);
  return text !== '' && Number.isFinite(value) ? value : null;
}

export function useRange(fallback: string): Range & { set: (from: string, to: string) => void } {
  const from = param('from', fallback);
  const to = param('to', 'now');
  return {
    from: resolve(from) === null ? fallback : from,
    to: resolve(to) === null ? 'now' : to,
    set: (nextFrom, nextTo) => setParams({ from: nextFrom, to: nextTo === 'now' ? null : nextTo }, false),
  };
}

export function bounds(range: Range): { start: number; end: number } {
  const now = Date.now() / 1000;
  const end = resolve(range.to, now) ?? now;
  const start = resolve(range.from, now) ?? end - 3600;
  return start < end ? { start, end } : { start: end - 60, end };
}

const kSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

// A round step that gives at most `points` points.
export function autoStep(start: number, end: number, points = 400): number {
  const wanted = (end - start) / points;
  return kSteps.find((step) => step >= wanted) ?? Math.ceil(wanted / 86400) * 86400;
}
