/**
 * A ledger to attack, in a folder of its own, made by the very program that is tested: rows, a signed approval, checkpoints,
 * a remembered head, a bundle. Nothing of the user's is read or written: no ledger, settings, keys or state home.
 *
 *   <root>/<lane>/plain, anchored   as they were made
 *   <root>/<lane>/play              a fresh copy for each attack, always at this path: a remembered head is of one folder
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Ground } from '../../core/attacks/attack';
import { APPROVAL } from '../../core/attacks/scratch';
import { sha256Hex } from '../../core/digest';
import { LedgerError } from '../../core/errors';
import { runProgram } from '../anchor/program';

export interface Answer {
  /** Undefined where it did not end by itself. */
  readonly exit: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Does what an attack says to the copy of the ledger. */
export type Play = (scratch: Scratch) => Promise<void> | void;
/** By the name of the attack. */
export type Plays = Readonly<Record<string, Play>>;

/** The program that is tested: `[node, …, ledger.js]`. */
export type Program = readonly string[];

const TIMEOUT_MS = 30_000;

/** A folder for scratch ledgers. */
export function scratchRoot(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'ledger-selftest-')));
}

export function removeScratch(root: string): void {
  rmSync(root, { recursive: true, force: true });
}

export class Scratch {
  readonly #play: string;
  readonly #lane: string;

  private constructor(
    private readonly root: string,
    lane: number,
    private readonly program: Program,
    private readonly searchPath: string | undefined,
  ) {
    this.#lane = join(root, `${lane}`);
    this.#play = join(this.#lane, 'play');
  }

  /** @throws the system's error */
  static open(root: string, lane: number, program: Program, searchPath: string | undefined): Scratch {
    const scratch = new Scratch(root, lane, program, searchPath);
    mkdirSync(scratch.path('state'), { recursive: true, mode: 0o700 });
    return scratch;
  }

  /** What was made until now is what each attack on this ground begins with. */
  settle(ground: Ground): void {
    renameSync(this.#play, join(this.#lane, ground));
  }

  has(ground: Ground): boolean {
    return existsSync(join(this.#lane, ground));
  }

  renew(ground: Ground): void {
    rmSync(this.#play, { recursive: true, force: true });
    cpSync(join(this.#lane, ground), this.#play, { recursive: true, preserveTimestamps: true });
  }

  /** Keeps what an attack has left, under its name. Its remembered head is of the folder that it was played in. */
  keep(name: string): void {
    renameSync(this.#play, join(this.root, name));
  }

  /** Nothing is kept but what was asked for. */
  end(): void {
    rmSync(this.#lane, { recursive: true, force: true });
  }

  /** A file beside the state folder, or in it. */
  path(...names: readonly string[]): string {
    return join(this.#play, 'work', ...names);
  }

  /** Where keys lie, and what is remembered of ledgers. */
  homePath(...names: readonly string[]): string {
    return join(this.#play, 'home', ...names);
  }

  /** Runs the program; a thief has the same keys and another state home, which remembers nothing. */
  run(args: readonly string[], { input, who }: { input?: string; who?: string } = {}): Promise<Answer> {
    const [program = '', ...before] = this.program;
    return this.runOther(program, [...before, ...args], input, who);
  }

  /** Runs another program in the same surroundings. */
  async runOther(program: string, args: readonly string[], input = '', who = 'home'): Promise<Answer> {
    const env = {
      PATH: this.searchPath,
      HOME: this.homePath(),
      XDG_CONFIG_HOME: this.homePath('config'),
      XDG_STATE_HOME: join(this.#play, who, 'state'),
      TZ: 'UTC',
    };
    const run = { program, args, input, env, folder: this.path(), timeoutMs: TIMEOUT_MS };
    const { status, stdout, stderr } = await runProgram(run);
    return { exit: status, stdout: stdout.toString(), stderr };
  }

  /** The command that appends an approval. */
  approvalBy(key: string): string[] {
    return ['append', '--sign', key, JSON.stringify({ ...APPROVAL, actor: key })];
  }

  /** @throws LedgerError SELFTEST_FAILED where it does not end well */
  async must(args: readonly string[], more: { input?: string; who?: string } = {}): Promise<string> {
    const { exit, stdout, stderr } = await this.run(args, more);
    if (exit === 0) return stdout;
    const found = `exit ${exit ?? 'by a signal'}: ${(stderr || stdout).trim().slice(0, 400)}`;
    throw new LedgerError('SELFTEST_FAILED', `expected "ledger ${args.join(' ')}" to end well, found ${found}`);
  }

  /** The program is to say no, with this code. */
  async mustRefuse(args: readonly string[], codes: readonly string[], more: { who?: string } = {}): Promise<void> {
    const { exit, stdout, stderr } = await this.run([...args, '--json'], more);
    const said = `${stdout}${stderr}`;
    if (exit !== 0 && codes.some((code) => said.includes(`"${code}"`))) return;
    const found = `exit ${exit ?? 'by a signal'}: ${said.trim().slice(0, 400)}`;
    throw new LedgerError('SELFTEST_FAILED', `expected ${codes.join(' or ')} of "ledger ${args.join(' ')}", found ${found}`); // prettier-ignore
  }

  /** The lines of the ledger, or of another one beside it. */
  lines(state = 'state'): string[] {
    return readFileSync(this.path(state, 'audit.jsonl'), 'utf8').trimEnd().split('\n');
  }

  writeLines(lines: readonly string[]): void {
    writeFileSync(this.path('state', 'audit.jsonl'), lines.map((line) => `${line}\n`).join(''));
  }

  /** One line is made another; lines are counted from 1, as rows are. */
  changeLine(seq: number, change: (line: string) => string): void {
    this.writeLines(this.lines().map((line, i) => (i === seq - 1 ? change(line) : line)));
  }

  /** What every file of the copy holds, by digest. */
  digests(): ReadonlyMap<string, string> {
    const files = readdirSync(this.#play, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
    return new Map(paths.map((path) => [relative(this.#play, path), sha256Hex(readFileSync(path))]));
  }
}
