/**
 * Ledgers for tests, built row by row through the same code that the writer uses (checkRow, ownRow, placeRow), with a
 * fixed clock and fixed randomness: the same calls give the same bytes.
 *
 *   const chain = chainOf();                       // row 1, audit.genesis
 *   chain.add({ action: 'a.b', run_id: 'r' });     // row 2
 *   writeLedger(dir, chain.lines);                 // <dir>/audit.jsonl
 */
import { formatTime } from '../../src/core/time';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeRow } from '../../src/core/chain';
import type { Head, StreamHead } from '../../src/core/chain';
import { sha256Hex, ZERO_HASH } from '../../src/core/digest';
import { nextUlid, ulidAt } from '../../src/core/ids';
import { toJson } from '../../src/core/json';
import type { Json } from '../../src/core/json';
import { genesisRow, ownRow } from '../../src/core/ownRows';
import type { Identity, OwnAction } from '../../src/core/ownRows';
import { checkRow } from '../../src/core/row';
import type { CheckedRow } from '../../src/core/row';
import { statePaths } from '../../src/store/paths';
import type { StatePaths } from '../../src/store/paths';

export const TEST_START_MS = Date.UTC(2026, 3, 25, 20, 9, 24, 604);
export const TEST_LEDGER_ID = '01JTESTTESTTESTTESTTESTTES';
const FIRST_HEAD: StreamHead = { seq: 0, hash: ZERO_HASH };

export interface ChainOptions {
  readonly identity?: Identity;
  /** No genesis row: the first row added is row 1. */
  readonly bare?: boolean;
  readonly startMs?: number;
  readonly by?: string;
}

export interface Chain {
  readonly lines: string[];
  readonly identity: Identity;
  head(): Head;
  /** Adds a caller's row; returns its line. */
  add(input: Readonly<Record<string, unknown>>, more?: AddOptions): string;
  /** Adds a row of the ledger's own. */
  addOwn(action: OwnAction, payload: object, more?: AddOptions): string;
  /** Adds a line that holds the place of rows `seq`..`lastSeq` as a tombstone would; `hash` is what the next row links to. */
  skip(rows: number, hash: string): void;
}

export interface AddOptions {
  readonly tsMs?: number;
  readonly id?: string;
  readonly spillId?: string;
}

export function chainOf(options: ChainOptions = {}): Chain {
  const identity = options.identity ?? { ledgerId: TEST_LEDGER_ID, origin: `local/${TEST_LEDGER_ID}`, lock: 'kernel' };
  const lines: string[] = [];
  const runs = new Map<string, StreamHead>();
  const decisions = new Map<string, StreamHead>();
  const startMs = options.startMs ?? TEST_START_MS;
  let head: Head = { seq: 0, id: '', hash: ZERO_HASH };

  const place = (row: CheckedRow, more: AddOptions): string => {
    const seq = head.seq + 1;
    const noise = createHash('sha256').update(`${identity.ledgerId}/${seq}`).digest();
    const tsMs = more.tsMs ?? startMs + seq * 1000;
    const id = more.id ?? (head.id === '' ? ulidAt(tsMs, noise) : nextUlid(tsMs, noise, head.id));
    const run = row.runId === undefined ? undefined : (runs.get(row.runId) ?? FIRST_HEAD);
    const decision = row.decisionId === undefined ? undefined : (decisions.get(row.decisionId) ?? FIRST_HEAD);
    const nonce = noise.subarray(0, 16).toString('base64url');
    const placed = placeRow(row, {
      seq,
      ts: formatTime(tsMs),
      id,
      by: options.by ?? '1000:test@host',
      nonce,
      prevHash: head.hash,
      run,
      decision,
    });
    if (run !== undefined) runs.set(row.runId as string, { seq: run.seq + 1, hash: placed.hash });
    if (decision !== undefined) decisions.set(row.decisionId as string, { seq: decision.seq + 1, hash: placed.hash });
    head = { seq, id, hash: placed.hash };
    lines.push(placed.line);
    return placed.line;
  };

  if (options.bare !== true) place(genesisRow(identity), {});
  return {
    lines,
    identity,
    head: () => head,
    add: (input, more = {}) => {
      const { signature, ...row } = input;
      const own = new Map<string, Json>();
      if (signature !== undefined) own.set('signature', toJson(signature));
      if (more.spillId !== undefined) own.set('spill_id', more.spillId);
      return place(checkRow(toJson(row), { nowMs: undefined, own }), more);
    },
    addOwn: (action, payload, more = {}) => place(ownRow(action, payload), more),
    skip: (rows, hash) => {
      head = { ...head, seq: head.seq + rows, hash };
    },
  };
}

/** A chain of genesis and `rows`, written to `<dir>/audit.jsonl`; returns its lines, without newlines. */
export function makeLedger(
  dir: string,
  rows: readonly Readonly<Record<string, unknown>>[],
  options: ChainOptions = {},
): string[] {
  const chain = chainOf(options);
  for (const row of rows) chain.add(row);
  writeLedger(dir, chain.lines);
  return chain.lines;
}

/** Rows of every sort that the writer knows: with and without streams, payload, escapes, costs. */
export function sampleRows(count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, i) => ({
    action: i % 3 === 0 ? 'pulse.probe' : 'tool.executed',
    agent: 'void-pulse',
    run_id: `run-${i % 2}`,
    ...(i % 4 === 1 ? { decision_id: 'decision-1' } : {}),
    outcome: 'success',
    cost_usd: i / 1000,
    reason: i % 5 === 2 ? 'Grüße "quoted"\n\u0085 …' : 'status=green',
    ...(i % 2 === 0 ? { payload: { z: i, a: { list: [1.5, 'x', null, true] }, t: 'tab\there' } } : {}),
  }));
}

export function writeLedger(dir: string, lines: readonly string[]): StatePaths {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const paths = testPaths(dir);
  writeFileSync(paths.ledger, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  return paths;
}

/** The paths of a state folder whose second spill place lies inside the folder too. */
export function testPaths(dir: string): StatePaths {
  return statePaths(dir, { XDG_STATE_HOME: join(dir, '.home') });
}

export interface Healed {
  readonly lines: string[];
  readonly healId: string;
  readonly quarantined: Buffer;
}

/**
 * Sets line `index` (from 0) aside as `sweep` would: a tombstone in its place, its bytes in quarantine, a heal row at the end.
 * @param bytes what is quarantined; default the line with its end torn off
 */
export function setLineAside(
  dir: string,
  chain: Chain,
  index: number,
  more: {
    readonly bytes?: Buffer;
    readonly action?: 'audit.heal-truncation' | 'audit.set-aside';
    /** How many lines, from this one on; default 1. */
    readonly count?: number;
  } = {},
): Healed {
  const { lines } = chain;
  const { count = 1 } = more;
  const line = lines[index] as string;
  const quarantined = more.bytes ?? Buffer.from(line.slice(0, -30));
  const healId = nextUlid(TEST_START_MS + 1_000_000, createHash('sha256').update(line).digest(), chain.head().id);
  const { seq, prev_hash: prevHash } = JSON.parse(line) as { seq: number; prev_hash: string };
  const { seq: lastSeq, hash } = JSON.parse(lines[index + count - 1] as string) as { seq: number; hash: string };
  const bytesSha256 = sha256Hex(quarantined);
  const range = count === 1 ? `"seq":${seq}` : `"seq":${seq},"last_seq":${lastSeq}`;
  const tombstone = `{${range},"action":"audit.tombstone","heal_id":"${healId}","bytes_sha256":"${bytesSha256}","prev_hash":"${prevHash}","hash":"${hash}"}`; // prettier-ignore
  lines.splice(index, count, tombstone);
  const offset = lines.slice(0, index).reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
  const missing = { missing: count, seq, last_seq: lastSeq };
  const payload = {
    kind: 'garbage',
    offset,
    length: quarantined.length,
    sha256: bytesSha256,
    ...missing,
    original: {},
  };
  chain.addOwn(more.action ?? 'audit.heal-truncation', payload, { id: healId });
  const folder = testPaths(dir).quarantine;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, `${healId}.bin`), quarantined, { mode: 0o600 });
  writeLedger(dir, lines);
  return { lines, healId, quarantined };
}
