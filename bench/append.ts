/** One append as a process, against a Node that does nothing: the lock and the sync are inside the figure. */
import { copyOf, largeLedger, ledgerCommand, nodeAlone, withFolder } from './ledgers';
import { inTurns, median, ratioOf, wallMs } from './measure';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Sizes } from './main';
import { ms } from './table';
import type { Line } from './table';

const ROUNDS = 31;
const ROW = ['--agent', 'coder', '--action', 'tool.used', '--cost-usd', '0.0123'];
/** From Node 22.12 on a bare start is twice as fast, and the rest is what it was. */
const TARGETS = { node20: 1.5, later: 2.2, newRun: 1.8 };

interface Runtime {
  readonly file: string;
  readonly version: string;
  readonly major: number;
}

export async function benchAppend(): Promise<Line[]> {
  const lines: Line[] = [];
  for (const runtime of runtimes()) lines.push(await oneAppend(runtime));
  return lines;
}

function oneAppend({ file, version, major }: Runtime): Promise<Line> {
  return withFolder(async (dir) => {
    const append = ledgerCommand(join(dir, 'state'), ['append', ...ROW, '--run-id', 'r1'], file);
    return startLine(`one append as a process, Node ${version}`, major === 20 ? TARGETS.node20 : TARGETS.later, {
      ours: () => wallMs(append),
      baseline: () => wallMs(nodeAlone(file)),
    });
  });
}

/** The stream's head is not in the tail, so the index must be asked. */
export async function benchNewRun({ rows }: Sizes): Promise<Line[]> {
  const source = await largeLedger(rows);
  return withFolder(async (folder) => {
    const dir = copyOf(source, join(folder, 'state'));
    const lines: Line[] = [];
    for (const { file, version, major } of runtimes()) {
      let next = 0;
      const append = (): number => {
        const run = `new-${major}-${next++}`;
        return wallMs(ledgerCommand(dir, ['append', ...ROW, '--run-id', run], file));
      };
      const what = `first row of a new run among ${rows.toLocaleString('en-US')}, Node ${version}`;
      const turns = { ours: append, baseline: () => wallMs(nodeAlone(file)) };
      lines.push(await startLine(what, major === 20 ? TARGETS.newRun : undefined, turns));
    }
    return lines;
  });
}

async function startLine(
  what: string,
  target: number | undefined,
  turns: { readonly ours: () => number; readonly baseline: () => number },
): Promise<Line> {
  const [ours = [], bare = []] = await inTurns([turns.ours, turns.baseline], ROUNDS);
  return {
    what,
    ours: ms(median(ours)),
    baseline: `${ms(median(bare))} (node -e 0)`,
    ratio: ratioOf(ours, bare),
    target,
  };
}

/** This Node, and those that BENCH_NODE_22=/path/to/node and the like name. */
function runtimes(): Runtime[] {
  const given = Object.keys(process.env)
    .filter((name) => /^BENCH_NODE_\d+$/.test(name))
    .sort()
    .map((name) => process.env[name] ?? '');
  return [process.execPath, ...given].map((file) => {
    const version = spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1);
    return { file, version, major: Number(version.split('.')[0]) };
  });
}
