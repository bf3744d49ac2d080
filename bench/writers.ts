/** Many writers at once, one process each, rows piped, against as many Nodes that do nothing, started the same way. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ledgerCommand, ledgerFile, nodeAlone, seedRow, withFolder } from './ledgers';
import { inTurns, median, ratioOf } from './measure';
import type { Command } from './measure';
import { count, ms } from './table';
import type { Line } from './table';

interface Crowd {
  readonly writers: number;
  readonly rowsEach: number;
  readonly rounds: number;
  readonly target: number | undefined;
}

interface Landing {
  readonly landed: number;
  readonly spilled: number;
  readonly unreadable: number;
  readonly verdict: string;
}

export async function benchWriters(): Promise<Line[]> {
  return [
    await crowdLine({ writers: 16, rowsEach: 25, rounds: 9, target: 1.5 }),
    await crowdLine({ writers: 64, rowsEach: 100, rounds: 3, target: undefined }),
  ];
}

function crowdLine({ writers, rowsEach, rounds, target }: Crowd): Promise<Line> {
  return withFolder(async (folder) => {
    const landings: Landing[] = [];
    const appendAll = async (): Promise<number> => {
      const dir = join(folder, `state-${landings.length}`);
      spawnInit(dir);
      const { tookMs, output } = await startAll(ledgerCommand(dir, ['append', '-']), writers, rowsEach);
      landings.push(landingOf(dir, output));
      return tookMs;
    };
    const bareAll = async (): Promise<number> => (await startAll(nodeAlone(), writers, rowsEach)).tookMs;
    const [ours = [], bare = []] = await inTurns([appendAll, bareAll], rounds);
    const rows = writers * rowsEach;
    return {
      what: `${writers} processes × ${rowsEach} rows, piped`,
      ours: `${ms(median(ours))}; ${landingText(landings)}`,
      baseline: `${ms(median(bare))} (${writers} × node -e 0)`,
      ratio: ratioOf(ours, bare),
      target,
      claim: {
        text: `${count(rows)} landed, 0 spilled, 0 unreadable, intact`,
        holds: landings.every((landing) => isWhole(landing, rows)),
      },
    };
  });
}

function spawnInit(dir: string): void {
  const { file, args } = ledgerCommand(dir, ['init', '-q']);
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`expected "ledger init" to succeed, found exit ${status}: ${stderr}`);
}

/** Starts all at once, gives each its rows, and waits for the last to end. */
async function startAll(
  command: Command,
  writers: number,
  rowsEach: number,
): Promise<{ readonly tookMs: number; readonly output: string }> {
  const startMs = performance.now();
  const ended = Array.from({ length: writers }, (_, writer) => {
    const rows = Array.from({ length: rowsEach }, (_, i) => `${seedRow(writer * rowsEach + i)}\n`);
    return outputOf(command, rows.join(''));
  });
  const output = (await Promise.all(ended)).join('');
  return { tookMs: performance.now() - startMs, output };
}

function outputOf({ file, args }: Command, input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'pipe' });
    let output = '';
    let talk = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (talk += text));
    // The bare Node ends without reading.
    child.stdin.on('error', () => undefined).end(input);
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`expected exit 0, found ${code}: ${talk}`)),
    );
  });
}

function landingOf(dir: string, receipts: string): Landing {
  const { file, args } = ledgerCommand(dir, ['verify', '--json']);
  const result = JSON.parse(spawnSync(file, args, { encoding: 'utf8' }).stdout) as {
    verdict: string;
    spilled: unknown;
  };
  const inFile = readFileSync(ledgerFile(dir), 'utf8').split('\n').filter(Boolean);
  const actions = inFile.map(actionOf);
  return {
    // Told as landed, and there: the smaller of the two.
    landed: Math.min(
      receipts.match(/^landed /gm)?.length ?? 0,
      actions.filter((action) => action === 'pulse.probe').length,
    ),
    spilled: receipts.match(/^spilled /gm)?.length ?? 0,
    unreadable: actions.filter((action) => action === undefined).length,
    verdict: result.verdict,
  };
}

function actionOf(line: string): string | undefined {
  try {
    return (JSON.parse(line) as { action: string }).action;
  } catch {
    return undefined;
  }
}

function isWhole({ landed, spilled, unreadable, verdict }: Landing, rows: number): boolean {
  return landed === rows && spilled === 0 && unreadable === 0 && verdict === 'intact';
}

/** The worst round. */
function landingText(landings: readonly Landing[]): string {
  const landed = Math.min(...landings.map((landing) => landing.landed));
  const spilled = Math.max(...landings.map((landing) => landing.spilled));
  const verdicts = new Set(landings.map(({ verdict }) => verdict));
  return `${count(landed)} landed, ${spilled} spilled, ${[...verdicts].join('/')}`;
}
