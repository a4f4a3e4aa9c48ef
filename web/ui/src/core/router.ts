// The address is the state: path and query parameters as signals, links without a reload.

import { computed, signal } from '@preact/signals';

const here = signal(location.pathname + location.search);

export const path = computed(() => here.value.split('?')[0] ?? '/');
export const params = computed(() => new URLSearchParams(here.value.split('?')[1] ?? ''));

export function param(name: string, fallback = ''): string {
  return params.value.get(name) ?? fallback;
}

export function go(href: string, replace = false): void {
  if (href === here.peek()) return;
  if (replace) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  const samePage = href.split('?')[0] === path.peek();
  here.value = href;
  if (!samePage) {
    scrollTo(0, 0);
    // A reader of the screen must learn that the page is another one.
    requestAnimationFrame(() => document.getElementById('main')?.focus({ preventScroll: true }));
  }
}

export type Changes = Record<string, string | null | undefined>;

// The present address with some parameters changed; empty ones are dropped.
export function withParams(changes: Changes): string {
  const next = new URLSearchParams(params.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === '') next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  return path.value + (text ? `?${text}` : '');
}

export function setParams(changes: Changes, replace = true): void {
  go(withParams(changes), replace);
}

export function href(to: string, query: Changes = {}): string {
  const next = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) next.set(name, value);
  const text = next.toString();
  return to + (text ? `?${text}` : '');
}

export function startRouter(): void {
  addEventListener('popstate', () => {
    here.value = location.pathname + location.search;
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link || link.target || link.hasAttribute('download')) return;
    if (link.origin !== location.origin || link.hash || link.dataset['plain'] !== undefined) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
