// Plans work: when, how often, whom it concerns and what it quiets; says beforehand what that is now.

import { useState } from 'preact/hooks';
import { post, prom } from '../core/api';
import { t, type Key } from '../core/i18n';
import { useLive } from '../core/live';
import { matches, matcherText, parseFilter } from '../core/matchers';
import { recall, remember, zone } from '../core/prefs';
import type { PromAlert, Slo } from '../core/types';
import { ErrorBox } from '../ui/bits';
import { Check, Choice, Dialog } from '../ui/controls';

export const kEffects: Record<string, Key> = {
  silence: 'effect.silence',
  slo_exclude: 'effect.slo_exclude',
  no_remediation: 'effect.no_remediation',
};

const kOwnRule = 'own';
const kRules = ['', 'FREQ=DAILY', 'FREQ=WEEKLY', 'FREQ=MONTHLY', kOwnRule] as const;
type Rule = (typeof kRules)[number];
const kRuleWords = { '': 'maintenance.once', 'FREQ=DAILY': 'maintenance.daily', 'FREQ=WEEKLY': 'maintenance.weekly', 'FREQ=MONTHLY': 'maintenance.monthly', own: 'maintenance.own_rule' } as const;

function ownZone(): string {
  return zone.value === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

function lines(text: string): string[] {
  return text.split(/[\n,]/).map((one) => one.trim()).filter((one) => one !== '');
}

interface Draft {
  name: string;
  matchers: string;
  start: string;
  zone: string;
  duration: string;
  rule: Rule;
  ownRule: string;
  rdate: string;
  exdate: string;
  effects: string[];
  by: string;
  comment: string;
}

// The fields of `POST maintenance`; what is left open is not sent, and takes its default.
function body(draft: Draft): Record<string, unknown> {
  const rule = draft.rule === kOwnRule ? draft.ownRule.trim() : draft.rule;
  const start = draft.start && `${draft.start.replace('T', ' ')}:00`.slice(0, 19);
  const texts = { starts_at: start, rrule: rule, comment: draft.comment.trim(), created_by: draft.by.trim() };
  const lists = { rdate: lines(draft.rdate), exdate: lines(draft.exdate) };
  return {
    name: draft.name.trim(),
    matchers: parseFilter(draft.matchers).matchers.map(matcherText),
    time_zone: draft.zone.trim(),
    duration: draft.duration.trim(),
    effects: draft.effects,
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== '')),
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
  };
}

type SetDraft = (changes: Partial<Draft>) => void;

function When({ draft, set }: { draft: Draft; set: SetDraft }) {
  return (
    <>
      <label class="field">
        <span>{t('maintenance.start')}</span>
        <input type="datetime-local" name="start" value={draft.start} onInput={(event) => set({ start: event.currentTarget.value })} />
        <small class="muted">{t('maintenance.start_hint')}</small>
      </label>
      <label class="field">
        <span>{t('maintenance.zone')}</span>
        <input required name="zone" value={draft.zone} autocomplete="off" spellcheck={false} onInput={(event) => set({ zone: event.currentTarget.value })} />
      </label>
      <label class="field">
        <span>{t('duration')}</span>
        <input required name="duration" value={draft.duration} autocomplete="off" spellcheck={false} onInput={(event) => set({ duration: event.currentTarget.value })} />
        <small class="muted">{t('maintenance.duration_hint')}</small>
      </label>
      <Choice label={t('maintenance.repeats')} value={draft.rule} options={kRules.map((one) => [one, t(kRuleWords[one])] as const)} onChange={(rule) => set({ rule })} />
      {draft.rule === kOwnRule && (
        <label class="field">
          <span>{t('maintenance.rrule')}</span>
          <input required class="mono" name="rrule" value={draft.ownRule} placeholder="FREQ=MONTHLY;BYDAY=1SU" autocomplete="off" spellcheck={false} onInput={(event) => set({ ownRule: event.currentTarget.value })} />
        </label>
      )}
      <details>
        <summary>{t('maintenance.dates')}</summary>
        <div class="form">
          <label class="field">
            <span>{t('maintenance.rdate')}</span>
            <textarea class="mono" rows={2} value={draft.rdate} placeholder="2026-01-04 02:00:00" spellcheck={false} onInput={(event) => set({ rdate: event.currentTarget.value })} />
          </label>
          <label class="field">
            <span>{t('maintenance.exdate')}</span>
            <textarea class="mono" rows={2} value={draft.exdate} placeholder="2026-12-24" spellcheck={false} onInput={(event) => set({ exdate: event.currentTarget.value })} />
          </label>
        </div>
      </details>
    </>
  );
}

// How many alerts and SLOs the matchers meet at present.
function useHits(draft: Draft): { alerts: number; slos: number } {
  const alerts = useLive('alerts:list', { fetcher: (abort) => prom<{ alerts: PromAlert[] }>('/api/v1/alerts', {}, abort) });
  const slos = useLive<{ slos: Slo[] }>('/api/nines/v1/slos');
  const { matchers } = parseFilter(draft.matchers);
  if (matchers.length === 0) return { alerts: 0, slos: 0 };
  return {
    alerts: (alerts.data?.alerts ?? []).filter((one) => matchers.every((m) => matches(m, one.labels))).length,
    slos: (slos.data?.slos ?? []).filter((one) => [one.name, one.definition].some((slo) => matchers.every((m) => matches(m, { service: one.service, slo })))).length,
  };
}

export function MaintenanceDialog({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [draft, setDraft] = useState<Draft>({
    name: '', matchers: '', start: '', zone: ownZone(), duration: '1h', rule: '', ownRule: '', rdate: '', exdate: '',
    effects: Object.keys(kEffects), by: recall('creator') ?? '', comment: '',
  });
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const set: SetDraft = (changes) => setDraft((old) => ({ ...old, ...changes }));
  const { matchers, words } = parseFilter(draft.matchers);
  const hits = useHits(draft);
  const wide = matchers.length > 0 && matchers.every((one) => matches(one, {}));
  const good = draft.name.trim() !== '' && matchers.length > 0 && words.length === 0 && !wide && draft.effects.length > 0 && draft.duration.trim() !== '' && draft.by.trim() !== '' && (draft.rule !== kOwnRule || draft.ownRule.trim() !== '');
  const send = () => {
    setBusy(true);
    setError(undefined);
    remember('creator', draft.by.trim());
    post('/api/nines/v1/maintenance', body(draft)).then(onDone, (cause: Error) => {
      setError(cause.message);
      setBusy(false);
    });
  };
  const turn = (effect: string, on: boolean) => set({ effects: Object.keys(kEffects).filter((one) => (one === effect ? on : draft.effects.includes(one))) });
  return (
    <Dialog title={t('maintenance.new')} onClose={onClose} wide>
      <form class="form" onSubmit={(event) => { event.preventDefault(); if (good && !busy) send(); }}>
        <label class="field">
          <span>{t('maintenance.name')}</span>
          <input required name="name" value={draft.name} autocomplete="off" spellcheck={false} onInput={(event) => set({ name: event.currentTarget.value })} />
        </label>
        <label class="field">
          <span>{t('silence.matchers')}</span>
          <textarea class="mono" name="matchers" rows={2} value={draft.matchers} spellcheck={false} onInput={(event) => set({ matchers: event.currentTarget.value })} />
          <small class="muted">{t('maintenance.matchers_hint')}</small>
        </label>
        {words.length > 0 && <p class="tone-bad">{t('silence.not_matcher', { w: words.join(' ') })}</p>}
        {wide && <p class="tone-bad">{t('silence.too_wide')}</p>}
        <p role="status" class={hits.alerts + hits.slos === 0 ? 'muted' : 'strong'}>{t('maintenance.hits', { alerts: hits.alerts, slos: hits.slos })}</p>
        <When draft={draft} set={set} />
        <fieldset class="choices">
          <legend>{t('maintenance.effects')}</legend>
          {Object.entries(kEffects).map(([effect, key]) => <Check key={effect} label={t(key)} checked={draft.effects.includes(effect)} onChange={(on) => turn(effect, on)} />)}
        </fieldset>
        <label class="field">
          <span>{t('silence.by')}</span>
          <input required name="by" autocomplete="name" value={draft.by} onInput={(event) => set({ by: event.currentTarget.value })} />
        </label>
        <label class="field">
          <span>{t('silence.comment')}</span>
          <input name="comment" value={draft.comment} autocomplete="off" onInput={(event) => set({ comment: event.currentTarget.value })} />
        </label>
        {error && <ErrorBox text={error} />}
        <div class="form-end">
          <button type="button" class="button" onClick={onClose}>{t('cancel')}</button>
          <button type="submit" class="button primary" disabled={!good || busy}>{t('maintenance.create')}</button>
        </div>
      </form>
    </Dialog>
  );
}
