/**
 * What `ledger` must reach, each line against its baseline in the same run on the same machine.
 *
 *   npm run bench                       all of it, a few minutes
 *   npm run bench -- append verify      some of it
 *   npm run bench -- --rows 100000      with smaller ledgers
 *   npm run bench -- --write            and put the table into docs/benchmarks.md
 *   npm run bench -- --fresh            with ledgers made anew, not those kept since this morning
 *   BENCH_NODE_22=/path/to/node npm run bench -- append     with other Nodes too
 *
 * Exit 0 when all that was judged is met, 1 when something is not.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchAppend, benchNewRun } from './append';
import { isNoisy, lookAround, machineText, quietText } from './machine';
import { benchGate } from './gate';
import { forgetLedgers } from './ledgers';
import { benchOneByOne } from './oneByOne';
import { benchPipe } from './pipe';
import { benchQuery } from './query';
import { benchRollup } from './rollup';
import { benchShell } from './shell';
import { benchEvidence } from './evidence';
import { benchGovernance } from './governance';
import { isMet, tableOf } from './table';
import type { Line, LineOf } from './table';
import { benchStreams, benchSweep, benchVerify, sha256sumText } from './verify';
import { benchWriters } from './writers';

export interface Sizes {
  /** Rows of the large ledger. */
  readonly rows: number;
  /** Rows of the long pipe. */
  readonly piped: number;
}

const BENCHES: Readonly<Record<string, (sizes: Sizes) => Promise<Line[]>>> = {
  append: benchAppend,
  'new-run': benchNewRun,
  writers: benchWriters,
  pipe: benchPipe,
  'one-by-one': benchOneByOne,
  verify: benchVerify,
  streams: benchStreams,
  sweep: benchSweep,
  rollup: benchRollup,
  gate: benchGate,
  query: benchQuery,
  shell: benchShell,
  governance: benchGovernance,
  evidence: benchEvidence,
};

const RESULTS = join(__dirname, '..', 'docs', 'benchmarks.md');
const RESULTS_BETWEEN = /(<!-- results -->\n)[^]*(\n<!-- \/results -->)/;

interface Wanted {
  readonly names: readonly string[];
  readonly sizes: Sizes;
  readonly write: boolean;
  readonly fresh: boolean;
}

function wanted(argv: string[]): Wanted {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      rows: { type: 'string', default: '1000000' },
      piped: { type: 'string', default: '200000' },
      write: { type: 'boolean', default: false },
      fresh: { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.find((name) => !Object.hasOwn(BENCHES, name));
  if (unknown !== undefined)
    throw new Error(`expected one of ${Object.keys(BENCHES).join(', ')}, found ${JSON.stringify(unknown)}`);
  if (values.write && positionals.length > 0) throw new Error('expected all benches with --write, found some');
  const sizes = { rows: Number(values.rows), piped: Number(values.piped) };
  return {
    names: positionals.length > 0 ? positionals : Object.keys(BENCHES),
    sizes,
    write: values.write,
    fresh: values.fresh,
  };
}

async function run({ names, sizes }: Wanted): Promise<{ readonly lines: LineOf[]; readonly text: string }> {
  const first = await lookAround();
  const lines: LineOf[] = [];
  let before = first;
  for (const name of names) {
    console.error(`${name}: ${quietText(before)}`);
    const found = (await BENCHES[name]?.(sizes)) ?? [];
    const after = await lookAround();
    const noisy = isNoisy([before, after], first.load);
    lines.push(...found.map((line) => ({ ...line, noisy })));
    before = after;
  }
  const facts = [machineText(), sha256sumText(), `at the start: ${quietText(first)}`];
  return { lines, text: `${facts.join('; ')}.\n\n${tableOf(lines)}` };
}

async function main(): Promise<void> {
  const options = wanted(process.argv.slice(2));
  if (options.fresh) forgetLedgers();
  const { lines, text } = await run(options);
  console.log(text);
  if (options.write) {
    const page = readFileSync(RESULTS, 'utf8');
    writeFileSync(
      RESULTS,
      page.replace(RESULTS_BETWEEN, (_, start, end) => `${start}\n${text}\n${end}`),
    );
  }
  if (lines.some((line) => isMet(line) === false)) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
});
