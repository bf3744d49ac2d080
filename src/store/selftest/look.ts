/** Looks for an attack as people and programs do: with --json, in prose and with --quiet, each in a process of its own. */
import type { AttackCheck } from '../../core/attacks/attack';
import type { FoundCode, Look, Seen } from '../../core/attacks/judge';
import { orNothing } from '../../core/errors';
import type { Answer, Scratch } from './scratch';

export type CommandCheck = Exclude<AttackCheck, 'guess'>;

const COMMANDS: Readonly<Record<CommandCheck, readonly string[]>> = {
  verify: ['verify'],
  governance: ['verify', '--governance', '--run', 'run-4'],
  bundle: ['bundle', 'verify', 'bundle.json', '--key', 'auditor.pub'],
};

export async function look(scratch: Scratch, check: CommandCheck): Promise<Look> {
  const run = (...mode: readonly string[]): Promise<Answer> => scratch.run([...COMMANDS[check], ...mode]);
  const [json, prose, quiet] = await Promise.all([run('--json'), run(), run('--quiet')]);
  return { json: { ...seen(json), codes: codesIn(json) }, prose: seen(prose), quiet: seen(quiet) };
}

/** What is amiss before an attack: nothing is caught where something was amiss already. */
export async function greenFaults(scratch: Scratch, check: CommandCheck): Promise<readonly string[]> {
  const answer = await scratch.run([...COMMANDS[check], '--json']);
  const codes = codesIn(answer);
  if (answer.exit === 0 && codes.length === 0) return [];
  const found = codes.map(({ code }) => code).join(', ') || answer.stderr.slice(0, 200);
  return [`expected nothing amiss before the attack, found exit ${answer.exit ?? 'none'} ${found}`.trimEnd()];
}

function seen({ exit, stdout, stderr }: Answer): Seen {
  return { exit: exit ?? null, text: `${stdout}${stderr}` };
}

interface Told {
  readonly findings?: readonly (Pick<FoundCode, 'code' | 'place'> & { readonly seq: number | null })[];
  readonly governance?: { readonly findings: readonly { readonly code: string; readonly rows: readonly number[] }[] };
  readonly error?: { readonly code: string; readonly message: string };
}

function codesIn({ stdout, stderr }: Answer): FoundCode[] {
  const told = orNothing(() => JSON.parse(stdout || stderr) as Told) ?? {};
  const { findings = [], governance, error } = told;
  const governed = governance?.findings.map(({ code, rows }) => ({ code, row: rows[0] ?? null })) ?? [];
  const refused = error === undefined ? [] : [{ ...error, row: null }];
  return [...findings.map(({ code, seq, place = null }) => ({ code, row: seq, place })), ...governed, ...refused];
}
