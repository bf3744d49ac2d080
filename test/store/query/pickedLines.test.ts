/** Rows that the index names, wherever they stand: read at their places, checked, and shown as they were when that was done. */
import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { query } from '../../../src/services/query';
import { reconstruct } from '../../../src/services/reconstruct';
import { rebuildIndex } from '../../../src/store/index/indexBuild';
import { bytesIn, groupsOf, pickLines } from '../../../src/store/query/pickedLines';
import { testFolder } from '../../support/indexes';
import { chainOf, testPaths, writeLedger } from '../../support/ledgers';
import { expectNaive } from '../../support/queries';

const BLOCK_BYTES = 64 << 10;
const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
  fc.constantFrom(BLOCK_BYTES - 2, BLOCK_BYTES - 1, BLOCK_BYTES, 200_000),
);

test('any lines of a file: each is in one block, at its place', (t) => {
  const file = join(testFolder(t), 'lines');
  fc.assert(
    fc.property(fc.array(fc.tuple(sizes, fc.boolean()), { maxLength: 80 }), (lines) => {
      const all = lines.map(([bytes], i) => `${i} ${'x'.repeat(bytes)}\n`);
      writeFileSync(file, all.join(''));
      const starts = all.map((_, i) => all.slice(0, i).join('').length);
      const wanted = [...all.keys()].filter((i) => lines[i]?.[1]);
      const ranges = wanted.map((i) => ({ from: starts[i] ?? 0, to: (starts[i] ?? 0) + (all[i] ?? '').length }));
      const groups = groupsOf(ranges);
      assert.deepEqual(groups.flat(), ranges);
      for (const group of groups) assert(group.length === 1 || bytesIn(group) <= BLOCK_BYTES);
      const fd = openSync(file, 'r');
      try {
        const found = groups.flatMap((group) => {
          const { bytes, offsetOf } = pickLines(fd, group) ?? assert.fail('whole lines');
          const places = [...bytes.keys()].filter((at) => at === 0 || bytes[at - 1] === 0x0a);
          return places.map((at) => ({
            offset: offsetOf(at),
            text: bytes.toString('latin1', at, bytes.indexOf('\n', at) + 1),
          }));
        });
        assert.deepEqual(
          found,
          wanted.map((i) => ({ offset: starts[i], text: all[i] })),
        );
      } finally {
        closeSync(fd);
      }
    }),
    { numRuns: 60 },
  );
});

test('ranges that the file does not hold as whole lines are no block', (t) => {
  const file = join(testFolder(t), 'lines');
  writeFileSync(file, 'one\ntwo\nthree');
  const fd = openSync(file, 'r');
  assert.equal(
    pickLines(fd, [
      { from: 0, to: 4 },
      { from: 4, to: 8 },
    ])?.bytes.toString(),
    'one\ntwo\n',
  );
  for (const wrong of [
    { from: 4, to: 7 },
    { from: 8, to: 13 },
    { from: 8, to: 14 },
    { from: 90, to: 99 },
  ])
    assert.equal(pickLines(fd, [{ from: 0, to: 4 }, wrong]), undefined);
  closeSync(fd);
});

interface Written {
  readonly run: number;
  readonly bytes: number;
  /** What stands before it that is no row. */
  readonly junk: string | undefined;
}

const written: fc.Arbitrary<Written> = fc.record({
  run: fc.nat({ max: 5 }),
  bytes: fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 900 }) }, fc.integer({ min: 20_000, max: 70_000 })),
  junk: fc.oneof(
    { weight: 100, arbitrary: fc.constant(undefined) },
    fc.constantFrom('{"seq":9,"run_id":"r1"', '', '\0\0', '{"run_id":"r1"}', '{"payload":{"run_id":"r1"}}'),
  ),
});

test('any ledger of runs that overlap: what a loop over its lines gives, however far the index reaches', async (t) => {
  const folder = testFolder(t);
  let n = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(written, { minLength: 30, maxLength: 120 }),
      fc.nat({ max: 100 }),
      fc.oneof(fc.constant(0), fc.nat({ max: 50 })),
      async (rows, indexed, closed) => {
        const chain = chainOf();
        for (const { run, bytes } of rows)
          chain.add({
            action: 'a.b',
            run_id: `r${run}`,
            payload: { run_id: `r${(run + 1) % 6}`, note: 'ü'.repeat(bytes) },
          });
        const lines = chain.lines.flatMap((line, i) => {
          const junk = rows[i - 1]?.junk;
          return junk === undefined ? [line] : [junk, line];
        });
        const dir = join(folder, String(n++));
        const cut = Math.floor((lines.length * closed) / 100);
        // No index goes on behind what is no row: so it may reach any part of the file.
        writeLedger(dir, lines.slice(cut, Math.max(cut + 1, Math.floor((lines.length * indexed) / 100))));
        const { segments } = testPaths(dir);
        if (cut > 0) {
          mkdirSync(segments);
          writeFileSync(join(segments, `audit.1-${cut}.jsonl.gz`), gzipSync(`${lines.slice(0, cut).join('\n')}\n`));
        }
        await rebuildIndex(testPaths(dir)).catch(() => undefined);
        writeLedger(dir, lines.slice(cut));
        await expectNaive(
          dir,
          [
            { terms: ['run_id=r1'], wants: (row) => row['run_id'] === 'r1' },
            { terms: ['run_id=r2', 'run_id=r3'], wants: ({ run_id: run }) => run === 'r2' || run === 'r3' },
          ],
          [{}, { reverse: true }, { lastRows: 3 }, { lastRows: 20, reverse: true }, { before: 1, lastRows: 2 }],
        );
        rmSync(dir, { recursive: true });
      },
    ),
    { numRuns: 25 },
  );
});

const RUN_ROWS = 700;

/** A run among twenty others. */
function overlapping(alter: (line: string, i: number) => string = (line) => line): string[] {
  const chain = chainOf();
  for (let i = 0; i < RUN_ROWS * 20; i++)
    chain.add({
      action: 'tool.used',
      run_id: `r${i % 20}`,
      n: i,
      ...(i % 3 === 0 ? { payload: { reason: '“ü”' } } : {}),
    });
  return chain.lines.map(alter);
}

test('what was checked is what is shown, whatever becomes of the file meanwhile', async (t) => {
  const paths = writeLedger(testFolder(t), overlapping());
  await rebuildIndex(paths);
  const place = { dir: paths.dir, configPath: undefined, env: {} };
  for (const [request, first] of [
    [{}, 4],
    [{ reverse: true }, (RUN_ROWS - 1) * 20 + 4],
  ] as const) {
    writeLedger(paths.dir, overlapping());
    const { batches } = await query({ place, terms: ['run_id=r4'], nowMs: 0, ...request });
    truncateSync(paths.ledger, 100);
    const shown: unknown[] = [];
    for await (const { lines } of batches)
      for (const { line } of lines) shown.push((JSON.parse(line.toString()) as { n: unknown }).n);
    assert.equal(shown.length, RUN_ROWS);
    assert.equal(shown[0], first);
  }
});

test('a story is the same with an index and without, also of rows that were changed', async (t) => {
  // None makes a line longer or shorter: the index leads to all of them.
  const alterations: ((line: string, i: number) => string)[] = [
    (line) => line,
    // Changed, and still of the run; in the part of the run that is parsed first, and behind it.
    (line, i) => (i === 5 || i === 600 * 20 + 5 ? line.replace('"action":"tool.used"', '"action":"tool.gone"') : line),
    (line, i) => (i === 45 ? line.replace('"run_seq":', '"run_sea":') : line),
    (line, i) => (i === 45 ? line.replace('"run_id":"r4"', '"run_id":"r5"') : line),
    // Only who looks at all lines finds what took its place.
    (line, i) =>
      i === 45
        ? line.replace('"run_id":"r4"', '"run_id":"r5"')
        : i === 46
          ? line.replace('"run_id":"r5"', '"run_id":"r4"')
          : line,
    (line, i) => (i === 45 ? line.replace(/"ts":"[^"]*"/, `"ts":"${'yesterday'.padEnd(24)}"`) : line),
  ];
  for (const [k, alter] of alterations.entries()) {
    const paths = writeLedger(join(testFolder(t), String(k)), overlapping());
    await rebuildIndex(paths);
    writeLedger(paths.dir, overlapping(alter));
    const place = { dir: paths.dir, configPath: undefined, env: {} };
    const events = { onHeal() {}, onRowsLost() {}, onOtherLedger() {}, onDrain() {}, onIndexFault() {} };
    const reading = { raw: true, events };
    const told = async (): Promise<unknown> => {
      const story = await reconstruct({ place, id: 'r4', kind: 'run', nowMs: 0, reading });
      return story && { ...story, trail: story.trail.map((event) => ({ ...event, beside: event.beside() })) };
    };
    const indexed = await told();
    rmSync(paths.index);
    const scanned = await told();
    assert.deepEqual(indexed, scanned);
    assert(scanned !== undefined);
  }
});
