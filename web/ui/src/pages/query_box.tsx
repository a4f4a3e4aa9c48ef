// A query field: history, names that complete themselves, and errors shown where they are.

import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { t } from '../core/i18n';
import { recall, remember } from '../core/prefs';
import { IconButton } from '../ui/controls';
import { Icon } from '../ui/icons';

const kHistory = 30;
const kSuggestions = 12;

export function queryHistory(kind: string): string[] {
  try {
    const list: unknown = JSON.parse(recall(`history.${kind}`) ?? '[]');
    return Array.isArray(list) ? list.filter((one): one is string => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

function keepQuery(kind: string, query: string): void {
  const list = [query, ...queryHistory(kind).filter((one) => one !== query)].slice(0, kHistory);
  remember(`history.${kind}`, JSON.stringify(list));
}

interface Word {
  start: number;
  text: string;
}

// The identifier that ends at the cursor.
function wordAt(text: string, cursor: number): Word {
  const match = /[A-Za-z_:][\w:.]*$/.exec(text.slice(0, cursor));
  return match ? { start: match.index, text: match[0] } : { start: cursor, text: '' };
}

function suggest(names: string[], word: string): string[] {
  if (word.length < 2) return [];
  const low = word.toLowerCase();
  const starts = names.filter((name) => name.toLowerCase().startsWith(low) && name !== word);
  const holds = names.filter((name) => !name.toLowerCase().startsWith(low) && name.toLowerCase().includes(low));
  return [...starts, ...holds].slice(0, kSuggestions);
}

interface Props {
  kind: 'promql' | 'logql';
  label: string;
  value: string;
  names?: string[];
  example?: string;
  onRun: (query: string) => void;
}

export function QueryBox(props: Props) {
  const [text, setText] = useState(props.value);
  const [picked, setPicked] = useState(-1);
  const [open, setOpen] = useState(false);
  const [cursor, setCursor] = useState(0);
  const [past, setPast] = useState<string[] | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  useEffect(() => setText(props.value), [props.value]);
  useEffect(() => {
    const node = field.current;
    if (!node) return;
    node.style.height = 'auto';
    node.style.height = `${node.scrollHeight + 2}px`;
  }, [text]);
  const word = wordAt(text, cursor);
  const list = open ? suggest(props.names ?? [], word.text) : [];

  const run = () => {
    setOpen(false);
    const query = text.trim();
    if (query) keepQuery(props.kind, query);
    props.onRun(query);
  };
  const take = (name: string) => {
    const next = text.slice(0, word.start) + name + text.slice(cursor);
    setText(next);
    setOpen(false);
    setPicked(-1);
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(word.start + name.length, word.start + name.length);
    });
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (list.length > 0 && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      setPicked((picked + (event.key === 'ArrowDown' ? 1 : list.length) + (picked < 0 && event.key === 'ArrowUp' ? 1 : 0)) % list.length);
    } else if (list.length > 0 && (event.key === 'Tab' || event.key === 'Enter') && picked >= 0) {
      event.preventDefault();
      take(list[picked] ?? '');
    } else if (list.length > 0 && event.key === 'Escape') {
      event.stopPropagation();
      setOpen(false);
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      run();
    }
  };

  return (
    <form class="query-box" onSubmit={(event) => { event.preventDefault(); run(); }}>
      <div class="query-field">
        <label class="sr-only" for={`${id}-q`}>{props.label}</label>
        <textarea
          id={`${id}-q`}
          ref={field}
          data-search
          class="mono"
          rows={1}
          value={text}
          placeholder={props.example && t('query.example', { q: props.example })}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          role="combobox"
          aria-autocomplete="list"
          aria-expanded={list.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={list.length > 0 && picked >= 0 ? `${id}-${picked}` : undefined}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setCursor(event.currentTarget.selectionStart);
            setOpen(true);
            setPicked(-1);
          }}
          onKeyDown={onKey}
          onBlur={() => setTimeout(() => setOpen(false), 150)}
        />
        <ul id={`${id}-list`} role="listbox" aria-label={t('query.names')} class="suggest" hidden={list.length === 0}>
          {list.map((name, index) => (
            <li key={name} id={`${id}-${index}`} role="option" aria-selected={index === picked} onMouseDown={(event) => { event.preventDefault(); take(name); }}>
              {name}
            </li>
          ))}
        </ul>
      </div>
      <span class="button-row">
        <button type="submit" class="button primary"><Icon name="play" /> {t('query.run')}</button>
        <IconButton icon="clock" label={t('query.history')} pressed={past !== null} onClick={() => setPast(past ? null : queryHistory(props.kind))} />
      </span>
      {past && (
        <div class="history">
          {past.length === 0 ? <p class="muted">{t('query.no_history')}</p> : (
            <ul>
              {past.map((query) => (
                <li key={query}>
                  <button type="button" class="link-button mono" onClick={() => { setText(query); setPast(null); props.onRun(query); }}>{query}</button>
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
    </form>
  );
}

// "1:14: parse error: ..." points into the query; shown as a mark under the place.
export function QueryError({ query, text }: { query: string; text: string }) {
  const match = /(?:^|\s)(\d+):(\d+)(?:-\d+:\d+)?:\s/.exec(text) ?? /line (\d+),? col(?:umn)? (\d+)/i.exec(text);
  const line = match ? query.split('\n')[Number(match[1]) - 1] : undefined;
  const column = Math.max(1, Number(match?.[2] ?? 1));
  return (
    <div class="banner tone-bad query-error" role="alert">
      <Icon name="stop" />
      <div class="banner-text">
        <p class="wrap"><strong>{t('query.failed')}</strong> {text}</p>
        {line !== undefined && <pre class="code">{`${line}\n${' '.repeat(column - 1)}^`}</pre>}
      </div>
    </div>
  );
}
