/**
 * The other end of `ledger_append` (`ledger shellenv`): the rows of one shell, one after the other, through two pipes.
 *
 *   request   fields, each ended by NUL: the name of the current folder, used where /proc does not lead to it; how many
 *             variables, or "-" for those of the request before (at first those that the coprocess was started with); each
 *             as NAME=value; how many words; the words, as they would follow `ledger append`
 *   answer    "<status> <lines of stdout> <lines of stderr>", then those lines: "0 0 0" for a row that is on disk
 *             "plain": this one takes a process of its own
 *   note      "@<number of the request> <id>": its row is about to be written under this id, so that it can be looked for
 *             should this process die. In the way of the answer, or in a pipe that both sides read: a shell that is woken
 *             by it, and has to wait again, takes a tenth of a millisecond longer
 *
 * It is answered before the next request is read. It ends with its input, or when its shell is gone, whoever still holds
 * the other end of the pipe.
 */
import { isUtf8 } from 'node:buffer';
import { existsSync, readFileSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { errnoOf, orNothing } from '../core/errors';
import { EXIT } from './exit';
import type { ExitCode } from './exit';
import type { Io } from './io';

/** A program that runs one command line after the other. */
type Run = (argv: readonly string[]) => Promise<void>;
type MakeProgram = (io: Io, onWriting: (ids: readonly string[]) => void) => Promise<Run>;

interface Request {
  readonly folder: string;
  /** What the shell exports of what an append looks at; undefined: as before. */
  readonly variables: readonly string[] | undefined;
  readonly words: readonly string[];
}

const ANSWERS = 1;
/** What is in a pipe of their own is taken out again before it is full, if it is as small as pipes get. */
const NOTES_TO_KEEP = 100;
const LOOK_FOR_OWNER_MS = 1_000;
/** What the shell sends with every request, where it can tell what is exported. */
const SENT = /^(?:LEDGER_|(?:TRACEPARENT|XDG_STATE_HOME|HOME)$)/;
/** Words that are about streams of the shell's own, or need more than an append has. */
const NOT_HERE = /^(?:-|-h|--help|--version|--enforce|--sign(?:=.*)?)$|(?:^|[=@])\/(?:dev|proc)\//;

/** @param notes the descriptor for notes, where they have one of their own */
export async function answerShell(
  { ownerPid, notes }: { readonly ownerPid: number; readonly notes: number | undefined },
  makeProgram: MakeProgram,
): Promise<void> {
  // The terminal means the script: its traps may have rows to append.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const io = new RequestIo(ownerPid);
  const requests = new Requests();
  const run = await makeProgram(io, (ids) => write(notes ?? ANSWERS, `@${requests.count} ${ids.at(-1) ?? ''}\n`));
  const answer = async (bytes: Buffer): Promise<void> => {
    write(ANSWERS, await io.answer(requestIn(bytes), run));
    if (notes !== undefined && requests.count % NOTES_TO_KEEP === 0) forget(notes);
  };
  const input = process.stdin;
  const watch = setInterval(
    ownerWatch(ownerPid, () => input.destroy()),
    LOOK_FOR_OWNER_MS,
  );
  try {
    await eachChunk(input, (chunk) => {
      const request = requests.push(chunk);
      return request === undefined ? undefined : answer(request);
    });
  } finally {
    clearInterval(watch);
  }
}

/** One after the other, until the end: a loop over the stream itself would wait several turns longer for each. */
async function eachChunk(input: NodeJS.ReadStream, take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
  let last: Promise<void> | undefined;
  await new Promise<void>((resolve, reject) => {
    input.on('data', (chunk: Buffer) => {
      last = last === undefined ? take(chunk) : last.then(() => take(chunk));
      last?.catch(reject);
    });
    input.on('close', resolve);
    input.on('error', reject);
  });
  await last;
}

/** Nobody reads it any more: the input ends, too. */
function write(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch (error) {
    if (errnoOf(error) !== 'EPIPE') throw error;
  }
}

/** The notes so far. One of our own goes with them, so that there is something to read. */
function forget(notes: number): void {
  write(notes, '\n');
  readSync(notes, Buffer.alloc(64 << 10));
}

/** Descriptors are inherited by whatever a script leaves behind, so the end of the input alone does not tell. */
function ownerWatch(pid: number, onGone: () => void): () => void {
  const program = (): string => [orNothing(() => readlinkSync(`/proc/${pid}/exe`)), startOfStack(pid)].join(' ');
  const before = program();
  return () => {
    const isThere = orNothing(() => process.kill(pid, 0)) === true;
    // "exec" keeps the pid.
    if (!isThere || program() !== before) onGone();
  };
}

/** Another one after each "exec", even of the same program. */
function startOfStack(pid: number): string | undefined {
  const text = orNothing(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  // "<pid> (<name, of any bytes>) <field 3> …"
  return text?.slice(text.lastIndexOf(') ') + 2).split(' ')[28 - 3];
}

/** Gathers the bytes of one request, and counts them, as the shell does. */
class Requests {
  count = 0;
  #bytes: Buffer = Buffer.alloc(0);

  /** The request, once it is whole. The shell waits for the answer, so nothing follows it. */
  push(chunk: Buffer): Buffer | undefined {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const bytes = this.#bytes;
    if (!isWhole(bytes)) return undefined;
    this.#bytes = Buffer.alloc(0);
    this.count++;
    return bytes;
  }
}

function isWhole(bytes: Buffer): boolean {
  const fields = bytes.toString('latin1').split('\0');
  const variables = fields[1] === '-' ? 0 : Number(fields[1]);
  const words = Number(fields[2 + variables]);
  return fields.length > 3 + variables + words;
}

/** Undefined where it is no UTF-8: what is said of that is said of the command line itself. */
function requestIn(bytes: Buffer): Request | undefined {
  if (!isUtf8(bytes)) return undefined;
  const [folder = '', count = '', ...rest] = bytes.toString('utf8').split('\0').slice(0, -1);
  if (count === '-') return { folder, variables: undefined, words: rest.slice(1) };
  const variables = rest.slice(0, Number(count));
  return { folder, variables, words: rest.slice(variables.length + 1) };
}

/** The process as the command sees it for one request: the shell's environment, its output gathered for the answer. */
class RequestIo implements Io {
  env: Readonly<Record<string, string | undefined>> = process.env;
  readonly isTTY = false;
  readonly isErrTTY = false;
  readonly columns = 80;
  readonly stdin = process.stdin;
  readonly #always = Object.entries(process.env).filter(([name]) => !SENT.test(name));
  #out = '';
  #err = '';
  #code: ExitCode = EXIT.ok;
  readonly #ownersFolder: string | undefined;

  constructor(ownerPid: number) {
    const link = `/proc/${ownerPid}/cwd`;
    if (existsSync(link)) this.#ownersFolder = link;
  }

  nowMs(): number {
    return Date.now();
  }

  stdout(text: string): boolean {
    this.#out += text;
    return true;
  }

  pass(chunk: Buffer): Promise<void> {
    this.#out += chunk.toString();
    return Promise.resolve();
  }

  stderr(text: string): void {
    this.#err += text;
  }

  setExit(code: ExitCode): void {
    this.#code = code;
  }

  async answer(request: Request | undefined, run: Run): Promise<string> {
    if (request === undefined || !this.#takes(request)) return 'plain\n';
    [this.#out, this.#err, this.#code] = ['', '', EXIT.ok];
    const { words } = request;
    await run(words.includes('--json') ? ['append', ...words] : ['-q', 'append', ...words]);
    const [out, err] = [inLines(this.#out), inLines(this.#err)];
    return `${this.#code} ${out.count} ${err.count}\n${out.text}${err.text}`;
  }

  /** Becomes as the shell is now; false where that cannot be, or where the request is not for here. */
  #takes({ folder, variables, words }: Request): boolean {
    if (words.length === 0 || words.some((word) => NOT_HERE.test(word))) return false;
    // By its name it may be another folder by now. Each time: this one may have another name by now.
    if (orNothing(() => (process.chdir(this.#ownersFolder ?? folder), process.cwd())) === undefined) return false;
    if (variables === undefined) return true;
    const sent = variables.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)] as const);
    this.env = Object.fromEntries([...this.#always, ...sent]);
    return true;
  }
}

function inLines(text: string): { readonly text: string; readonly count: number } {
  const ended = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return { text: ended, count: ended.split('\n').length - 1 };
}
