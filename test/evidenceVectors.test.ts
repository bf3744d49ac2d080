/**
 * Other people's vectors for trees, proofs and signed notes, read where they lie (`../shared/vectors`). Of the consistency
 * cases those that begin at size 0 are refused, whatever they hold: from an empty tree nothing follows.
 */
import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { parseTreeHead, treeHeadText } from '../src/core/note/checkpoint';
import { formatNote, noteKeyText, openNote, parseNote, readNoteKey } from '../src/core/note/note';
import type { NoteKey } from '../src/core/note/note';
import { leafHash } from '../src/core/tree/merkle';
import { verifyConsistency, verifyInclusion } from '../src/core/tree/proof';
import { GrowingTree } from '../src/core/tree/storedTree';

const VECTORS = resolve(__dirname, '../../shared/vectors');
const skip = existsSync(VECTORS) ? false : 'the shared vectors are not here';

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');
/** Sizes go beyond what a double holds: they are read before JSON makes numbers of them. */
const readBig = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path, 'utf8').replace(/("(?:leafIdx|treeSize|size1|size2)":\s*)(\d+)/g, '$1"$2"')) as Record<
    string,
    unknown
  >;
const cases = (kind: string): Record<string, unknown>[] => {
  const folder = join(VECTORS, 'transparency-dev-merkle/testdata', kind);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
  return names.map((name) => readBig(join(folder, name)));
};
const big = (value: unknown): bigint => BigInt(value as string);
const hashes = (value: unknown): Buffer[] => ((value ?? []) as string[]).map(bytes);

test('98 proofs of inclusion are judged as they are meant', { skip }, () => {
  const all = cases('inclusion');
  assert.equal(all.length, 98);
  for (const { leafIdx, treeSize, root, leafHash: leaf, proof, desc, wantErr } of all) {
    const given = { index: big(leafIdx), size: big(treeSize), leaf: bytes(leaf as string), proof: hashes(proof) };
    assert.equal(verifyInclusion({ ...given, root: bytes(root as string) }), wantErr !== true, String(desc));
  }
});

test('98 proofs of consistency are judged as they are meant; from size 0 nothing is proved', { skip }, () => {
  const all = cases('consistency');
  assert.equal(all.length, 98);
  for (const { size1, size2, root1, root2, proof, desc, wantErr } of all) {
    const roots = { root1: bytes(root1 as string), root2: bytes(root2 as string) };
    const given = { size1: big(size1), size2: big(size2), ...roots, proof: hashes(proof) };
    assert.equal(verifyConsistency(given), wantErr !== true && given.size1 > 0n, String(desc));
  }
});

interface Roots {
  readonly leaves_hex: readonly string[];
  readonly leaf_hashes_hex: readonly string[];
  readonly roots_hex: readonly string[];
}

test('the roots of the reference tree, size by size', { skip }, () => {
  const { leaves_hex, leaf_hashes_hex, roots_hex } = JSON.parse(
    readFileSync(join(VECTORS, 'rfc6962-roots/roots.json'), 'utf8'),
  ) as Roots;
  const tree = new GrowingTree();
  for (const [size, root] of roots_hex.entries()) {
    assert.equal(tree.root().toString('hex'), root, `size ${size}`);
    const next = leaves_hex[size];
    if (next === undefined) continue;
    const leaf = leafHash(Buffer.from(next, 'hex'));
    assert.equal(leaf.toString('hex'), leaf_hashes_hex[size]);
    tree.grow(leaf);
  }
  assert.ok(roots_hex.length === 9);
});

interface NoteVectors {
  readonly signing: readonly { readonly skey: string; readonly text: string; readonly expect: string }[];
  readonly bad_vkeys: readonly string[];
  readonly open: readonly {
    readonly name: string;
    readonly vkeys: readonly string[];
    readonly note: string;
    readonly valid: boolean;
  }[];
}

const notes = (): NoteVectors =>
  JSON.parse(readFileSync(join(VECTORS, 'signed-note/vectors.json'), 'utf8')) as NoteVectors;

/** A note whose signatures by known keys all hold, and that has one. */
function opens(note: string, keys: readonly NoteKey[]): boolean {
  const parsed = parseNote(Buffer.from(note));
  return parsed !== undefined && openNote(parsed, keys).kind === 'signed';
}

test('twelve signed notes open, or do not', { skip }, () => {
  const { open } = notes();
  assert.equal(open.length, 12);
  for (const { name, vkeys, note, valid } of open) {
    const keys = vkeys.map((vkey) => {
      const key = readNoteKey(vkey);
      assert.ok(key, vkey);
      assert.equal(noteKeyText(key), vkey);
      return key;
    });
    assert.equal(opens(note, keys), valid, name);
    const parsed = parseNote(Buffer.from(note));
    if (parsed !== undefined) assert.equal(formatNote(parsed), note, name);
  }
});

test('a note that we sign is the one that others sign, byte for byte; bad keys are refused', { skip }, () => {
  const { signing, bad_vkeys: bad } = notes();
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  for (const { skey, text, expect } of signing) {
    const [, , name = '', hash = '', secret = ''] = skey.split('+', 5);
    const seed = bytes(skey.slice(skey.indexOf(`${hash}+`) + hash.length + 1) || secret).subarray(1);
    const key = createPrivateKey({ key: Buffer.concat([prefix, seed]), format: 'der', type: 'pkcs8' });
    const signature = { name, keyHash: Number.parseInt(hash, 16), bytes: sign(null, Buffer.from(text), key) };
    assert.equal(formatNote({ text, signatures: [signature] }), expect);
  }
  for (const vkey of bad) assert.equal(readNoteKey(vkey), undefined, vkey);
});

interface HeadVectors {
  readonly valid: readonly (readonly [
    string,
    { readonly origin: string; readonly size: number; readonly hash_utf8?: string; readonly ext?: string[] },
  ])[];
  readonly invalid: readonly (readonly [string, string])[];
}

test('the texts of checkpoints are read, and written, as others do', { skip }, () => {
  const { valid, invalid } = JSON.parse(
    readFileSync(join(VECTORS, 'signed-note/checkpoint-parse.json'), 'utf8'),
  ) as HeadVectors;
  for (const [text, want] of valid) {
    const head = parseTreeHead(text);
    assert.ok(head, text);
    assert.deepEqual([head.origin, head.size], [want.origin, want.size]);
    if (want.hash_utf8 !== undefined) assert.equal(head.root.toString(), want.hash_utf8);
    assert.deepEqual(head.extensions ?? [], want.ext ?? []);
    assert.equal(treeHeadText(head), text);
  }
  for (const [text, why] of invalid) assert.equal(parseTreeHead(text), undefined, why);
});
