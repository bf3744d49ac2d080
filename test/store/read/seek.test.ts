/** Finding a row by seq or id without an index: never behind it, never far before it, broken lines or not. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { offsetAfterSeq, offsetBeforeId } from '../../../src/store/read/seek';
import { makeLedger, testPaths } from '../../support/ledgers';
import { tempFolder } from '../../support/writers';

const ROWS = 2_000;
/** The bisection stops within this much; a line may reach over it. */
const NEAR_BYTES = 140_000;

function made(t: TestContext): { path: string; lines: string[] } {
  const dir = tempFolder(t);
  const rows = Array.from({ length: ROWS }, (_, i) => ({ action: 'a.b', n: i, x: 'x'.repeat((i * 37) % 500) }));
  const lines = makeLedger(dir, rows);
  return { path: testPaths(dir).ledger, lines };
}

function opened(t: TestContext, path: string): number {
  const fd = openSync(path, 'r');
  t.after(() => closeSync(fd));
  return fd;
}

function startsOf(bytes: Buffer): number[] {
  const starts = [0];
  for (let at = bytes.indexOf(0x0a); at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(0x0a, at + 1))
    starts.push(at + 1);
  return starts;
}

test('every row is found from a line that is at or shortly before it', (t) => {
  const { path, lines } = made(t);
  const fd = opened(t, path);
  const size = statSync(path).size;
  const starts = startsOf(readFileSync(path));
  for (let seq = 1; seq <= lines.length; seq += 97) {
    const want = starts[seq - 1] as number;
    const { id } = JSON.parse(lines[seq - 1] as string) as { id: string };
    for (const offset of [offsetAfterSeq(fd, size, seq - 1), offsetBeforeId(fd, size, id)]) {
      assert.ok(starts.includes(offset), 'the start of a line');
      assert.ok(offset <= want && want - offset < NEAR_BYTES, `row ${seq}: ${want - offset} bytes before`);
    }
  }
  assert.ok(offsetAfterSeq(fd, size, 10_000_000) <= size);
  assert.equal(offsetAfterSeq(fd, size, 0), 0);
  assert.equal(offsetAfterSeq(fd, 0, 5), 0);
});

test('garbage, NUL and foreign lines on the way are stepped over', (t) => {
  const { path, lines } = made(t);
  const broken = lines.map((line, i) => (i % 3 === 1 ? '\0'.repeat(i % 50) : i % 3 === 2 ? line.slice(3) : line));
  writeFileSync(path, broken.map((line) => `${line}\n`).join(''));
  const fd = opened(t, path);
  const size = statSync(path).size;
  const starts = startsOf(readFileSync(path));
  for (let i = 0; i < lines.length; i += 300) {
    const offset = offsetAfterSeq(fd, size, i);
    assert.ok(offset <= (starts[i] as number), `row ${i + 1}`);
  }
});
