/** Looks for an attack as people and programs do: with --json, in prose and with --quiet, each in a process of its own. */
import type { Attack, AttackCheck } from '../../core/attacks/attack';
import { SEQ } from '../../core/attacks/scratch';
import type { FoundCode, Look, Seen } from '../../core/attacks/judge';
import { orNothing } from '../../core/errors';
import type { Answer, Scratch } from './scratch';

export type CommandCheck = Exclude<AttackCheck, 'guess'>;

const COMMANDS: Readonly<Record<CommandCheck, readonly string[]>> = {
  verify: ['verify'],
  governance: ['verify', '--governance', '--run', 'run-4'],
  bundle: ['bundle', 'verify', 'bundle.json', '--key', 'auditor.pub'],
  evidence: ['verify', 'evidence.txt', '--key', 'auditor.pub'],
  consistency: ['prove', '--consistency', 'kept.txt'],
  disclose: ['disclose', `${SEQ.sealed}`, 'reason'],
  disclosed: ['disclose', '--check', 'opening.json'],
};

export async function look(scratch: Scratch, check: CommandCheck): Promise<Look> {
  const run = (...mode: readonly string[]): Promise<Answer> => scratch.run([...COMMANDS[check], ...mode]);
  const [json, prose, quiet] = await Promise.all([run('--json'), run(), run('--quiet')]);
  return { json: { ...seen(json), codes: codesIn(json) }, prose: seen(prose), quiet: seen(quiet) };
}

/** What is amiss before attacks: nothing is caught where something was amiss already. */
export class GreenLook {
  /** Copies of a ground are the same to the byte, and so are the answers. */
  readonly #answers = new Map<string, Answer>();

  async faults(scratch: Scratch, check: CommandCheck, { ground = 'plain', words }: Attack): Promise<string[]> {
    const key = `${ground} ${check}`;
    const answer = this.#answers.get(key) ?? (await scratch.run([...COMMANDS[check], '--json']));
    this.#answers.set(key, answer);
    const codes = codesIn(answer);
    const isSaid = words !== undefined && answer.stdout.includes(words);
    if (answer.exit === 0 && codes.length === 0 && !isSaid) return [];
    const found = codes.map(({ code }) => code).join(', ') || (isSaid ? words : answer.stderr.slice(0, 200));
    return [`expected nothing amiss before the attack, found exit ${answer.exit ?? 'none'} ${found}`.trimEnd()];
  }
}

function seen({ exit, stdout, stderr }: Answer): Seen {
  return { exit: exit ?? null, text: `${stdout}${stderr}` };
}

interface Told {
  readonly findings?: readonly (Pick<FoundCode, 'code' | 'place'> & { readonly seq?: number | null })[];
  readonly governance?: { readonly findings: readonly { readonly code: string; readonly rows: readonly number[] }[] };
  readonly error?: { readonly code: string; readonly message: string };
}

function codesIn({ stdout, stderr }: Answer): FoundCode[] {
  const told = orNothing(() => JSON.parse(stdout || stderr) as Told) ?? {};
  const { findings = [], governance, error } = told;
  const governed = governance?.findings.map(({ code, rows }) => ({ code, row: rows[0] ?? null })) ?? [];
  const refused = error === undefined ? [] : [{ ...error, row: null }];
  return [
    ...findings.map(({ code, seq = null, place = null }) => ({ code, row: seq, place })),
    ...governed,
    ...refused,
  ];
}
