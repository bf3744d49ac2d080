/**
 * How fast the index is built, opened, asked and compared. `node --import tsx bench/index.ts [ledger] [rows]`: without
 * a ledger one of 200,000 rows is made. Rates are per wall-clock second of this machine, the library is the runtime's.
 */
import { closeSync, copyFileSync, fstatSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accumulate, emptyDigest } from '../src/core/indexDigest';
import { openIndex } from '../src/store/index/indexOpen';
import type { LedgerIndex } from '../src/store/index/indexFile';
import { rebuildIndex } from '../src/store/index/indexBuild';
import { catchUp } from '../src/store/index/indexCatchUp';
import { compareDigests, digestOf } from '../src/store/index/indexCompare';
import { readIndexHeader } from '../src/store/index/indexHeader';
import { lastRowOfStream } from '../src/store/index/indexRead';
import { projectRows } from '../src/store/index/indexRows';
import { placesOfWindow } from '../src/store/index/indexWindow';
import type { StatePaths } from '../src/store/paths';
import { chainOf, testPaths } from '../test/support/ledgers';

const LINES_A_WRITE = 5000;

function makeBenchLedger(path: string, rows: number): void {
  const chain = chainOf();
  const fd = openSync(path, 'w', 0o600);
  for (let i = 1; i <= rows; i++) {
    const payload = i % 2 === 0 ? { payload: { note: 'x'.repeat(200), n: i } } : {};
    const member = { agent: `agent-${i % 7}`, playbook: 'pulse-probe', outcome: 'success', target: 'env' };
    chain.add({
      action: 'pulse.probe',
      run_id: `run-${i >> 3}`,
      cost_usd: 0.0001,
      reason: 'status=green',
      ...member,
      ...payload,
    });
    if (chain.lines.length >= LINES_A_WRITE || i === rows) writeSync(fd, `${chain.lines.splice(0).join('\n')}\n`);
  }
  closeSync(fd);
}

function timed<T>(name: string, use: () => T): T {
  const startMs = performance.now();
  const result = use();
  console.log(`${name.padEnd(44)} ${(performance.now() - startMs).toFixed(2).padStart(10)} ms`);
  return result;
}

function askAll(paths: StatePaths, index: LedgerIndex, fd: number): void {
  timed('  a stream that is not there', () => index.stream('run', 'no-such-run'));
  timed('  a stream head, its line read and hashed', () =>
    lastRowOfStream(paths, fd, index, { kind: 'run', id: 'run-7' }),
  );
  const digest = timed('fingerprint of all of it, in SQL', () => digestOf(index, Number.MAX_SAFE_INTEGER));
  const file = emptyDigest();
  timed('fingerprint of the file, read and parsed', () =>
    projectRows(fd, { fromBytes: 0, toBytes: fstatSync(fd).size, firstSeq: undefined }, (row) => accumulate(file, row)),
  );
  console.log(`differences: ${compareDigests(file, digest).length}`);
  const lastMs = Number(index.database.prepare('SELECT max(effective_ms) AS ms FROM rows').get()?.['ms']);
  timed('where the rows of the last 1000 s lie', () => placesOfWindow(index, lastMs - 1_000_000, Infinity));
}

async function main(given: string | undefined, rows: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'ledger-bench-index-'));
  const paths = testPaths(dir);
  try {
    if (given === undefined) makeBenchLedger(paths.ledger, rows);
    else copyFileSync(given, paths.ledger);
    const startMs = performance.now();
    const { seq } = await rebuildIndex(paths);
    const tookMs = performance.now() - startMs;
    const sizes = `${(statSync(paths.ledger).size / 1e6).toFixed(0)} MB ledger, ${(statSync(paths.index).size / 1e6).toFixed(0)} MB index`;
    console.log(`node ${process.version}: ${seq} rows, ${sizes}`);
    console.log(`build: ${tookMs.toFixed(0)} ms, ${((seq / tookMs) * 1000).toFixed(0)} rows/s`);
    timed('header, without SQLite', () => readIndexHeader(paths));
    const index = timed('open, SQLite loaded', () => openIndex(paths, 'write'));
    if (index === undefined) throw new Error('expected an index, found none');
    console.log(`library: ${index.database.library}`);
    const fd = openSync(paths.ledger, 'r');
    timed('catch-up with nothing to do', () => catchUp(index, fd, fstatSync(fd).size));
    askAll(paths, index, fd);
    index.close();
    closeSync(fd);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const [given, rows = '200000'] = process.argv.slice(2);
void main(given === '' ? undefined : given, Number(rows));
