/** The system's git, on the repository that was named and no other. */
import { AnchorFailure } from '../../core/anchor/failure';
import { printable } from '../../core/printable';
import type { AnchorContext } from './context';
import { lastLine, runProgram } from './program';
import type { ProgramEnd } from './program';

export type GitRun = Pick<AnchorContext, 'env'> & { readonly limits: Pick<AnchorContext['limits'], 'gitMs'> };

/** Set while a hook of another repository runs: they would lead there. */
const OF_ANOTHER = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
];

export class Git {
  constructor(
    readonly folder: string,
    private readonly run: GitRun,
  ) {}

  /**
   * What git prints.
   * @throws AnchorFailure where it does not end well
   */
  async bytes(args: readonly string[], input: Buffer | string = ''): Promise<Buffer> {
    const end = await this.#end(args, input);
    if (end.status === 0) return end.stdout;
    const [what = ''] = args;
    const said = printable(lastLine(end.stderr) || lastLine(end.stdout.toString()));
    throw new AnchorFailure(`git ${what}: ${end.how}`, `"git ${what}" to end well in ${this.folder}`, {
      found: said === '' ? end.how : `${end.how}: ${said}`,
      ...(end.how === 'no such program' && { hint: 'install git, or anchor elsewhere' }),
    });
  }

  /** The same as one line of text. */
  async line(args: readonly string[], input: Buffer | string = ''): Promise<string> {
    return (await this.bytes(args, input)).toString().trim();
  }

  /** The same, and undefined where git says no. */
  async ask(args: readonly string[]): Promise<Buffer | undefined> {
    const { status, stdout } = await this.#end(args, '');
    return status === 0 ? stdout : undefined;
  }

  async #end(args: readonly string[], input: Buffer | string): Promise<ProgramEnd> {
    const env = { ...this.run.env, GIT_TERMINAL_PROMPT: '0' };
    const own = Object.fromEntries(Object.entries(env).filter(([name]) => !OF_ANOTHER.includes(name)));
    const all = ['-C', this.folder, ...args];
    return runProgram({ program: 'git', args: all, input, env: own, timeoutMs: this.run.limits.gitMs });
  }
}
