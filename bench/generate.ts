/**
 * Writes a valid ledger of N rows, some 670 bytes each, half of them with a payload. The same arguments give the same bytes.
 *
 *   npx tsx bench/generate.ts <state folder> <rows> [<distinct runs, default rows / 100>]
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { placeRow } from '../src/core/chain';
import type { StreamHead } from '../src/core/chain';
import { ZERO_HASH } from '../src/core/digest';
import { nextUlid, ulidAt } from '../src/core/ids';
import { toJson } from '../src/core/json';
import { genesisRow } from '../src/core/ownRows';
import { checkRow } from '../src/core/row';
import type { CheckedRow } from '../src/core/row';

const START_MS = Date.UTC(2026, 0, 1);
const BLOCK_CHARS = 4 << 20;

/** A small generator of noise with a fixed start (mulberry32). */
function noiseFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

export interface Times {
  readonly startMs: number;
  readonly stepMs: number;
}

export function generateLedger(
  dir: string,
  rows: number,
  runs: number,
  { startMs, stepMs }: Times = { startMs: START_MS, stepMs: 100 },
): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const fd = openSync(join(dir, 'audit.jsonl'), 'w', 0o600);
  const noise = noiseFrom(7);
  const random = new Uint8Array(16);
  const heads: (StreamHead | undefined)[] = new Array<undefined>(runs).fill(undefined);
  const ledgerId = ulidAt(startMs, random);
  let prevHash = ZERO_HASH;
  let id = '';
  let text = '';
  for (let seq = 1; seq <= rows; seq++) {
    for (let i = 0; i < 16; i++) random[i] = noise() & 0xff;
    const run = seq === 1 ? undefined : runOf(seq, rows, runs);
    const tsMs = startMs + seq * stepMs;
    id = id === '' ? ulidAt(tsMs, random) : nextUlid(tsMs, random, id);
    const nonce = Buffer.from(random).toString('base64url');
    const head = run === undefined ? undefined : (heads[run] ?? { seq: 0, hash: ZERO_HASH });
    const row = run === undefined ? genesisRow({ ledgerId, origin: 'bench', lock: 'kernel' }) : rowOf(seq, run, noise);
    const at = {
      seq,
      ts: new Date(tsMs).toISOString(),
      id,
      by: '1000:bench@host',
      nonce,
      prevHash,
      run: head,
      decision: undefined,
    };
    const placed = placeRow(row, at);
    if (run !== undefined && head !== undefined) heads[run] = { seq: head.seq + 1, hash: placed.hash };
    prevHash = placed.hash;
    text += placed.line;
    text += '\n';
    if (text.length > BLOCK_CHARS) {
      writeSync(fd, text);
      text = '';
    }
  }
  writeSync(fd, text);
  closeSync(fd);
}

/** Runs overlap, twenty at a time, as they do where twenty agents work; each ends before others begin. */
function runOf(seq: number, rows: number, runs: number): number {
  const side = Math.min(20, runs);
  const group = Math.floor(((seq - 1) / rows) * (runs / side));
  return Math.min(runs - 1, group * side + (seq % side));
}

function rowOf(seq: number, run: number, noise: () => number): CheckedRow {
  const input = {
    run_id: `de5b5ed3-0000-4000-8000-${run.toString(16).padStart(12, '0')}`,
    agent: `agent-${noise() % 20}`,
    action: 'tool.executed',
    target: 'src/orders.ts',
    outcome: noise() % 10 === 0 ? 'failure' : 'success',
    cost_usd: (noise() % 100_000) / 1e6,
    duration_ms: noise() % 5000,
    reason: seq % 7 === 0 ? 'tests “green” after 3 retries' : 'status=green',
    ...(seq % 2 === 0 ? { payload: payloadOf(seq, noise) } : { model: 'model-large', input_tokens: noise() % 9000 }),
  };
  return checkRow(toJson(input), { nowMs: undefined });
}

/** Members in a caller's order, not sorted: what a checker of content hashes meets in life. */
function payloadOf(seq: number, noise: () => number): object {
  return {
    tool: 'shell',
    args: { cwd: '/work', cmd: 'npm test', env: ['CI=1'] },
    exit: noise() % 2,
    bytes: noise() % 100_000,
    ratio: (noise() % 1000) / 1000,
    ok: seq % 4 === 0,
  };
}

if (require.main === module) {
  const [dir = '', rows = '', runs] = process.argv.slice(2);
  generateLedger(dir, Number(rows), Number(runs ?? Math.max(1, Math.round(Number(rows) / 100))));
}
