/** Rows through a pipe in durable groups, against `jq -c .`, which parses and prints the same rows and stores nothing. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ledgerCommand, seedFile, withFolder } from './ledgers';
import type { Sizes } from './main';
import { inTurns, measure, median, ratioOf } from './measure';
import type { Command, Measured } from './measure';
import { count, mb } from './table';
import type { Line } from './table';

const ROUNDS = 5;
/** "Flat": so many times the rows may take so many times the memory. */
const MORE = 4;
const FLAT = 1.25;

export async function benchPipe({ piped }: Sizes): Promise<Line[]> {
  return withFolder(async (folder) => {
    const all = seedFile(join(folder, 'all.jsonl'), piped);
    const more = seedFile(join(folder, 'more.jsonl'), piped * MORE);
    const dir = join(folder, 'state');
    const append = (input: string) => (): Promise<Measured> => {
      rmSync(dir, { recursive: true, force: true });
      return measure(fromPipe(input, ledgerCommand(dir, ['append', '-'])));
    };
    const jq = (): Promise<Measured> => measure(fromPipe(all, { file: 'jq', args: ['-c', '.'] }));
    const [ours = [], theirs = []] = await inTurns([append(all), jq], ROUNDS);
    return [rateLine(piped, ours, theirs), memoryLine(piped, await append(more)(), ours)];
  });
}

/** A true pipe, as a shell makes it; Node's own are sockets. */
function fromPipe(input: string, { file, args }: Command): Command {
  return { file: 'sh', args: ['-c', 'input=$1; shift; cat "$input" | "$@"', 'sh', input, file, ...args] };
}

function rateLine(rows: number, ours: readonly Measured[], theirs: readonly Measured[]): Line {
  const [oursMs, theirsMs] = [ours.map(({ ms }) => ms), theirs.map(({ ms }) => ms)];
  const rate = (times: readonly number[]): string => `${count((rows / median(times)) * 1000)} rows/s`;
  return {
    what: `piped append of ${count(rows)} of the seed's rows, durable groups (time)`,
    ours: rate(oursMs),
    baseline: `${rate(theirsMs)} (jq -c .)`,
    ratio: ratioOf(oursMs, theirsMs),
    target: 1,
  };
}

/** One long run is enough: a peak only grows. */
function memoryLine(rows: number, more: Measured, all: readonly Measured[]): Line {
  const peaks = all.map(({ peakMb }) => peakMb);
  return {
    what: 'piped append, peak memory',
    ours: `${mb(more.peakMb)} for ${count(rows * MORE)} rows`,
    baseline: `${mb(median(peaks))} (itself, ${count(rows)} rows)`,
    ratio: more.peakMb / median(peaks),
    target: FLAT,
  };
}
