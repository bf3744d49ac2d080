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

/** The cost in what a command printed, rounded to the nano-dollar; undefined where there is none of 0 or more. */
export function printedCost(output: string, path: CostPath): bigint | undefined {
  const whole = costAt(output, path);
  if (whole !== undefined) return whole;
  for (const line of output.split('\n').reverse()) {
    const cost = costAt(line, path);
    if (cost !== undefined) return cost;
  }
  return undefined;
}

function costAt(text: string, path: CostPath): bigint | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const nanos = parseCostNanos(String(value)) ?? parseCostNanos(roundedToNanos(String(value)) ?? '');
  return nanos === undefined || nanos < 0 ? undefined : BigInt(nanos);
}
