// The time now, ticking once a second while the page is seen.

import { signal } from '@preact/signals';

export const now = signal(Date.now() / 1000);

export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now() / 1000;
  }, 1000);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) now.value = Date.now() / 1000;
  });
}
