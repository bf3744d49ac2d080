/**
 * What can still be read of a torn row: its first members, for the heal row's `original`. Best effort by nature:
 * members are read in order up to the first one that is cut or nested. A text that may hold a secret is left out: the row
 * may have been refused for it, and there is no setting to ask where a tail is healed.
 *
 *   {"seq":7,"ts":"2026-…","run_id":"r1","cost_usd":0.0   →   { seq: 7, ts: "2026-…", run_id: "r1" }
 */

import { mayHoldSecret } from './secretScan';
import { storedString } from './json';

const NAMES: ReadonlySet<string> = new Set(['ts', 'run_id', 'decision_id', 'agent', 'action', 'id', 'seq', 'cost_usd']);
const MAX_VALUE_BYTES = 256;
/** One member with a plain value that is surely whole: something follows it. */
const MEMBER = /"((?:[^"\\]|\\.)*)"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null)\s*(?=[,}])[,}]\s*/y;

/** Never throws, whatever the bytes: a heal row that cannot be made would block every writer. */
export function salvage(bytes: Buffer): Record<string, string | number> {
  const text = bytes.toString('utf8');
  const found: Record<string, string | number> = {};
  MEMBER.lastIndex = text.indexOf('{') + 1;
  if (MEMBER.lastIndex === 0) return found;
  for (;;) {
    const match = MEMBER.exec(text);
    if (match === null) return found;
    const [, name = '', token = ''] = match;
    const value = NAMES.has(name) ? valueOf(token) : undefined;
    if (isTellable(value)) found[name] = value;
  }
}

/** The same of a row that was read, whatever it holds. */
export function originalOf(row: Readonly<Record<string, unknown>>): Record<string, string | number> {
  const found: Record<string, string | number> = {};
  for (const name of NAMES) {
    const value = row[name];
    if (isTellable(value)) found[name] = value;
  }
  return found;
}

function valueOf(token: string): unknown {
  try {
    return JSON.parse(token);
  } catch {
    return undefined;
  }
}

/** Whether a row can and may repeat it: `1e999` is no number there, half of a surrogate pair no text. */
function isTellable(value: unknown): value is string | number {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'string' || !value.isWellFormed() || Buffer.byteLength(value) > MAX_VALUE_BYTES) return false;
  return !mayHoldSecret(storedString(value));
}
