// Writes a silence: what it matches, how long, who and why; says beforehand what it would hush.

import { useState } from 'preact/hooks';
import { post } from '../core/api';
import { duration } from '../core/format';
import { t } from '../core/i18n';
import { matches, matcherText, parseFilter, type Matcher } from '../core/matchers';
import { recall, remember } from '../core/prefs';
import type { Labels, PromAlert } from '../core/types';
import { ErrorBox } from '../ui/bits';
import { Choice, Dialog } from '../ui/controls';

const kHours = ['1', '2', '4', '8', '24', '72', '168'] as const;

interface Props {
  labels: Labels;
  alerts: PromAlert[];
  onClose: () => void;
  onDone: () => void;
}

export function SilenceDialog(props: Props) {
  const start: Matcher[] = Object.entries(props.labels).map(([name, value]) => ({ name, op: '=', value }));
  const [text, setText] = useState(start.map(matcherText).join('\n'));
  const [hours, setHours] = useState<string>('2');
  const [by, setBy] = useState(recall('creator') ?? '');
  const [comment, setComment] = useState('');
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const { matchers, words } = parseFilter(text);
  const hit = matchers.length === 0 ? [] : props.alerts.filter((alert) => matchers.every((one) => matches(one, alert.labels)));
  // A silence that also matches an alert without the label would hush everything: Alertmanager refuses it, too.
  const wide = matchers.length > 0 && matchers.every((one) => matches(one, {}));
  const good = matchers.length > 0 && words.length === 0 && !wide && by.trim() !== '' && comment.trim() !== '';

  const send = () => {
    setBusy(true);
    setError(undefined);
    remember('creator', by.trim());
    const at = Date.now();
    post('/api/v2/silences', {
      matchers: matchers.map((one) => ({ name: one.name, value: one.value, isRegex: one.op.endsWith('~'), isEqual: !one.op.startsWith('!') })),
      startsAt: new Date(at).toISOString(),
      endsAt: new Date(at + Number(hours) * 3600_000).toISOString(),
      createdBy: by.trim(),
      comment: comment.trim(),
    }).then(props.onDone, (cause: Error) => {
      setError(cause.message);
      setBusy(false);
    });
  };

  return (
    <Dialog title={t('silence.title')} onClose={props.onClose} wide>
      <form class="form" onSubmit={(event) => { event.preventDefault(); if (good && !busy) send(); }}>
        <label class="field">
          <span>{t('silence.matchers')}</span>
          <textarea class="mono" rows={Math.max(3, start.length)} value={text} spellcheck={false} onInput={(event) => setText(event.currentTarget.value)} />
          <small class="muted">{t('silence.matchers_hint')}</small>
        </label>
        {words.length > 0 && <p class="tone-bad">{t('silence.not_matcher', { w: words.join(' ') })}</p>}
        {wide && <p class="tone-bad">{t('silence.too_wide')}</p>}
        <p role="status" class={hit.length === 0 ? 'muted' : 'strong'}>{t('silence.hits', { n: hit.length, d: duration(Number(hours) * 3600) })}</p>
        <Choice label={t('silence.for')} value={hours} options={kHours.map((one) => [one, duration(Number(one) * 3600)] as const)} onChange={setHours} />
        <label class="field">
          <span>{t('silence.by')}</span>
          <input required autocomplete="name" value={by} onInput={(event) => setBy(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>{t('silence.comment')}</span>
          <input required value={comment} autocomplete="off" onInput={(event) => setComment(event.currentTarget.value)} />
        </label>
        {error && <ErrorBox text={error} />}
        <div class="form-end">
          <button type="button" class="button" onClick={props.onClose}>{t('cancel')}</button>
          <button type="submit" class="button primary" disabled={!good || busy}>{t('silence.create')}</button>
        </div>
      </form>
    </Dialog>
  );
}
