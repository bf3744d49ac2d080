/** Queries of a state folder in this process, and what a naive reader says to the same. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { query } from '../../src/services/query';
import type { QueryRequest } from '../../src/services/query';
import { naiveContext, naiveLines, naiveMatches } from './naiveQuery';
import type { NaiveLine, Wants } from './naiveQuery';

export interface Asked extends Partial<QueryRequest> {
  readonly wants: Wants;
}

/** The lines that a query shows, `--` between those that are no neighbours. */
export async function linesOf(dir: string, request: Partial<QueryRequest>): Promise<string[]> {
  const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: join(dir, '.home') } };
  const found = await query({ terms: [], nowMs: Date.UTC(2026, 4, 1), ...request, place });
  const lines: string[] = [];
  for await (const batch of found.batches) {
    assert(batch.lines.length > 0, 'no batch is empty');
    for (const { line, isApart } of batch.lines) lines.push(...(isApart ? ['--'] : []), line.toString('latin1'));
  }
  return lines;
}

type Shape = Pick<QueryRequest, 'reverse' | 'lastRows' | 'before' | 'after'>;

export const SHAPES: readonly Shape[] = [
  {},
  { reverse: true },
  ...[0, 1, 3, 50, 1_000_000].flatMap((lastRows) => [{ lastRows }, { lastRows, reverse: true }]),
  { before: 1 },
  { after: 1 },
  { before: 2, after: 3 },
  { before: 3, lastRows: 2 },
  { after: 5, lastRows: 1 },
  { before: 60, lastRows: 4 },
  { before: 5_000, lastRows: 1 },
];

/** What a naive reader shows. */
export function naively(lines: readonly NaiveLine[], wants: Wants, shape: Shape): string[] {
  const { lastRows: last = Infinity, before, after, reverse = false } = shape;
  if (before !== undefined || after !== undefined)
    return naiveContext(lines, wants, { before: before ?? 0, after: after ?? 0, last });
  const all = naiveMatches(lines, wants);
  const some = all.slice(Math.max(0, all.length - last));
  return reverse ? some.toReversed() : some;
}

/** Asserts that every query in every shape gives what a naive reader gives. */
export async function expectNaive(
  dir: string,
  queries: readonly Asked[],
  shapes: readonly Shape[] = SHAPES,
): Promise<void> {
  const lines = naiveLines(dir);
  const asked = queries.flatMap((one) => shapes.map((shape) => ({ one, shape })));
  // At once, since a torn tail is waited for each time.
  await Promise.all(
    asked.map(async ({ one: { wants, ...request }, shape }) => {
      const found = await linesOf(dir, { ...request, ...shape });
      const expected = naively(lines, wants, shape);
      const what = JSON.stringify({ ...request, ...shape });
      assert.equal(found.length, expected.length, what);
      const at = found.findIndex((line, i) => line !== expected[i]);
      assert.ok(at < 0, `${what}: line ${at} is ${found[at]?.slice(0, 80)}, not ${expected[at]?.slice(0, 80)}`);
    }),
  );
}
