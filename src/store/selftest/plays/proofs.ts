/** A proof of row 4 that went through other hands, and a report that accuses the ledger in its place. */
import { randomBytes, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { rewritten } from '../../../core/attacks/forge';
import { formatEvidence, parseEvidence } from '../../../core/evidence/evidenceFile';
import type { EvidenceFile, InclusionFile } from '../../../core/evidence/evidenceFile';
import { treeHeadText } from '../../../core/note/checkpoint';
import type { SignedHead } from '../../../core/note/checkpoint';
import { noteKeyOf } from '../../../core/note/note';
import { HASH_BYTES } from '../../../core/tree/merkle';
import type { Plays, Scratch } from '../scratch';
import { privateKey } from './keys';

export const PROOF_PLAYS = {
  'proof-row-edited': (scratch) => changeRow(scratch, cheaper),
  'proof-row-rehashed': (scratch) => changeRow(scratch, (line) => rewritten(line, cheaper)),
  'proof-of-other-place': (scratch) => changeProof(scratch, (proof) => ({ ...proof, index: proof.index + 1 })),
  'proof-hash-changed': (scratch) => changeHash(scratch, (letter) => (letter === 'A' ? 'B' : 'A')),
  'proof-garbled': (scratch) => changeHash(scratch, () => '!'),
  'proof-root-changed': (scratch) =>
    changeProof(scratch, (proof) => {
      const { note, head } = proof.checkpoint;
      return { ...proof, checkpoint: { head, note: { ...note, text: otherRoot(head) } } };
    }),
  'proof-by-stranger': (scratch) =>
    changeProof(scratch, (proof) => {
      const { checkpoint } = proof;
      return { ...proof, checkpoint: signedBy(scratch, 'mallory', checkpoint, checkpoint.note.text) };
    }),
  'report-of-strangers': (scratch) => accuse(scratch, 'mallory'),
  'report-forged': (scratch) => accuse(scratch, 'ops'),
} as const satisfies Plays;

const cheaper = (text: string): string => text.replace('0.0312', '0.0012');
const otherRoot = (head: SignedHead['head']): string => treeHeadText({ ...head, root: randomBytes(HASH_BYTES) });

function changeText(scratch: Scratch, change: (text: string) => string): void {
  const path = scratch.path('evidence.txt');
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

function changeProof(scratch: Scratch, change: (proof: InclusionFile) => EvidenceFile): void {
  changeText(scratch, (text) => formatEvidence(change(parseEvidence(Buffer.from(text)) as InclusionFile)));
}

function changeRow(scratch: Scratch, change: (line: string) => string): void {
  changeProof(scratch, (proof) => ({ ...proof, extra: Buffer.from(change(proof.extra.toString())) }));
}

/** The first letter of the first hash, which stands behind the index. */
function changeHash(scratch: Scratch, change: (letter: string) => string): void {
  changeText(scratch, (text) => text.replace(/(?<=\nindex \d+\n)./, change));
}

/** Two heads of the ledger, the second of which mallory signs. @param as under whose name */
function accuse(scratch: Scratch, as: string): void {
  changeProof(scratch, ({ checkpoint: one }) => ({
    kind: 'equivocation',
    one,
    other: signedBy(scratch, as, one, otherRoot(one.head)),
  }));
}

/** Mallory's signature of a text, shown as that of a key. */
function signedBy(scratch: Scratch, as: string, { head }: SignedHead, text: string): SignedHead {
  const { keyHash } = noteKeyOf(head.origin, privateKey(scratch, as).publicKey.bytes);
  const bytes = sign(null, Buffer.from(text), privateKey(scratch, 'mallory').key);
  return { head, note: { text, signatures: [{ name: head.origin, keyHash, bytes }] } };
}
