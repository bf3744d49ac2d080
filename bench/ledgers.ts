/**
 * The ledgers and inputs that are measured on. Large ones are kept in the temporary folder between runs, a day long: they
 * end now, at a thousand rows a day, so that "today" is the same work in each of them.
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rebuildIndex } from '../src/store/index/indexBuild';
import { statePaths } from '../src/store/paths';
import { generateLedger } from './generate';
import type { Command } from './measure';

const LEDGER = join(__dirname, '..', 'bin', 'ledger.js');
export const LIBRARY = join(__dirname, '..', 'dist', 'index.cjs');
const CACHE = join(tmpdir(), 'ledger-bench');
const STEP_MS = 86_400;
const BLOCK_CHARS = 1 << 20;

export function ledgerCommand(dir: string, args: readonly string[], node = process.execPath): Command {
  return { file: node, args: [LEDGER, '--dir', dir, ...args] };
}

export function nodeAlone(node = process.execPath): Command {
  return { file: node, args: ['-e', '0'] };
}

/** A ledger of so many rows in so many runs, with a current index; made where it is not there yet. */
export async function largeLedger(rows: number, runs = Math.max(1, Math.round(rows / 100))): Promise<string> {
  const today = new Date().toISOString().slice(0, 10);
  const dir = join(CACHE, `${today}-${rows}-${runs}`);
  if (existsSync(dir)) return dir;
  forgetOtherDays(today);
  const temporary = `${dir}.${process.pid}.tmp`;
  console.error(`making a ledger of ${rows} rows …`);
  generateLedger(temporary, rows, runs, { startMs: Date.now() - rows * STEP_MS, stepMs: STEP_MS });
  await rebuildIndex(statePaths(temporary, process.env));
  // Whole or not there: a run that is stopped here leaves nothing that the next one would trust.
  renameSync(temporary, dir);
  settle();
  return dir;
}

/** Removes the kept ledgers. */
export function forgetLedgers(): void {
  rmSync(CACHE, { recursive: true, force: true });
}

function forgetOtherDays(today: string): void {
  mkdirSync(CACHE, { recursive: true });
  for (const name of readdirSync(CACHE)) {
    if (/^\d{4}-/.test(name) && !name.startsWith(today)) rmSync(join(CACHE, name), { recursive: true, force: true });
  }
}

export function ledgerFile(dir: string): string {
  return join(dir, 'audit.jsonl');
}

export function megabytes(path: string): number {
  return statSync(path).size / 1e6;
}

/** The ledger without its index while `use` runs. */
export async function withoutIndex<T>(dir: string, use: () => Promise<T>): Promise<T> {
  const index = join(dir, 'index.db');
  renameSync(index, `${index}.aside`);
  try {
    return await use();
  } finally {
    rmSync(index, { force: true });
    renameSync(`${index}.aside`, index);
  }
}

/** A folder that is gone when `use` is done. */
export async function withFolder<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'ledger-bench-'));
  try {
    return await use(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A copy of a large ledger, to write in. */
export function copyOf(dir: string, target: string): string {
  execFileSync('cp', ['-r', dir, target]);
  settle();
  return target;
}

/** What was written must not be on its way to the disk while somebody else's sync is timed. */
function settle(): void {
  execFileSync('sync');
}

/** A row of the seed's, `ts` and all. */
export function seedRow(i: number): string {
  return JSON.stringify({
    ts: '2026-04-25T20:09:24.604Z',
    run_id: `de5b5ed3-${i % 50}`,
    agent: 'void-pulse',
    action: 'pulse.probe',
    target: 'env',
    outcome: 'success',
    cost_usd: 0.0001,
    duration_ms: 80,
    reason: `status=green;detail=${i} keys ok`,
    playbook: 'pulse-probe',
    playbook_version: '0.1.0',
  });
}

/** A file of so many of the seed's rows. */
export function seedFile(path: string, rows: number): string {
  const fd = openSync(path, 'w');
  let text = '';
  for (let i = 0; i < rows; i++) {
    text += `${seedRow(i)}\n`;
    if (text.length < BLOCK_CHARS && i + 1 < rows) continue;
    writeSync(fd, text);
    text = '';
  }
  closeSync(fd);
  return path;
}
