/**
 * One row at a time, its acknowledgement awaited: in the library against a loop of write and fdatasync, and through a
 * pipe against a bare coprocess that does the same write and sync. Both sides write lines of the same length.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { openLedger as OpenLedger } from '../src/index';
import { ledgerCommand, ledgerFile, LIBRARY, seedRow, withFolder } from './ledgers';
import { inTurns, median, ratioOf } from './measure';
import type { Command } from './measure';
import { ms } from './table';
import type { Line } from './table';

/** A turn is short, so that neighbours meet the same disk. */
const ROWS_A_TURN = 50;
const ROUNDS = 81;
/** A writer that stays: by then nearly all that it does for a row is compiled, on both sides. */
const WARM_ROWS = 3_000;
const TARGET = 1.3;

/** What a bare Node needs to answer a line by a line of the ledger's length, written and synced. */
const BARE = `
const fs = require('node:fs');
const [path, length] = process.argv.slice(1);
const fd = fs.openSync(path, 'a');
const line = Buffer.from('x'.repeat(Number(length) - 1) + '\\n');
process.stdin.on('data', () => {
  fs.writeSync(fd, line);
  fs.fdatasyncSync(fd);
  process.stdout.write('done\\n');
});`;

export async function benchOneByOne(): Promise<Line[]> {
  return [await withFolder(libraryLine), await withFolder(coprocessLine)];
}

async function libraryLine(folder: string): Promise<Line> {
  const { openLedger } = (await import(LIBRARY)) as { readonly openLedger: typeof OpenLedger };
  const dir = join(folder, 'state');
  const ledger = openLedger({ dir });
  // Made before: a caller's making of a row is no part of appending it, nor of the bare loop.
  const rows = Array.from(
    { length: 1 + WARM_ROWS + (1 + ROUNDS) * ROWS_A_TURN },
    (_, i) => JSON.parse(seedRow(i)) as { action: string },
  );
  let next = 0;
  const append = async (): Promise<void> => {
    const [receipt] = await ledger.append([rows[next++] as { action: string }]);
    if (receipt?.status !== 'landed') throw new Error(`expected a landed row, found ${receipt?.status}`);
  };
  await append();
  const line = Buffer.alloc(lastLineBytes(dir), 'x');
  const fd = openSync(join(folder, 'bare'), 'a');
  const bare = (): void => {
    writeSync(fd, line);
    fdatasyncSync(fd);
  };
  try {
    return await compare('one row at a time, library, awaited', 'write + fdatasync', { append, bare });
  } finally {
    await ledger.close();
    closeSync(fd);
  }
}

async function coprocessLine(folder: string): Promise<Line> {
  const dir = join(folder, 'state');
  const ours = new Coprocess(ledgerCommand(dir, ['append', '-']));
  let next = 0;
  const append = async (): Promise<void> => {
    const receipt = await ours.ask(seedRow(next++));
    if (!receipt.startsWith('landed ')) throw new Error(`expected a landed row, found: ${receipt}`);
  };
  await append();
  const file = join(folder, 'bare');
  const theirs = new Coprocess({ file: process.execPath, args: ['-e', BARE, file, String(lastLineBytes(dir))] });
  const bare = async (): Promise<void> => {
    await theirs.ask(seedRow(next));
  };
  try {
    return await compare('one row at a time, coprocess round trip', 'bare coprocess', { append, bare });
  } finally {
    await ours.end();
    await theirs.end();
  }
}

async function compare(
  what: string,
  against: string,
  { append, bare }: { readonly append: () => Promise<void>; readonly bare: () => Promise<void> | void },
): Promise<Line> {
  const turn = (once: () => Promise<void> | void) => async (): Promise<number> => {
    const startMs = performance.now();
    for (let i = 0; i < ROWS_A_TURN; i++) await once();
    return (performance.now() - startMs) / ROWS_A_TURN;
  };
  for (const once of [append, bare]) for (let i = 0; i < WARM_ROWS; i++) await once();
  const [ours = [], theirs = []] = await inTurns([turn(append), turn(bare)], ROUNDS);
  return {
    what,
    ours: `${ms(median(ours))} a row`,
    baseline: `${ms(median(theirs))} (${against})`,
    ratio: ratioOf(ours, theirs),
    target: TARGET,
  };
}

function lastLineBytes(dir: string): number {
  const lines = readFileSync(ledgerFile(dir), 'utf8').trimEnd().split('\n');
  return Buffer.byteLength(lines.at(-1) ?? '') + 1;
}

/** A process that answers each line by a line. */
class Coprocess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string, undefined>;

  constructor({ file, args }: Command) {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async ask(line: string): Promise<string> {
    this.#child.stdin?.write(`${line}\n`);
    const answer: IteratorResult<string, undefined> = await this.#answers.next();
    if (answer.done === true) throw new Error('expected an answer from the coprocess, found its end');
    return answer.value;
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.stdin?.end();
    });
  }
}
