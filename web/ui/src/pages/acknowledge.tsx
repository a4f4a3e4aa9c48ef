// Who works on an incident: said and taken back here, shown to everybody.

import { useState } from 'preact/hooks';
import { post, request } from '../core/api';
import { dateTime, duration } from '../core/format';
import { t } from '../core/i18n';
import { recall, remember } from '../core/prefs';
import type { Acknowledgement } from '../core/types';
import { ErrorBox } from '../ui/bits';
import { Choice, Dialog } from '../ui/controls';

const kHours = ['0', '1', '4', '8', '24'] as const;

interface Props {
  episode: string;
  onClose: () => void;
  onDone: () => void;
}

function path(episode: string): string {
  return `/api/nines/v1/incidents/${encodeURIComponent(episode)}/acknowledgement`;
}

export function AcknowledgeDialog({ episode, onClose, onDone }: Props) {
  const [by, setBy] = useState(recall('creator') ?? '');
  const [comment, setComment] = useState('');
  const [hours, setHours] = useState<string>('0');
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const good = by.trim() !== '';
  const send = () => {
    setBusy(true);
    setError(undefined);
    remember('creator', by.trim());
    post(path(episode), { by: by.trim(), comment: comment.trim(), ...(hours === '0' ? {} : { expires_in: `${hours}h` }) }).then(onDone, (cause: Error) => {
      setError(cause.message);
      setBusy(false);
    });
  };
  return (
    <Dialog title={t('ack.title')} onClose={onClose}>
      <form class="form" onSubmit={(event) => { event.preventDefault(); if (good && !busy) send(); }}>
        <p class="muted">{t('ack.what')}</p>
        <label class="field">
          <span>{t('silence.by')}</span>
          <input required autocomplete="name" value={by} onInput={(event) => setBy(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>{t('silence.comment')}</span>
          <input value={comment} autocomplete="off" onInput={(event) => setComment(event.currentTarget.value)} />
        </label>
        <Choice label={t('silence.for')} value={hours} options={kHours.map((one) => [one, one === '0' ? t('ack.until_over') : duration(Number(one) * 3600)] as const)} onChange={setHours} />
        {error && <ErrorBox text={error} />}
        <div class="form-end">
          <button type="button" class="button" onClick={onClose}>{t('cancel')}</button>
          <button type="submit" class="button primary" disabled={!good || busy}>{t('ack.do')}</button>
        </div>
      </form>
    </Dialog>
  );
}

export function AcknowledgedBy({ episode, ack, onDone }: { episode: string; ack: Acknowledgement; onDone: () => void }) {
  const [error, setError] = useState<string>();
  const takeBack = () => {
    request(`${path(episode)}?by=${encodeURIComponent(recall('creator') ?? '')}`, { method: 'DELETE' }).then(onDone, (cause: Error) => setError(cause.message));
  };
  return (
    <>
      {t('ack.by', { who: ack.by, at: dateTime(ack.at) })}
      {ack.expires_at !== null && ` ${t('ack.until', { at: dateTime(ack.expires_at) })}`}
      {ack.comment !== '' && `: ${ack.comment}`}{' '}
      <button type="button" class="button" onClick={takeBack}>{t('ack.undo')}</button>
      {error && <ErrorBox text={error} />}
    </>
  );
}
