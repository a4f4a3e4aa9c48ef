// What this browser remembers of its user: language, theme, time zone, name for silences.

import { effect, signal } from '@preact/signals';

export type Lang = 'en' | 'zh';
export type Theme = 'auto' | 'light' | 'dark';
export type Zone = 'local' | 'utc';

// Storage may be switched off; the page works without it.
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(`nines.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`nines.${key}`, value);
  } catch {
    // Private windows refuse: the choice lasts for this page only.
  }
}

function pick<T extends string>(key: string, allowed: readonly T[], fallback: T): T {
  const stored = recall(key);
  return allowed.find((value) => value === stored) ?? fallback;
}

const spoken: Lang = navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';

export const lang = signal<Lang>(pick('lang', ['en', 'zh'], spoken));
export const theme = signal<Theme>(pick('theme', ['auto', 'light', 'dark'], 'auto'));
export const zone = signal<Zone>(pick('zone', ['local', 'utc'], 'local'));

// What the theme comes to, for those who draw on a canvas.
const systemDark = matchMedia('(prefers-color-scheme: dark)');
export const dark = signal(systemDark.matches);

export function followPrefs(): void {
  const settle = () => {
    dark.value = theme.value === 'dark' || (theme.value === 'auto' && systemDark.matches);
  };
  systemDark.addEventListener('change', settle);
  effect(() => {
    remember('theme', theme.value);
    document.documentElement.dataset['theme'] = theme.value;
    settle();
  });
  effect(() => remember('lang', lang.value));
  effect(() => remember('zone', zone.value));
}
