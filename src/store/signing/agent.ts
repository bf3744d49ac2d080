/** Keys that ssh-agent holds: they sign without leaving it. One question a connection, over its socket. */
import { errnoOf, LedgerError } from '../../core/errors';
import { KEY_TYPE, blobOf, keyInBlob } from '../../core/signing/keys';
import type { PublicKey } from '../../core/signing/keys';
import { WireReader, wireNumber, wireText } from '../../core/signing/wire';

const LIST = 11;
const LISTED = 12;
const SIGN = 13;
const SIGNED = 14;
const NO_FLAGS = 0;
/** Whoever guards the key may be asked first. */
const SIGN_WAIT_MS = 120_000;
const LIST_WAIT_MS = 5_000;
const MAX_ANSWER_BYTES = 1 << 20;

/**
 * The Ed25519 keys of an agent.
 * @param socket `$SSH_AUTH_SOCK`
 * @throws LedgerError KEY_UNUSABLE where nobody answers there
 */
export async function agentKeys(socket: string): Promise<PublicKey[]> {
  const reader = new WireReader(await ask(socket, Buffer.from([LIST]), LISTED, LIST_WAIT_MS));
  return understood(socket, () =>
    Array.from({ length: reader.number() }, () => {
      const bytes = keyInBlob(reader.text());
      const comment = reader.text().toString();
      return bytes && { bytes, comment };
    }).filter((key) => key !== undefined),
  );
}

/**
 * @returns the 64 bytes of the signature
 * @throws LedgerError KEY_UNUSABLE where the agent will not, or nobody answers
 */
export async function signWithAgent(socket: string, { bytes }: PublicKey, data: Uint8Array): Promise<Buffer> {
  const question = Buffer.concat([Buffer.from([SIGN]), wireText(blobOf(bytes)), wireText(data), wireNumber(NO_FLAGS)]);
  const reader = new WireReader(await ask(socket, question, SIGNED, SIGN_WAIT_MS));
  return understood(socket, () => {
    const signature = new WireReader(reader.text());
    if (signature.text().toString() !== KEY_TYPE) throw new RangeError('another kind of signature');
    return signature.text();
  });
}

function understood<T>(socket: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unusable(socket, 'an answer that is none', cause);
  }
}

/** What stands behind the first byte of the answer, which says what it is. */
async function ask(socket: string, question: Buffer, wanted: number, waitMs: number): Promise<Buffer> {
  // Most who sign ask no agent.
  const { createConnection } = await import('node:net');
  return new Promise((resolve, reject) => {
    const connection = createConnection({ path: socket });
    let answer = Buffer.alloc(0);
    const fail = (found: string, cause?: unknown): void => {
      connection.destroy();
      reject(unusable(socket, found, cause));
    };
    const timer = setTimeout(() => fail(`no answer in ${waitMs / 1000} s`), waitMs);
    connection.on('close', () => clearTimeout(timer));
    connection.on('error', (error) => fail(errnoOf(error) ?? 'an error', error));
    connection.on('end', () => fail('the end of the connection'));
    connection.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length < 4) return;
      const end = 4 + answer.readUInt32BE(0);
      if (end > MAX_ANSWER_BYTES) fail('an answer that is too long');
      else if (answer.length >= end) {
        connection.destroy();
        if (answer[4] === wanted) resolve(answer.subarray(5, end));
        else reject(unusable(socket, 'that it will not: locked, refused, or without that key'));
      }
    });
    connection.write(wireText(question));
  });
}

function unusable(socket: string, found: string, cause?: unknown): LedgerError {
  return new LedgerError('KEY_UNUSABLE', `expected an answer of ssh-agent at ${socket}, found ${found}`, {
    hint: '"ssh-add -l" lists the keys that it holds; SSH_AUTH_SOCK names its socket',
    cause,
  });
}
