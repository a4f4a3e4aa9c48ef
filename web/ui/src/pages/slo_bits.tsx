// How budgets look, in a list and alone.

import { percent } from '../core/format';
import { t } from '../core/i18n';
import type { Slo } from '../core/types';
import { Meter, toneOf } from '../ui/bits';

export function BudgetBar({ slo }: { slo: Slo }) {
  const none = slo.state === 'no_data';
  const text = none ? '–' : percent(slo.budget_remaining, Math.abs(slo.budget_remaining) >= 10 ? 0 : 1);
  return (
    <span class="budget">
      <Meter ratio={none ? 0 : slo.budget_remaining} tone={toneOf(slo.state)} label={t('slo.left_label', { p: text })} />
      <span class="num budget-number">{text}</span>
    </span>
  );
}

// Burn rates by the windows that the server names, shortest first.
const kSeconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
export function windowSeconds(name: string): number {
  const match = /^(\d+)([smhdw])$/.exec(name);
  return match ? Number(match[1]) * (kSeconds[match[2] ?? ''] ?? 0) : 0;
}
export function burnWindows(slo: Slo): [string, number | null][] {
  return Object.entries(slo.burn_rates).sort(([a], [b]) => windowSeconds(a) - windowSeconds(b));
}
