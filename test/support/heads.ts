/**
 * A ledger with signed heads of any size, for tests of what becomes of a head: the tree is computed as RFC 6962 says it,
 * from the hashes of the lines, without the stored one.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ProvingTree } from '../../src/store/anchor/context';
import type { StoredCheckpoint } from '../../src/store/checkpoint/checkpoints';
import type { AppendEvents } from '../../src/store/append/append';
import { parseTreeHead, treeHeadText } from '../../src/core/note/checkpoint';
import type { TreeHead } from '../../src/core/note/checkpoint';
import { cosignedBytes, formatNote, noteKeyOf, parseNote } from '../../src/core/note/note';
import type { Note, NoteKey, NoteKeyKind } from '../../src/core/note/note';
import { publicKeyLine } from '../../src/core/signing/keys';
import { leafHash, nodeHash } from '../../src/core/tree/merkle';
import { locate } from '../../src/store/ledger/locate';
import type { LocatedLedger, Place } from '../../src/store/ledger/locate';
import { makeLedger, sampleRows, TEST_LEDGER_ID } from './ledgers';

export const TEST_ORIGIN = `local/${TEST_LEDGER_ID}`;

export const quiet: AppendEvents = {
  onHeal: () => undefined,
  onRowsLost: () => undefined,
  onIndexFault: () => undefined,
  onOtherLedger: () => undefined,
  onDrain: () => undefined,
};

export interface TestKey {
  readonly note: NoteKey;
  readonly secret: KeyObject;
  /** As a `.pub` file has it. */
  readonly line: string;
}

export function testKey(name: string, kind: NoteKeyKind = 'ed25519'): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const bytes = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  return { note: noteKeyOf(name, bytes, kind), secret: privateKey, line: publicKeyLine({ bytes, comment: name }) };
}

export function signedNote(head: TreeHead, key: TestKey): Note {
  const text = treeHeadText(head);
  const { name, keyHash } = key.note;
  return { text, signatures: [{ name, keyHash, bytes: sign(null, Buffer.from(text), key.secret) }] };
}

/** The line by which a witness signs a text. */
export function cosignatureOf(text: string, key: TestKey, seconds: bigint): Note['signatures'][number] {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(seconds);
  const { name, keyHash } = key.note;
  return { name, keyHash, bytes: Buffer.concat([time, sign(null, cosignedBytes(text, seconds), key.secret)]) };
}

/** The tree over hashes of rows. */
export function treeOf(hashes: readonly string[]): ProvingTree {
  const leaves = hashes.map((hash) => leafHash(Buffer.from(hash, 'hex')));
  const root = (some: readonly Buffer[]): Buffer => {
    if (some.length === 1) return some[0] as Buffer;
    const left = leftPart(some.length);
    return nodeHash(root(some.slice(0, left)), root(some.slice(left)));
  };
  const subproof = (m: number, some: readonly Buffer[], isWhole: boolean): Buffer[] => {
    if (m === some.length) return isWhole ? [] : [root(some)];
    const left = leftPart(some.length);
    if (m <= left) return [...subproof(m, some.slice(0, left), isWhole), root(some.slice(left))];
    return [...subproof(m - left, some.slice(left), false), root(some.slice(0, left))];
  };
  return {
    size: leaves.length,
    rootAt: (size) => root(leaves.slice(0, size)),
    consistency: (size1, size2) => subproof(size1, leaves.slice(0, size2), true),
    close: () => undefined,
  };
}

function leftPart(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

export interface HeadedLedger {
  readonly root: string;
  readonly place: Place;
  readonly located: LocatedLedger;
  readonly key: TestKey;
  readonly tree: ProvingTree;
  /** A checkpoint in its file, of the first `size` rows. */
  checkpoint(size: number): StoredCheckpoint;
  /** The rows that are in the file now. */
  rows(): { readonly action: string; readonly payload?: Record<string, unknown> }[];
}

/** A ledger of 12 rows beside a config. */
export function headedLedger(t: TestContext, settings: object = {}): HeadedLedger {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ledger-heads-')));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, 'ledger.config.json'), JSON.stringify(settings));
  const dir = join(root, 'state');
  const lines = makeLedger(dir, sampleRows(11));
  const place = { dir, configPath: undefined, env: { ...process.env, HOME: root, XDG_STATE_HOME: join(root, 'home') } };
  const located = locate(place);
  const key = testKey(TEST_ORIGIN);
  const tree = treeOf(lines.map((line) => (JSON.parse(line) as { readonly hash: string }).hash));
  const rows = (): ReturnType<HeadedLedger['rows']> =>
    readFileSync(located.paths.ledger, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as ReturnType<HeadedLedger['rows']>[number]);
  const checkpoint = (size: number): StoredCheckpoint => {
    mkdirSync(located.paths.checkpoints, { recursive: true, mode: 0o700 });
    const path = join(located.paths.checkpoints, `${size}.txt`);
    const note = signedNote({ origin: TEST_ORIGIN, size, root: tree.rootAt(size) as Buffer }, key);
    writeFileSync(path, formatNote(note));
    return checkpointAt(path);
  };
  return { root, place, located, key, tree, checkpoint, rows };
}

/** The checkpoint in a file. */
export function checkpointAt(path: string): StoredCheckpoint {
  const bytes = readFileSync(path);
  const note = parseNote(bytes) as Note;
  return { path, bytes, note, head: parseTreeHead(note.text) as TreeHead };
}
