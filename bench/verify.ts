/**
 * `ledger verify` against `sha256sum` of the same file, cold and warm; ten times the rows; a million streams; the scan of
 * `ledger sweep`. Ratios are of one run on one machine.
 *
 *   npm run build && npx tsx bench/verify.ts [rows, default 1000000] [folder for the ledgers, default a temporary one]
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateLedger } from './generate';

const LEDGER = join(__dirname, '..', 'bin', 'ledger.js');
const ROUNDS = 5;
const POLL_MS = 20;

interface Measured {
  readonly seconds: number;
  readonly peakMb: number;
}

/** Wall time and peak memory of a command that must succeed. */
function measure(command: string, args: readonly string[]): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    let peakMb = 0;
    const poll = setInterval(() => (peakMb = Math.max(peakMb, peakOf(child.pid))), POLL_MS);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearInterval(poll);
      if (code === 0) resolve({ seconds: (performance.now() - start) / 1000, peakMb });
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}`));
    });
  });
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

type Run = () => Promise<Measured>;

/** The fastest of some rounds of each, in turns, so that whatever else the machine does falls on all alike. */
async function best(runs: readonly Run[], before: () => void = () => undefined): Promise<Measured[]> {
  const fastest: Measured[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, run] of runs.entries()) {
      before();
      const measured = await run();
      if (measured.seconds < (fastest[i]?.seconds ?? Infinity)) fastest[i] = measured;
    }
  }
  return fastest;
}

/** Empties the page cache, as root; else "cold" is warm, and the table says so. */
function dropCaches(): boolean {
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}

function ledgerOf(dir: string, rows: number, runs: number): string {
  if (!existsSync(join(dir, 'audit.jsonl'))) generateLedger(dir, rows, runs);
  return dir;
}

/** The ratio is to the first line. */
function table(names: readonly string[], measured: readonly Measured[]): void {
  for (const [i, { seconds, peakMb }] of measured.entries()) {
    const ratio = i === 0 ? '' : `${(seconds / (measured[0]?.seconds ?? NaN)).toFixed(2)} ×`;
    console.log([names[i]?.padEnd(40), `${seconds.toFixed(2)} s`, `${peakMb.toFixed(0)} MB`, ratio].join('\t'));
  }
  console.log();
}

async function main(): Promise<void> {
  const [rowsText = '1000000', folder = mkdtempSync(join(tmpdir(), 'ledger-bench-'))] = process.argv.slice(2);
  const rows = Number(rowsText);
  const verify = (dir: string) => () => measure(process.execPath, [LEDGER, '--dir', dir, 'verify', '-q']);
  const sha = (dir: string) => () => measure('sha256sum', [join(dir, 'audit.jsonl')]);

  const plain = ledgerOf(join(folder, `rows-${rows}`), rows, Math.ceil(rows / 100));
  const megabytes = statSync(join(plain, 'audit.jsonl')).size / 1e6;
  console.log(`${rows} rows, ${megabytes.toFixed(0)} MB, half with a payload; best of ${ROUNDS}`);
  const cold = dropCaches() ? 'cold' : 'not cold: needs root';
  table([`sha256sum (${cold})`, `ledger verify (${cold})`], await best([sha(plain), verify(plain)], dropCaches));
  const sweep: Run = () => measure(process.execPath, [LEDGER, '--dir', plain, 'sweep', '--dry-run', '-q']);
  table(['sha256sum', 'ledger verify', 'ledger sweep --dry-run'], await best([sha(plain), verify(plain), sweep]));
  const streams = ledgerOf(join(folder, `streams-${rows}`), rows, rows);
  table(['ledger verify', `… with ${rows} streams`], await best([verify(plain), verify(streams)]));
  const ten = ledgerOf(join(folder, `rows-${rows * 10}`), rows * 10, Math.ceil(rows / 10));
  table(['ledger verify', '… of ten times the rows'], await best([verify(plain), verify(ten)]));
}

void main();
