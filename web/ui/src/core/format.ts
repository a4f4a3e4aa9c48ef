// Numbers and times as people read them.

import { t } from './i18n';
import { lang, zone } from './prefs';

const kNone = '–';
const kSpace = '\u00a0';  // between a number and its unit: they stay on one line

function locale(): string {
  return lang.value === 'zh' ? 'zh-CN' : 'en';
}

export function number(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined) return kNone;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return value.toExponential(2);
  return new Intl.NumberFormat(locale(), { maximumSignificantDigits: Math.max(digits, 1 + Math.floor(Math.log10(size || 1))) }).format(value);
}

export function count(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return kNone;
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: 0 }).format(value);
}

// Short, for axes: 1.2 k, 3.4 M.
export function compact(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e12) return `${trim(value / 1e12)}T`;
  if (size >= 1e9) return `${trim(value / 1e9)}G`;
  if (size >= 1e6) return `${trim(value / 1e6)}M`;
  if (size >= 1e3) return `${trim(value / 1e3)}k`;
  if (size < 1e-3) return value.toExponential(1);
  return trim(value);
}

function trim(value: number): string {
  return String(Number(value.toPrecision(4)));
}

export function percent(ratio: number | null | undefined, digits = 2): string {
  if (ratio === null || ratio === undefined || !Number.isFinite(ratio)) return kNone;
  return `${new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(ratio * 100)}${kSpace}%`;
}

// An SLI needs as many digits as its target has, and two more: 99.95 % of 99.9 %.
export function sliPercent(ratio: number | null | undefined, target: number): string {
  const decimals = (String(target).split('.')[1] ?? '').length;
  return percent(ratio, Math.min(decimals + 2, 6));
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return kNone;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let size = Math.abs(value);
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${value < 0 ? '-' : ''}${Number(size.toPrecision(size >= 1000 ? 4 : 3))}${kSpace}${units[unit]}`;
}

// The two largest units: "3 d 4 h", "1 min 5 s", "12 ms".
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return kNone;
  const size = Math.abs(seconds);
  if (size === 0) return `0${kSpace}${t('unit.s')}`;
  if (size < 0.0995) return `${Number((size * 1000).toPrecision(2))}${kSpace}${t('unit.ms')}`;
  if (size < 9.95) return `${Number(size.toPrecision(2))}${kSpace}${t('unit.s')}`;
  const whole = Math.round(size);
  const parts: [number, string][] = [
    [Math.floor(whole / 86400), t('unit.d')],
    [Math.floor((whole % 86400) / 3600), t('unit.h')],
    [Math.floor((whole % 3600) / 60), t('unit.min')],
    [whole % 60, t('unit.s')],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${kSpace}${unit}`)
    .join(kSpace);
}

// As in configuration and PromQL: "5m", "30d".
export function promDuration(seconds: number): string {
  for (const [unit, size] of [['d', 86400], ['h', 3600], ['m', 60]] as const) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

export function timeParts(seconds: number): Parts {
  const date = new Date(seconds * 1000);
  return zone.value === 'utc'
    ? {
        year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(),
        hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds(),
      }
    : {
        year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate(),
        hour: date.getHours(), minute: date.getMinutes(), second: date.getSeconds(),
      };
}

export function dateTime(seconds: number | null | undefined): string {
  if (!seconds) return kNone;
  const p = timeParts(seconds);
  return `${p.year}-${pad(p.month)}-${pad(p.day)} ${pad(p.hour)}:${pad(p.minute)}:${pad(p.second)}`;
}

export function clockTime(seconds: number, millis = false): string {
  const p = timeParts(seconds);
  const text = `${pad(p.hour)}:${pad(p.minute)}:${pad(p.second)}`;
  return millis ? `${text}.${String(Math.floor((seconds * 1000) % 1000)).padStart(3, '0')}` : text;
}

// For an axis: the date where the ticks are days apart, else the time of day.
export function axisTime(seconds: number, span: number): string {
  const p = timeParts(seconds);
  const midnight = p.hour === 0 && p.minute === 0;
  if (span > 2 * 86400 || (midnight && span > 43200)) {
    const day = `${pad(p.month)}-${pad(p.day)}`;
    return span > 10 * 86400 || midnight ? day : `${day} ${pad(p.hour)}:${pad(p.minute)}`;
  }
  return span < 300 ? clockTime(seconds) : `${pad(p.hour)}:${pad(p.minute)}`;
}

// What the times on the page are counted in: "UTC", "UTC+2", "UTC+5:30".
export function zoneName(at: number | undefined): string {
  const minutes = zone.value === 'utc' ? 0 : -new Date(at === undefined ? Date.now() : at * 1000).getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '−' : '+'}${Math.floor(size / 60)}${size % 60 ? `:${pad(size % 60)}` : ''}`;
}
