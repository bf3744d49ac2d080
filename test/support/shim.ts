/**
 * The preload shim (faultShim.c), compiled once for each version of its source, and the environment that arms it.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type ShimMode = 'kill' | 'zero' | 'zeroline' | 'garbage' | 'short' | 'err' | 'stop';

export interface ShimFault {
  /** How the path of the file ends. */
  readonly path: string;
  readonly mode: ShimMode;
  /** Which write to that file, from 1. */
  readonly at?: number;
  /** How many writes in a row fail (mode `err`); 0 is for ever. */
  readonly times?: number;
  /** How many bytes are stored before the fault. */
  readonly bytes?: number;
  readonly errno?: number;
}

const SOURCE = join(__dirname, 'faultShim.c');

/** The path of the compiled shim. Two test files may compile at once: the last rename wins, with the same bytes. */
function compiledShim(): string {
  const version = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16);
  const target = join(tmpdir(), `ledger-fault-shim-${process.getuid?.() ?? 0}-${version}.so`);
  if (!existsSync(target)) {
    const folder = mkdtempSync(join(tmpdir(), 'ledger-shim-'));
    const made = join(folder, 'shim.so');
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', made, SOURCE, '-ldl']);
    renameSync(made, target);
    rmSync(folder, { recursive: true });
  }
  return target;
}

/** The environment variables that arm the shim in a process that is started with them. */
export function shimEnv(fault: ShimFault): Record<string, string> {
  return {
    LD_PRELOAD: compiledShim(),
    FAULT_PATH: fault.path,
    FAULT_MODE: fault.mode,
    FAULT_AT: String(fault.at ?? 1),
    FAULT_TIMES: String(fault.times ?? 1),
    FAULT_BYTES: String(fault.bytes ?? 0),
    FAULT_ERRNO: String(fault.errno ?? 28),
  };
}
