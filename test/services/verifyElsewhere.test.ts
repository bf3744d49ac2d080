/**
 * What is kept elsewhere, against whoever writes the state folder: row 1, rotations and checkpoints are theirs to change,
 * so none of these may say whose head it is that lies elsewhere. And what honest people do is no alarm.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { VerifyResult } from '../../src/core/verdict';
import { fingerprintOf } from '../../src/core/signing/keys';
import { formatNote, noteKeyOf, parseNote } from '../../src/core/note/note';
import { rotateKey } from '../../src/services/keyRotation';
import { keepFolder, keyFile, PROBE, rechained, rootOf, secretOf, signedLedger, trusted } from '../support/checkpoints';
import type { KeyFile, SignedLedger } from '../support/checkpoints';
import { quiet, signedNote, TEST_ORIGIN } from '../support/heads';

const codesOf = ({ findings }: VerifyResult): string[] => findings.map(({ code }) => code);

/** The checkpoint of all rows that there are, by a key, as somebody writes it who can write the folder. */
function forgeNote(ledger: SignedLedger, key: KeyFile): number {
  const lines = ledger.lines();
  const head = { origin: TEST_ORIGIN, size: lines.length, root: Buffer.from(rootOf(lines), 'base64') };
  const signer = { note: noteKeyOf(TEST_ORIGIN, key.publicKey), secret: secretOf(key), line: key.line };
  mkdirSync(ledger.paths.checkpoints, { recursive: true, mode: 0o700 });
  writeFileSync(join(ledger.paths.checkpoints, `${head.size}.txt`), formatNote(signedNote(head, signer)));
  return head.size;
}

const rotate = ({ place, key }: SignedLedger, next: KeyFile): Promise<unknown> =>
  rotateKey({ place, next: next.path, old: key.path, reason: 'test', actor: 'ops', events: quiet });

test('row 1 says another name, or another ledger: the head that is remembered is believed', async (t) => {
  const ledger = signedLedger(t);
  const outside = join(ledger.root, 'head.txt');
  ledger.settings({ keys: [trusted(ledger.key)], checkpoints: { anchors: [`file:${outside}`] } });
  await ledger.sign();
  const changes: readonly [string, (text: string) => string, readonly string[]][] = [
    ['another origin', (text) => text.replaceAll(TEST_ORIGIN, 'local/other'), ['FOREIGN', 'FOREIGN']],
    [
      'another ledger, of the same origin',
      (text) => text.replace(/"ledger_id":"[^"]*"/, '"ledger_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV"'),
      ['DIVERGED', 'DIVERGED'],
    ],
  ];
  for (const [what, change, codes] of changes) {
    const restore = keepFolder(ledger);
    ledger.write(rechained(ledger.lines().slice(0, 12), 1, (text) => withContentHash(change(text))));
    for (const path of [ledger.paths.checkpoints, ledger.paths.index, ledger.paths.tree, ledger.paths.lock])
      rmSync(path, { recursive: true, force: true });
    const result = await ledger.verify();
    assert.deepEqual([result.verdict, codesOf(result)], ['broken', codes], what);
    restore();
  }
});

/** Row 1 has a payload: its digest is made right, too. */
function withContentHash(text: string): string {
  const [, payload = ''] = /"payload":(\{[^}]*\})/.exec(text) ?? [];
  const sorted = Object.entries(JSON.parse(payload) as object).sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = execFileSync('sha256sum', { input: JSON.stringify(Object.fromEntries(sorted)) })
    .toString()
    .slice(0, 64);
  return text.replace(/"content_hash":"[0-9a-f]{64}"/, `"content_hash":"${digest}"`);
}

test('rolled back to before a rotation: whoever trusts the old key is told by what lies elsewhere', async (t) => {
  const ledger = signedLedger(t);
  const head = join(ledger.root, 'head.txt');
  await ledger.sign();
  const roll = keepFolder(ledger);
  const next = keyFile(join(ledger.root, 'keys/next'));
  await rotate(ledger, next);
  await ledger.append(PROBE);
  await ledger.sign({ key: next.path, to: [`file:${head}`] });
  ledger.settings({ keys: [trusted(ledger.key)], checkpoints: { anchors: [`file:${head}`] } });
  assert.equal((await ledger.verify()).verdict, 'intact', 'the rotation is there to be read');
  roll();
  const result = await ledger.verify();
  assert.deepEqual([result.verdict, codesOf(result)], ['broken', ['UNKNOWN_KEY', 'UNKNOWN_KEY']]);
  assert.match(result.findings[1]?.want ?? '', /the 15 rows that file:.*head\.txt knows of/);
});

test('a person whose key is trusted for approvals does not make heads of others unknown', async (t) => {
  const ledger = signedLedger(t);
  const alice = keyFile(join(ledger.root, 'keys/alice'));
  ledger.settings({ keys: [trusted(alice, { actor: 'alice', roles: ['approver'] })] });
  await ledger.append(PROBE, PROBE);
  await ledger.sign();
  ledger.write(ledger.lines().slice(0, 13));
  rmSync(ledger.paths.checkpoints, { recursive: true });
  assert.deepEqual(codesOf(await ledger.verify()), ['ROLLBACK']);
});

test('a key that has ended signs for rows from before, whoever tells of it and when; for later ones it does not', async (t) => {
  const ledger = signedLedger(t);
  const size = forgeNote(ledger, ledger.key);
  const rows = ledger.lines().map((line) => JSON.parse(line) as { ts: string });
  const last = Date.parse(rows.at(-1)?.ts ?? '');
  const until = (ms: number): void =>
    ledger.settings({ keys: [trusted(ledger.key, { until: new Date(last + ms).toISOString() }), trusted(next)] });
  const next = keyFile(join(ledger.root, 'keys/next'));
  until(1);
  assert.deepEqual(codesOf(await ledger.verify()), []);
  // The one who signs now tells of the head of the one before: it is that one's.
  const told = await ledger.sign({ key: next.path });
  assert.deepEqual([told.status, told.size], ['current', size]);
  const [row] = ledger.rowsOf('audit.checkpoint');
  const by = fingerprintOf({ bytes: ledger.key.publicKey });
  assert.deepEqual([row?.payload['key_id'], told.key_id], [by, by]);
  assert.deepEqual(codesOf(await ledger.verify()), []);
  until(0);
  assert.deepEqual(codesOf(await ledger.verify()), ['UNTRUSTED_KEY']);
});

test('from the newest checkpoint on: what rows before it say of its key is read', async (t) => {
  const ledger = signedLedger(t);
  await ledger.sign();
  const next = keyFile(join(ledger.root, 'keys/next'));
  await rotate(ledger, next);
  await ledger.append(PROBE);
  ledger.settings({ keys: [trusted(ledger.key)] });
  const byNext = keepFolder(ledger);
  await ledger.sign({ key: next.path });
  await ledger.index();
  ledger.settings({ keys: [trusted(next)] });
  rmSync(join(ledger.paths.checkpoints, '12.txt'));
  const since = await ledger.verify({ sinceCheckpoint: true });
  assert.deepEqual([since.read, codesOf(since)], ['new', []], 'by a key that nobody handed on');
  byNext();
  ledger.settings({ keys: [trusted(ledger.key)] });
  forgeNote(ledger, ledger.key);
  await ledger.index();
  const full = await ledger.verify();
  assert.deepEqual([full.verdict, codesOf(full)], ['broken', ['UNTRUSTED_KEY']]);
  assert.deepEqual(await ledger.verify({ sinceCheckpoint: true }), full);
});

test('a rotation while a checkpoint is being signed, or before its row: none of it is an alarm', async (t) => {
  const ledger = signedLedger(t);
  const next = keyFile(join(ledger.root, 'keys/next'));
  forgeNote(ledger, ledger.key);
  await rotate(ledger, next);
  await ledger.append(PROBE);
  const signed = await ledger.sign({ key: next.path });
  assert.equal(signed.status, 'signed');
  const { verdict, key, findings } = await ledger.verify();
  assert.deepEqual([verdict, key, findings], ['intact', 'trusted', []]);
});

test('of two keys that signed one head the one that may counts, in whatever order they are listed; a broken one is found', async (t) => {
  const ledger = signedLedger(t);
  const alice = keyFile(join(ledger.root, 'keys/alice'));
  const size = forgeNote(ledger, alice);
  const path = join(ledger.paths.checkpoints, `${size}.txt`);
  const other = parseNote(readFileSync(path));
  forgeNote(ledger, ledger.key);
  const own = parseNote(readFileSync(path));
  assert.ok(own !== undefined && other !== undefined);
  writeFileSync(path, formatNote({ text: own.text, signatures: [...own.signatures, ...other.signatures] }));
  const person = trusted(alice, { actor: 'alice', roles: ['approver'] });
  for (const keys of [
    [trusted(ledger.key), person],
    [person, trusted(ledger.key)],
  ]) {
    ledger.settings({ keys });
    assert.deepEqual(codesOf(await ledger.verify()), []);
  }
  const broken = other.signatures.map((one) => ({ ...one, bytes: Buffer.alloc(64, 1) }));
  writeFileSync(path, formatNote({ text: own.text, signatures: [...own.signatures, ...broken] }));
  assert.deepEqual(codesOf(await ledger.verify()), ['SIGNATURE_INVALID']);
});

test('rows that are missing count as rows behind an anchor, and before it', async (t) => {
  const ledger = signedLedger(t);
  await ledger.append(PROBE, PROBE);
  ledger.write(ledger.lines().map((line, i) => (i === 4 || i === 8 ? line.slice(0, 60) : line)));
  await ledger.index();
  const { size } = await ledger.sign();
  await ledger.append(PROBE, PROBE);
  const result = await ledger.verify();
  assert.deepEqual([result.verdict, result.anchored_until, result.last_seq], ['gaps', size, size + 3]);
  assert.deepEqual([result.unanchored_rows, result.unanchored_events], [3, 2]);
});

test('what cannot be read is said, and hides nothing else', async (t) => {
  const ledger = signedLedger(t);
  await ledger.append(PROBE);
  const { size } = await ledger.sign();
  const note = join(ledger.paths.checkpoints, `${size}.txt`);
  const restore = keepFolder(ledger);
  truncateSync(note, 5 * 2 ** 30);
  assert.deepEqual(
    codesOf(await ledger.verify()),
    ['CHECKPOINT_INVALID'],
    'no more of it is read than a note can have',
  );
  rmSync(note);
  execFileSync('mkfifo', [note]);
  ledger.write(ledger.lines().map((line, i) => (i === 3 ? line.replace('"agent":"', '"agent":"x') : line)));
  assert.deepEqual(codesOf(await ledger.verify()).sort(), ['CHECKPOINT_INVALID', 'CONTENT_ALTERED']);
  restore();
  const heads = join(ledger.paths.heads, String((await ledger.verify()).ledger_id));
  for (const spoil of [() => writeFileSync(heads, 'xx'), () => [rmSync(heads), mkdirSync(heads)]]) {
    spoil();
    const { warnings } = await ledger.verify();
    assert.ok(
      warnings.some((one) => one.includes('cannot be read') && one.includes(heads)),
      warnings.join('\n'),
    );
  }
});
