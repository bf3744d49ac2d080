/** Who signed a tree head, by the keys that somebody trusts for that: the ledger itself, and witnesses beside it. */
import type { SignedHead, TreeHead } from '../note/checkpoint';
import { checkNoteSignature, cosignedAt, isBy, noteKeyOf, noteKeyText } from '../note/note';
import type { NoteKey } from '../note/note';
import type { TrustedKeys } from '../signing/signature';
import type { KeyStanding, KeyTrust } from '../signing/trustWalk';
import type { FileFault } from './checkEvidence';

interface Candidate {
  readonly key: NoteKey;
  readonly standing: KeyStanding;
}

export interface HeadKeys {
  /** Nobody is trusted to sign for a ledger: then nothing is checked. */
  readonly isEmpty: boolean;
  /** @param atMs no later than when the last row was appended */
  readonly candidates: (head: TreeHead, atMs: number | undefined) => readonly Candidate[];
  readonly witnesses: readonly NoteKey[];
}

/** A key that somebody names: with the ledger that it signs for, or for any. */
export interface GivenKey {
  readonly origin: string | undefined;
  readonly publicKey: Buffer;
}

export function headKeysOf(given: readonly GivenKey[], witnesses: readonly NoteKey[]): HeadKeys {
  const candidates = ({ origin }: TreeHead): Candidate[] =>
    given
      .filter((key) => (key.origin ?? origin) === origin)
      .map(({ publicKey }) => ({ key: noteKeyOf(origin, publicKey), standing: 'trusted' }));
  return { isEmpty: given.length === 0, candidates, witnesses };
}

/** Those of the settings, and whom they handed that on to. */
export function headKeysOfSettings(keys: TrustedKeys, trust: KeyTrust): HeadKeys {
  const all = [...keys.values()];
  return {
    isEmpty: !all.some(({ roles }) => roles.includes('checkpoint')),
    candidates: (head, atMs) =>
      [...trust.publicKeys.values()].map((publicKey) => ({
        key: noteKeyOf(head.origin, publicKey),
        standing: trust.mayTreeHead(publicKey, head.size, atMs),
      })),
    witnesses: all
      .filter(({ roles }) => roles.includes('witness'))
      .map(({ actor, publicKey }) => noteKeyOf(actor, publicKey, 'cosignature')),
  };
}

export interface Cosigned {
  readonly by: string;
  /** In seconds since 1970. */
  readonly at: bigint;
}

export interface HeadJudgement {
  /** Those of the ledger's keys that signed and count. */
  readonly signedBy: readonly NoteKey[];
  readonly cosigned: readonly Cosigned[];
  readonly fault: FileFault | undefined;
}

export function judgeHead({ note, head }: SignedHead, keys: HeadKeys, atMs?: number): HeadJudgement {
  const cosigned: Cosigned[] = [];
  const signedBy: NoteKey[] = [];
  const { candidates, witnesses } = { candidates: keys.candidates(head, atMs), witnesses: keys.witnesses };
  let untrusted: NoteKey | undefined;
  for (const signature of note.signatures) {
    const known = candidates.find(({ key }) => isBy(signature, key));
    const key = known?.key ?? witnesses.find((one) => isBy(signature, one));
    if (key === undefined) continue;
    if (!checkNoteSignature(note.text, signature, key)) return { signedBy: [], cosigned: [], fault: forged(key) };
    if (known === undefined) cosigned.push({ by: key.name, at: cosignedAt(signature) ?? 0n });
    else if (known.standing === 'trusted') signedBy.push(key);
    else untrusted = key;
  }
  const isOpen = signedBy.length > 0 || (keys.isEmpty && untrusted === undefined);
  return { signedBy, cosigned, fault: isOpen ? undefined : notTheirs({ note, head }, untrusted) };
}

function forged(key: NoteKey): FileFault {
  return { code: 'SIGNATURE_INVALID', want: `a signature of this checkpoint by ${noteKeyText(key)}`, got: 'another' };
}

function notTheirs({ note, head }: SignedHead, untrusted: NoteKey | undefined): FileFault {
  if (untrusted !== undefined) {
    const want = `a key that is trusted to sign a tree of ${head.size} rows`;
    return { code: 'UNTRUSTED_KEY', want, got: `${noteKeyText(untrusted)}, which is not, or no longer` };
  }
  const names = note.signatures.map(({ name, keyHash }) => `${name}+${keyHash.toString(16).padStart(8, '0')}`);
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  const want = `a signature for "${head.origin}" by a key that is trusted`;
  return { code: 'UNKNOWN_KEY', want, got: `${names.slice(0, 3).join(', ')}${more}` };
}
