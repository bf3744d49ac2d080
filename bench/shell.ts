/**
 * `ledger_append` in a bash loop, every row on disk when the call returns, against what people write who have no ledger:
 * a line under `flock`, not synced; and the same with a `sync` of the file after each line. One bash for each loop, its
 * own clock around the loop alone; the coprocess is there already, as it is from the second row of a script on.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ledgerCommand, withFolder } from './ledgers';
import { inTurns, median, ratioOf } from './measure';
import { ms } from './table';
import type { Line } from './table';

const ROWS = 1_000;
/** By then the thread is there that keeps the index up: it is the process's one step up in memory, at 5,000 rows. */
const MANY = 10_000;
const MORE = 3;
const ROUNDS = 5;
const FLAT = 1.25;

const ROW = '--agent coder --action step.done --run-id r1 --target "file $i" --outcome success';
const LINE = `{"agent":"coder","action":"step.done","run_id":"r1","target":"file '$i'","outcome":"success"}`;

interface Looped {
  readonly ms: number;
  /** Of the coprocess, at its peak. */
  readonly peakMb: number;
}

/** A loop in a bash of its own; `before` is not timed. */
function loop(before: string, body: string, rows = ROWS): Looped {
  const script = `${before}
    start=$EPOCHREALTIME
    for ((i = 0; i < ${rows}; i++)); do ${body}; done
    end=$EPOCHREALTIME
    for one in /proc/[0-9]*/cmdline; do
      if [[ $(tr '\\0' ' ' 2>/dev/null <"$one") == *" coprocess $$"* ]]; then peak=$(grep VmHWM "\${one%cmdline}status"); fi
    done
    echo "$((\${end/./} - \${start/./})) \${peak//[^0-9]/}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
  if (status !== 0 || stderr !== '') throw new Error(`expected the loop to succeed, found exit ${status}: ${stderr}`);
  const [us = NaN, kb = NaN] = stdout.trim().split(' ').map(Number);
  return { ms: us / 1000, peakMb: kb / 1024 };
}

export async function benchShell(): Promise<Line[]> {
  return withFolder(async (folder) => {
    const [state, file] = [join(folder, 'state'), join(folder, 'lines')];
    const command = ledgerCommand(state, []);
    const ledger = [command.file, command.args[0] ?? ''].join(' ');
    const before = `export LEDGER_DIR='${state}'; eval "$(${ledger} shellenv bash)"; ledger_append --action begun || exit`;
    const append = `ledger_append ${ROW} || exit`;
    const line = `( flock 9; printf '%s\\n' '${LINE}' >&9 ) 9>>'${file}'`;
    const ours = (rows?: number) => (): Looped => loop(before, append, rows);
    const turns = [ours(), () => loop('', line), () => loop('', `${line}; sync -d '${file}'`)];
    const [appends = [], unsynced = [], synced = []] = await inTurns(turns, ROUNDS);
    const [a, b, c] = [appends, unsynced, synced].map((loops) => loops.map((one) => one.ms)) as [number[], number[], number[]]; // prettier-ignore
    const what = `bash loop of ${ROWS.toLocaleString('en-US')} ledger_append, each on disk`;
    const [many, more] = [ours(MANY)(), ours(MANY * MORE)()];
    return [
      {
        what,
        ours: ms(median(a)),
        baseline: `${ms(median(b))} (flock, printf, no sync)`,
        ratio: ratioOf(a, b),
        target: 0.35,
      },
      {
        what: '… with a sync of the file per line',
        ours: ms(median(a)),
        baseline: `${ms(median(c))} (flock, printf, sync -d)`,
        ratio: ratioOf(a, c),
        target: 0.15,
      },
      {
        what: '… peak memory of the coprocess',
        ours: `${more.peakMb.toFixed(0)} MB for ${(MANY * MORE).toLocaleString('en-US')} rows`,
        baseline: `${many.peakMb.toFixed(0)} MB (itself, ${MANY.toLocaleString('en-US')} rows)`,
        ratio: more.peakMb / many.peakMb,
        target: FLAT,
      },
    ];
  });
}
