/**
 * The cost that a command printed: `json:/usage/cost_usd` is the place (RFC 6901) in the JSON that it wrote to stdout, in
 * the whole of it or, where that is a log, in its last line that is JSON and has the place.
 */
import { LedgerError } from './errors';
import { parseCostNanos, roundedToNanos } from './money';

/** Names on the way to the cost. */
export type CostPath = readonly string[];

/** @throws LedgerError USAGE */
export function parseCostPath(text: string): CostPath {
  const match = /^json:((?:\/[^/]+)+)$/.exec(text);
  if (match === null || /~(?![01])/.test(text)) {
    throw new LedgerError('USAGE', `expected --cost-from to be a place in JSON, found ${JSON.stringify(text)}`, {
      hint: 'write for instance json:/usage/cost_usd',
    });
  }
  const names = (match[1] as string).slice(1).split('/');
  return names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** What stands in the place: a cost, rounded to the nano-dollar; something that is none; or nothing. */
export type PrintedCost =
  | { readonly kind: 'cost'; readonly nanos: bigint }
  | { readonly kind: 'unusable'; readonly text: string }
  | { readonly kind: 'none' };

export function printedCost(output: string, path: CostPath): PrintedCost {
  const whole = costAt(output, path);
  if (whole.kind !== 'none') return whole;
  for (const line of output.split('\n').reverse()) {
    const found = costAt(line, path);
    if (found.kind !== 'none') return found;
  }
  return { kind: 'none' };
}

function costAt(text: string, path: CostPath): PrintedCost {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'none' };
  }
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return { kind: 'none' };
    value = (value as Record<string, unknown>)[name];
  }
  const spelled = typeof value === 'number' || typeof value === 'string' ? String(value) : undefined;
  const nanos =
    spelled === undefined ? undefined : (parseCostNanos(spelled) ?? parseCostNanos(roundedToNanos(spelled) ?? ''));
  if (nanos === undefined || nanos < 0) return { kind: 'unusable', text: JSON.stringify(value).slice(0, 60) };
  return { kind: 'cost', nanos: BigInt(nanos) };
}
