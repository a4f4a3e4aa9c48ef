// One way to the server: errors in one shape, and the state of the connection.

import { signal } from '@preact/signals';

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

// Whether the server answers at all (an error is an answer).
export const link = signal<{ up: boolean; lastAnswer: number }>({ up: true, lastAnswer: Date.now() });

const kTimeoutMs = 30_000;

// Prometheus: {error}; nines: {error}; Alertmanager: a JSON string; Loki: plain text.
function errorText(body: string, status: number): string {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'string') return value;
    const error = (value as { error?: unknown } | null)?.error;
    if (typeof error === 'string') return error;
  } catch {
    // Not JSON.
  }
  return body.trim().slice(0, 500) || `HTTP ${status}`;
}

export async function request<T>(url: string, init: RequestInit = {}): Promise<T> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), kTimeoutMs);
  init.signal?.addEventListener('abort', () => timeout.abort());
  let response: Response;
  let body: string;
  try {
    response = await fetch(url, {
      ...init,
      signal: timeout.signal,
      credentials: 'same-origin',
      headers: { Accept: 'application/json', ...init.headers },
    });
    body = await response.text();
  } catch (cause) {
    if (!init.signal?.aborted) link.value = { ...link.peek(), up: false };
    throw cause;
  } finally {
    clearTimeout(timer);
  }
  link.value = { up: true, lastAnswer: Date.now() };
  if (!response.ok) throw new ApiError(errorText(body, response.status), response.status);
  return (body === '' ? undefined : JSON.parse(body)) as T;
}

export function post<T>(url: string, value: unknown): Promise<T> {
  return request<T>(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value),
  });
}

export interface Notes {
  warnings: string[];
  infos: string[];
}

interface Envelope<T> {
  data: T;
  warnings?: string[];
  infos?: string[];
}

// An endpoint of the Prometheus API, out of its envelope.
export async function prom<T>(
  url: string,
  query: Record<string, string | number> = {},
  abort?: AbortSignal,
): Promise<T & Notes> {
  const text = new URLSearchParams(
    Object.entries(query).map(([name, value]) => [name, String(value)]),
  ).toString();
  const answer = await request<Envelope<T>>(text ? `${url}?${text}` : url, abort ? { signal: abort } : {});
  return Object.assign(answer.data as T & Notes, {
    warnings: answer.warnings ?? [],
    infos: answer.infos ?? [],
  });
}
