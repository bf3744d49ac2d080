/**
 * Reading a bundle that somebody hands in, strictly: what two readers could read differently (a key twice, a number that a
 * double would change, half a character) is none, nor is one with a member too many or too few.
 */
import { LedgerError } from '../errors';
import { parseJson } from '../parseJson';
import { BUNDLE_VERSION, SIGNATURE_ALGS } from './bundle';
import type { Bundle } from './bundle';
import type { BundleFinding } from './finding';
import { LIST_NAMES } from './lists';

/** A value of an opening may be as deep as a row's. */
const MAX_BUNDLE_DEPTH = 72;

export type BundleReading =
  { readonly kind: 'bundle'; readonly bundle: Bundle } | { readonly kind: 'none'; readonly finding: BundleFinding };

export function readBundle(text: string): BundleReading {
  try {
    return bundleIn(strictJson(text));
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return none('strict JSON', error.message);
  }
}

/** The same for a value that was parsed before: that it says one thing only, whoever parsed it has to know. */
export function bundleIn(value: unknown): BundleReading {
  const fault = faultIn(value, BUNDLE, '');
  return fault === undefined ? { kind: 'bundle', bundle: value as Bundle } : none(fault.want, fault.got);
}

function none(want: string, got: string): BundleReading {
  return { kind: 'none', finding: { code: 'MALFORMED', seq: null, want, got } };
}

/**
 * JSON that says one thing only. What comes out of the engine's own writer as it went in has every key once and every
 * number whole: nearly every bundle, in a tenth of the time.
 * @throws LedgerError as `parseJson`
 */
export function strictJson(text: string): unknown {
  const value = parsed(text);
  // An escaped half of a character comes out as it went in, too.
  if (value === undefined || text.includes('\\ud') || JSON.stringify(value) !== text.trimEnd())
    parseJson(text, MAX_BUNDLE_DEPTH);
  return value;
}

function parsed(text: string): unknown {
  try {
    return text.isWellFormed() ? (JSON.parse(text) as unknown) : undefined;
  } catch {
    return undefined;
  }
}

interface Fault {
  readonly want: string;
  readonly got: string;
}

type Shape =
  | { readonly is: (value: unknown) => boolean; readonly want: string }
  | { readonly each: Shape }
  | { readonly members: Readonly<Record<string, Shape>>; readonly optional?: readonly string[] };

const HEX = /^(?:[0-9a-f]{2})+$/;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isOneOf = (values: readonly unknown[]) => ({
  is: (value: unknown) => values.includes(value),
  want: values.map((value) => JSON.stringify(value)).join(' or '),
});
const TEXT: Shape = { is: (value) => typeof value === 'string', want: 'a text' };
const NAME: Shape = { is: (value) => typeof value === 'string' && value !== '', want: 'a text that is not empty' };
const COUNT: Shape = { is: isCount, want: 'a whole number' };
const ANY: Shape = { is: () => true, want: 'a value' };
const matching = (pattern: RegExp, want: string): Shape => ({
  is: (value) => typeof value === 'string' && pattern.test(value),
  want,
});

const BUNDLE: Shape = {
  members: {
    version: isOneOf([BUNDLE_VERSION]),
    workflowId: NAME,
    ledger: { members: { ledger_id: NAME, origin: NAME } },
    streams: {
      each: {
        members: {
          kind: isOneOf(['run', 'decision', 'order']),
          id: NAME,
          rows: COUNT,
          state: isOneOf(['closed', 'open', 'late', 'loose']),
        },
      },
    },
    events: { each: NAME },
    ...Object.fromEntries(LIST_NAMES.map((name) => [name, { each: COUNT }])),
    checkpoint: NAME,
    inclusion: { each: { members: { hashes: { each: TEXT }, index: COUNT, seq: COUNT } } },
    disclosed: {
      each: { members: { seq: COUNT, field: NAME, salt: TEXT, name: TEXT, value: ANY, digest: TEXT } },
    },
    contentHash: matching(/^sha256:[0-9a-f]{64}$/, '"sha256:" and 64 hex digits'),
    signature: {
      members: { alg: isOneOf(SIGNATURE_ALGS), keyId: NAME, value: matching(HEX, 'hex digits') },
    },
  },
  optional: ['disclosed'],
};

/** The first thing that is not as it must be; `at` says where, as in `inclusion[3].index`. */
function faultIn(value: unknown, shape: Shape, at: string): Fault | undefined {
  if ('is' in shape) return shape.is(value) ? undefined : { want: `${named(at)} as ${shape.want}`, got: shown(value) };
  if ('each' in shape) return listFault(value, shape.each, at);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { want: `${named(at)} as an object`, got: shown(value) };
  const { members, optional = [] } = shape;
  const names = Object.keys(value);
  const odd = names.find((name) => !Object.hasOwn(members, name));
  if (odd !== undefined) return { want: `no other member in ${named(at)}`, got: shown(odd) };
  for (const [name, inner] of Object.entries(members)) {
    const place = at === '' ? name : `${at}.${name}`;
    const isThere = Object.hasOwn(value, name);
    if (!isThere && !optional.includes(name)) return { want: `a member "${place}"`, got: 'none' };
    const fault = isThere ? faultIn((value as Record<string, unknown>)[name], inner, place) : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function listFault(value: unknown, each: Shape, at: string): Fault | undefined {
  if (!Array.isArray(value)) return { want: `${named(at)} as a list`, got: shown(value) };
  for (let i = 0; i < value.length; i++) {
    const item: unknown = value[i];
    // Most items are of one plain kind: no place is spelled for them.
    if ('is' in each && each.is(item)) continue;
    const fault = faultIn(item, each, `${at}[${i}]`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const named = (at: string): string => (at === '' ? 'a bundle' : `"${at}"`);
const shown = (value: unknown): string =>
  value === undefined ? 'none' : (JSON.stringify(value) ?? typeof value).slice(0, 100);
