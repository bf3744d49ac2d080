/**
 * Overrides: a cap that somebody raised for a time, as rows.
 *
 *   {"actor":"ann","action":"spend.override","reason":"launch day",
 *    "payload":{"usd":"5","per":"day","agent":"coder","raised_to_usd":"8","raised_until":"2026-11-22T18:00:00.000Z"}}
 *
 * Of each cap the last such row counts and no other. It holds from its `ts` until `raised_until`, 31 days at most, and
 * then ends by itself; one without `raised_to_usd` ends the one before it. The cap is named by all that the config says
 * of it, so of one that was changed since it says nothing.
 */
import { formatCap } from './caps';
import type { Cap } from './caps';
import { ROW_KINDS } from './costs';
import { rowKindOf } from './costLine';
import { DAY_MS } from './day';
import { LedgerError } from './errors';
import type { Json, JsonObject } from './json';
import type { Row } from './members';
import { formatNanos, parseCostNanos } from './money';
import { OVERRIDE } from './spendActions';
import { formatTime, parseRfc3339 } from './time';

/** Who looks for those that hold need not read further back. */
export const MAX_OVERRIDE_MS = 31 * DAY_MS;

export interface Override {
  /** The row that says so. */
  readonly seq: number;
  /** What may be spent while it holds, in nano-dollars. */
  readonly nanos: bigint;
  /** `[sinceMs, untilMs)`; nothing where it ends another. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** A cap by all that the config says of it. */
export function capKey({ nanos, per, scope }: Cap): string {
  return keyOf(nanos, per, [...scope]);
}

function keyOf(nanos: number | bigint, per: string, scope: readonly (readonly [string, unknown])[]): string {
  return JSON.stringify([String(nanos), per, [...scope].sort(([a], [b]) => (a < b ? -1 : 1))]);
}

export interface CapOverride {
  readonly capKey: string;
  readonly override: Override;
}

/** The override that a row makes; undefined for every other row, and for one that waited: it came too late to be one. */
export function overrideOf(row: Row): CapOverride | undefined {
  if (row.action !== OVERRIDE || row.spill_id !== undefined) return undefined;
  if (rowKindOf(row.action, row.provenance) !== ROW_KINDS.live) return undefined;
  const { usd, per, raised_to_usd: to, raised_until: until, ...scope } = row.payload ?? {};
  const capNanos = nanosOf(usd);
  const nanos = to === undefined ? capNanos : nanosOf(to);
  const saidMs = typeof until === 'string' ? parseRfc3339(until) : undefined;
  const sinceMs = parseRfc3339(row.ts);
  if (capNanos === undefined || nanos === undefined || saidMs === undefined || sinceMs === undefined) return undefined;
  // A row that somebody wrote by hand holds no longer than others.
  const untilMs = Math.max(sinceMs, Math.min(saidMs, sinceMs + MAX_OVERRIDE_MS));
  const override = { seq: row.seq, nanos: BigInt(nanos), sinceMs, untilMs };
  return { capKey: keyOf(capNanos, String(per), Object.entries(scope)), override };
}

const nanosOf = (value: unknown): number | undefined => (typeof value === 'string' ? parseCostNanos(value) : undefined);

/** As plain data: amounts as text, in nano-dollars. */
export type OverrideRecord = readonly (readonly [string, Omit<Override, 'nanos'> & { readonly nanos: string }])[];

/** The last override of each of some caps. */
export class Overrides {
  readonly #last = new Map<string, Override>();
  readonly #known: ReadonlySet<string>;

  constructor(caps: readonly Cap[]) {
    this.#known = new Set(caps.map(capKey));
  }

  static fromRecord(caps: readonly Cap[], record: OverrideRecord): Overrides {
    const overrides = new Overrides(caps);
    for (const [key, one] of record) overrides.#last.set(key, { ...one, nanos: BigInt(one.nanos) });
    return overrides;
  }

  toRecord(): OverrideRecord {
    return [...this.#last].map(([key, one]) => [key, { ...one, nanos: String(one.nanos) }] as const);
  }

  /** Rows in the order of the ledger. */
  add(row: Row): void {
    const made = overrideOf(row);
    if (made !== undefined && this.#known.has(made.capKey)) this.#last.set(made.capKey, made.override);
  }

  /** The override that raises a cap at a moment. */
  at(cap: Cap, nowMs: number): Override | undefined {
    const last = this.#last.get(capKey(cap));
    return last !== undefined && raises(cap, last) && nowMs >= last.sinceMs && nowMs < last.untilMs ? last : undefined;
  }
}

function raises(cap: Cap, { nanos }: Override): boolean {
  return nanos > cap.nanos;
}

/** The overrides that rows make, in the order of the ledger, each until the next one of its cap. */
export function overridesIn(rows: readonly Row[]): readonly CapOverride[] {
  const made = rows.flatMap((row) => overrideOf(row) ?? []);
  return made.map(({ capKey: key, override }, i) => {
    const next = made.slice(i + 1).find((later) => later.capKey === key)?.override.sinceMs ?? Infinity;
    return {
      capKey: key,
      override: { ...override, untilMs: Math.max(override.sinceMs, Math.min(override.untilMs, next)) },
    };
  });
}

/** The one that raised a cap highest within `[startMs, endMs)`. */
export function highestWithin(
  overrides: readonly CapOverride[],
  cap: Cap,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): Override | undefined {
  const key = capKey(cap);
  const within = overrides.filter(
    ({ capKey: of, override }) =>
      of === key &&
      raises(cap, override) &&
      override.sinceMs < endMs &&
      override.untilMs > startMs &&
      override.untilMs > override.sinceMs,
  );
  return within.reduce<Override | undefined>(
    (most, { override }) => (most && most.nanos >= override.nanos ? most : override),
    undefined,
  );
}

/** How an override is spelled beside a cap, in a row's payload; empty where there is none. */
export function raisedMembers(
  override: Pick<Override, 'nanos' | 'untilMs'> | undefined,
): Readonly<Record<string, string>> {
  if (override === undefined) return {};
  return { raised_to_usd: formatNanos(override.nanos), raised_until: formatTime(override.untilMs) };
}

/** The same in answers. */
export interface Raised {
  readonly to_usd: string;
  readonly until: string;
  readonly seq: number;
}

export function raisedOf(override: Override | undefined): Raised | null {
  if (override === undefined) return null;
  return { to_usd: formatNanos(override.nanos), until: formatTime(override.untilMs), seq: override.seq };
}

/** The row of an override; without `nanos` it ends the one before. `members`: who says so, and why. */
export function overrideRow(
  cap: Cap,
  { nanos, untilMs }: { readonly nanos: bigint | undefined; readonly untilMs: number },
  members: JsonObject,
): JsonObject {
  const payload: [string, Json][] = [['usd', formatNanos(cap.nanos)], ['per', cap.per], ...cap.scope];
  if (nanos !== undefined) payload.push(['raised_to_usd', formatNanos(nanos)]);
  payload.push(['raised_until', formatTime(untilMs)]);
  return new Map<string, Json>([...members, ['action', OVERRIDE], ['payload', new Map(payload)]]);
}

/**
 * The cap that a person names: in the words that thresholds and refusals use, or by what it is per and narrowed to.
 *
 *   5 USD per day (agent=coder)     day,agent=coder     run
 *
 * @throws LedgerError USAGE for what names none, or several; with the names that there are
 */
export function capNamed(caps: readonly Cap[], text: string): Cap {
  const named = new Map<string, Cap>();
  for (const cap of caps)
    if (formatCap(cap) === text || sorted(shortName(cap)) === sorted(text)) named.set(capKey(cap), cap);
  const [only] = named.values();
  if (only !== undefined && named.size === 1) return only;
  const found = named.size === 0 ? JSON.stringify(text) : `${JSON.stringify(text)}, which names ${named.size}`;
  const names = caps.map((cap) => `"${shortName(cap)}" or "${formatCap(cap)}"`);
  throw new LedgerError('USAGE', `expected --cap to name one cap of the config, found ${found}`, {
    hint: `there are: ${[...new Set(names)].join('; ')}`,
  });
}

function shortName({ per, scope }: Cap): string {
  return [per, ...[...scope].map(([name, value]) => `${name}=${value}`)].join(',');
}

const sorted = (name: string): string =>
  name
    .split(',')
    .map((part) => part.trim())
    .sort()
    .join(',');
