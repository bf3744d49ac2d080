/** A ledger large enough for several threads gets the same answer from them as from one, healthy or not. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { generateLedger } from '../../bench/generate';
import { verifyLedger } from '../../src/services/verify';
import type { VerifyOptions } from '../../src/services/verify';
import type { VerifyResult } from '../../src/core/verdict';
import { testPaths } from '../support/ledgers';

const ROWS = 25_000;
const dir = mkdtempSync(join(tmpdir(), 'ledger-parallel-'));
const paths = testPaths(dir);
generateLedger(dir, ROWS, 300);
const healthy = readFileSync(paths.ledger);
after(() => rmSync(dir, { recursive: true }));

function verify(more: Partial<VerifyOptions> = {}): Promise<VerifyResult> {
  return verifyLedger({ paths, tailWaitMs: 0, ...more });
}

test('two threads and one give the same intact result, with progress to the end', async () => {
  const seen: number[] = [];
  const two = await verify({ workers: 2, onProgress: ({ rows }) => seen.push(rows) });
  assert.equal(two.verdict, 'intact');
  assert.equal(two.rows, ROWS);
  assert.deepEqual(two, await verify({ workers: 1 }));
  assert.ok(seen.length > 2);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
});

test('damage anywhere, also where chunks meet, is named at its row and line', async () => {
  for (const offset of [5000, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 9_000_000, healthy.length - 300_000]) {
    const changed = Buffer.from(healthy);
    changed[offset] = changed[offset] === 0x0a ? 0x20 : 0x0a;
    writeFileSync(paths.ledger, changed);
    const line = healthy.subarray(0, offset).filter((byte) => byte === 0x0a).length + 1;
    const result = await verify({ workers: 2 });
    assert.deepEqual(
      [result.findings_total, result.findings[0]?.seq, result.findings[0]?.place?.line],
      [1, line, line],
    );
    assert.deepEqual(result, await verify({ workers: 1 }));
  }
});

test('a line of megabytes in the middle is one finding', async () => {
  const cut = healthy.indexOf(0x0a, 6_000_000) + 1;
  const junk = Buffer.alloc(6 << 20, 'x');
  writeFileSync(
    paths.ledger,
    Buffer.concat([healthy.subarray(0, cut), junk, Buffer.from('\n'), healthy.subarray(cut)]),
  );
  const result = await verify({ workers: 2 });
  assert.deepEqual(
    result.findings.map(({ code, place }) => [code, place?.offset]),
    [['MALFORMED', cut]],
  );
  assert.equal(result.rows, ROWS);
});

test('an abort ends the work and its threads', async () => {
  writeFileSync(paths.ledger, healthy);
  const abort = new AbortController();
  const onProgress = (): void => abort.abort();
  await assert.rejects(verify({ workers: 2, onProgress, signal: abort.signal }), { name: 'AbortError' });
});
