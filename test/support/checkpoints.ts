/**
 * A ledger with a key, settings and a home of its own, signed as the command signs it; and those who do it harm: rows
 * written anew with hashes that are right, an older folder in the place of a newer one.
 */
import { createHash, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { VerifyResult } from '../../src/core/verdict';
import { publicKeyLine } from '../../src/core/signing/keys';
import { checkpoint } from '../../src/services/checkpoint';
import type { CheckpointResult } from '../../src/services/checkpoint';
import { sweep } from '../../src/services/sweep';
import { verify } from '../../src/services/verify';
import { Writer } from '../../src/store/append/writer';
import { locate } from '../../src/store/ledger/locate';
import type { Place } from '../../src/store/ledger/locate';
import { nodeHost } from '../../src/store/machine/nodeHost';
import { statePaths } from '../../src/store/paths';
import type { StatePaths } from '../../src/store/paths';
import { withHash } from './forgedRows';
import { quiet } from './heads';
import { makeLedger, sampleRows, TEST_LEDGER_ID } from './ledgers';
import { checked } from './writers';

export interface KeyFile {
  readonly path: string;
  /** 32 bytes. */
  readonly publicKey: Buffer;
  /** As the settings have it. */
  readonly line: string;
}

export interface SignedLedger {
  readonly root: string;
  readonly place: Place;
  readonly paths: StatePaths;
  readonly key: KeyFile;
  sign(more?: {
    readonly full?: boolean;
    readonly key?: string;
    readonly to?: readonly string[];
  }): Promise<CheckpointResult>;
  verify(more?: Partial<Parameters<typeof verify>[0]>): Promise<VerifyResult>;
  append(...rows: readonly Readonly<Record<string, unknown>>[]): Promise<void>;
  /** Makes the index, or brings it up to the last row. */
  index(): Promise<void>;
  settings(settings: object): void;
  lines(): string[];
  /** The whole file, anew. */
  write(lines: readonly string[]): void;
  /** The rows of an action, from their text. */
  rowsOf(action: string): { readonly seq: number; readonly payload: Readonly<Record<string, unknown>> }[];
  /** The names of the checkpoints, in order. */
  checkpoints(): string[];
}

export function keyFile(path: string): KeyFile {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const bytes = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return { path, publicKey: bytes, line: publicKeyLine({ bytes, comment: 'test' }) };
}

export function secretOf({ path }: KeyFile): KeyObject {
  return createPrivateKey(readFileSync(path));
}

export const trusted = (key: KeyFile, more: object = {}): object => ({
  actor: 'ops',
  roles: ['checkpoint'],
  key: key.line,
  ...more,
});

/**
 * @param t undefined: whoever asks takes it away
 * @param rows how many, besides row 1
 */
export function signedLedger(
  t: TestContext | undefined,
  { rows = 11, ledgerId = TEST_LEDGER_ID }: { readonly rows?: number; readonly ledgerId?: string } = {},
): SignedLedger {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ledger-signed-')));
  t?.after(() => rmSync(root, { recursive: true, force: true }));
  const place = { dir: join(root, 'state'), configPath: undefined, env: { XDG_STATE_HOME: join(root, 'home') } };
  const identity = { ledgerId, origin: `local/${ledgerId}`, lock: 'kernel' } as const;
  makeLedger(place.dir, sampleRows(rows), { identity });
  const key = keyFile(join(root, 'keys/ops'));
  const paths = statePaths(place.dir, place.env);
  const settings = (wanted: object): void => writeFileSync(join(root, 'ledger.config.json'), JSON.stringify(wanted));
  settings({ keys: [trusted(key)] });
  const lines = (): string[] => linesIn(paths.ledger);
  return {
    root,
    place,
    paths,
    key,
    sign: (more = {}) => checkpoint({ place, full: false, to: [], key: key.path, events: quiet, ...more }),
    verify: (more = {}) => verify({ place, tailWaitMs: 0, ...more }),
    append: async (...more) => {
      const durability = locate(place).config.durability;
      const writer = new Writer({ paths, host: nodeHost(), durability, events: quiet });
      await writer.append(more.map(checked)).finally(() => writer.close());
    },
    index: async () => {
      await sweep({ place, dryRun: false });
    },
    settings,
    lines,
    write: (wanted) => writeFileSync(paths.ledger, wanted.map((line) => `${line}\n`).join('')),
    rowsOf: (action) =>
      lines().flatMap((line) => {
        const row = JSON.parse(line) as { action: string; seq: number; payload: Record<string, unknown> };
        return row.action === action ? [row] : [];
      }),
    checkpoints: () => readdirSync(paths.checkpoints).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)),
  };
}

export function linesIn(path: string): string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}

const sha256 = (...parts: readonly Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** The root over rows, word for word as RFC 6962 (2.1) defines it, in base64. */
export function rootOf(lines: readonly string[]): string {
  const tree = (hashes: readonly Buffer[]): Buffer => {
    if (hashes.length === 1) return sha256(Buffer.of(0), hashes[0] as Buffer);
    let k = 1;
    while (k * 2 < hashes.length) k *= 2;
    return sha256(Buffer.of(1), tree(hashes.slice(0, k)), tree(hashes.slice(k)));
  };
  return tree(lines.map((line) => Buffer.from((JSON.parse(line) as { hash: string }).hash, 'hex'))).toString('base64');
}

/** Lines written anew from row `seq` on: `change` makes its text another one, and every link behind it is made right. */
export function rechained(lines: readonly string[], seq: number, change: (text: string) => string): string[] {
  const renamed: [string, string][] = [];
  return lines.map((line, i) => {
    if (i + 1 < seq) return line;
    const { hash } = JSON.parse(line) as { hash: string };
    const open = `${line.slice(0, line.lastIndexOf(',"hash":"'))}}`;
    const linked = renamed.reduce((text, [from, to]) => text.replaceAll(from, to), open);
    const anew = withHash(i + 1 === seq ? change(linked) : linked);
    renamed.push([hash, (JSON.parse(anew) as { hash: string }).hash]);
    return anew;
  });
}

/** What row `seq` says is another agent: its hash shows it, and nothing else does. */
export const otherAgent = (text: string): string => text.replace('"agent":"', '"agent":"x');

/** Keeps everything as it is now, the home and the settings too; what it returns puts it back. */
export function keepAll(t: TestContext, { root }: SignedLedger): () => void {
  const copy = `${root}.copy`;
  cpSync(root, copy, { recursive: true, preserveTimestamps: true });
  t.after(() => rmSync(copy, { recursive: true, force: true }));
  return () => {
    rmSync(root, { recursive: true });
    cpSync(copy, root, { recursive: true, preserveTimestamps: true });
  };
}

/** Keeps the state folder as it is now; what it returns puts it back. */
export function keepFolder({ paths: { dir } }: SignedLedger): () => void {
  const copy = `${dir}.copy`;
  cpSync(dir, copy, { recursive: true, preserveTimestamps: true });
  return () => {
    rmSync(dir, { recursive: true });
    cpSync(copy, dir, { recursive: true, preserveTimestamps: true });
  };
}

/** A row more. */
export const PROBE = { action: 'pulse.probe', agent: 'late', run_id: 'run-1' };

/** Signed twice, and its folder as it was after the first time: the second head is remembered outside of it. */
export async function rolledBack(t: TestContext): Promise<SignedLedger> {
  const ledger = signedLedger(t);
  await ledger.sign();
  const rollBack = keepFolder(ledger);
  await ledger.append(PROBE);
  await ledger.sign();
  rollBack();
  return ledger;
}
