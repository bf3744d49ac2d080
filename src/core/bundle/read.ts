/**
 * Reading a bundle that somebody hands in, strictly: what two readers could read differently (a key twice, a number that a
 * double would change, half a character) is none, nor is one with a member too many or too few.
 */
import { orNothing } from '../errors';
import { parseJson } from '../parseJson';
import { BUNDLE_VERSION, SIGNATURE_ALGS } from './bundle';
import type { Bundle } from './bundle';
import type { BundleFinding } from './finding';
import { isHashText, pathText } from './inclusion';
import type { Inclusion } from './inclusion';
import { LIST_NAMES } from './lists';
import { COUNT, faultIn, isOneOf, matching, NAME, TEXT, VALUE } from './shape';
import type { Shape } from './shape';

/** A value of an opening may be as deep as a row's. */
const MAX_BUNDLE_DEPTH = 72;

export type BundleReading =
  { readonly kind: 'bundle'; readonly bundle: Bundle } | { readonly kind: 'none'; readonly finding: BundleFinding };

/**
 * A bundle among values that `strictJson` gave.
 * @param proofs those that were taken out of it before
 */
export function bundleIn(value: unknown, proofs?: readonly Inclusion[]): BundleReading {
  const fault = faultIn(value, BUNDLE);
  if (fault === undefined) {
    const spelled = value as BundleJson;
    return { kind: 'bundle', bundle: { ...spelled, inclusion: proofs ?? spelled.inclusion.map(inclusionOf) } };
  }
  const isUnsigned = fault.want === 'a member "signature"';
  return { kind: 'none', finding: { code: isUnsigned ? 'SIGNATURE_MISSING' : 'MALFORMED', seq: null, ...fault } };
}

/** As JSON has it. */
export type BundleJson = Omit<Bundle, 'inclusion'> & {
  readonly inclusion: readonly { readonly hashes: readonly string[]; readonly index: number; readonly seq: number }[];
};

function inclusionOf({ hashes, index, seq }: BundleJson['inclusion'][number]): Inclusion {
  return { path: pathText(hashes), index, seq };
}

/**
 * JSON that says one thing only. What comes out of the engine's own writer as it went in has every key once and every
 * number whole: nearly every bundle, in a tenth of the time.
 * @throws LedgerError as `parseJson`
 */
export function strictJson(text: string): unknown {
  const value = plainJson(text);
  if (value !== undefined) return value;
  parseJson(text, MAX_BUNDLE_DEPTH);
  return parsed(text);
}

/** Where the values of members stand in a text, and end. */
export type Places = Map<string, readonly [number, number]>;

/** Of what the engine's own writer would write so; undefined for all else, which may be strict as well. */
export function plainJson(text: string, places?: Places): unknown {
  // An escaped half of a character comes out as it went in, too.
  const value = text.includes('\\ud') ? undefined : parsed(text);
  // Nested deeper than the engine writes: the exact way says so.
  const isPlain = value !== undefined && orNothing(() => isSpelledAs(value, text.trimEnd(), places)) === true;
  return isPlain ? value : undefined;
}

/**
 * Whether the engine would write it so. Member by member, as in `contentHashOf`.
 * @param places takes those of the members
 */
function isSpelledAs(value: unknown, text: string, places?: Places): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value) === text;
  let at = 1;
  for (const [name, member] of Object.entries(value)) {
    const [before, spelled] = [`${at === 1 ? '' : ','}${JSON.stringify(name)}:`, JSON.stringify(member)];
    const from = at + before.length;
    if (!text.startsWith(before, at) || !text.startsWith(spelled, from)) return false;
    at = from + spelled.length;
    places?.set(name, [from, at]);
  }
  return text.startsWith('{') && text.endsWith('}') && at === text.length - 1;
}

function parsed(text: string): unknown {
  try {
    return text.isWellFormed() ? (JSON.parse(text) as unknown) : undefined;
  } catch {
    return undefined;
  }
}

const HASH = { is: isHashText, want: '32 bytes in base64' };
const HEX = /^(?:[0-9a-f]{2})+$/;

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
    inclusion: { each: { members: { hashes: { each: HASH }, index: COUNT, seq: COUNT } } },
    disclosed: {
      each: { members: { seq: COUNT, field: NAME, salt: TEXT, name: TEXT, value: VALUE, digest: TEXT } },
    },
    contentHash: matching(/^sha256:[0-9a-f]{64}$/, '"sha256:" and 64 hex digits'),
    signature: {
      members: { alg: isOneOf(SIGNATURE_ALGS), keyId: NAME, value: matching(HEX, 'hex digits') },
    },
  },
  optional: ['disclosed'],
};
