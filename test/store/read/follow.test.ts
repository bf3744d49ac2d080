/** Following a ledger: every row once, whole, in order, whatever heals do to the file meanwhile. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { followLedger } from '../../../src/store/read/follow';
import type { Followed, FollowOptions } from '../../../src/store/read/follow';
import { chainOf, setLineAside, testPaths, writeLedger } from '../../support/ledgers';
import type { Chain } from '../../support/ledgers';
import { sleep, until } from '../../support/process';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'ledger-follow-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function chainWith(rows: number): Chain {
  const chain = chainOf();
  for (let i = 0; i < rows; i++) chain.add({ action: 'a.b', run_id: 'r', n: i });
  return chain;
}

interface Watch {
  readonly heard: Followed[];
  seqs(): number[];
  kinds(): string[];
}

function watch(t: TestContext, dir: string, from: FollowOptions['from']): Watch {
  const stop = new AbortController();
  const heard: Followed[] = [];
  const done = (async () => {
    for await (const batch of followLedger(testPaths(dir), { from, follow: true, signal: stop.signal }))
      heard.push(...batch);
  })();
  t.after(async () => {
    stop.abort();
    await done;
  });
  return {
    heard,
    seqs: () => heard.flatMap((one) => ('seq' in one ? [one.seq] : [])),
    kinds: () => heard.map(({ kind }) => kind),
  };
}

async function read(dir: string, lastRows: number): Promise<Followed[]> {
  const heard: Followed[] = [];
  for await (const batch of followLedger(testPaths(dir), { from: { lastRows }, follow: false })) heard.push(...batch);
  return heard;
}

const ledgerOf = (dir: string): string => testPaths(dir).ledger;
const append = (dir: string, text: string): void => appendFileSync(ledgerOf(dir), text);

test('the last n rows, as they stand in the file', async (t) => {
  const dir = folder(t);
  const { lines } = chainWith(30);
  writeLedger(dir, lines);
  for (const n of [0, 1, 10, 31, 99]) {
    const heard = (await read(dir, n)).flatMap((one) => ('line' in one ? [one.line.toString('utf8')] : []));
    assert.deepEqual(heard, n === 0 ? [] : lines.slice(-n));
  }
});

test('the place is taken by the call: rows that come before the first look are shown, and nothing is held open', async (t) => {
  const dir = folder(t);
  const chain = chainWith(3);
  writeLedger(dir, chain.lines);
  const options: FollowOptions = { from: { lastRows: 0 }, follow: true, signal: AbortSignal.timeout(5_000) };
  const open = readdirSync('/dev/fd').length;
  const [grown, replaced] = [followLedger(testPaths(dir), options), followLedger(testPaths(dir), options)];
  assert.equal(readdirSync('/dev/fd').length, open);
  append(dir, `${chain.add({ action: 'a.c' })}\n`);
  const first = await grown.next();
  assert.deepEqual(
    (first.value as Followed[]).map((one) => 'seq' in one && one.seq),
    [5],
  );
  // As a heal of the middle leaves it: another file under the name.
  const other = folder(t);
  chain.add({ action: 'a.d' });
  setLineAside(other, chain, 1);
  renameSync(ledgerOf(other), ledgerOf(dir));
  const second = await replaced.next();
  assert.deepEqual(
    (second.value as Followed[]).map((one) => 'seq' in one && one.seq),
    [5, 6, 7],
  );
});

test('a row in flight is not shown before its newline is there, and then once', async (t) => {
  const dir = folder(t);
  const chain = chainWith(2);
  writeLedger(dir, chain.lines);
  const seen = watch(t, dir, { lastRows: 0 });
  const line = chain.add({ action: 'a.c', text: 'long enough to be cut in the middle of it' });
  await sleep(80);
  append(dir, line.slice(0, 100));
  await sleep(150);
  append(dir, line.slice(100));
  await sleep(150);
  assert.deepEqual(seen.heard, []);
  append(dir, '\n');
  await until('the row is shown', () => seen.heard.length === 1);
  assert.deepEqual(seen.seqs(), [4]);
});

test('torn bytes are told once, not shown; after the heal that cuts them the rows go on', async (t) => {
  const dir = folder(t);
  const chain = chainWith(2);
  writeLedger(dir, chain.lines);
  const { size } = { size: readFileSync(ledgerOf(dir)).length };
  const seen = watch(t, dir, { lastRows: 0 });
  await sleep(80);
  append(dir, '\0\0\0\0"}\n');
  await until('the torn line is told', () => seen.heard.length === 1);
  await sleep(200);
  assert.deepEqual(seen.kinds(), ['broken']);
  // The heal grows the file past the torn bytes at once: the old place would be in the middle of its row.
  truncateSync(ledgerOf(dir), size);
  append(dir, `${chain.addOwn('audit.heal-truncation', { kind: 'zero' })}\n${chain.add({ action: 'a.d' })}\n`);
  await until('both rows are shown', () => seen.heard.length === 3);
  assert.deepEqual(seen.seqs(), [4, 5]);
});

test('a heal that replaces the file shows no row twice and loses none', async (t) => {
  const dir = folder(t);
  const chain = chainWith(200);
  writeLedger(dir, chain.lines);
  const seen = watch(t, dir, { lastRows: 5 });
  await until('the last rows are shown', () => seen.heard.length === 5);
  const other = folder(t);
  setLineAside(other, chain, 100);
  chain.add({ action: 'a.later' });
  writeFileSync(join(other, 'new'), chain.lines.map((line) => `${line}\n`).join(''));
  renameSync(join(other, 'new'), ledgerOf(dir));
  await until('the heal row and the later one are shown', () => seen.heard.length === 7);
  await sleep(120);
  assert.deepEqual(seen.seqs(), [197, 198, 199, 200, 201, 202, 203]);
});

test('rows that are gone are named, and what is appended in their place is shown', async (t) => {
  const dir = folder(t);
  const chain = chainWith(9);
  writeLedger(dir, chain.lines);
  const seen = watch(t, dir, { lastRows: 3 });
  await until('the last rows are shown', () => seen.heard.length === 3);
  const shorter = chainWith(7);
  shorter.add({ action: 'a.other' });
  shorter.add({ action: 'a.other' });
  shorter.add({ action: 'a.other', text: 'x'.repeat(900) });
  writeFileSync(ledgerOf(dir), shorter.lines.map((line) => `${line}\n`).join(''));
  await until('what is new is shown', () => seen.heard.length >= 7);
  assert.deepEqual(seen.heard[3], { kind: 'lost', fromSeq: 9, toSeq: 10 });
  assert.deepEqual(seen.seqs().slice(3), [9, 10, 11]);
});

test('a row whose own hash is wrong is never shown', async (t) => {
  const dir = folder(t);
  const { lines } = chainWith(4);
  lines[3] = (lines[3] as string).replace('"n":2', '"n":9');
  writeLedger(dir, lines);
  const heard = await read(dir, 10);
  assert.deepEqual(
    heard.map((one) => ('seq' in one ? one.seq : one.kind)),
    [1, 2, 3, 'broken', 5],
  );
});

test('a reader that begins behind a row gets every later one, a tombstone for what is gone', async (t) => {
  const dir = folder(t);
  const chain = chainWith(6);
  setLineAside(dir, chain, 4);
  const seen = watch(t, dir, { afterSeq: 3 });
  await until('all later rows', () => seen.heard.length === 5);
  assert.deepEqual(seen.kinds(), ['row', 'tombstone', 'row', 'row', 'row']);
  assert.deepEqual(seen.seqs(), [4, 5, 6, 7, 8]);
});

test('no ledger is an error, not an endless wait', async (t) => {
  await assert.rejects(read(folder(t), 1), { code: 'LEDGER_MISSING' });
});
