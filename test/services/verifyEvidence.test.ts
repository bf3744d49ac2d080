/** `verify` and what was signed: what a hash chain alone cannot show is shown by checkpoints, keys and the remembered head. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { parseTreeHead } from '../../src/core/note/checkpoint';
import type { TreeHead } from '../../src/core/note/checkpoint';
import { judgeCheckpoints } from '../../src/core/note/judgeCheckpoints';
import { formatNote, noteKeyOf, parseNote } from '../../src/core/note/note';
import { KeyTrust } from '../../src/core/signing/trustWalk';
import { HASH_BYTES, leafHash } from '../../src/core/tree/merkle';
import { placeOf } from '../../src/core/tree/storedTree';
import type { VerifyResult } from '../../src/core/verdict';
import { locate } from '../../src/store/ledger/locate';
import { ensureBuilt } from '../support/built';
import {
  keepAll,
  PROBE,
  rolledBack,
  keyFile,
  otherAgent,
  rechained,
  rootOf,
  secretOf,
  signedLedger,
  trusted,
} from '../support/checkpoints';
import type { KeyFile, SignedLedger } from '../support/checkpoints';
import { forgedRow } from '../support/forgedRows';
import { signedNote, TEST_ORIGIN } from '../support/heads';
import { chainOf, sampleRows, setLineAside } from '../support/ledgers';
import { LEDGER, run } from '../support/process';

/** Signed at 12 and at 16 rows; row 17 tells of it, row 18 came since. */
async function twiceSigned(t: TestContext): Promise<SignedLedger> {
  const ledger = signedLedger(t);
  await ledger.index();
  await ledger.sign();
  await ledger.append(PROBE, PROBE, PROBE);
  await ledger.sign();
  await ledger.append(PROBE);
  return ledger;
}

const codesOf = ({ findings }: VerifyResult): string[] => findings.map(({ code }) => code);
const noteAt = ({ paths }: SignedLedger, size: number): string => join(paths.checkpoints, `${size}.txt`);
const hashOf = (line: string | undefined): string => (JSON.parse(line as string) as { hash: string }).hash;

/** A note over the first rows, by a key. */
function noteBy(key: KeyFile, head: TreeHead): string {
  const note = noteKeyOf(head.origin, key.publicKey);
  return formatNote(signedNote(head, { note, secret: secretOf(key), line: key.line }));
}

function headOf(ledger: SignedLedger, size: number): TreeHead {
  const root = Buffer.from(rootOf(ledger.lines().slice(0, size)), 'base64');
  return { origin: TEST_ORIGIN, size, root };
}

/** Whoever can write the folder takes the index away, too: what is left must find it. */
function rewrite(ledger: SignedLedger, lines: readonly string[]): void {
  ledger.write(lines);
  rmSync(ledger.paths.index, { force: true });
}

type Harm = (ledger: SignedLedger) => unknown;

const ATTACKS: Readonly<Record<string, readonly [Harm, readonly string[]]>> = {
  'the tail cut off below both checkpoints': [
    (ledger) => rewrite(ledger, ledger.lines().slice(0, 10)),
    ['TRUNCATED', 'TRUNCATED', 'ROLLBACK'],
  ],
  'the tail cut off, and the later checkpoint deleted': [
    (ledger) => {
      rewrite(ledger, ledger.lines().slice(0, 13));
      rmSync(noteAt(ledger, 16));
    },
    ['ROLLBACK'],
  ],
  'the tail cut off, and all checkpoints deleted': [
    (ledger) => {
      rewrite(ledger, ledger.lines().slice(0, 13));
      rmSync(ledger.paths.checkpoints, { recursive: true });
    },
    ['ROLLBACK'],
  ],
  'the last signed rows written anew': [
    (ledger) => rewrite(ledger, rechained(ledger.lines(), 14, otherAgent)),
    ['DIVERGED', 'DIVERGED'],
  ],
  'all rows written anew from row 5 on': [
    (ledger) => rewrite(ledger, rechained(ledger.lines(), 5, otherAgent)),
    ['DIVERGED', 'DIVERGED', 'DIVERGED'],
  ],
  'a checkpoint garbled': [(ledger) => writeFileSync(noteAt(ledger, 12), 'lorem ipsum'), ['CHECKPOINT_INVALID']],
  'a checkpoint emptied': [(ledger) => truncateSync(noteAt(ledger, 12), 0), ['CHECKPOINT_INVALID']],
  'a checkpoint under the name of another size': [
    (ledger) => writeFileSync(noteAt(ledger, 13), readFileSync(noteAt(ledger, 12))),
    ['CHECKPOINT_INVALID'],
  ],
  'a signature stripped': [
    (ledger) => {
      const text = readFileSync(noteAt(ledger, 16), 'utf8');
      writeFileSync(noteAt(ledger, 16), text.slice(0, text.indexOf('\n\n') + 1));
    },
    ['SIGNATURE_MISSING'],
  ],
  'a signature stripped, and the blank line left': [
    (ledger) => {
      const text = readFileSync(noteAt(ledger, 16), 'utf8');
      writeFileSync(noteAt(ledger, 16), text.slice(0, text.indexOf('\n\n') + 2));
    },
    ['SIGNATURE_MISSING'],
  ],
  'a head of the right rows, signed by an unknown key': [
    (ledger) => writeFileSync(noteAt(ledger, 16), noteBy(keyFile(join(ledger.root, 'stranger')), headOf(ledger, 16))),
    ['UNKNOWN_KEY'],
  ],
  'a head signed by a key that has another role': [
    (ledger) => {
      const other = keyFile(join(ledger.root, 'other'));
      ledger.settings({ keys: [trusted(ledger.key), trusted(other, { roles: ['bundle'] })] });
      writeFileSync(noteAt(ledger, 16), noteBy(other, headOf(ledger, 16)));
    },
    ['UNTRUSTED_KEY'],
  ],
  'a head over rows that came after the key had ended': [
    (ledger) => ledger.settings({ keys: [trusted(ledger.key, { until: '2026-05-01T00:00:00.000Z' })] }),
    ['UNTRUSTED_KEY'],
  ],
  'a signature forged': [
    (ledger) => {
      const other = noteBy(ledger.key, { ...headOf(ledger, 16), root: Buffer.alloc(32, 1) }).split('\n\n')[1];
      const [text] = readFileSync(noteAt(ledger, 16), 'utf8').split('\n\n');
      writeFileSync(noteAt(ledger, 16), `${text}\n\n${other}`);
    },
    ['SIGNATURE_INVALID'],
  ],
  'a checkpoint of another ledger': [
    (ledger) =>
      writeFileSync(noteAt(ledger, 16), noteBy(ledger.key, { ...headOf(ledger, 16), origin: 'local/ANOTHER' })),
    ['FOREIGN'],
  ],
};

/** A test for each harm, of one ledger that is made whole again in between. */
async function eachOf<T>(
  t: TestContext,
  harms: Readonly<Record<string, T>>,
  check: (ledger: SignedLedger, harm: T, name: string) => Promise<void>,
): Promise<void> {
  const ledger = await twiceSigned(t);
  await ledger.index();
  assert.equal((await ledger.verify()).verdict, 'intact');
  const restore = keepAll(t, ledger);
  for (const [name, harm] of Object.entries(harms)) {
    await t.test(name, () => check(ledger, harm, name));
    restore();
  }
}

test('attacks on what was signed have each their code, also from the newest checkpoint on', async (t) => {
  await eachOf(t, ATTACKS, async (ledger, [harm, codes]) => {
    harm(ledger);
    const full = await ledger.verify();
    assert.deepEqual([full.verdict, codesOf(full)], ['broken', codes]);
    if (codes.some((code) => code.endsWith('_KEY')))
      assert.deepEqual([full.chain, full.tree, full.key], ['intact', 'agrees', 'wrong'], 'a key says nothing of rows');
    assert.deepEqual(await ledger.verify({ sinceCheckpoint: true }), full);
  });
});

test('the whole folder rolled back: ROLLBACK, by the head that is remembered outside of it', async (t) => {
  const ledger = await rolledBack(t);
  const full = await ledger.verify();
  assert.deepEqual([full.verdict, codesOf(full), full.tree], ['broken', ['ROLLBACK'], 'agrees']);
  assert.deepEqual(codesOf(await ledger.verify({ sinceCheckpoint: true })), ['ROLLBACK']);
});

test('nobody is trusted: nothing is said of the key, and what the tree shows is shown all the same', async (t) => {
  const ledger = await twiceSigned(t);
  ledger.settings({});
  const { verdict, key, tree, not_proved: notProved } = await ledger.verify();
  assert.deepEqual([verdict, key, tree], ['intact', 'not-checked', 'agrees']);
  assert.match(notProved.join(), /who signed the checkpoints/);
  rewrite(ledger, rechained(ledger.lines(), 5, otherAgent));
  assert.ok(codesOf(await ledger.verify()).includes('DIVERGED'));
});

test('every flipped bit of a checkpoint is found', async (t) => {
  const ledger = await twiceSigned(t);
  const path = noteAt(ledger, 16);
  const whole = readFileSync(path);
  const trust = new KeyTrust(locate(ledger.place).config.keys);
  const [size, root] = [18, headOf(ledger, 16).root];
  const ground = { origin: TEST_ORIGIN, tree: { size, rootAt: () => root }, trust, timeOf: () => undefined, gaps: [] };
  const findingsOf = (bytes: Buffer): number => {
    const note = parseNote(bytes);
    const head = note && parseTreeHead(note.text);
    const checkpoint = note && head?.size === 16 ? { note, head } : undefined;
    return judgeCheckpoints([{ name: '16.txt', size: 16, bytes, checkpoint }], ground).findings.length;
  };
  assert.equal(findingsOf(whole), 0);
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const bytes = Buffer.from(whole);
    bytes[bit >> 3] = (whole[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.ok(findingsOf(bytes) > 0, `bit ${bit}`);
    if (bit % 211 !== 0) continue;
    writeFileSync(path, bytes);
    assert.equal((await ledger.verify()).verdict, 'broken', `bit ${bit}`);
  }
});

test('--require-anchor: exit 0 where an anchor knows all, 3 where rows came since or nobody signed', async (t) => {
  ensureBuilt();
  const ledger = signedLedger(t);
  const env = { ...process.env, ...ledger.place.env, LEDGER_DIR: ledger.place.dir };
  const exit = async (...more: string[]): Promise<number> =>
    (await run([process.execPath, LEDGER, 'verify', '-q', ...more], { cwd: ledger.root, env })).status;
  assert.deepEqual([await exit(), await exit('--require-anchor')], [0, 3], 'nobody signed');
  await ledger.sign();
  assert.equal(await exit('--require-anchor'), 0, 'the row about the checkpoint needs no other');
  await ledger.append(PROBE);
  assert.deepEqual([await exit('--require-anchor'), await exit('--require-anchor', '--since-checkpoint')], [3, 3]);
  rewrite(ledger, rechained(ledger.lines(), 5, otherAgent));
  assert.equal(await exit('--require-anchor'), 1, 'broken weighs more');
});

/** What is said of the ledger, whatever was read of it for that. */
function saidOf({ index, read, not_proved: notProved, warnings, ...said }: VerifyResult): object {
  const { open_streams: open, content, streams, signatures, signed_rows: signed, ...rest } = said;
  void [index, read, notProved, warnings, open, content, streams, signatures, signed];
  return rest;
}

async function bothAgree(ledger: SignedLedger, read: VerifyResult['read'], name = ''): Promise<VerifyResult> {
  const [full, since] = [await ledger.verify(), await ledger.verify({ sinceCheckpoint: true })];
  assert.equal(since.read, read, name);
  assert.deepEqual(saidOf(since), saidOf(full), name);
  return full;
}

test('--since-checkpoint says what the full answer says of a good ledger', async (t) => {
  const ledger = await twiceSigned(t);
  await bothAgree(ledger, 'new', 'an index behind the checkpoint');
  await ledger.index();
  await bothAgree(ledger, 'new', 'an index up to the last row');
  await ledger.append({ action: 'run.finished', run_id: 'run-1' }, { ...PROBE, reason: 'late' }, PROBE);
  await bothAgree(ledger, 'new', 'late rows');
  await ledger.sign({ to: [`file:${join(ledger.root, 'head.txt')}`] });
  await bothAgree(ledger, 'new', 'nothing but rows about it');
  cpSync(ledger.paths.ledger, `${ledger.paths.ledger}.copy`);
  rmSync(ledger.paths.ledger);
  cpSync(`${ledger.paths.ledger}.copy`, ledger.paths.ledger);
  assert.equal((await bothAgree(ledger, 'new', 'a file of the same bytes')).verdict, 'intact');
});

/** A next row as its writer would not have written it, with a hash that is right. */
function forged(ledger: SignedLedger, members: Readonly<Record<string, string>>): void {
  const lines = ledger.lines();
  ledger.write([...lines, forgedRow(lines, members)]);
}

function flipIn(path: string, from: number, every: number): void {
  const bytes = readFileSync(path);
  for (let at = from; at < bytes.length; at += every) bytes[at] = 0xff ^ (bytes[at] as number);
  writeFileSync(path, bytes);
}

const lastOfRun = (ledger: SignedLedger): { hash: string; run_seq: number } =>
  ledger
    .lines()
    .map((line) => JSON.parse(line) as { hash: string; run_id?: string; run_seq: number })
    .filter(({ run_id: id }) => id === 'run-1')
    .at(-1) as { hash: string; run_seq: number };

const UNDERMINED: Readonly<Record<string, readonly [Harm, readonly string[]]>> = {
  'a new row is altered': [
    (ledger) => ledger.write(ledger.lines().map((line, i) => (i === 17 ? otherAgent(line) : line))),
    ['CONTENT_ALTERED'],
  ],
  'a new row is missing': [(ledger) => ledger.write(ledger.lines().filter((_, i) => i !== 16)), ['SEQ_GAP']],
  'a run goes on behind the checkpoint with a jump': [
    (ledger) => {
      const { hash } = lastOfRun(ledger);
      forged(ledger, { run_id: '"run-1"', run_seq: '99', run_prev_hash: `"${hash}"` });
    },
    ['STREAM_BROKEN'],
  ],
  'a run goes on from another row than its last': [
    (ledger) => {
      const { run_seq: seq } = lastOfRun(ledger);
      forged(ledger, { run_id: '"run-1"', run_seq: `${seq + 1}`, run_prev_hash: `"${hashOf(ledger.lines()[3])}"` });
    },
    ['STREAM_BROKEN'],
  ],
  'a run that was there is begun again': [
    (ledger) => forged(ledger, { run_id: '"run-0"', run_seq: '1', run_prev_hash: `"${'0'.repeat(64)}"` }),
    ['STREAM_BROKEN'],
  ],
  'a run that was not there begins in its middle': [
    (ledger) => forged(ledger, { run_id: '"run-9"', run_seq: '2', run_prev_hash: `"${hashOf(ledger.lines()[3])}"` }),
    ['STREAM_BROKEN'],
  ],
  'rows below the checkpoint are written anew, the index and a leaf of the tree too': [
    async (ledger) => {
      rewrite(ledger, rechained(ledger.lines(), 5, otherAgent));
      await ledger.index();
      const tree = readFileSync(ledger.paths.tree);
      leafHash(Buffer.from(hashOf(ledger.lines()[15]), 'hex')).copy(tree, placeOf(0, 15) * HASH_BYTES);
      writeFileSync(ledger.paths.tree, tree);
    },
    ['DIVERGED', 'DIVERGED', 'DIVERGED'],
  ],
};

test('--since-checkpoint and rows that are wrong: the code and the place are those of the full answer', async (t) => {
  await eachOf(t, UNDERMINED, async (ledger, [harm, codes]) => {
    await harm(ledger);
    const full = await ledger.verify();
    assert.deepEqual(
      codesOf(full).filter((code) => code !== 'INDEX_DISAGREES'),
      codes,
    );
    assert.deepEqual(await ledger.verify({ sinceCheckpoint: true }), full);
  });
});

const SHORTCUTS: Readonly<Record<string, Harm>> = {
  'the index is missing': ({ paths }) => rmSync(paths.index),
  'the index is of another ledger': async (ledger) => {
    const other = signedLedger(undefined, { rows: 30, ledgerId: '01JTESTTESTTESTTESTTESTTEX' });
    await other.index();
    cpSync(other.paths.index, ledger.paths.index);
    rmSync(other.root, { recursive: true });
  },
  'the index is junk': ({ paths }) => writeFileSync(paths.index, 'junk'),
  'the index is garbled in its pages': ({ paths }) => flipIn(paths.index, 4096, 7),
  'a page of the index is garbled': ({ paths }) => flipIn(paths.index, 9000, 1e9),
  'the index is cut': ({ paths }) => truncateSync(paths.index, 8192),
  'the tree is missing': ({ paths }) => rmSync(paths.tree),
  'the tree is cut': ({ paths }) => truncateSync(paths.tree, 20 * HASH_BYTES),
  'the tree is garbled': ({ paths }) => flipIn(paths.tree, 0, 32),
  'a leaf of the tree is garbled': ({ paths }) => flipIn(paths.tree, placeOf(0, 15) * HASH_BYTES, 1e9),
  'a hash for the older checkpoint is garbled': ({ paths }) => flipIn(paths.tree, placeOf(2, 2) * HASH_BYTES, 1e9),
  'the tree is behind a link': ({ paths, root }) => {
    cpSync(paths.tree, join(root, 'tree'));
    rmSync(paths.tree);
    symlinkSync(join(root, 'tree'), paths.tree);
  },
};

test('--since-checkpoint and shortcuts that are spoilt: no wolf is cried, all is read where they are needed', async (t) => {
  await eachOf(t, SHORTCUTS, async (ledger, harm, name) => {
    await harm(ledger);
    const full = await ledger.verify();
    const since = await ledger.verify({ sinceCheckpoint: true });
    assert.deepEqual(
      codesOf(since).filter((code) => code !== 'INDEX_DISAGREES'),
      [],
    );
    if (since.read === 'all') assert.deepEqual(since, full);
    else assert.match(name, /^a (?:leaf|page)/, 'one that nobody asked for');
  });
});

test('--since-checkpoint on a ledger with a gap, from before the checkpoint or since: named as in the full answer', async (t) => {
  const before = signedLedger(t);
  const chain = chainOf();
  for (const row of sampleRows(11)) chain.add(row);
  setLineAside(before.paths.dir, chain, 4);
  await before.index();
  await before.sign();
  await before.append(PROBE);
  const since = await twiceSigned(t);
  await since.index();
  since.write(since.lines().map((line, i) => (i === 16 ? line.slice(0, 90) : line)));
  await since.index();
  for (const ledger of [before, since]) {
    const full = await ledger.verify();
    assert.deepEqual([full.verdict, full.gaps.length, full.tree], ['gaps', 1, 'agrees']);
    assert.deepEqual(await ledger.verify({ sinceCheckpoint: true }), full);
  }
});
