// Label matchers as people type them: env="prod", job=~"api.*", and plain words.

import type { Labels, Silence } from './types';

export interface Matcher {
  name: string;
  op: '=' | '!=' | '=~' | '!~';
  value: string;
}

const kMatcher = /([A-Za-z_][\w.]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g;

export interface Filter {
  matchers: Matcher[];
  words: string[];  // lower case
}

export function parseFilter(text: string): Filter {
  const matchers: Matcher[] = [];
  const rest = text.replace(kMatcher, (_all, name: string, op: Matcher['op'], quoted?: string, bare?: string) => {
    matchers.push({ name, op, value: quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '' });
    return ' ';
  });
  const words = rest.toLowerCase().split(/[\s,{}]+/).filter((word) => word !== '');
  return { matchers, words };
}

// Anchored like Prometheus's; a pattern that this browser cannot read matches nothing.
function regexMatches(pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 'su').test(value);
  } catch {
    return false;
  }
}

export function matches(matcher: Matcher, labels: Labels): boolean {
  const value = labels[matcher.name] ?? '';
  switch (matcher.op) {
    case '=': return value === matcher.value;
    case '!=': return value !== matcher.value;
    case '=~': return regexMatches(matcher.value, value);
    case '!~': return !regexMatches(matcher.value, value);
  }
}

export function passes(filter: Filter, labels: Labels, text = ''): boolean {
  if (!filter.matchers.every((matcher) => matches(matcher, labels))) return false;
  if (filter.words.length === 0) return true;
  const hay = `${Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(' ')} ${text}`.toLowerCase();
  return filter.words.every((word) => hay.includes(word));
}

export function ofSilence(silence: Silence): Matcher[] {
  return silence.matchers.map((m) => ({
    name: m.name,
    value: m.value,
    op: m.isRegex ? (m.isEqual === false ? '!~' : '=~') : m.isEqual === false ? '!=' : '=',
  }));
}

export function matcherText(matcher: Matcher): string {
  return `${matcher.name}${matcher.op}${JSON.stringify(matcher.value)}`;
}

export function seriesName(labels: Labels): string {
  const { __name__: name = '', ...rest } = labels;
  const inner = Object.entries(rest).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return inner.length ? `${name}{${inner.join(', ')}}` : name || '{}';
}

export function sameLabels(a: Labels, b: Labels): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
