// The classes of the ring by what they hold.

import { t, type Key } from '../core/i18n';

const kWords: Record<string, Key> = {
  journal: 'ring.class.journal',
  raw: 'ring.class.raw',
  t5m: 'ring.class.t5m',
  t1h: 'ring.class.t1h',
  logs: 'ring.class.logs',
  log_journal: 'ring.class.log_journal',
};

// In words; a class of a newer server keeps its own name.
export function className(name: string): string {
  const word = kWords[name];
  return word ? t(word) : name;
}
