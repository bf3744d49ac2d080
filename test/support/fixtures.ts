/**
 * The maker of fixtures/: ledgers as this version writes them, with a fixed clock, fixed randomness and a fixed account,
 * and the same ledgers after a crash or an attack. The same calls give the same bytes; but what is committed is the
 * contract: later versions read it and give the same verdict, whatever they write themselves.
 *
 *   node --import tsx test/support/fixtures.ts NEW_FOLDER
 */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Host } from '../../src/core/host';
import { toJson } from '../../src/core/json';
import { checkRow } from '../../src/core/row';
import { Writer } from '../../src/store/append/writer';
import { takeOut } from '../../src/store/heal/takeOut';
import type { TakeOut } from '../../src/store/heal/takeOut';
import { HOSTILE, HOUR } from './fixtureRows';
import type { Input } from './fixtureRows';
import { chainOf, TEST_START_MS, testPaths, writeLedger } from './ledgers';

const BY = '1000:alice@build-3';
const SILENT = {
  onHeal: () => undefined,
  onRowsLost: () => undefined,
  onDrain: () => undefined,
  onOtherLedger: () => undefined,
  onIndexFault: (error: Error) => {
    throw error;
  },
};

/** A ledger that is being made: each step one second after the one before. */
class Making {
  readonly paths;
  #step = 0;
  #drawn = 0;
  readonly #host: Host = {
    nowMs: () => TEST_START_MS + this.#step * 1000,
    monotonicMs: () => performance.now(),
    random: (length) => this.#random(length),
    sleep: () => Promise.resolve(),
    by: BY,
    pid: 4242,
  };

  constructor(
    readonly dir: string,
    private readonly name: string,
  ) {
    this.paths = testPaths(dir);
  }

  /** Begins anew with every step, so that a step that draws once more changes no later one. */
  #random(length: number): Uint8Array {
    const seed = `${this.name}/${this.#step}/${this.#drawn++}`;
    return createHash('sha256').update(seed).digest().subarray(0, length);
  }

  async #writing(use: (writer: Writer) => Promise<unknown>): Promise<void> {
    this.#step++;
    this.#drawn = 0;
    const writer = new Writer({ paths: this.paths, host: this.#host, durability: 'os', events: SILENT });
    await use(writer);
    await writer.close();
  }

  async append(...rows: readonly Input[]): Promise<void> {
    for (const row of rows)
      await this.#writing((writer) => writer.append([checkRow(toJson(row), { nowMs: this.#host.nowMs() })]));
  }

  /** What a sweep does with a torn line in the middle, and a person with a whole one. */
  async takeOut(line: number, byHand?: TakeOut['byHand']): Promise<void> {
    const lines = this.lines();
    const offset = Buffer.byteLength(lines.slice(0, line - 1).join('\n')) + (line > 1 ? 1 : 0);
    const length = Buffer.byteLength(lines[line - 1] ?? '') + 1;
    const { ino } = statSync(this.paths.ledger);
    const target = { ino, offset, length, ...(byHand === undefined ? {} : { byHand }) };
    await this.#writing((writer) => writer.exclusively((file) => takeOut(file, target, SILENT)));
  }

  lines(): string[] {
    return readFileSync(this.paths.ledger, 'utf8').trimEnd().split('\n');
  }

  /** Changes the file behind the ledger's back. */
  change(how: (lines: string[]) => string[]): void {
    writeFileSync(this.paths.ledger, `${how(this.lines()).join('\n')}\n`);
  }

  tear(bytes: string | Buffer): void {
    appendFileSync(this.paths.ledger, bytes);
  }
}

type Make = (it: Making) => Promise<void>;

const swap = (lines: string[], a: number, b: number): string[] =>
  lines.map((line, i) => (i === a ? lines[b] : i === b ? lines[a] : line) ?? '');

const forged = (line: string): string => {
  const { seq, prev_hash: prev, hash } = JSON.parse(line) as { seq: number; prev_hash: string; hash: string };
  const sha256 = createHash('sha256').update(line).digest('hex');
  return `{"seq":${seq},"action":"audit.tombstone","heal_id":"01JTESTFRGEDFRGEDFRGEDXXXX","bytes_sha256":"${sha256}","prev_hash":"${prev}","hash":"${hash}"}`;
};

/** Every fixture that is a state folder. */
export const FIXTURES: Readonly<Record<string, Make>> = {
  healthy: (it) => it.append(...HOUR),
  'healed-tail': async (it) => {
    await it.append(...HOUR.slice(0, 3));
    it.tear('{"seq":5,"ts":"2026-04-25T20:09:28.604Z","id":"01JSQ');
    await it.append(...HOUR.slice(3));
  },
  gap: async (it) => {
    await it.append(...HOUR);
    it.change((lines) => lines.with(2, (lines[2] ?? '').slice(0, 90)));
    await it.takeOut(3);
    await it.append({ action: 'step.done', agent: 'coder' });
  },
  'set-aside': async (it) => {
    await it.append(...HOUR);
    it.change((lines) => lines.with(2, (lines[2] ?? '').replace('0.0312', '0.0012')));
    await it.takeOut(3, { actor: 'alice', reason: 'bill changed by hand, TICKET-12' });
  },
  'forged-tombstone': async (it) => {
    await it.append(...HOUR);
    it.change((lines) => lines.with(3, forged(lines[3] ?? '')));
  },
  'changed-byte': async (it) => {
    await it.append(...HOUR);
    it.change((lines) => lines.with(2, (lines[2] ?? '').replace('0.0312', '0.0012')));
  },
  'swapped-rows': async (it) => {
    await it.append(...HOUR);
    it.change((lines) => swap(lines, 3, 4));
  },
  'replayed-row': async (it) => {
    await it.append(...HOUR);
    it.change((lines) => [...lines, lines[7] ?? '']);
  },
  'removed-row': async (it) => {
    await it.append(...HOUR);
    it.change((lines) => lines.toSpliced(6, 1));
  },
  'cut-front': async (it) => {
    await it.append(...HOUR);
    it.change((lines) => lines.slice(3));
  },
  'torn-tail': async (it) => {
    await it.append(...HOUR.slice(0, 4));
    it.tear('{"seq":6,"ts":"2026-04-25T20:09:29.604Z","id":"01JSQ');
  },
  'nul-tail': async (it) => {
    await it.append(...HOUR.slice(0, 4));
    it.tear(Buffer.concat([Buffer.from('{"seq":6,"ts":'), Buffer.alloc(300), Buffer.from('"}\n')]));
  },
  'missing-newline': async (it) => {
    await it.append(...HOUR.slice(0, 4));
    writeFileSync(it.paths.ledger, readFileSync(it.paths.ledger).subarray(0, -1));
  },
  spilled: async (it) => {
    await it.append(...HOUR.slice(0, 4));
    renameSync(it.paths.ledger, `${it.paths.ledger}.away`);
    await it.append(...HOUR.slice(4, 7));
    renameSync(`${it.paths.ledger}.away`, it.paths.ledger);
  },
  'hostile-strings': (it) => it.append(...HOSTILE),
  segments: (it) => Promise.resolve(makeSegments(it)),
};

/** Two closed segments, one plain and one packed, and the live file; no version writes them yet. */
function makeSegments({ dir, paths }: Making): void {
  const chain = chainOf({ by: BY });
  const { ledgerId, origin, lock } = chain.identity;
  const closed = join(dir, 'segments');
  mkdirSync(closed, { recursive: true });
  let first = 1;
  const close = (gzip: boolean): void => {
    const { seq: last, hash: head } = chain.head();
    const name = `audit.${first}-${last}.jsonl${gzip ? '.gz' : ''}`;
    const bytes = Buffer.from(chain.lines.splice(0).join('\n') + '\n');
    writeFileSync(join(closed, name), gzip ? gzipSync(bytes, { level: 9 }) : bytes);
    first = last + 1;
    const previous = { segment: `segments/${name}`, last_seq: last, head };
    chain.addOwn('audit.segment', { format: 'ledger/1', ledger_id: ledgerId, origin, lock, previous });
  };
  for (const row of HOUR.slice(0, 4)) chain.add(row);
  close(true);
  for (const row of HOUR.slice(4, 6)) chain.add(row);
  close(false);
  for (const row of HOUR.slice(6)) chain.add(row);
  writeLedger(dir, chain.lines);
  const note = { ledger_id: ledgerId, origin, lock, pid: 4242 };
  writeFileSync(paths.lock, `${JSON.stringify(note).replace(/(\d+)\}$/, (end) => end.padStart(11))}\n`);
}

/** Makes one fixture in `<root>/<name>`. */
export async function makeFixture(root: string, name: string): Promise<void> {
  const make = FIXTURES[name];
  if (make === undefined) throw new Error(`expected one of ${Object.keys(FIXTURES).join(', ')}, found ${name}`);
  const dir = join(root, name);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  await make(new Making(dir, name));
}

if (require.main === module) {
  const root = resolve(process.argv[2] ?? '');
  void (async () => {
    for (const name of Object.keys(FIXTURES)) await makeFixture(root, name);
  })();
}
