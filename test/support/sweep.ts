/**
 * A fault at every point: each point gets a fresh copy of a state, one run with the fault, a look at what is left, the
 * next append, and the pass rule. What is wrong is collected as text, with the point that showed it.
 */
import { run, mapLimit, LANES } from './process';
import { acknowledged, APPEND, inSandbox, ledgerCommand, markedRows } from './sandbox';
import type { Sandbox } from './sandbox';
import { countViolations, spillFiles, view, violations } from './check';
import { changing, FULL, killBefore, strace, traceCalls, wasKilled } from './strace';
import type { Call } from './strace';

/** What is put to the test: the shipped program, or a stand-in that proves the harness. */
export interface Program {
  readonly append: readonly string[];
  readonly verify?: readonly string[];
}

export const SHIPPED: Program = { append: APPEND, verify: ledgerCommand('verify', '--json') };

export interface KillSweep {
  readonly program: Program;
  /** What is killed, where it is not the append itself. */
  readonly command?: readonly string[];
  /** The state that every point starts from; undefined for none at all. */
  readonly template: Sandbox | undefined;
  /** Marks that the template holds, acknowledged before. */
  readonly before: readonly string[];
  /** Bytes at the template's tail that are torn. */
  readonly torn?: Buffer;
  /** The marks that the killed process is to append. */
  readonly marks: readonly string[];
  /** Variables for the killed process alone. */
  readonly childEnv?: (box: Sandbox) => Record<string, string>;
  /** Starts what must go on while the process is killed (a held lock, say); what it returns ends it. */
  readonly during?: (box: Sandbox) => Promise<() => Promise<void>>;
  /** The files whose calls alone count: where the number of other calls is not the same in each run. */
  readonly only?: (box: Sandbox) => readonly string[];
  /** Which points are run. Default: every call that changes something; in the long form every call. */
  readonly choose?: (calls: readonly Call[]) => Call[];
  /** The same in the long form, where every call would be thousands of reads between two changes. */
  readonly chooseInFull?: (calls: readonly Call[]) => Call[];
  /** What is looked at after the kill, in place of the next append and the pass rule. */
  readonly look?: (box: Sandbox) => Promise<string[]>;
  /** How many rows of repair the chain must show in the end (heal rows), where that is fixed. */
  readonly heals?: number;
}

const MAX_TRIES = 3;

export interface SweepResult {
  readonly points: number;
  readonly killed: number;
  readonly failures: readonly string[];
}

/** Kills the program before every chosen system call and returns what breaks the pass rule. */
export async function killSweep(sweep: KillSweep): Promise<SweepResult> {
  const calls = await tracePoints(sweep);
  const chosen = FULL ? (sweep.chooseInFull?.(calls) ?? calls) : (sweep.choose ?? changing)(calls);
  if (chosen.length === 0) throw new Error('expected system calls that touch the state, found none');
  const outcomes = await mapLimit(chosen, LANES, (call, i) => reachPoint(sometimesVerified(sweep, i), call));
  return {
    points: chosen.length,
    killed: outcomes.filter((outcome) => outcome.killed).length,
    failures: outcomes.flatMap((outcome) => outcome.failures),
  };
}

/** Node's own calls are not the same number in each run: a point that was not reached, with nothing else wrong, is tried again. */
async function reachPoint(sweep: KillSweep, call: Call): Promise<{ killed: boolean; failures: string[] }> {
  for (let tries = 1; ; tries++) {
    const outcome = await inSandbox(sweep.template, (box) => killPoint(sweep, box, call));
    if (outcome.killed || outcome.failures.length > 1 || tries === MAX_TRIES) return outcome;
  }
}

/** The pass rule reads every chain by itself; the shipped verify is asked at every point in the long form, else at each sixth. */
function sometimesVerified(sweep: KillSweep, point: number): KillSweep {
  return FULL || point % 6 === 0 ? sweep : { ...sweep, program: { append: sweep.program.append } };
}

/** The points of a sweep: the calls of one clean run that touch the state, after one that warms what is cached. */
export async function tracePoints(sweep: KillSweep): Promise<Call[]> {
  const trace = () =>
    inSandbox(sweep.template, async (box) => {
      const end = await sweep.during?.(box);
      const calls = await traceCalls(
        sweep.command ?? sweep.program.append,
        [box.dir, box.stateHome],
        straceOptions(sweep, box),
      );
      await end?.();
      return calls;
    });
  // Where only some files count, caches that fill up at the first run change nothing.
  if (sweep.only === undefined) await trace();
  return trace();
}

function straceOptions(sweep: KillSweep, box: Sandbox) {
  const childEnv = sweep.childEnv?.(box) ?? {};
  const limits = (sweep.only?.(box) ?? []).flatMap((path) => ['-P', path]);
  return { env: box.env, cwd: box.root, stdin: markedRows(sweep.marks), childEnv, arguments: limits };
}

async function killPoint(sweep: KillSweep, box: Sandbox, call: Call): Promise<{ killed: boolean; failures: string[] }> {
  const end = await sweep.during?.(box);
  const options = straceOptions(sweep, box);
  const kill = [...options.arguments, ...killBefore(call)];
  const traced = await strace(sweep.command ?? sweep.program.append, { ...options, arguments: kill });
  await end?.();
  const killed = wasKilled(traced);
  const failures = killed ? [] : [`not killed: exit ${traced.ended.status}, ${traced.ended.stderr}`];
  failures.push(...(await (sweep.look?.(box) ?? lookAtRows(sweep, box, traced.ended.stdout))));
  const heals = view(box).rows.filter((row) => row['action'] === 'audit.heal-truncation').length;
  if (sweep.heals !== undefined && heals !== sweep.heals)
    failures.push(`expected ${sweep.heals} heal rows, found ${heals}`);
  const place = `killed before ${call.name} #${call.nth}: ${call.text.replaceAll(box.root, '')}`;
  return { killed, failures: failures.map((failure) => `${failure}\n    ${place}`) };
}

function lookAtRows(sweep: KillSweep, box: Sandbox, stdout: string): Promise<string[]> {
  const acked = [...sweep.before, ...acknowledged(sweep.marks, stdout)];
  return recover(sweep.program, box, { acked, tried: sweep.marks, torn: sweep.torn });
}

export interface Fate {
  /** Marks acknowledged so far. */
  readonly acked: readonly string[];
  /** Marks tried, acknowledged or not. */
  readonly tried: readonly string[];
  /** Torn bytes known beforehand; those that the fault itself left are found and added here. */
  readonly torn?: Buffer | undefined;
}

/** After a fault: looks, appends once more, looks again. Returns everything that breaks the pass rule. */
export async function recover(program: Program, box: Sandbox, fate: Fate): Promise<string[]> {
  const found = view(box);
  const failures = countViolations(found, { acknowledged: fate.acked, tried: fate.tried }).map((f) => `${f} (at once)`);
  const torn = fate.torn ?? (found.torn.length > 0 ? found.torn : undefined);
  const next = await run(program.append, { env: box.env, cwd: box.root, stdin: markedRows(['next']) });
  if (next.status !== 0 || !next.stdout.includes('"landed"'))
    failures.push(`the next append did not land: exit ${next.status}, ${next.stdout.trim()} ${next.stderr.trim()}`);
  // A drain that failed left its file: the first append finishes it, the second takes what was spilled after it.
  const tried = [...fate.tried, 'second'];
  if (spillFiles(box).length > 0)
    await run(program.append, { env: box.env, cwd: box.root, stdin: markedRows(['second']) });
  const expected = { acknowledged: [...fate.acked, 'next'], tried, torn: torn === undefined ? [] : [torn] };
  failures.push(...violations(box, expected));
  if (program.verify !== undefined) {
    const verdict = await run(program.verify, { env: box.env, cwd: box.root });
    if (verdict.status !== 0)
      failures.push(`verify: exit ${verdict.status}, ${verdict.stdout.slice(0, 2000)} ${verdict.stderr}`);
  }
  return failures;
}
