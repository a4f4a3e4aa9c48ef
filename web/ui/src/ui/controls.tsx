// What people turn and press: range picker, search field, choices, dialogs.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { dateTime, timeParts } from '../core/format';
import { t, type Key } from '../core/i18n';
import { zone } from '../core/prefs';
import { bounds, resolve, type Range } from '../core/range';
import { param, setParams } from '../core/router';
import { Icon, type IconName } from './icons';

export function IconButton(props: {
  icon: IconName;
  label: string;
  onClick: () => void;
  pressed?: boolean;
  text?: ComponentChildren;
  id?: string;
}) {
  return (
    <button type="button" class="icon-button" id={props.id} title={props.label} aria-label={props.text ? undefined : props.label} aria-pressed={props.pressed} onClick={props.onClick}>
      <Icon name={props.icon} />
      {props.text && <span>{props.text}</span>}
    </button>
  );
}

// A filter kept in the address. "/" brings the cursor here.
export function SearchField({ name = 'filter', label, hint }: { name?: string; label: string; hint?: string }) {
  const value = param(name);
  const [text, setText] = useState(value);
  const sent = useRef(value);
  useEffect(() => {
    if (value !== sent.current) setText(value);
    sent.current = value;
  }, [value]);
  useEffect(() => {
    if (text === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = text;
      setParams({ [name]: text });
    }, 120);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search">
      <Icon name="search" />
      <span class="sr-only">{label}</span>
      <input type="search" data-search value={text} placeholder={hint ?? label} autocomplete="off" spellcheck={false} onInput={(event) => setText(event.currentTarget.value)} />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}

export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
  hideLabel?: boolean;
}) {
  return (
    <label class="choice">
      <span class={props.hideLabel ? 'sr-only' : undefined}>{props.label}</span>
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value as T)}>
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Tabs<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, ComponentChildren])[];
  onChange: (value: T) => void;
}) {
  return (
    <div class="segments" role="group" aria-label={props.label}>
      {props.options.map(([value, text]) => (
        <button key={value} type="button" aria-pressed={value === props.value} onClick={() => props.onChange(value)}>
          {text}
        </button>
      ))}
    </div>
  );
}

export function Check(props: { label: string; checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={props.checked} onChange={(event) => props.onChange(event.currentTarget.checked)} />
      <span>{props.label}</span>
    </label>
  );
}

export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement as HTMLElement | null;
    dialog?.showModal();
    return () => before?.focus?.();
  }, []);
  return (
    <dialog
      ref={ref}
      class={props.wide ? 'dialog wide' : 'dialog'}
      aria-labelledby="dialog-title"
      onClose={props.onClose}
      onClick={(event) => event.target === ref.current && props.onClose()}
    >
      <div class="dialog-box">
        <header class="dialog-head">
          <h2 id="dialog-title">{props.title}</h2>
          <IconButton icon="close" label={t('close')} onClick={props.onClose} />
        </header>
        {props.children}
      </div>
    </dialog>
  );
}

// --- time ranges

const kPresets: readonly (readonly [string, Key])[] = [
  ['now-5m', 'range.5m'], ['now-15m', 'range.15m'], ['now-1h', 'range.1h'], ['now-3h', 'range.3h'],
  ['now-6h', 'range.6h'], ['now-12h', 'range.12h'], ['now-24h', 'range.24h'], ['now-2d', 'range.2d'],
  ['now-7d', 'range.7d'], ['now-30d', 'range.30d'],
];

function toField(seconds: number): string {
  const p = timeParts(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${p.year}-${two(p.month)}-${two(p.day)}T${two(p.hour)}:${two(p.minute)}:${two(p.second)}`;
}

function fromField(text: string): number | null {
  const at = Date.parse(zone.value === 'utc' ? `${text}Z` : text);
  return Number.isNaN(at) ? null : Math.floor(at / 1000);
}

type SetRange = (from: string, to: string) => void;

function CustomRange({ range, set, onDone }: { range: Range; set: SetRange; onDone: () => void }) {
  const { start, end } = bounds(range);
  const [from, setFrom] = useState(toField(start));
  const [to, setTo] = useState(toField(end));
  const a = fromField(from);
  const b = fromField(to);
  const good = a !== null && b !== null && a < b;
  return (
    <Dialog title={t('range.custom')} onClose={onDone}>
      <form
        class="form"
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          if (!good) return;
          set(String(a), String(b));
          onDone();
        }}
      >
        <label class="field">
          <span>{t('range.from')}</span>
          <input type="datetime-local" step="1" value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>{t('range.to')}</span>
          <input type="datetime-local" step="1" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
        </label>
        <p class="muted">{zone.value === 'utc' ? t('zone.utc') : t('zone.local')}</p>
        {!good && <p class="tone-bad">{t('range.wrong')}</p>}
        <div class="form-end">
          <button type="submit" class="button primary" disabled={!good}>
            {t('apply')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function RangePicker(props: { range: Range; set: SetRange; extra?: readonly (readonly [string, string])[] }) {
  const { range, set } = props;
  const [custom, setCustom] = useState(false);
  const { start, end } = bounds(range);
  const span = end - start;
  const options: (readonly [string, string])[] = [
    ...(props.extra ?? []),
    ...kPresets.map(([value, key]) => [value, t(key)] as const),
  ];
  const known = range.to === 'now' && options.some(([value]) => value === range.from);
  const move = (by: number, grow = 0) => {
    const from = start + by * span - grow * span;
    const to = Math.min(end + by * span + grow * span, Date.now() / 1000);
    set(String(Math.round(from)), String(Math.round(Math.max(to, from + 10))));
  };
  return (
    <div class="range" role="group" aria-label={t('range.label')}>
      <Choice
        label={t('range.label')}
        hideLabel
        value={known ? range.from : 'custom'}
        options={[
          ...options,
          ['custom', known ? t('range.custom') : `${dateTime(resolve(range.from))} – ${range.to === 'now' ? t('range.now') : dateTime(resolve(range.to))}`],
        ]}
        onChange={(value) => (value === 'custom' ? setCustom(true) : set(value, 'now'))}
      />
      <span class="button-row">
        <IconButton icon="left" label={t('range.back')} onClick={() => move(-0.5)} />
        <IconButton icon="right" label={t('range.forward')} onClick={() => move(0.5)} />
        <IconButton icon="minus" label={t('range.out')} onClick={() => move(0, 0.5)} />
        <IconButton icon="plus" label={t('range.in')} onClick={() => move(0, -0.25)} />
        <IconButton icon="clock" label={t('range.custom')} onClick={() => setCustom(true)} />
      </span>
      {custom && <CustomRange range={range} set={set} onDone={() => setCustom(false)} />}
    </div>
  );
}
