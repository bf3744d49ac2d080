/** Ledgers with a tree and signed checkpoints, for tests: the same calls give the same bytes. */
import { createPrivateKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { SignedHead } from '../../src/core/note/checkpoint';
import { treeHeadText } from '../../src/core/note/checkpoint';
import type { TreeHead } from '../../src/core/note/checkpoint';
import { formatNote, noteKeyOf } from '../../src/core/note/note';
import type { NoteKey } from '../../src/core/note/note';
import { privateKeyOf } from '../../src/core/signing/keys';
import type { PublicKey } from '../../src/core/signing/keys';
import { leafHash } from '../../src/core/tree/merkle';
import { GrowingTree } from '../../src/core/tree/storedTree';
import { publishCheckpoint } from '../../src/store/checkpoint/checkpoints';
import type { StatePaths } from '../../src/store/paths';
import { TreeWriter } from '../../src/store/tree/treeWriter';
import { chainOf, writeLedger } from './ledgers';

export interface TestKey {
  readonly key: KeyObject;
  readonly publicKey: PublicKey;
}

/** The key of a number, 0 to 255. */
export function testKey(number: number): TestKey {
  const seed = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, number)]);
  const key = createPrivateKey({ key: seed, format: 'der', type: 'pkcs8' });
  const { publicKey } = privateKeyOf(key, `key ${number}`) ?? {};
  if (publicKey === undefined) throw new Error('expected an Ed25519 key');
  return { key, publicKey };
}

export const noteKey = ({ publicKey }: TestKey, origin: string): NoteKey => noteKeyOf(origin, publicKey.bytes);

/** A tree head, signed under its origin by each of the keys. */
export function signedHead(head: TreeHead, ...keys: readonly TestKey[]): SignedHead {
  const text = treeHeadText(head);
  const signatures = keys.map((one) => {
    const { name, keyHash } = noteKey(one, head.origin);
    return { name, keyHash, bytes: sign(null, Buffer.from(text), one.key) };
  });
  return { head, note: { text, signatures } };
}

export const noteBytes = ({ note }: SignedHead): Buffer => Buffer.from(formatNote(note));

export interface SignedLedger {
  readonly paths: StatePaths;
  readonly origin: string;
  readonly lines: readonly string[];
  /** By size. */
  readonly heads: readonly SignedHead[];
  /** What `audit.tree` holds. */
  readonly stored: Buffer;
}

/** A ledger of so many rows with its tree, and a signed tree head of every size; those of `sizes` are published. */
export function signedLedger(dir: string, rows: number, key: TestKey, sizes: readonly number[] = [rows]): SignedLedger {
  const chain = chainOf();
  for (let i = 1; i < rows; i++) chain.add({ action: 'step.done', agent: 'coder', payload: { i } });
  const paths = writeLedger(dir, chain.lines);
  const { origin } = chain.identity;
  const tree = new GrowingTree();
  const stored: Buffer[] = [];
  const heads = [signedHead({ origin, size: 0, root: tree.root() }, key)];
  for (const line of chain.lines) {
    const { hash } = JSON.parse(line) as { readonly hash: string };
    stored.push(Buffer.from(tree.grow(leafHash(Buffer.from(hash, 'hex')))));
    heads.push(signedHead({ origin, size: tree.size, root: tree.root() }, key));
  }
  const writer = new TreeWriter(paths, 0);
  for (const hashes of stored) writer.add(hashes);
  writer.finish();
  writer.close();
  for (const size of sizes) publishCheckpoint(paths, size, noteBytes(heads[size] as SignedHead));
  return { paths, origin, lines: chain.lines, heads, stored: Buffer.concat(stored) };
}
