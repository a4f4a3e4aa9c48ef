// The keyboard: "/" searches, "g" and a letter goes, "?" helps. Silent while somebody types.

import type { Key } from '../core/i18n';
import { go } from '../core/router';

export const kGoKeys: Record<string, { href: string; label: Key }> = {
  o: { href: '/', label: 'nav.overview' },
  s: { href: '/slos', label: 'nav.slos' },
  a: { href: '/alerts', label: 'nav.alerts' },
  i: { href: '/incidents', label: 'nav.incidents' },
  r: { href: '/remediation', label: 'nav.remediation' },
  m: { href: '/maintenance', label: 'nav.maintenance' },
  e: { href: '/explore', label: 'nav.metrics' },
  l: { href: '/logs', label: 'nav.logs' },
  t: { href: '/targets', label: 'nav.targets' },
};

const kChordMs = 1200;

function typing(target: EventTarget | null): boolean {
  const node = target as HTMLElement | null;
  return !!node && (node.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName));
}

export function startKeys(help: () => void): () => void {
  let wentAt = 0;
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target)) {
      if (event.key === 'Escape') (event.target as HTMLElement).blur();
      return;
    }
    if (document.querySelector('dialog[open]')) return;
    const place = Date.now() - wentAt < kChordMs ? kGoKeys[event.key] : undefined;
    wentAt = 0;
    if (place) {
      event.preventDefault();
      go(place.href);
    } else if (event.key === 'g') {
      wentAt = Date.now();
    } else if (event.key === '/') {
      const field = document.querySelector<HTMLElement>('#main [data-search]');
      if (field) {
        event.preventDefault();
        field.focus();
      }
    } else if (event.key === '?') {
      help();
    }
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}
