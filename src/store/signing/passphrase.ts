/**
 * Passphrases of keys: from a file or descriptor that `LEDGER_KEY_PASSPHRASE_FILE` names, one a line, else from the person
 * at the terminal. Never from a flag or a variable: others see those.
 */
import { fstatSync, openSync, readFileSync } from 'node:fs';
import type { ReadStream } from 'node:tty';
import { LedgerError, orNothing } from '../../core/errors';
import { readKeyBytes } from './keyBytes';

type Env = Readonly<Record<string, string | undefined>>;

export const PASSPHRASE_FILE = 'LEDGER_KEY_PASSPHRASE_FILE';
const DESCRIPTOR = /^\/(?:dev|proc\/self)\/fd\/([0-9]{1,4})$/;
const LEAST_LENGTH = 8;
const MAX_LENGTH = 1024;
/** A descriptor can be read once. */
const read = new Map<string, string>();

/**
 * What may open a key, one after the other.
 * @param path of the key, for whoever is asked
 * @throws LedgerError KEY_UNUSABLE where nobody can be asked, READ_FAILED
 */
export async function passphrasesFor(path: string, env: Env): Promise<readonly string[]> {
  return passphrasesIn(env) ?? [await ask(path, `passphrase of ${path}: `)];
}

/**
 * One for a new key: the first line of the file, or what a person types twice.
 * @throws LedgerError USAGE, KEY_UNUSABLE, READ_FAILED
 */
export async function newPassphrase(path: string, env: Env): Promise<string> {
  const [given] = passphrasesIn(env) ?? [];
  if (given !== undefined) return longEnough(given);
  const typed = longEnough(await ask(path, `passphrase for ${path}: `));
  if ((await ask(path, 'the same again: ')) === typed) return typed;
  throw new LedgerError('USAGE', 'expected the same passphrase twice, found two');
}

function longEnough(passphrase: string): string {
  if (passphrase.length >= LEAST_LENGTH) return passphrase;
  throw new LedgerError('USAGE', `expected a passphrase of ${LEAST_LENGTH} characters or more, found a shorter one`);
}

function passphrasesIn(env: Env): readonly string[] | undefined {
  const path = env[PASSPHRASE_FILE];
  if (!path) return undefined;
  const text = read.get(path) ?? textIn(path);
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (lines.length > 0) return lines;
  throw new LedgerError('KEY_UNUSABLE', `expected a passphrase in ${path}, found none`, { place: { segment: path } });
}

function textIn(path: string): string {
  const fd = DESCRIPTOR.exec(path)?.[1];
  if (fd === undefined) return readKeyBytes(path, true).toString('utf8');
  const text = readDescriptor(Number(fd), path);
  read.set(path, text);
  return text;
}

function readDescriptor(fd: number, path: string): string {
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return readFileSync(fd, 'utf8').slice(0, MAX_LENGTH);
  } catch (cause) {
    throw new LedgerError('READ_FAILED', `expected a passphrase in ${path}, found no open descriptor`, { cause });
  }
  // A file behind a descriptor is held to the mode of any other.
  return readKeyBytes(path, true).toString('utf8');
}

/** What a person types at the terminal, without its being shown. */
async function ask(path: string, prompt: string): Promise<string> {
  const fd = process.stderr.isTTY ? openTerminal() : undefined;
  if (fd === undefined)
    throw new LedgerError('KEY_UNUSABLE', `expected the passphrase of ${path}, found nobody to ask for it`, {
      place: { segment: path },
      hint: `run it at a terminal, or let ${PASSPHRASE_FILE} name a file (mode 600) or /dev/fd/N that has it`,
    });
  // Most who read keys ask nobody.
  const { ReadStream: Terminal } = await import('node:tty');
  const keys = new Terminal(fd);
  try {
    // Before anybody is asked: what is typed ahead is not shown either.
    keys.setRawMode(true);
    process.stderr.write(prompt);
    return await typedLine(keys);
  } finally {
    keys.setRawMode(false);
    keys.destroy();
    process.stderr.write('\n');
  }
}

function openTerminal(): number | undefined {
  return orNothing(() => openSync('/dev/tty', 'r'));
}

const [INTERRUPT, END, BACKSPACE, DELETE] = ['\x03', '\x04', '\b', '\x7f'];

function typedLine(keys: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed: string[] = [];
    const take = (char: string): boolean => {
      if (char === '\r' || char === '\n' || char === END) resolve(typed.join(''));
      else if (char === INTERRUPT) reject(new LedgerError('KEY_UNUSABLE', 'expected a passphrase, found an interrupt'));
      else if (char === BACKSPACE || char === DELETE) typed = typed.slice(0, -1);
      else if (typed.length < MAX_LENGTH) typed.push(char);
      return char === '\r' || char === '\n' || char === END || char === INTERRUPT;
    };
    keys.setEncoding('utf8');
    keys.on('error', reject);
    keys.on('end', () => resolve(typed.join('')));
    keys.on('data', (text) => void [...String(text)].some(take));
  });
}
