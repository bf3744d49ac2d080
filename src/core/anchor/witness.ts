/**
 * What a witness is asked (C2SP tlog-witness), and whose cosignatures count: those of keys that the settings trust in the
 * role `witness`, under the name of the entry's actor.
 */
import { cosignedAt, isBy, noteKeyOf, openNote, parseNote } from '../note/note';
import type { NoteKey, NoteSignature } from '../note/note';
import type { TrustedKeys } from '../signing/signature';

export const WITNESS_ROLE = 'witness';
/** A proof for more rows than any ledger has is shorter. */
const MAX_PROOF = 63;
/** A clock that is a little ahead of ours. */
const AHEAD_SECONDS = 300;

export interface WitnessKey {
  readonly key: NoteKey;
  /** What is signed from then on counts no more. */
  readonly untilMs: number | undefined;
}

export function witnessKeysOf(keys: TrustedKeys): WitnessKey[] {
  return [...keys.values()]
    .filter(({ roles }) => roles.includes(WITNESS_ROLE))
    .map(({ actor, verifier, untilMs }) => {
      const { x = '' } = verifier.export({ format: 'jwk' });
      return { key: noteKeyOf(actor, Buffer.from(x, 'base64url'), 'cosignature'), untilMs };
    });
}

/** @returns undefined where the proof is longer than a witness takes */
export function witnessRequest(oldSize: number, proof: readonly Buffer[], note: string): string | undefined {
  if (proof.length > MAX_PROOF) return undefined;
  return `old ${oldSize}\n${proof.map((one) => `${one.toString('base64')}\n`).join('')}\n${note}`;
}

/** The size in the answer of a witness that has seen another one than it was told. */
export function sizeInConflict(body: string): number | undefined {
  const digits = /^(0|[1-9][0-9]{0,15})\n$/.exec(body)?.[1];
  return digits === undefined || !Number.isSafeInteger(Number(digits)) ? undefined : Number(digits);
}

export interface Cosignature {
  readonly signature: NoteSignature;
  readonly by: string;
  readonly atMs: number;
}

export type Cosigned =
  | { readonly kind: 'cosigned'; readonly by: readonly Cosignature[] }
  /** A key that is trusted did not make the signature that bears its name. */
  | { readonly kind: 'forged' }
  /** None is by a key that is trusted. */
  | { readonly kind: 'unknown' };

/**
 * The cosignatures that count among lines of signatures.
 * @param text what was to be signed
 */
export function cosignaturesIn(text: string, lines: string, keys: readonly WitnessKey[], nowMs: number): Cosigned {
  const note = parseNote(Buffer.from(`${text}\n${lines}`));
  if (note?.text !== text) return { kind: 'unknown' };
  // The first by each key: a witness may have signed at several times.
  const signatures = note.signatures.filter((one, i, all) => all.findIndex((other) => isSameKey(one, other)) === i);
  const opened = openNote({ text, signatures }, keys.map(({ key }) => key)); // prettier-ignore
  if (opened.kind !== 'signed') return { kind: opened.kind };
  const by = signatures.flatMap((signature) => {
    const known = keys.find(({ key }) => isBy(signature, key));
    const atMs = Number(cosignedAt(signature) ?? -1n) * 1000;
    const counts = known !== undefined && atMs >= 0 && atMs <= nowMs + AHEAD_SECONDS * 1000 && atMs < (known.untilMs ?? Infinity); // prettier-ignore
    return counts ? [{ signature, by: known.key.name, atMs }] : [];
  });
  return by.length > 0 ? { kind: 'cosigned', by } : { kind: 'unknown' };
}

function isSameKey(one: NoteSignature, other: NoteSignature): boolean {
  return one.name === other.name && one.keyHash === other.keyHash;
}
