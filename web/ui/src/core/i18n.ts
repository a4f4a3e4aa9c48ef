// The words of the page. English is always there; another language is loaded before it is shown.

import { effect, signal } from '@preact/signals';
import en from '../i18n/en.json';
import { lang } from './prefs';

export type Key = keyof typeof en;
export type Vars = Record<string, string | number>;

const words = signal<Record<Key, string>>(en);

// "one|other": the first form is for n = 1. Languages without plural give one form.
export function t(key: Key, vars?: Vars): string {
  const forms = words.value[key].split('|');
  const form = (vars?.['n'] === 1 ? forms[0] : forms[forms.length - 1]) ?? key;
  if (!vars) return form;
  return form.replace(/\{(\w+)\}/g, (all, name: string) => String(vars[name] ?? all));
}

async function load(): Promise<void> {
  const wanted = lang.value;
  const table = wanted === 'zh' ? (await import('../i18n/zh.json')).default : en;
  if (wanted !== lang.peek()) return;
  words.value = table;
  document.documentElement.lang = wanted === 'zh' ? 'zh-CN' : 'en';
}

// Resolves when the language of choice is there; follows later choices.
export async function startI18n(): Promise<void> {
  await load().catch(() => undefined);
  let first = true;
  effect(() => {
    void lang.value;
    if (!first) void load().catch(() => undefined);
    first = false;
  });
}
