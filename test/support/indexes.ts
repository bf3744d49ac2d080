/** Indexes of test ledgers: a folder of its own for each test, an index built of its file, what the file says of it. */
import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { accumulate, emptyDigest } from '../../src/core/indexDigest';
import type { IndexDigest } from '../../src/core/indexDigest';
import { openIndex } from '../../src/store/index/indexOpen';
import type { LedgerIndex } from '../../src/store/index/indexFile';
import { projectRows } from '../../src/store/index/indexRows';
import type { IndexedRow } from '../../src/store/index/indexRows';
import type { StatePaths } from '../../src/store/paths';

/** An empty folder that is gone when the test ends. */
export function testFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'ledger-index-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The index that must be there; closed when the test ends. */
export function indexOf(t: TestContext, paths: StatePaths, mode: 'read' | 'write' = 'read'): LedgerIndex {
  const index = openIndex(paths, mode);
  assert(index !== undefined, 'an index is there');
  t.after(() => index.close());
  return index;
}

/** The ledger, open for reading until the test ends. */
export function ledgerOf(t: TestContext, paths: StatePaths): number {
  const fd = openSync(paths.ledger, 'r');
  t.after(() => closeSync(fd));
  return fd;
}

export const sizeOf = (paths: StatePaths): number => statSync(paths.ledger).size;

export function appendLines(paths: StatePaths, lines: readonly string[]): void {
  appendFileSync(paths.ledger, lines.map((line) => `${line}\n`).join(''));
}

/** Every row of the live file as the index projects it. */
export function rowsOf(fd: number): IndexedRow[] {
  const rows: IndexedRow[] = [];
  projectRows(fd, { fromBytes: 0, toBytes: Number.MAX_SAFE_INTEGER, firstSeq: undefined }, (row) => rows.push(row));
  return rows;
}

export function digestOfFile(fd: number): IndexDigest {
  const digest = emptyDigest();
  for (const row of rowsOf(fd)) accumulate(digest, row);
  return digest;
}
