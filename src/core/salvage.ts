/**
 * What can still be read of a torn row: its first members, for the heal row's `original`. Best effort by nature:
 * members are read in order up to the first one that is cut or nested.
 *
 *   {"seq":7,"ts":"2026-…","run_id":"r1","cost_usd":0.0   →   { seq: 7, ts: "2026-…", run_id: "r1" }
 */

const NAMES: ReadonlySet<string> = new Set(['ts', 'run_id', 'decision_id', 'agent', 'action', 'id', 'seq', 'cost_usd']);
const MAX_VALUE_BYTES = 256;
/** One member with a plain value that is surely whole: something follows it. */
const MEMBER = /"((?:[^"\\]|\\.)*)"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null)\s*(?=[,}])[,}]\s*/y;

export function salvage(bytes: Buffer): Record<string, string | number> {
  const text = bytes.toString('utf8');
  const found: Record<string, string | number> = {};
  MEMBER.lastIndex = text.indexOf('{') + 1;
  if (MEMBER.lastIndex === 0) return found;
  for (;;) {
    const match = MEMBER.exec(text);
    if (match === null) return found;
    const [, name = '', token = ''] = match;
    const value = NAMES.has(name) && Buffer.byteLength(token) <= MAX_VALUE_BYTES ? plainValue(token) : undefined;
    if (value !== undefined) found[name] = value;
  }
}

function plainValue(token: string): string | number | undefined {
  try {
    const value: unknown = JSON.parse(token);
    return (typeof value === 'string' && value.isWellFormed()) || typeof value === 'number' ? value : undefined;
  } catch {
    return undefined;
  }
}
