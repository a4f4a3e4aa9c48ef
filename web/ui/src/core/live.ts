// Data that stays fresh: asked for again every few seconds while somebody looks.

import { signal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, request } from './api';

export interface LiveState<T> {
  data: T | undefined;
  error: string | undefined;  // of the last attempt; data may be older and still there
  status: number;             // HTTP status of that error, 0 when there was no answer
  at: number;                 // when data came, ms
}

export type Fetcher<T> = (abort: AbortSignal) => Promise<T>;

const kKeep = 60;  // resources remembered after their last viewer left

class Live<T> {
  readonly state: Signal<LiveState<T>> = signal({ data: undefined, error: undefined, status: 0, at: 0 });
  viewers = 0;
  interval = 5000;
  fetcher: Fetcher<T>;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private abort: AbortController | undefined;

  constructor(fetcher: Fetcher<T>) {
    this.fetcher = fetcher;
  }

  start(): void {
    this.stop();
    if (document.hidden) return;
    const abort = new AbortController();
    this.abort = abort;
    this.fetcher(abort.signal)
      .then(
        (data) => ({ data, error: undefined, status: 0, at: Date.now() }),
        (cause: unknown) => ({
          ...this.state.peek(),
          error: cause instanceof Error ? cause.message : String(cause),
          status: cause instanceof ApiError ? cause.status : 0,
        }),
      )
      .then((next) => {
        if (abort.signal.aborted) return;
        this.state.value = next;
        if (this.viewers > 0 && this.interval > 0) {
          this.timer = setTimeout(() => this.start(), this.interval);
        }
      });
  }

  stop(): void {
    clearTimeout(this.timer);
    this.abort?.abort();
  }
}

const all = new Map<string, Live<unknown>>();

function find<T>(key: string, fetcher: Fetcher<T>): Live<T> {
  let live = all.get(key) as Live<T> | undefined;
  if (!live) {
    live = new Live(fetcher);
    all.set(key, live as Live<unknown>);
    if (all.size > kKeep) {
      for (const [old, candidate] of all) {
        if (all.size <= kKeep) break;
        if (candidate.viewers === 0 && old !== key) all.delete(old);
      }
    }
  }
  return live;
}

document.addEventListener('visibilitychange', () => {
  for (const live of all.values()) {
    if (live.viewers === 0) continue;
    if (document.hidden) live.stop();
    else live.start();
  }
});

export interface LiveOptions<T> {
  interval?: number;        // ms between an answer and the next question; 0: once
  fetcher?: Fetcher<T>;     // default: GET the key as a URL
}

export type LiveView<T> = LiveState<T> & { reload: () => void };

// The same key is asked for once, however many look. A null key asks nothing.
export function useLive<T>(key: string | null, options: LiveOptions<T> = {}): LiveView<T> {
  const interval = options.interval ?? 5000;
  const fetcher = options.fetcher ?? ((abort: AbortSignal) => request<T>(key ?? '', { signal: abort }));
  const live = find(key ?? '', fetcher);
  live.fetcher = fetcher;
  useEffect(() => {
    if (key === null) return;
    live.viewers++;
    live.interval = interval;
    live.start();
    return () => {
      if (--live.viewers === 0) live.stop();
    };
  }, [key, interval]);
  return { ...live.state.value, reload: () => live.start() };
}
