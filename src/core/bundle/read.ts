/**
 * Reading a bundle that somebody hands in, strictly: what two readers could read differently (a key twice, a number that a
 * double would change, half a character) is none, nor is one with a member too many or too few.
 */
import { orNothing } from '../errors';
import { parseJson } from '../parseJson';
import { BUNDLE_VERSION, SIGNATURE_ALGS } from './bundle';
import type { Bundle } from './bundle';
import type { BundleFinding } from './finding';
import { LIST_NAMES } from './lists';
import { COUNT, faultIn, isOneOf, matching, NAME, TEXT, VALUE } from './shape';
import type { Shape } from './shape';

/** A value of an opening may be as deep as a row's. */
const MAX_BUNDLE_DEPTH = 72;

export type BundleReading =
  { readonly kind: 'bundle'; readonly bundle: Bundle } | { readonly kind: 'none'; readonly finding: BundleFinding };

/** A bundle among values that `strictJson` gave. */
export function bundleIn(value: unknown): BundleReading {
  const fault = faultIn(value, BUNDLE);
  if (fault === undefined) return { kind: 'bundle', bundle: value as Bundle };
  const isUnsigned = fault.want === 'a member "signature"';
  return { kind: 'none', finding: { code: isUnsigned ? 'SIGNATURE_MISSING' : 'MALFORMED', seq: null, ...fault } };
}

/**
 * JSON that says one thing only. What comes out of the engine's own writer as it went in has every key once and every
 * number whole: nearly every bundle, in a tenth of the time.
 * @throws LedgerError as `parseJson`
 */
export function strictJson(text: string): unknown {
  const value = parsed(text);
  // An escaped half of a character comes out as it went in, too.
  const isPlain = value !== undefined && !text.includes('\\ud');
  // Nested deeper than the engine writes: the exact way says so.
  if (!isPlain || orNothing(() => isSpelledAs(value, text.trimEnd())) !== true) parseJson(text, MAX_BUNDLE_DEPTH);
  return value;
}

/** Whether the engine would write it so. Member by member, as in `contentHashOf`. */
function isSpelledAs(value: unknown, text: string): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value) === text;
  let at = 1;
  for (const [name, member] of Object.entries(value)) {
    for (const part of [`${at === 1 ? '' : ','}${JSON.stringify(name)}:`, JSON.stringify(member)]) {
      if (!text.startsWith(part, at)) return false;
      at += part.length;
    }
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
    inclusion: { each: { members: { hashes: { each: TEXT }, index: COUNT, seq: COUNT } } },
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
