/** A real browser, where there is one: driven over two pipes by its own protocol, so that nothing has to be installed for it. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-pipe'];

/** Chromium, or what is of its kind: what CHROME_PATH names, else what is on the PATH. */
export function browserPath(): string | undefined {
  const named = process.env['CHROME_PATH'];
  const works = (name: string): boolean => spawnSync(name, ['--version', '--headless', '--no-sandbox']).status === 0;
  return [...(named === undefined ? [] : [named]), ...NAMES].find(works);
}

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

export interface OpenPage {
  /** What an expression gives; a promise is waited for. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** What the browser told of the page: requests, dialogs, refused scripts. */
  readonly events: readonly { readonly method: string; readonly params: string }[];
}

export interface Browser {
  readonly open: (path: string) => Promise<OpenPage>;
  readonly close: () => Promise<void>;
}

export function startBrowser(path: string): Browser {
  const profile = mkdtempSync(join(tmpdir(), 'ledger-browser-'));
  const child = spawn(path, [...FLAGS, `--user-data-dir=${profile}`], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] }); // prettier-ignore
  const [input, output] = child.stdio.slice(3) as unknown as [Writable, Readable];
  const waiting = new Map<number, (message: Message) => void>();
  const listeners = new Map<string, (message: Message) => void>();
  let [last, rest] = [0, ''];
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (rest + chunk).split('\0');
    rest = messages.pop() ?? '';
    for (const text of messages) {
      const message = JSON.parse(text) as Message;
      if (message.id === undefined) listeners.get(message.sessionId ?? '')?.(message);
      else waiting.get(message.id)?.(message);
    }
  });
  const send = async (method: string, params: object = {}, sessionId?: string): Promise<Readonly<Record<string, unknown>>> => {
    const id = ++last;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result, error } = await answer;
    if (result === undefined) throw new Error(`${method}: ${error?.message ?? 'no answer'}`);
    return result;
  }; // prettier-ignore
  const open = async (file: string): Promise<OpenPage> => {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
    const session = (await send('Target.attachToTarget', { targetId, flatten: true }))['sessionId'] as string;
    const events: { method: string; params: string }[] = [];
    listeners.set(session, ({ method = '', params }) => events.push({ method, params: JSON.stringify(params) }));
    for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await send(`${domain}.enable`, {}, session);
    await send('Page.navigate', { url: pathToFileURL(file).href }, session);
    const evaluate = async (expression: string): Promise<unknown> => {
      const asked = { expression, awaitPromise: true, returnByValue: true };
      const answer = await send('Runtime.evaluate', asked, session);
      if (answer['exceptionDetails'] !== undefined) throw new Error(JSON.stringify(answer['exceptionDetails']));
      return (answer['result'] as { readonly value?: unknown }).value;
    };
    return { evaluate, events };
  };
  const close = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await send('Browser.close');
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { open, close };
}
