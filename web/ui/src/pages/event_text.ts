// What happened, as a sentence in the reader's language.

import { t, type Key } from '../core/i18n';
import { lang } from '../core/prefs';
import type { IncidentEvent } from '../core/types';

const kSentences: Record<string, Key> = {
  pending: 'sentence.pending',
  firing: 'sentence.firing',
  resolved: 'sentence.resolved',
  notified: 'sentence.notified',
  remediation_intent: 'sentence.remediation_intent',
  remediation_started: 'sentence.remediation_started',
  verified: 'sentence.verified',
  verify_failed: 'sentence.verify_failed',
};

// The server writes its sentence in English, and says the same in the detail. Elsewhere the page
// says it from the detail; what it has no words for, or lacks a value for, stays as it was written.
export function eventSentence(event: IncidentEvent): string {
  if (lang.value === 'en') return event.text;
  const answered = event.kind === 'remediation_outcome' && Number(event.detail?.['status'] ?? 0) > 0;
  const key = answered ? 'sentence.remediation_answered' : kSentences[event.kind];
  if (!key) return event.text;
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(event.detail ?? {})) values[name] = String(value);
  if (values['says']) values['says'] = t(values['says'] === 'resolved' ? 'state.resolved' : 'state.firing');
  const text = t(key, values);
  return /\{\w+\}/.test(text) ? event.text : text;
}
