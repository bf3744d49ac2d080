/** What processes and crashes leave, and what somebody makes to look as if they had. */
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { placedIn, rowAfter } from '../../../core/attacks/forge';
import { SEQ } from '../../../core/attacks/scratch';
import { sha256Hex } from '../../../core/digest';
import { LedgerError } from '../../../core/errors';
import { ulidAfter } from '../../../core/ids';
import type { Plays, Scratch } from '../scratch';

const ROW = SEQ.run4Probe;
const NEXT_ROW = ['append', '{"agent":"coder","action":"tool.used","target":"repo"}'];
const TORN_BYTES = 40;

export const WRITER_PLAYS = {
  'two-writers': async (scratch) => {
    const before = scratch.lines();
    await scratch.must(NEXT_ROW);
    const others = scratch.lines().at(-1) as string;
    scratch.writeLines(before);
    await scratch.must(NEXT_ROW);
    scratch.writeLines([...scratch.lines(), others]);
  },
  'torn-end': tearEnd,
  'torn-end-healed': async (scratch) => {
    tearEnd(scratch);
    await scratch.must(NEXT_ROW);
  },
  'torn-middle': async (scratch) => {
    scratch.changeLine(ROW, (line) => line.slice(0, -TORN_BYTES));
    await scratch.mustRefuse(['sweep'], ['healed']);
  },
  'poisoned-tail': async (scratch) => {
    scratch.changeLine(SEQ.last, (line) => line.replace('"target":"env"', '"target":"all"'));
    await scratch.must(NEXT_ROW);
    const rows = scratch.lines().length;
    if (rows !== SEQ.last)
      throw new LedgerError('SELFTEST_FAILED', `expected ${SEQ.last} rows and a spilled one, found ${rows}`);
  },
  'tombstone-alone': (scratch) => writeTombstone(scratch, '01JTESTFRGEDFRGEDFRGEDXXXX', ''),
  'tombstone-over-row': (scratch) => forgeHeal(scratch, `${scratch.lines()[ROW - 1] ?? ''}\n`),
  'tombstone-over-junk': (scratch) => forgeHeal(scratch, 'junk that never was a row\n'),
} as const satisfies Plays;

function tearEnd(scratch: Scratch): void {
  const path = scratch.path('state', 'audit.jsonl');
  truncateSync(path, readFileSync(path).length - TORN_BYTES);
}

/** Its hash is what the next row links to: the chain goes on over it. */
function writeTombstone(scratch: Scratch, healId: string, aside: string): void {
  const [before, line] = scratch.lines().slice(ROW - 2) as [string, string];
  const what = `"seq":${ROW},"action":"audit.tombstone","heal_id":"${healId}","bytes_sha256":"${sha256Hex(aside)}"`;
  const links = `"prev_hash":"${placedIn(before).hash}","hash":"${placedIn(line).hash}"`;
  scratch.changeLine(ROW, () => `{${what},${links}}`);
}

/** A tombstone, the bytes that it says it stands for, and a row as a heal writes it. */
function forgeHeal(scratch: Scratch, aside: string): void {
  const last = scratch.lines().at(-1) as string;
  const healId = ulidAfter(placedIn(last).id);
  const quarantine = `quarantine/${healId}.bin`;
  mkdirSync(scratch.path('state', 'quarantine'), { recursive: true, mode: 0o700 });
  writeFileSync(scratch.path('state', quarantine), aside, { mode: 0o600 });
  writeTombstone(scratch, healId, aside);
  const length = Buffer.byteLength(aside);
  // Members in the order of RFC 8785: what is hashed is what is written.
  const payload = `{"kind":"garbage","last_seq":${ROW},"length":${length},"missing":1,"offset":0,"quarantine":"${quarantine}","seq":${ROW},"sha256":"${sha256Hex(aside)}"}`;
  const members = `"action":"audit.heal-truncation","payload":${payload},"content_hash":"${sha256Hex(payload)}"`;
  scratch.writeLines([...scratch.lines(), rowAfter(last, members)]);
}
