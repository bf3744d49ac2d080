/**
 * `cmd:PROGRAM ARGS…`: a command that signs, for keys in a token, a vault or another machine. The shell runs it with
 * LEDGER_SIGN in its environment:
 *
 *   public-key   it prints the line `ssh-ed25519 AAAA…`
 *   signature    it reads the bytes to be signed and prints their Ed25519 signature, as base64 or 64 raw bytes
 */
import { LedgerError } from '../../core/errors';
import { fingerprintOf, readPublicKey } from '../../core/signing/keys';
import type { KeySigner } from '../../core/signing/signer';

type Env = Readonly<Record<string, string | undefined>>;

export const COMMAND = 'cmd:';
const ASKED = 'LEDGER_SIGN';
const SIGNATURE_BYTES = 64;
const MAX_ANSWER_BYTES = 16 << 10;
/** Whoever holds the key may be asked first, or has to touch a token. */
const WAIT_MS = 120_000;
const BASE64_SIGNATURE = /^[A-Za-z0-9+/]{86}==$/;

export interface CommandOptions {
  readonly waitMs?: number;
}

/** @throws LedgerError KEY_UNUSABLE; the signer it resolves with throws the same */
export async function commandSigner(
  word: string,
  env: Env,
  { waitMs = WAIT_MS }: CommandOptions = {},
): Promise<KeySigner> {
  const command = word.slice(COMMAND.length).trim();
  if (command === '')
    throw unusable(word, 'a program', 'none', 'for instance: cmd:/usr/local/bin/sign-with-token slot1');
  const ask = (what: string, input: Uint8Array): Promise<Buffer> => answerOf({ word, command, waitMs, input, env: { ...env, [ASKED]: what } }); // prettier-ignore
  const publicKey = readPublicKey((await ask('public-key', Buffer.alloc(0))).toString('utf8'));
  if (publicKey === undefined)
    throw unusable(word, 'the line of an Ed25519 key, "ssh-ed25519 AAAA…"', 'other output', `it is asked with ${ASKED}=public-key in its environment`); // prettier-ignore
  const sign = async (bytes: Uint8Array): Promise<Buffer> => signatureIn(await ask('signature', bytes), word);
  return { alg: 'ed25519', keyId: fingerprintOf(publicKey), publicKey, sign };
}

function signatureIn(answer: Buffer, word: string): Buffer {
  if (answer.length === SIGNATURE_BYTES) return answer;
  const text = answer.toString('latin1').trim();
  if (BASE64_SIGNATURE.test(text)) return Buffer.from(text, 'base64');
  throw unusable(word, 'a signature as base64, or 64 raw bytes', `${answer.length} bytes of something else`);
}

interface Question {
  readonly word: string;
  readonly command: string;
  readonly env: Env;
  readonly input: Uint8Array;
  readonly waitMs: number;
}

/** What it prints; what it says on stderr is for the person who waits. */
function answerOf({ word, command, env, input, waitMs }: Question): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Loaded when it is needed: most keys are files.
    const { spawn } = process.getBuiltinModule('node:child_process');
    const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'pipe', 'inherit'], env });
    const chunks: Buffer[] = [];
    const fail = (found: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      child.stdout.destroy();
      reject(unusable(word, 'an answer of the command that signs', found));
    };
    const timer = setTimeout(() => fail(`none in ${waitMs / 1000} s`), waitMs);
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (chunks.reduce((sum, { length }) => sum + length, 0) > MAX_ANSWER_BYTES) fail('one that is too long');
    });
    // A command that reads nothing may sign all the same, or not: its answer tells.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.on('error', (error) => fail(error.message));
    child.on('close', (status, signal) => {
      if (status === 0) {
        clearTimeout(timer);
        resolve(Buffer.concat(chunks));
      } else fail(signal === null ? `exit status ${status}` : `its end by ${signal}`);
    });
  });
}

function unusable(word: string, wanted: string, found: string, hint?: string): LedgerError {
  return new LedgerError(
    'KEY_UNUSABLE',
    `expected ${wanted}, found ${found}: ${word}`,
    hint === undefined ? {} : { hint },
  );
}
