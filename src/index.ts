/**
 * The library: the same ledger, the same guarantees, from a program.
 *
 *   import { openLedger } from 'ledger';
 *   const ledger = openLedger({ dir: './state' });
 *   const [receipt] = await ledger.append([{ agent: 'coder', action: 'tool.used', cost_usd: '0.0123' }]);
 *   await ledger.close();
 */
import { LedgerError } from './core/errors';
import { toJson } from './core/json';
import type { JsonObject } from './core/json';
import type { Row, RowInput } from './core/members';
import type { RollupReport } from './core/rollup';
import type { VerifyResult } from './core/verdict';
import { queryRows } from './services/query';
import type { ReadAsked } from './services/query';
import { rollup } from './services/rollup';
import type { RollupOptions } from './services/rollup';
import { openRows } from './services/rows';
import type { AppendEvents, AppendOptions, RowReceipt } from './services/rows';
import { followRows } from './services/follow';
import type { FollowFilter, FollowedRow } from './services/follow';
import { openSigner as open, signForLater } from './services/sign';
import type { Signer } from './core/signing/signer';
import { verify } from './services/verify';
import type { VerifyRequest } from './services/verify';

export { EvidenceError, LedgerError } from './core/errors';
export { verifyEvidenceBundle } from './services/bundleVerify';
export type { BundleFinding, BundleReport, EvidencePublicKey } from './services/bundleVerify';
export type { ErrorCode, Place, RefusalCode, SpillCode } from './core/errors';
export type { LedgerAction, LedgerEvent, Shape, UsdAmount } from './core/events';
export type { Row, RowInput } from './core/members';
export type { RollupReport } from './core/rollup';
export type { PublicKey } from './core/signing/keys';
export type { Signer } from './core/signing/signer';
export type { Finding, VerifyResult } from './core/verdict';
export type { AppendOptions, RowReceipt } from './services/rows';
export type { FollowFilter, FollowedRow } from './services/follow';

export interface LedgerOptions {
  /** The state folder; default `./state`. */
  readonly dir?: string;
  /** The settings; default `ledger.config.json` beside the state folder, where there is one. */
  readonly config?: string;
  /** Hears of heals, drains, lost rows and index faults on the way. */
  readonly events?: Partial<AppendEvents>;
}

/** Where the config says `"access": {"raw": "break-glass"}`: rows come as summaries, without payloads, unless one asks. */
export interface ReadOptions {
  /** Rows with their content, once a row says who reads what and why. */
  readonly raw?: boolean;
  readonly reason?: string;
  /** Who it is; default: `LEDGER_ACTOR`, else the login. */
  readonly actor?: string;
}

export interface Ledger {
  /**
   * Appends rows, all or none. Calls that are made while a group is on its way go together as the next group.
   * @param options `{seal: ["reason", "payload.email"]}`: fields to seal in each row that has them, beside what the settings
   *   say; one that no row of the call has is refused with USAGE
   * @returns a receipt a row, once all of them are on disk: in the chain, or waiting safely in the spill file (`spilled`)
   * @throws LedgerError with a refusal code (nothing of the call is written), NOT_OWNER, NOT_WRITABLE, UNSAFE_PATH, STORED_NOWHERE
   */
  append(rows: readonly RowInput[], options?: AppendOptions): Promise<RowReceipt[]>;
  /**
   * Signs a row for this ledger and this moment (or the row's own `occurred_at`).
   * @param key the name of a key that "ledger key new" made, the file of an SSH key, for one that ssh-agent holds its .pub
   *   file or fingerprint, `cmd:PROGRAM ARGS…`; or a signer of your own, with an Ed25519 key
   * @param options fields to seal before it is signed: the signature is over what the ledger will hold
   * @returns the row as it is to be appended, within a day and unchanged
   * @throws LedgerError a refusal code, KEY_UNUSABLE, READ_FAILED, LEDGER_MISSING
   */
  sign(row: RowInput, key: string | Signer, options?: AppendOptions): Promise<RowInput>;
  /**
   * The rows that are appended after this call, by whomever, whenever they are asked for. Ends when `signal` aborts.
   * @throws LedgerError LEDGER_MISSING, UNSAFE_PATH, CONFIG_INVALID, READ_FAILED: at once; USAGE, ACCESS_DENIED and what kept
   *   an access row from the chain: when the first row is asked for
   */
  follow(filter?: FollowFilter & ReadOptions, signal?: AbortSignal): AsyncIterable<FollowedRow>;
  verify(options?: Omit<VerifyRequest, 'place'>): Promise<VerifyResult>;
  rollup(options?: Omit<RollupOptions, 'place' | 'nowMs'>): Promise<RollupReport>;
  /**
   * The rows that conditions take, in the order in which they stand. Without any: all of them.
   * @throws LedgerError USAGE, LEDGER_MISSING, UNSAFE_PATH, CONFIG_INVALID, READ_FAILED, ACCESS_DENIED and what kept an access row
   *   from the chain: when the first row is asked for
   */
  query(options?: QueryOptions): AsyncIterable<Row>;
  /** Waits for what is under way; later appends are refused with CLOSED. */
  close(): Promise<void>;
}

export interface QueryOptions extends ReadOptions {
  /** `agent=coder`, `cost_usd>=0.5`, `reason~timeout`: as for the command. */
  readonly conditions?: readonly string[];
  /** An expression: `cost_usd > 0.05 && agent in ["coder"]`. */
  readonly where?: string;
  readonly day?: string;
  readonly since?: string;
  readonly until?: string;
  readonly tz?: string;
  /** The last so many. */
  readonly lastRows?: number;
  /** The newest first. */
  readonly reverse?: boolean;
}

type Known<T> = Readonly<Record<keyof T, true>>;

/** Every option that there is, held to the types by the compiler. */
const OPTIONS: {
  readonly openLedger: Known<LedgerOptions>;
  readonly append: Known<AppendOptions>;
  readonly sign: Known<AppendOptions>;
  readonly openSigner: Known<SignerOptions>;
  readonly follow: Known<FollowFilter & ReadOptions>;
  readonly verify: Known<Omit<VerifyRequest, 'place'>>;
  readonly rollup: Known<Omit<RollupOptions, 'place' | 'nowMs'>>;
  readonly query: Known<QueryOptions>;
} = {
  openLedger: { dir: true, config: true, events: true },
  append: { seal: true },
  sign: { seal: true },
  openSigner: { dir: true },
  follow: { afterSeq: true, where: true, raw: true, reason: true, actor: true },
  verify: {
    expectHead: true,
    minRows: true,
    strict: true,
    run: true,
    decision: true,
    sinceCheckpoint: true,
    onProgress: true,
    openIndexCheck: true,
    workers: true,
    tailWaitMs: true,
    signal: true,
  },
  rollup: { day: true, since: true, until: true, period: true, by: true, capUsd: true, missing: true, tz: true },
  query: {
    conditions: true,
    where: true,
    day: true,
    since: true,
    until: true,
    tz: true,
    lastRows: true,
    reverse: true,
    raw: true,
    reason: true,
    actor: true,
  },
};

/** A misspelt `expectHead` would expect nothing, a misspelt `capUsd` cap nothing: both would say that all is well. */
function checkOptions(call: keyof typeof OPTIONS, given: unknown): void {
  const known: readonly string[] = Object.keys(OPTIONS[call]);
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  const found = isObject ? Object.keys(given).find((name) => !known.includes(name)) : typeof given;
  if (found === undefined) return;
  const want = isObject ? `options of ${call}: ${known.join(', ')}` : `an object of options for ${call}`;
  throw new LedgerError('USAGE', `expected ${want}; found ${JSON.stringify(found)}`);
}

export interface SignerOptions {
  /** The state folder, in which no shared secret may lie; default `./state`. */
  readonly dir?: string;
}

/**
 * What signs: by the words that `sign` takes, or `hmac:FILE`, a secret that two share (HMAC-SHA-256).
 * @throws LedgerError KEY_UNUSABLE, READ_FAILED
 */
export async function openSigner(key: string, options: SignerOptions = {}): Promise<Signer> {
  checkOptions('openSigner', options);
  return open(key, { dir: options.dir ?? './state', env: process.env });
}

/** @throws LedgerError USAGE, CONFIG_INVALID, READ_FAILED. The ledger itself is created by the first append. */
export function openLedger(options: LedgerOptions = {}): Ledger {
  checkOptions('openLedger', options);
  if (options.dir === '') throw new LedgerError('USAGE', 'expected dir to be a folder, found an empty name');
  const place = { dir: options.dir ?? './state', configPath: options.config, env: process.env };
  const silent: AppendEvents = {
    onHeal: () => undefined,
    onDrain: () => undefined,
    onRowsLost: () => undefined,
    onIndexFault: () => undefined,
    onOtherLedger: () => undefined,
  };
  const events = { ...silent, ...options.events };
  const writer = openRows(place, events);
  const asked = ({ raw = false, reason, actor }: ReadOptions): ReadAsked => ({ raw, reason, actor, events });
  return {
    append: async (rows, more = {}) => {
      checkOptions('append', more);
      return writer.append(rows, more);
    },
    sign: async (row, key, more = {}) => {
      checkOptions('sign', more);
      const none: JsonObject = new Map();
      return JSON.parse(
        await signForLater({ place, row: toJson(row), flags: none, defaults: none, key, events, ...more }),
      ) as RowInput;
    },
    follow: (filter = {}, signal) => {
      checkOptions('follow', filter);
      return followRows(place, filter, asked(filter), signal);
    },
    verify: async (more = {}) => {
      checkOptions('verify', more);
      return verify({ ...more, place });
    },
    rollup: async (more = {}) => {
      checkOptions('rollup', more);
      return rollup({ ...more, place, nowMs: Date.now() });
    },
    query: ({ conditions = [], ...more } = {}) => {
      checkOptions('query', { conditions, ...more });
      return queryRows({ ...more, reading: asked(more), terms: conditions, place, nowMs: Date.now() });
    },
    close: () => writer.close(),
  };
}
