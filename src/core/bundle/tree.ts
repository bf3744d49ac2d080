/** That the rows of a bundle stand in the tree that its checkpoint names, and who signed that checkpoint. */
import type { Row } from '../members';
import { leafText } from '../tree/merkle';
import { readSignedHead } from '../note/checkpoint';
import type { TreeHead } from '../note/checkpoint';
import { noteKeyOf, openNote } from '../note/note';
import type { Note } from '../note/note';
import type { Bundle } from './bundle';
import type { BundleFindings, Checked } from './finding';
import type { Inclusion } from './inclusion';
import { PathsToRoot } from './paths';
import type { EvidenceKey } from './keys';

export interface CheckedHead {
  readonly head: TreeHead;
  readonly state: Checked;
  /** By which it is signed; undefined: by none that is known. */
  readonly key: EvidenceKey | undefined;
}

/** @returns undefined where the checkpoint is none */
export function checkCheckpoint(
  { checkpoint, ledger: { origin } }: Bundle,
  { keys, atMs }: { readonly keys: readonly EvidenceKey[]; readonly atMs: number },
  findings: BundleFindings,
): CheckedHead | undefined {
  const signed = readSignedHead(Buffer.from(checkpoint));
  if (signed === undefined) {
    findings.add('CHECKPOINT_INVALID', 'a signed note with a tree head', checkpoint.slice(0, 80));
    return undefined;
  }
  const { note, head } = signed;
  if (head.origin !== origin) findings.add('FOREIGN', `a checkpoint of ${origin}`, `one of ${head.origin}`);
  const may = keys.filter((key) => key.maySign('checkpoint', head.size, atMs));
  return { head, ...signerOf(note, head.origin, may, findings) };
}

function signerOf(
  note: Note,
  origin: string,
  keys: readonly EvidenceKey[],
  findings: BundleFindings,
): Pick<CheckedHead, 'state' | 'key'> {
  const known = keys.flatMap((key) =>
    key.publicBytes === undefined ? [] : [{ key, noteKey: noteKeyOf(origin, key.publicBytes) }],
  );
  const opened = openNote(note, known.map(({ noteKey }) => noteKey)); // prettier-ignore
  switch (opened.kind) {
    case 'signed':
      return { state: 'valid', key: known.find(({ noteKey }) => noteKey === opened.by[0])?.key };
    case 'forged':
      findings.add('CHECKPOINT_INVALID', `a signature of this tree head by ${origin}`, 'one that is not');
      return { state: 'broken', key: undefined };
    case 'unknown':
      return { state: 'not-checked', key: undefined };
  }
}

/** @param rows one for each event; undefined for a line that is no sound row */
export function checkInclusion(
  { inclusion }: Bundle,
  rows: readonly (Row | undefined)[],
  head: TreeHead,
  findings: BundleFindings,
): void {
  if (inclusion.length !== rows.length)
    findings.add('CHECKPOINT_INVALID', `a proof for each of ${rows.length} events`, `${inclusion.length} proofs`);
  const paths = new PathsToRoot(head.size, head.root.toString('base64'));
  for (const [i, row] of rows.entries()) {
    const proof = inclusion[i];
    if (row === undefined || proof === undefined) continue;
    if (proof.seq !== row.seq || proof.index !== row.seq - 1)
      findings.add('CHECKPOINT_INVALID', `a proof of row ${row.seq}, at index ${row.seq - 1}`, placeOf(proof), row.seq);
    else if (!paths.leadsToRoot(proof.index, leafText(row.hash, 'base64'), proof.path))
      findings.add(
        'CHECKPOINT_INVALID',
        `row ${row.seq} in the tree of ${head.size} rows that the checkpoint names`,
        'a proof that does not lead there',
        row.seq,
      );
  }
}

const placeOf = ({ seq, index }: Inclusion): string => `one of row ${seq}, at index ${index}`;
