/** One question over HTTP, to the address that was named and no other: what it sends on to is not followed. */
import { AnchorFailure } from '../../core/anchor/failure';
import { shownUrl } from '../../core/anchor/target';
import { errnoOf } from '../../core/errors';

export interface Post {
  readonly url: string;
  readonly type: string;
  readonly body: Buffer | string;
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

/** A chain of certificates fits many times. */
const MAX_ANSWER_BYTES = 256 << 10;

/** @throws AnchorFailure where there is no answer, in time or at all */
export async function post({ url, type, body, timeoutMs }: Post): Promise<Answer> {
  const address = new URL(url);
  const headers = { 'content-type': type, 'user-agent': 'ledger', ...credentialsOf(address) };
  // An address with a password in it is not taken.
  address.username = '';
  address.password = '';
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(address, { method: 'POST', headers, body, redirect: 'manual', signal });
    const answer = await readAll(response);
    return { status: response.status, type: response.headers.get('content-type') ?? '', body: answer };
  } catch (error) {
    throw noAnswer(url, error, timeoutMs);
  }
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(plain).toString('base64')}` };
}

async function readAll(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += (chunk as Uint8Array).length;
    if (length > MAX_ANSWER_BYTES) throw new RangeError('an answer that is too long');
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks);
}

function noAnswer(url: string, error: unknown, timeoutMs: number): AnchorFailure {
  const isLate = error instanceof Error && error.name === 'TimeoutError';
  const cause = error instanceof Error ? error.cause : undefined;
  const why = isLate
    ? `no answer within ${timeoutMs / 1000} s`
    : error instanceof RangeError
      ? error.message
      : (errnoOf(cause) ?? errnoOf(error) ?? 'no answer');
  return new AnchorFailure(why, `an answer from ${shownUrl(url)}`, { cause: error });
}

/** @throws AnchorFailure for an answer that is not the one that was wanted */
export function refused(url: string, { status }: Answer, means?: string): AnchorFailure {
  const found = `HTTP status ${status}${means === undefined ? '' : ` (${means})`}`;
  return new AnchorFailure(found, `${shownUrl(url)} to take the head`);
}
