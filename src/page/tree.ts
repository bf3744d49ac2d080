/** The tree head, a signed note, and the way of each row to its root (RFC 6962). */
import type { Bundle } from './bundle';
import { areEqual, digestOf, fromBase64, fromHex, joined } from './bytes';
import type { Bytes } from './bytes';
import type { Findings } from './finding';
import type { Row } from './rows';

export interface TreeHead {
  /** What is signed. */
  readonly text: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;
  /** `bytes`: four that say by which key, and the signature. */
  readonly signatures: readonly { readonly name: string; readonly bytes: Bytes }[];
}

const HEAD = /^([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/=]{44})\n(?:[^\n]+\n)*$/;
// eslint-disable-next-line no-control-regex -- these are what no note has
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;

/** Undefined where it is none. */
export function readTreeHead(note: string): TreeHead | undefined {
  const end = note.lastIndexOf('\n\n') + 1;
  const text = note.slice(0, end);
  const [, origin, size, root] = HEAD.exec(text) ?? [];
  const rootBytes = fromBase64(root ?? '');
  if (origin === undefined || rootBytes?.length !== 32 || !note.endsWith('\n') || CONTROL.test(note)) return undefined;
  const signatures = note.slice(end + 1, -1).split('\n').map((line) => {
    const [, name = '', base64 = ''] = /^\u2014 ([^\s+]+) (\S+)$/.exec(line) ?? [];
    return { name, bytes: fromBase64(base64) };
  }); // prettier-ignore
  const sound = signatures.flatMap(({ name, bytes }) => (bytes !== undefined && bytes.length > 4 ? [{ name, bytes }] : [])); // prettier-ignore
  if (sound.length !== signatures.length || !Number.isSafeInteger(Number(size))) return undefined;
  return { text, origin, size: Number(size), root: rootBytes, signatures: sound };
}

/** @param rows one for each event */
export function checkTree(
  { checkpoint, origin, inclusion }: Bundle,
  rows: readonly (Row | undefined)[],
  findings: Findings,
): TreeHead | undefined {
  const head = readTreeHead(checkpoint);
  findings.must(head !== undefined, 'CHECKPOINT_INVALID', 'a signed note with a tree head', checkpoint.slice(0, 80));
  if (head === undefined) return undefined;
  findings.must(head.origin === origin, 'FOREIGN', `a tree head of ${origin}`, `one of ${head.origin}`);
  const { length } = inclusion;
  findings.must(length === rows.length, 'CHECKPOINT_INVALID', `a proof for each of ${rows.length} rows`, `${length}`);
  for (const [i, row] of rows.entries()) {
    const proof = inclusion[i];
    if (row === undefined || proof === undefined) continue;
    const { seq, hash } = row;
    const isOfRow = proof.seq === seq && proof.index === seq - 1;
    const leads = isOfRow && areOnWay(head, proof.index, leafOf(hash), proof.hashes);
    const got = isOfRow ? 'a proof that does not lead there' : `one of row ${proof.seq}, at index ${proof.index}`;
    findings.must(leads, 'CHECKPOINT_INVALID', `row ${seq} in the tree of ${head.size} rows`, got, seq);
  }
  return head;
}

const leafOf = (rowHash: string): Bytes => digestOf(joined(Uint8Array.of(0), fromHex(rowHash)));

/** From the leaf up: where it has a neighbour the next hash of the path is that one; at the right edge it moves up alone. */
function areOnWay({ size, root }: TreeHead, leafIndex: number, leaf: Bytes, path: readonly string[]): boolean {
  if (leafIndex >= size) return false;
  let [index, last, node, taken] = [leafIndex, size - 1, leaf, 0];
  for (; last > 0; index = Math.floor(index / 2), last = Math.floor(last / 2)) {
    const isLeft = index % 2 === 0;
    if (isLeft && index === last) continue;
    const sibling = fromBase64(path[taken++] ?? '');
    if (sibling?.length !== 32) return false;
    node = digestOf(joined(Uint8Array.of(1), ...(isLeft ? [node, sibling] : [sibling, node])));
  }
  return taken === path.length && areEqual(node, root);
}
