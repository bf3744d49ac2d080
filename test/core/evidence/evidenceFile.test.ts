/**
 * Files that prove something: every row of every small ledger and every pair of sizes, checked by a second implementation
 * of RFC 6962 that is written down here; and no character of a file can be another without its being refused.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { faultOf } from '../../../src/core/evidence/checkEvidence';
import { formatEvidence, MAX_EVIDENCE_BYTES, parseEvidence } from '../../../src/core/evidence/evidenceFile';
import type { EvidenceFile } from '../../../src/core/evidence/evidenceFile';
import type { SignedHead } from '../../../src/core/note/checkpoint';
import { headKeysOf, judgeHead } from '../../../src/core/evidence/headKeys';
import { formatNote } from '../../../src/core/note/note';
import { consistencyPath, inclusionPath } from '../../../src/core/tree/storedTree';
import { readerOf } from '../../support/storedTree';
import { noteKey, signedHead, signedLedger, testKey } from '../../support/signedLedger';

const ROWS = 20;
const dir = mkdtempSync(join(tmpdir(), 'ledger-evidence-'));
after(() => rmSync(dir, { recursive: true }));

const key = testKey(1);
const made = signedLedger(join(dir, 'state'), ROWS, key);
const read = readerOf(made.stored);
const keys = headKeysOf([{ origin: made.origin, publicKey: key.publicKey.bytes }], []);
const head = (size: number): SignedHead => made.heads[size] as SignedHead;

const hashOf = (seq: number): Buffer =>
  Buffer.from((JSON.parse(made.lines[seq - 1] ?? '') as { readonly hash: string }).hash, 'hex');
const inclusion = (seq: number, size: number, extra: Buffer = Buffer.from(made.lines[seq - 1] ?? '')): EvidenceFile => {
  const hashes = inclusionPath(seq - 1, size, read);
  return { kind: 'inclusion', extra, index: seq - 1, hashes, checkpoint: head(size) };
};
const consistency = (size1: number, size2: number): EvidenceFile => {
  const hashes = consistencyPath(size1, size2, read);
  return { kind: 'consistency', hashes, older: head(size1), newer: head(size2) };
};
const otherRoot = signedHead({ ...head(7).head, root: Buffer.alloc(32, 7) }, key);
const equivocation: EvidenceFile = { kind: 'equivocation', one: head(7), other: otherRoot };

const headsOf = (file: EvidenceFile): SignedHead[] =>
  file.kind === 'consistency'
    ? [file.older, file.newer]
    : file.kind === 'equivocation'
      ? [file.one, file.other]
      : [file.checkpoint];

/** Whether a text is a file that proves something, its signatures included. */
function proves(text: string): boolean {
  try {
    const file = parseEvidence(Buffer.from(text));
    const isSigned = headsOf(file).every((one) => judgeHead(one, keys).signedBy.length > 0);
    return faultOf(file) === undefined && isSigned;
  } catch {
    return false;
  }
}

// RFC 6962 from its definitions, by recursion, sharing nothing with what is tested.
const sha = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const node = (left: Buffer, right: Buffer): Buffer => sha(Buffer.of(1), left, right);
const half = (n: number): number => 2 ** Math.ceil(Math.log2(n) - 1);

function rootFrom(m: number, n: number, leaf: Buffer, path: Buffer[]): Buffer {
  if (n === 1) return leaf;
  const last = path.at(-1) ?? Buffer.alloc(0);
  const rest = path.slice(0, -1);
  const k = half(n);
  return m < k ? node(rootFrom(m, k, leaf, rest), last) : node(last, rootFrom(m - k, n - k, leaf, rest));
}

/** The roots of the older and of the newer tree that a consistency proof leads to. */
function rootsFrom(m: number, n: number, known: Buffer | undefined, path: Buffer[]): readonly [Buffer, Buffer] {
  const last = path.at(-1) ?? Buffer.alloc(0);
  if (m === n) return known === undefined ? [last, last] : [known, known];
  const k = half(n);
  const rest = path.slice(0, -1);
  if (m <= k) {
    const [older, newer] = rootsFrom(m, k, known, rest);
    return [older, node(newer, last)];
  }
  const [older, newer] = rootsFrom(m - k, n - k, undefined, rest);
  return [node(last, older), node(last, newer)];
}

test('every row of every small ledger is proved by a file that reads back, and leads to the root by the definition', () => {
  for (let size = 1; size <= ROWS; size++)
    for (let seq = 1; seq <= size; seq++) {
      const text = formatEvidence(inclusion(seq, size));
      const file = parseEvidence(Buffer.from(text));
      assert.ok(file.kind === 'inclusion' && formatEvidence(file) === text && proves(text), `${seq} of ${size}`);
      // From the text alone, as somebody else's program reads it.
      const [first = '', second = '', third = '', ...lines] = text.split('\n');
      assert.equal(first, 'c2sp.org/tlog-proof@v1');
      const line = Buffer.from(second.slice('extra '.length), 'base64').toString();
      assert.equal(line, made.lines[seq - 1]);
      const rowHash = sha(Buffer.from(line.replace(/,"hash":"[0-9a-f]{64}"\}$/, '}')));
      const path = lines.slice(0, lines.indexOf('')).map((one) => Buffer.from(one, 'base64'));
      const root = rootFrom(Number(third.slice('index '.length)), size, sha(Buffer.of(0), rowHash), path);
      assert.equal(root.toString('base64'), lines[lines.indexOf('') + 3]);
    }
});

test('every two sizes are shown to be one ledger that grew, by the definition too', () => {
  for (let size2 = 1; size2 <= ROWS; size2++)
    for (let size1 = 1; size1 <= size2; size1++) {
      const text = formatEvidence(consistency(size1, size2));
      assert.ok(proves(text) && formatEvidence(parseEvidence(Buffer.from(text))) === text, `${size1} to ${size2}`);
      const lines = text.slice(0, text.indexOf('\n\n')).split('\n').slice(1);
      const path = lines.map((one) => Buffer.from(one, 'base64'));
      assert.deepEqual(
        rootsFrom(size1, size2, head(size1).head.root, path),
        [head(size1).head.root, head(size2).head.root],
        `${size1} to ${size2}`,
      );
    }
});

test('a hash alone proves its place; a row under another index, root or size does not', () => {
  assert.ok(proves(formatEvidence(inclusion(5, 12, hashOf(5)))));
  for (let seq = 1; seq <= 12; seq++)
    if (seq !== 5) assert.ok(!proves(formatEvidence(inclusion(seq, 12, Buffer.from(made.lines[4] ?? '')))), `${seq}`);
  const right = inclusion(5, 12);
  assert.ok(right.kind === 'inclusion');
  for (let size = 0; size <= ROWS; size++)
    if (size !== 12) assert.ok(!proves(formatEvidence({ ...right, checkpoint: head(size) })), `${size}`);
  const backwards = consistency(5, 12);
  assert.ok(backwards.kind === 'consistency');
  assert.ok(!proves(formatEvidence({ ...backwards, older: backwards.newer, newer: backwards.older })));
  assert.ok(!proves(formatEvidence({ kind: 'consistency', hashes: [], older: head(0), newer: head(5) })));
});

const FILES: Readonly<Record<string, EvidenceFile>> = {
  'an inclusion proof': inclusion(5, 7),
  'an inclusion proof of a hash': inclusion(5, 7, hashOf(5)),
  'a consistency proof': consistency(5, 7),
  'an equivocation report': equivocation,
  'a checkpoint': { kind: 'checkpoint', checkpoint: head(7) },
};

for (const [name, file] of Object.entries(FILES)) {
  test(`${name}: no character of it can be another, missing or one more`, () => {
    const text = formatEvidence(file);
    assert.ok(proves(text));
    for (let at = 0; at < text.length; at++) {
      const [before, here, after] = [text.slice(0, at), text[at] ?? '', text.slice(at + 1)];
      const code = here.charCodeAt(0);
      const others = [
        ...new Set([String.fromCharCode(code ^ 1), String.fromCharCode(code ^ 0x20), 'A', '0', '\n', ' ']),
      ];
      const changed = others.filter((one) => one !== here).map((one) => before + one + after);
      for (const one of [...changed, before + after, `${before}${here}${here}${after}`])
        assert.ok(!proves(one), `at ${at}: ${JSON.stringify(one.slice(Math.max(0, at - 20), at + 20))}`);
    }
    for (const more of ['\n', 'x', ' \n', '\n\n', '\u2014 x AAAAAAAA\n\n'])
      assert.ok(!proves(text + more), JSON.stringify(more));
  });
}

test('what contradicts nothing is no equivocation', () => {
  const fault = (one: SignedHead, other: SignedHead): string | undefined =>
    faultOf({ kind: 'equivocation', one, other })?.want;
  const { root } = head(7).head;
  assert.equal(fault(head(7), otherRoot), undefined);
  assert.equal(fault(head(7), head(7)), 'two roots');
  assert.equal(fault(head(7), head(8)), 'two checkpoints of one size');
  assert.equal(fault(head(7), signedHead({ origin: 'x', size: 7, root }, key)), 'two checkpoints of one ledger');
  assert.match(fault(head(7), signedHead({ ...otherRoot.head }, testKey(2))) ?? '', /^one key that signed both/);
});

test('whose signature counts: trusted, of another ledger, forged, unknown, of nobody', () => {
  const { publicKey } = key;
  const given = (origin: string | undefined, bytes = publicKey.bytes) => headKeysOf([{ origin, publicKey: bytes }], []);
  const of = (...args: Parameters<typeof judgeHead>): string => {
    const { signedBy, fault } = judgeHead(...args);
    return fault?.code ?? (signedBy.length > 0 ? 'signed' : 'not checked');
  };
  assert.equal(of(head(7), given(undefined)), 'signed');
  assert.equal(of(head(7), given('other.example/ledger')), 'UNKNOWN_KEY');
  assert.equal(of(head(7), given(undefined, testKey(2).publicKey.bytes)), 'UNKNOWN_KEY');
  assert.equal(of(head(7), headKeysOf([], [])), 'not checked');
  const { name, keyHash } = noteKey(key, made.origin);
  const forged = { ...head(7), note: { ...head(7).note, signatures: [{ name, keyHash, bytes: Buffer.alloc(64, 1) }] } };
  assert.equal(of(forged, given(undefined)), 'SIGNATURE_INVALID');
  // A second signature, by whoever it is, takes nothing from the first; one that is forged does.
  const both = signedHead(head(7).head, testKey(2), key);
  assert.equal(of(both, given(undefined)), 'signed');
  const signatures = [...both.note.signatures, { name, keyHash, bytes: Buffer.alloc(64, 1) }];
  assert.equal(of({ ...both, note: { ...both.note, signatures } }, given(undefined)), 'SIGNATURE_INVALID');
});

/** Each ends soon, and says where it is wrong. */
const HOSTILE: readonly (readonly [string, string | Buffer, RegExp])[] = [
  ['nothing', '', /an empty file/],
  ['zeros', Buffer.alloc(100_000), /expected a file that begins with/],
  ['no text', Buffer.from([0xff, 0xfe, 0x41]), /expected text in UTF-8/],
  ['too much', Buffer.alloc(MAX_EVIDENCE_BYTES + 1, 0x41), /at most 4194304 bytes/],
  ['newlines', '\n'.repeat(MAX_EVIDENCE_BYTES), /expected a file that begins with/],
  ['deep JSON', '['.repeat(1_000_000), /expected a file that begins with/],
  ['a bundle', '{"version":"x"}', /expected a file that begins with/],
  ['the header alone', 'c2sp.org/tlog-proof@v1', /a checkpoint behind an empty line/],
  ['no extra', formatEvidence(inclusion(5, 7)).replace(/extra .*\n/, ''), /expected "extra " and the row in base64 in line 2/],
  ['extra that is no base64', formatEvidence(inclusion(5, 7)).replace(/extra .*\n/, 'extra =AAA\n'), /line 2, found something/],
  ['a great index', formatEvidence(inclusion(5, 7)).replace('index 4', `index 1${'0'.repeat(20)}`), /in line 3, found "index 1000/],
  ['an index with a zero before it', formatEvidence(inclusion(5, 7)).replace('index 4', 'index 04'), /in line 3/],
  ['a great size', formatEvidence(inclusion(5, 7)).replace('\n7\n', `\n1${'0'.repeat(20)}\n`), /a checkpoint \(origin, size, root/],
  ['a short hash', formatEvidence(inclusion(5, 7)).replace(/(index 4\n).*\n/, '$1AAAA\n'), /a hash of 32 bytes in base64 in line 4/],
  ['hashes by the thousand', formatEvidence(inclusion(5, 7)).replace('index 4\n', `index 4\n${`${'A'.repeat(43)}=\n`.repeat(5000)}`), /at most 128 hashes/],
  ['a hash in a report', formatEvidence(equivocation).replace('/1\n', `/1\n${'A'.repeat(43)}=\n`), /an empty line in line 2/],
  ['one checkpoint of two', formatEvidence(consistency(5, 7)).split('\n\n').slice(0, 3).join('\n\n'), /expected two checkpoints/],
  ['controls', `\u001b[2J${formatNote(head(7).note)}`, /expected a file that begins with/],
]; // prettier-ignore

for (const [name, content, why] of HOSTILE)
  test(`a file that is no evidence is refused soon and in words: ${name}`, () => {
    const startedAt = performance.now();
    assert.throws(() => parseEvidence(Buffer.from(content)), why);
    assert.ok(performance.now() - startedAt < 2000);
  });

test('a row of the greatest length reads back', () => {
  const extra = Buffer.alloc(1 << 20, 0x7b);
  const file = { ...inclusion(5, 7), extra } as EvidenceFile;
  const back = parseEvidence(Buffer.from(formatEvidence(file)));
  assert.ok(back.kind === 'inclusion' && back.extra.equals(extra));
  assert.equal(faultOf(back)?.code, 'CONTENT_ALTERED');
});
