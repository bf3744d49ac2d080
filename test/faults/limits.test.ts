/**
 * Sizes and noise (cases 43-47): rows of every length, big ledgers, each byte and each line of a small ledger changed,
 * random bytes into every reading command.
 */
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { violations } from '../support/check';
import { holdLock } from '../support/locks';
import { LANES, mapLimit } from '../support/process';
import {
  appendMarks,
  inSandbox,
  ledger,
  ledgerCommand,
  markedRow,
  measured,
  markedRows,
  receipts,
  sandbox,
} from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { fill } from '../support/states';
import { allCalls, FULL, sample, strace, touches } from '../support/strace';
import { recover, SHIPPED } from '../support/sweep';

const MIB = 1 << 20;

test('case 43: rows from one byte to the limit land, longer ones are refused and the others go on', async (t) => {
  const box = sandbox(t);
  const sizes = [1, 100, 10_000, 65_536, 500_000, MIB - 4096, MIB, 2 * MIB, 16 * MIB];
  const input = sizes.map((bytes, i) => `${markedRow(`m${i}`, { blob: 'x'.repeat(bytes) })}\n`).join('');
  const ended = await ledger(box, ['append', '--json', '-'], { stdin: input });
  const wanted = sizes.map((bytes) => (bytes < MIB - 2048 ? 'landed' : 'refused'));
  assert.deepEqual(
    receipts(ended.stdout).map(({ status }) => status),
    wanted,
    ended.stderr,
  );
  assert.equal(ended.status, 2);
  const landed = sizes.flatMap((bytes, i) => (bytes < MIB - 2048 ? [`m${i}`] : []));
  assert.deepEqual(await recover(SHIPPED, box, { acked: landed, tried: [] }), []);
});

test('case 43: a row that is too long is refused before the lock is asked for', async (t) => {
  const box = sandbox(t);
  await fill(box, 1);
  const holder = await holdLock(box);
  const ended = await ledger(box, ['append', '--json', '-'], {
    stdin: `${markedRow('big', { blob: 'x'.repeat(2 * MIB) })}\n`,
  });
  await holder.release();
  assert.equal(ended.status, 2);
  assert.match(ended.stdout, /ROW_TOO_LONG/);
  assert.ok(ended.elapsedMs < 3000, `${ended.elapsedMs} ms: it did not wait for the lock`);
});

/** Bytes that an append of one row of `run` reads from the state folder: the tail, and what the index needs to answer. */
async function bytesRead(box: Sandbox, run: string): Promise<number> {
  const command = ledgerCommand('append', '--json', '-');
  const stdin = `${markedRow(run, { run_id: run })}\n`;
  const { ended, trace } = await strace(command, { env: box.env, cwd: box.root, stdin, arguments: READS });
  assert.equal(receipts(ended.stdout)[0]?.status, 'landed', ended.stderr);
  const reads = allCalls(trace).filter((call) => touches(call, [box.dir]));
  return reads.reduce((sum, { text }) => sum + Number(/ = (\d+)$/.exec(text)?.[1] ?? 0), 0);
}

const READS = ['-e', 'trace=read,pread64,readv,preadv,preadv2'];

test('case 44: an append reads no more of a big ledger, and verify stays small', async (t) => {
  const rows = FULL ? 1_000_000 : 30_000;
  const small = sandbox(t);
  await fill(small, 100);
  const big = sandbox(t);
  const bulk = `${markedRow('bulk', { run_id: 'bulk', reason: 'r'.repeat(120) })}\n`.repeat(10_000);
  for (let done = 0; done < rows; done += 10_000) {
    const ended = await ledger(big, ['append', '-q', '-'], { stdin: bulk, timeoutMs: 120_000 });
    assert.equal(ended.status, 0, ended.stderr);
  }
  const size = `${statSync(big.ledger).size >> 20} MiB`;
  for (const run of ['bulk', 'run-1', 'new']) {
    const [one, two] = [await bytesRead(small, run), await bytesRead(big, run)];
    t.diagnostic(`${run}: ${two} bytes read of ${size}, ${one} of the small ledger`);
    assert.ok(one > 0 && two < one + 512 * 1024, `${run}: expected about ${one} bytes, found ${two}`);
  }
  const { ended: verdict, peakBytes } = await measured(big, ledgerCommand('verify'), { timeoutMs: 300_000 });
  assert.equal(verdict.status, 0, verdict.stdout);
  t.diagnostic(`verify: ${Math.round(peakBytes / 1e6)} MB, ${Math.round(verdict.elapsedMs)} ms`);
  assert.ok(peakBytes < 250e6, `${peakBytes} bytes`);
});

interface Finding {
  readonly code: string;
  readonly seq?: number;
  readonly place?: { readonly line?: number };
}

async function verdictOf(box: Sandbox): Promise<{ status: number; first: Finding | undefined; stdout: string }> {
  const { status, stdout } = await ledger(box, ['verify', '--json']);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return { status, first: findings[0], stdout };
}

async function smallLedger(t: TestContext, rows: number): Promise<Sandbox> {
  const box = sandbox(t);
  await fill(box, rows - 1);
  return box;
}

test('case 45: a changed bit anywhere is named with its line, exit 1', async (t) => {
  const template = await smallLedger(t, 20);
  const bytes = readFileSync(template.ledger);
  const count = FULL ? 1000 : 12;
  const offsets = Array.from({ length: count }, (_, i) => Math.round((i * (bytes.length - 1)) / (count - 1)));
  const failures = await mapLimit(offsets, LANES, (offset) =>
    inSandbox(template, async (box) => {
      const changed = Buffer.from(bytes);
      changed[offset] = (bytes[offset] as number) ^ (1 << (offset % 7));
      writeFileSync(box.ledger, changed);
      const line = bytes.subarray(0, offset).toString('latin1').split('\n').length;
      const { status, first, stdout } = await verdictOf(box);
      if (status === 1 && first?.place?.line === line) return [];
      return [`byte ${offset} (line ${line}): exit ${status}, ${JSON.stringify(first) ?? stdout}`];
    }),
  );
  assert.deepEqual(failures.flat(), []);
});

test('case 45: a changed bit in the last row is not silently healed by an append', async (t) => {
  const box = await smallLedger(t, 5);
  const bytes = readFileSync(box.ledger);
  bytes[bytes.lastIndexOf('tester')] = 0x54;
  writeFileSync(box.ledger, bytes);
  const ended = await appendMarks(box, ['new1']);
  assert.equal(receipts(ended.stdout)[0]?.status, 'spilled', ended.stderr);
  assert.ok(readFileSync(box.ledger).equals(bytes));
});

type Edit = readonly [name: string, edit: (lines: string[], i: number) => string[]];

const EDITS: readonly Edit[] = [
  ['delete', (lines, i) => lines.filter((_, n) => n !== i)],
  ['duplicate', (lines, i) => lines.flatMap((line, n) => (n === i ? [line, line] : [line]))],
  [
    'swap',
    (lines, i) =>
      lines.map((line, n) => (n === i ? (lines[i + 1] as string) : n === i + 1 ? (lines[i] as string) : line)),
  ],
  [
    'insert',
    (lines, i) =>
      lines.flatMap((line, n) => (n === i ? [(lines[0] as string).replace('genesis', 'visitor'), line] : [line])),
  ],
];

test('case 46: a row deleted, swapped, doubled or inserted is detected', async (t) => {
  const template = await smallLedger(t, 8);
  const lines = readFileSync(template.ledger, 'utf8').trimEnd().split('\n');
  const points = EDITS.flatMap(([name, edit]) => lines.slice(0, -1).map((_, i) => ({ name, edit, i })));
  const failures = await mapLimit(sample(points, 8), LANES, ({ name, edit, i }) =>
    inSandbox(template, async (box) => {
      writeFileSync(box.ledger, `${edit(lines, i).join('\n')}\n`);
      const { status, stdout } = await verdictOf(box);
      return status === 1 ? [] : [`${name} line ${i + 1}: exit ${status}, ${stdout}`];
    }),
  );
  assert.deepEqual(failures.flat(), []);
});

test('case 46: a cut at the end needs an anchor to be seen, and verify says so', async (t) => {
  const template = await smallLedger(t, 8);
  const lines = readFileSync(template.ledger, 'utf8').trimEnd().split('\n');
  const head = (JSON.parse(lines.at(-1) ?? '') as { hash: string }).hash;
  await inSandbox(template, async (box) => {
    writeFileSync(box.ledger, `${lines.slice(0, -1).join('\n')}\n`);
    const plain = await ledger(box, ['verify']);
    assert.match(plain.stdout + plain.stderr, /not (?:proved|proven|prove)/i, 'it says what it did not prove');
    assert.equal((await ledger(box, ['verify', '--expect-head', head])).status, 1);
    assert.equal((await ledger(box, ['verify', '--min-rows', '8'])).status, 1);
  });
});

/** Numbers that look random and are the same in every run. */
function* noise(seed: number): Generator<number, never> {
  for (let state = seed >>> 0; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 8;
  }
}

/** A ledger with a few things wrong: bytes changed, cut out, doubled, or noise put in. */
function harmed(bytes: Buffer, seed: number): Buffer {
  const numbers = noise(seed);
  const next = (below: number): number => numbers.next().value % Math.max(1, below);
  let harmedBytes = Buffer.from(bytes);
  for (let i = 0; i <= next(4); i++) {
    const at = next(harmedBytes.length);
    const piece = harmedBytes.subarray(at, at + next(400));
    const put = Buffer.from(Array.from({ length: next(60) }, () => next(256)));
    const parts = [
      [harmedBytes.subarray(0, at), put, harmedBytes.subarray(at)],
      [harmedBytes.subarray(0, at), harmedBytes.subarray(at + piece.length)],
      [harmedBytes.subarray(0, at), piece, harmedBytes.subarray(at)],
      [harmedBytes.subarray(0, at), Buffer.alloc(put.length), harmedBytes.subarray(at + put.length)],
    ][next(4)] as Buffer[];
    harmedBytes = Buffer.concat(parts);
  }
  return harmedBytes;
}

const READING: readonly (readonly string[])[] = [
  ['verify', '--json'],
  ['rollup', '--json'],
  ['tail', '-n', '5'],
  ['show', '3'],
  ['sweep', '--dry-run'],
  ['doctor'],
];

test('case 47: noise in the ledger: no hang, no uncaught exception, no byte changed by a reader', async (t) => {
  const template = await smallLedger(t, 12);
  const bytes = readFileSync(template.ledger);
  const seeds = Array.from({ length: FULL ? 300 : 2 }, (_, i) => i + 1);
  const failures = await mapLimit(seeds, LANES, (seed) =>
    inSandbox(template, async (box) => {
      const input = harmed(bytes, seed);
      writeFileSync(box.ledger, input);
      const wrong: string[] = [];
      for (const command of READING) {
        const ended = await ledger(box, command, { timeoutMs: 8000 });
        const stack = /\n\s+at |INVARIANT|internal:/.test(ended.stderr);
        if (stack || ended.status > 3)
          wrong.push(`${command.join(' ')}: exit ${ended.status}, ${ended.stderr.slice(0, 800)}`);
      }
      if (!readFileSync(box.ledger).equals(input)) wrong.push('a reading command changed the ledger');
      return wrong.map((failure) => `seed ${seed}: ${failure}`);
    }),
  );
  assert.deepEqual(failures.flat(), []);
});

test('case 47: noise on standard input is refused line by line, the good rows land', async (t) => {
  const box = sandbox(t);
  const bad = [
    Buffer.from([0xff, 0xfe, 0x0a]),
    Buffer.from('{"action":"a.b","x":"\\ud800"}\n'),
    Buffer.from('\ufeff{"action":"a.b"}\n'),
  ];
  const input = Buffer.concat([Buffer.from(markedRows(['a'])), ...bad, Buffer.from(markedRows(['b']))]);
  const ended = await ledger(box, ['append', '--json', '-'], { stdin: input });
  assert.deepEqual(
    receipts(ended.stdout).map(({ status }) => status),
    ['landed', 'refused', 'refused', 'refused', 'landed'],
  );
  assert.deepEqual(violations(box, { acknowledged: ['a', 'b'] }), []);
});
