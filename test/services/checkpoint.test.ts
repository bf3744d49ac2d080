/** `ledger checkpoint`: what is signed is what the rows are, and nothing is signed that others have seen otherwise. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { LedgerError } from '../../src/core/errors';
import { HASH_BYTES } from '../../src/core/tree/merkle';
import { storedCount } from '../../src/core/tree/storedTree';
import { rotateKey } from '../../src/services/keyRotation';
import { ensureBuilt } from '../support/built';
import {
  keyFile,
  otherAgent,
  PROBE,
  rechained,
  rolledBack,
  rootOf,
  signedLedger,
  trusted,
} from '../support/checkpoints';
import type { SignedLedger } from '../support/checkpoints';
import { quiet } from '../support/heads';
import { chainOf, sampleRows, setLineAside } from '../support/ledgers';
import { LEDGER, run } from '../support/process';

async function refused(work: Promise<unknown>, code: string, words = /./): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof LedgerError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  });
}

/** A refusal leaves the rows and the checkpoints as they were. */
async function refusedUntouched(ledger: SignedLedger, code: string, words = /./): Promise<void> {
  const before = [ledger.checkpoints(), ledger.lines().length];
  await refused(ledger.sign(), code, words);
  await refused(ledger.sign({ full: true }), code, words);
  assert.deepEqual([ledger.checkpoints(), ledger.lines().length], before);
}

test('the first one reads all rows, the next those behind it, and both roots are those of RFC 6962', async (t) => {
  const ledger = signedLedger(t, { rows: 40 });
  const first = await ledger.sign();
  assert.deepEqual([first.status, first.size, first.read, first.rows_read, first.seq], ['signed', 41, 'all', 41, 42]);
  assert.equal(first.root, rootOf(ledger.lines().slice(0, 41)));
  await ledger.append(PROBE, PROBE, PROBE);
  await ledger.index();
  const next = await ledger.sign();
  assert.deepEqual([next.status, next.size, next.read, next.rows_read, next.seq], ['signed', 45, 'new', 4, 46]);
  assert.equal(next.root, rootOf(ledger.lines().slice(0, 45)));
  const full = await ledger.sign({ full: true });
  assert.deepEqual([full.status, full.size, full.read, full.seq, full.root], ['current', 45, 'all', 46, next.root]);
  assert.deepEqual(ledger.checkpoints(), ['41.txt', '45.txt']);
  assert.deepEqual(
    ledger.rowsOf('audit.checkpoint').map(({ payload }) => [payload['size'], payload['root'], payload['read']]),
    [
      [41, first.root, 'all'],
      [45, next.root, 'new'],
    ],
  );
  const { verdict, tree, key, signed_until, anchored_until } = await ledger.verify();
  assert.deepEqual([verdict, tree, key, signed_until, anchored_until], ['intact', 'agrees', 'trusted', 45, 45]);
});

test('roots one behind the other, from a ledger of two rows on', async (t) => {
  const ledger = signedLedger(t, { rows: 1 });
  for (let i = 0; i < 9; i++) {
    const { root, size } = await ledger.sign({ full: i % 3 === 0 });
    assert.equal(root, rootOf(ledger.lines().slice(0, size)), `size ${size}`);
    await ledger.append(PROBE);
    if (i % 2 === 0) await ledger.index();
  }
  assert.equal((await ledger.verify()).tree, 'agrees');
});

test('nothing new: the last one stands, and rows about checkpoints and anchors alone ask for no other', async (t) => {
  const ledger = signedLedger(t);
  const first = await ledger.sign({ to: [`file:${join(ledger.root, 'head.txt')}`] });
  assert.deepEqual(ledger.rowsOf('audit.anchor').length, 1);
  const rows = ledger.lines().length;
  for (const full of [false, true]) {
    const { status, size, root, seq } = await ledger.sign({ full });
    assert.deepEqual([status, size, root, seq], ['current', first.size, first.root, first.seq]);
  }
  assert.equal(ledger.lines().length, rows);
});

test('an index that lags behind the last checkpoint: rows are read again, not all of them', async (t) => {
  const ledger = signedLedger(t, { rows: 30 });
  await ledger.index();
  await ledger.append(PROBE);
  await ledger.sign();
  await ledger.append(PROBE);
  const next = await ledger.sign();
  assert.deepEqual([next.read, next.size, next.rows_read], ['new', 34, 3]);
  assert.equal(next.root, rootOf(ledger.lines().slice(0, 34)));
});

test('a stored tree that is gone, cut, garbled or of another size is made anew from the rows', async (t) => {
  const ledger = signedLedger(t, { rows: 40 });
  await ledger.index();
  await ledger.sign();
  const whole = readFileSync(ledger.paths.tree);
  // The place of one leaf, and of an inner hash that the root over all rows is not made of.
  const flipped = (place: number): Buffer => {
    const bytes = Buffer.from(whole);
    bytes[place * HASH_BYTES] = 1 ^ (bytes[place * HASH_BYTES] as number);
    return bytes;
  };
  const harms: Readonly<Record<string, () => void>> = {
    gone: () => rmSync(ledger.paths.tree),
    empty: () => writeFileSync(ledger.paths.tree, ''),
    cut: () => writeFileSync(ledger.paths.tree, whole.subarray(0, 700)),
    garbled: () => writeFileSync(ledger.paths.tree, Buffer.alloc(whole.length, 7)),
    'one leaf': () => writeFileSync(ledger.paths.tree, flipped(storedCount(40))),
    'one inner hash': () => writeFileSync(ledger.paths.tree, flipped(storedCount(4) - 1)),
    longer: () => writeFileSync(ledger.paths.tree, Buffer.concat([whole, Buffer.alloc(99, 1)])),
  };
  for (const [name, harm] of Object.entries(harms)) {
    harm();
    await ledger.append(PROBE);
    const { root, size, status } = await ledger.sign();
    assert.deepEqual([status, root], ['signed', rootOf(ledger.lines().slice(0, size))], name);
    const stored = readFileSync(ledger.paths.tree);
    assert.ok(stored.subarray(0, whole.length).equals(whole), `${name}: what is stored is right again`);
  }
});

test('an inner hash that only a lagging index asks for: all rows are read, nothing is called diverged', async (t) => {
  const ledger = signedLedger(t, { rows: 6 });
  await ledger.index();
  await ledger.append(...sampleRows(57));
  assert.equal((await ledger.sign()).size, 64);
  const bytes = readFileSync(ledger.paths.tree);
  const place = storedCount(4) - 1;
  bytes[place * HASH_BYTES] = 1 ^ (bytes[place * HASH_BYTES] as number);
  writeFileSync(ledger.paths.tree, bytes);
  await ledger.append(PROBE);
  const { read, root, size } = await ledger.sign();
  assert.deepEqual([read, root], ['all', rootOf(ledger.lines().slice(0, size))]);
});

test('refused: a ledger that shrank below its checkpoint', async (t) => {
  const ledger = signedLedger(t);
  await ledger.sign();
  ledger.write(ledger.lines().slice(0, 8));
  await refusedUntouched(ledger, 'ROLLBACK', /expected at least the 12 rows/);
});

test('refused: rows written anew below the checkpoint, with hashes that are right', async (t) => {
  const ledger = signedLedger(t);
  await ledger.index();
  await ledger.sign();
  for (const seq of [2, 12]) {
    ledger.write(rechained(ledger.lines(), seq, otherAgent));
    await refusedUntouched(ledger, 'DIVERGED');
    rmSync(ledger.paths.index, { force: true });
    await refusedUntouched(ledger, 'DIVERGED');
  }
});

test('refused: a newest note of another ledger, one that is none, one by a key that nobody knows', async (t) => {
  const ledger = signedLedger(t);
  const { path, size } = await ledger.sign();
  const note = readFileSync(path, 'utf8');
  const other = signedLedger(t);
  other.settings({ keys: [trusted(ledger.key)] });
  const stranger = keyFile(join(ledger.root, 'keys/stranger'));
  ledger.settings({});
  rmSync(path);
  rmSync(ledger.paths.heads, { recursive: true });
  ledger.write(ledger.lines().slice(0, size));
  await ledger.sign({ key: stranger.path });
  const foreignKey = readFileSync(path, 'utf8');
  ledger.settings({ keys: [trusted(ledger.key)] });
  for (const [name, text] of Object.entries({
    garbled: `${note.slice(0, 40)}?${note.slice(41)}`,
    empty: '',
    unsigned: note.slice(0, note.indexOf('\n\n') + 1),
    'of another size': note.replace(`\n${size}\n`, `\n${size + 1}\n`),
    'of another origin': note.replaceAll('local/', 'locul/'),
    'by a stranger': foreignKey,
    'with another root': note.replace(/\n[^\n]{44}\n\n/, `\n${Buffer.alloc(32, 9).toString('base64')}\n\n`),
  })) {
    writeFileSync(path, text);
    await refusedUntouched(ledger, 'CHECKPOINT_INVALID').catch((error: unknown) => {
      throw new Error(`${name}: ${String(error)}`);
    });
  }
  writeFileSync(path, note);
  assert.equal((await ledger.sign()).status, 'current');
});

test('refused: a folder that was rolled back, and one that is another, while the head is remembered outside', async (t) => {
  const ledger = await rolledBack(t);
  await refusedUntouched(ledger, 'ROLLBACK', /remembered/);
  await ledger.append(PROBE, { ...PROBE, agent: 'other' }, PROBE);
  await refusedUntouched(ledger, 'DIVERGED', /remembered/);
});

test('refused: a broken row among the new ones, with its place', async (t) => {
  const ledger = signedLedger(t);
  await ledger.index();
  await ledger.sign();
  await ledger.append(PROBE, PROBE);
  const lines = ledger.lines();
  ledger.write(lines.map((line, i) => (i === 13 ? otherAgent(line) : line)));
  await refusedUntouched(ledger, 'LEDGER_BROKEN', /CONTENT_ALTERED at row 14/);
});

test('a tombstone for one row is signed over by its declared hash', async (t) => {
  const ledger = signedLedger(t);
  const chain = chainOf();
  for (const row of sampleRows(11)) chain.add(row);
  const { lines } = setLineAside(ledger.paths.dir, chain, 4);
  const made = await ledger.sign();
  assert.deepEqual([made.size, made.root], [13, rootOf(lines)]);
  await ledger.append(PROBE);
  await ledger.index();
  assert.equal((await ledger.sign()).status, 'signed');
  const { verdict, tree } = await ledger.verify();
  assert.deepEqual([verdict, tree], ['gaps', 'agrees']);
});

test('refused: a tombstone for several rows, whose hashes nobody has', async (t) => {
  const ledger = signedLedger(t);
  const chain = chainOf();
  for (const row of sampleRows(11)) chain.add(row);
  setLineAside(ledger.paths.dir, chain, 4, { count: 3 });
  assert.equal((await ledger.verify()).verdict, 'gaps', 'a gap that is backed');
  await refused(ledger.sign(), 'LEDGER_BROKEN', /after row 4 several are missing/);
  assert.equal(existsSync(ledger.paths.checkpoints), false);
});

test('a note whose row is missing gets it, and no second one', async (t) => {
  const ledger = signedLedger(t);
  const { size, root } = await ledger.sign();
  ledger.write(ledger.lines().slice(0, size));
  for (let i = 0; i < 2; i++) {
    const { status, seq } = await ledger.sign();
    assert.deepEqual([status, seq], ['current', 13]);
  }
  assert.deepEqual(ledger.checkpoints(), ['12.txt']);
  const told = ledger.rowsOf('audit.checkpoint').map(({ payload }) => payload['root']);
  assert.deepEqual(told, [root]);
});

test('a home that cannot be written to: signed, with a word about it; the next one goes on from there', async (t) => {
  const ledger = signedLedger(t);
  await ledger.sign();
  const { heads } = ledger.paths;
  renameSync(heads, `${heads}.away`);
  writeFileSync(heads, 'a file in its place');
  await ledger.append(PROBE);
  const made = await ledger.sign();
  assert.equal(made.status, 'signed');
  assert.match(made.not_remembered ?? '', /ENOTDIR|EEXIST|expected/);
  rmSync(heads);
  renameSync(`${heads}.away`, heads);
  await ledger.append(PROBE);
  await ledger.index();
  const next = await ledger.sign();
  assert.deepEqual(
    [next.status, next.not_remembered],
    ['signed', null],
    'what is remembered is older than the last one',
  );
  assert.deepEqual([(await ledger.verify()).anchored_until, next.size], [next.size, 16]);
});

test('refused: what is remembered outside is damaged, and may be what shows that rows are gone', async (t) => {
  const ledger = await rolledBack(t);
  const { ledger_id: id } = await ledger.verify();
  const path = join(ledger.paths.heads, String(id));
  const whole = readFileSync(path, 'utf8');
  const [head] = (JSON.parse(whole) as { heads: object[] }).heads;
  for (const text of [
    whole.slice(0, 100),
    '',
    '{}',
    '{"heads":[null]}',
    JSON.stringify({ heads: [{ ...head, at: 'x' }] }),
    JSON.stringify({ heads: [{ ...head, note: undefined }] }),
    JSON.stringify({ heads: [{ ...head, note: 'x' }] }),
  ]) {
    writeFileSync(path, text);
    await refusedUntouched(ledger, 'READ_FAILED', /heads that were signed before/);
    assert.equal(readFileSync(path, 'utf8'), text, 'nothing is written over it');
    assert.match((await ledger.verify()).warnings.join(), /remembered outside of the folder cannot be read/, text);
  }
  rmSync(path);
  mkdirSync(path);
  await refusedUntouched(ledger, 'READ_FAILED', /a folder/);
});

test('refused: a line that bears a known key and is not its signature, wherever it stands in the note', async (t) => {
  const ledger = signedLedger(t);
  await ledger.sign();
  const [older = ''] = ledger.checkpoints();
  await ledger.append(PROBE);
  const { size } = await ledger.sign();
  await ledger.append(PROBE);
  const path = join(ledger.paths.checkpoints, `${size}.txt`);
  const note = readFileSync(path, 'utf8');
  const forged = readFileSync(join(ledger.paths.checkpoints, older), 'utf8').trimEnd().split('\n').at(-1) ?? '';
  const end = note.indexOf('\n\n') + 2;
  for (const text of [`${note}${forged}\n`, `${note.slice(0, end)}${forged}\n${note.slice(end)}`]) {
    writeFileSync(path, text);
    await refusedUntouched(ledger, 'CHECKPOINT_INVALID', /a signature .* that holds/);
    const { findings } = await ledger.verify();
    assert.deepEqual(findings.map(({ code, seq }) => [code, seq]), [['SIGNATURE_INVALID', size]]); // prettier-ignore
  }
  writeFileSync(path, `${note}${note.slice(end)}`);
  assert.equal((await ledger.verify()).verdict, 'intact', 'twice the same is once');
});

test('a file that a killed process left in the way of the head is no harm, whatever is in it', async (t) => {
  const ledger = signedLedger(t);
  const { ledger_id: id } = await ledger.verify();
  mkdirSync(ledger.paths.heads, { recursive: true });
  writeFileSync(join(ledger.paths.heads, `.${id}.${process.pid}.tmp`), 'x'.repeat(9000), { mode: 0o600 });
  mkdirSync(ledger.paths.checkpoints, { mode: 0o700 });
  writeFileSync(join(ledger.paths.checkpoints, `.12.${process.pid}.tmp`), 'x'.repeat(9000), { mode: 0o600 });
  const { not_remembered: why, size } = await ledger.sign();
  assert.equal(why, null);
  assert.equal((await ledger.verify()).anchored_until, size);
  assert.deepEqual(ledger.checkpoints(), ['12.txt']);
});

test('where the settings say whose heads count, no other key signs: the next verify would blame it', async (t) => {
  const ledger = signedLedger(t);
  const other = keyFile(join(ledger.root, 'keys/other'));
  ledger.settings({ keys: [trusted(ledger.key)] });
  await refused(ledger.sign({ key: other.path }), 'KEY_UNUSABLE', /role checkpoint/);
  assert.equal(existsSync(ledger.paths.checkpoints), false);
  assert.equal((await ledger.sign({ key: ledger.key.path })).status, 'signed');
  ledger.settings({ keys: [{ ...trusted(ledger.key), roles: ['lead'] }] });
  await ledger.append(PROBE);
  assert.equal((await ledger.sign({ key: other.path })).status, 'signed', 'nobody is trusted to sign heads');
});

test('the key of the ledger was rotated: the next one signs on top of what the last one signed', async (t) => {
  const ledger = signedLedger(t);
  await ledger.index();
  await ledger.sign();
  const next = keyFile(join(ledger.root, 'keys/next'));
  const [old, { place }] = [ledger.key.path, ledger];
  await rotateKey({ place, next: next.path, old, reason: 'test', actor: 'ops', events: quiet });
  await refused(ledger.sign({ key: old }), 'KEY_UNUSABLE', /ended at/);
  const made = await ledger.sign({ key: next.path });
  assert.deepEqual([made.status, made.read], ['signed', 'new'], 'a rotation is worth a signature');
  for (const keys of [[trusted(ledger.key)], [trusted(next)], [trusted(ledger.key), trusted(next)]]) {
    ledger.settings({ keys });
    await ledger.append(PROBE);
    assert.equal((await ledger.sign({ key: next.path })).status, 'signed');
  }
  ledger.settings({ keys: [trusted(ledger.key)] });
  const { verdict, key, findings } = await ledger.verify();
  assert.deepEqual([verdict, key, findings], ['intact', 'trusted', []]);
});

test('several at once, beside writers: every one succeeds, with one note and one row a size', async (t) => {
  ensureBuilt();
  const ledger = signedLedger(t, { rows: 60 });
  chmodSync(ledger.paths.dir, 0o700);
  const env = { ...process.env, ...ledger.place.env, LEDGER_DIR: ledger.place.dir };
  const start = (...args: string[]) => run([process.execPath, LEDGER, ...args], { cwd: ledger.root, env });
  const both = await Promise.all([start('checkpoint', '--sign', ledger.key.path, '--json'), start('checkpoint', '--sign', ledger.key.path, '--json')]); // prettier-ignore
  assert.deepEqual(
    both.map(({ status, stderr }) => [status, stderr]),
    [
      [0, ''],
      [0, ''],
    ],
  );
  assert.deepEqual(ledger.checkpoints(), ['61.txt']);
  const mixed = await Promise.all(
    [0, 1, 2].flatMap((i) => [
      start('append', 'a.b', '--reason', `r${i}`),
      start('checkpoint', '--sign', ledger.key.path),
    ]),
  );
  assert.deepEqual(
    mixed.map(({ status, stderr }) => [status, stderr]),
    mixed.map(() => [0, '']),
  );
  const told = ledger.rowsOf('audit.checkpoint').map(({ payload }) => `${String(payload['size'])}.txt`);
  assert.deepEqual([...told].sort(), [...ledger.checkpoints()].sort(), 'one row a note');
  assert.equal((await ledger.verify()).verdict, 'intact');
});
