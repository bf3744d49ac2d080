/**
 * What is signed: the first checkpoint against `verify` of the same rows; what comes after it, a bundle and its check
 * against `node -e 0`, with a key and a home of their own.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf, largeLedger, ledgerCommand, nodeAlone, withFolder } from './ledgers';
import type { Sizes } from './main';
import { inTurns, measure, median, ratioOf, wallMs } from './measure';
import type { Command, Measured } from './measure';
import { count, ms } from './table';
import type { Line } from './table';

const FIRST_ROUNDS = 3;
const ROUNDS = 41;
const BUNDLE_ROUNDS = 7;
/** A run of this many rows; and so many come between two checkpoints. */
const FEW_ROWS = 1_000;
const BUNDLE_MS = 500;
const TARGETS = { first: 1.6, memory: 1.25, next: 2, since: 2, bundle: 1, check: 2, prove: 2 };
const MAX_HASHES = 20;

/** As `bench/generate.ts` names the runs. */
const RUN = `de5b5ed3-0000-4000-8000-${(5).toString(16).padStart(12, '0')}`;
const NEW_ROWS = Array.from(
  { length: FEW_ROWS },
  (_, i) => `{"action":"pulse.probe","run_id":"bench","duration_ms":${i},"reason":"status=green"}\n`,
).join('');

export async function benchEvidence({ rows }: Sizes): Promise<Line[]> {
  const dir = await largeLedger(rows, Math.round(rows / FEW_ROWS));
  const small = await largeLedger(Math.round(rows / 10), Math.round(rows / 10 / FEW_ROWS));
  return withHome(async (home) => {
    const bench = { home, rows, dir, copy: copyOf(dir, join(home, 'many')), small: copyOf(small, join(home, 'few')) };
    wallMs(ledgerCommand(bench.copy, ['key', 'new', 'checkpoint', '-q']));
    return [
      ...(await firstLines(bench)),
      ...(await nextLines(bench)),
      await proofLine(bench),
      ...(await bundleLines(bench)),
    ];
  });
}

interface Bench {
  readonly home: string;
  readonly rows: number;
  /** Nothing is signed in this one. */
  readonly dir: string;
  readonly copy: string;
  /** With a tenth of the rows. */
  readonly small: string;
}

/** A folder for keys, for what is remembered and for ledgers, while `use` runs. */
function withHome<T>(use: (home: string) => Promise<T>): Promise<T> {
  return withFolder(async (home) => {
    const { XDG_CONFIG_HOME: config, XDG_STATE_HOME: state } = process.env;
    Object.assign(process.env, { XDG_CONFIG_HOME: join(home, 'config'), XDG_STATE_HOME: join(home, 'state') });
    try {
      return await use(home);
    } finally {
      for (const name of ['XDG_CONFIG_HOME', 'XDG_STATE_HOME']) Reflect.deleteProperty(process.env, name);
      Object.assign(process.env, config && { XDG_CONFIG_HOME: config }, state && { XDG_STATE_HOME: state });
    }
  });
}

async function firstLines({ home, rows, dir, copy, small }: Bench): Promise<Line[]> {
  const first = (of: string) => (): Promise<Measured> => {
    for (const name of ['checkpoints', 'audit.tree']) rmSync(join(of, name), { recursive: true, force: true });
    rmSync(join(home, 'state'), { recursive: true, force: true });
    return measure(ledgerCommand(of, ['checkpoint', '-q']));
  };
  const verified = (): Promise<Measured> => measure(ledgerCommand(dir, ['verify', '-q']));
  const few = await first(small)();
  const [signed = [], checked = []] = await inTurns([first(copy), verified], FIRST_ROUNDS);
  const [times, others] = [signed, checked].map((all) => all.map((one) => one.ms)) as [number[], number[]];
  const peakMb = median(signed.map((one) => one.peakMb));
  return [
    {
      what: `first checkpoint of ${count(rows)} rows`,
      ours: ms(median(times)),
      baseline: `${ms(median(others))} (verify)`,
      ratio: ratioOf(times, others),
      target: TARGETS.first,
    },
    {
      what: '… its peak memory',
      ours: `${peakMb.toFixed(0)} MB`,
      baseline: `${few.peakMb.toFixed(0)} MB (itself, ${count(rows / 10)} rows)`,
      ratio: peakMb / few.peakMb,
      target: TARGETS.memory,
    },
  ];
}

async function nextLines({ copy }: Bench): Promise<Line[]> {
  const since = (): number => {
    answered(ledgerCommand(copy, ['append', '-q', '-']), NEW_ROWS);
    return wallMs(ledgerCommand(copy, ['verify', '-q', '--since-checkpoint']));
  };
  const next = (): number => wallMs(ledgerCommand(copy, ['checkpoint', '-q']));
  const [checked = [], bare = [], signed = []] = await inTurns([since, () => wallMs(nodeAlone()), next], ROUNDS);
  const baseline = `${ms(median(bare))} (node -e 0)`;
  return [
    {
      what: `checkpoint after ${count(FEW_ROWS)} more rows`,
      ours: ms(median(signed)),
      baseline,
      ratio: ratioOf(signed, bare),
      target: TARGETS.next,
    },
    {
      what: 'verify --since-checkpoint of as many',
      ours: ms(median(checked)),
      baseline,
      ratio: ratioOf(checked, bare),
      target: TARGETS.since,
    },
  ];
}

async function proofLine({ rows, copy }: Bench): Promise<Line> {
  const asked = ledgerCommand(copy, ['prove', String(rows / 2), '--json']);
  const { hashes } = JSON.parse(spawnSync(asked.file, [...asked.args], { encoding: 'utf8' }).stdout) as {
    hashes: number;
  };
  const [proved = [], bare = []] = await inTurns([() => wallMs(asked), () => wallMs(nodeAlone())], ROUNDS);
  return {
    what: `proof of one row among ${count(rows)}`,
    ours: `${ms(median(proved))}, ${hashes} hashes`,
    baseline: `${ms(median(bare))} (node -e 0)`,
    ratio: ratioOf(proved, bare),
    target: TARGETS.prove,
    claim: { text: `≤ ${MAX_HASHES} hashes`, holds: hashes <= MAX_HASHES },
  };
}

async function bundleLines({ home, rows, copy }: Bench): Promise<Line[]> {
  const out = join(home, 'bundle.json');
  const create = (): number => {
    rmSync(out, { force: true });
    return wallMs(ledgerCommand(copy, ['bundle', 'create', '-q', '--run', RUN, '--sign', 'checkpoint', '--out', out]));
  };
  const key = join(home, 'config', 'ledger', 'keys', 'checkpoint.pub');
  // The run is open, and said to be: exit 3.
  const check = (): number => answered(ledgerCommand(copy, ['bundle', 'verify', out, '--key', key]), '', [3]);
  const [made = []] = await inTurns([create], BUNDLE_ROUNDS);
  const [checked = [], bare = []] = await inTurns([check, () => wallMs(nodeAlone())], ROUNDS);
  return [
    {
      what: `bundle of a run of ${count(FEW_ROWS)} rows among ${count(rows)}`,
      ours: ms(median(made)),
      baseline: ms(BUNDLE_MS),
      ratio: median(made) / BUNDLE_MS,
      target: TARGETS.bundle,
    },
    {
      what: '… checking it',
      ours: ms(median(checked)),
      baseline: `${ms(median(bare))} (node -e 0)`,
      ratio: ratioOf(checked, bare),
      target: TARGETS.check,
    },
  ];
}

/** Wall time of a command that reads `input` and must end with one of these exits. */
function answered({ file, args }: Command, input: string, exits: readonly number[] = [0]): number {
  const startMs = performance.now();
  const { status, stderr } = spawnSync(file, [...args], { input, encoding: 'utf8' });
  const tookMs = performance.now() - startMs;
  if (status === null || !exits.includes(status))
    throw new Error(
      `expected "${args.join(' ')}" to end with ${exits.join(' or ')}, found ${String(status)}: ${stderr}`,
    );
  return tookMs;
}
