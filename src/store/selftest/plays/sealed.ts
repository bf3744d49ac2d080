/** Openings are changed, moved and deleted where they lie, or on their way to somebody; and the index is forged. */
import { readFileSync, writeFileSync } from 'node:fs';
import { SEALED_ROWS, SEQ } from '../../../core/attacks/scratch';
import { LedgerError } from '../../../core/errors';
import { openDatabase } from '../../index/sqlite';
import type { Plays, Scratch } from '../scratch';

interface Opening {
  readonly digest: string;
  readonly name: string;
  readonly value: string;
}

const [REASON, OTHER_REASON] = SEALED_ROWS.map((row) => row['reason']);
const NO_OPENING = 'no opening that fits';

export const SEAL_PLAYS = {
  'opening-changed': (scratch) => changeOpening(scratch, (opening) => ({ ...opening, value: 'moved to Rome' })),
  'opening-of-other-field': (scratch) => putInPlace(scratch, ({ name }) => name === 'payload.email'),
  'opening-of-other-row': (scratch) => putInPlace(scratch, ({ value }) => value === OTHER_REASON),
  'opening-deleted': async (scratch) => {
    writeOpenings(
      scratch,
      openingsOf(scratch).filter(({ value }) => value !== REASON),
    );
    await scratch.mustRefuse(['disclose', `${SEQ.sealed}`, 'reason'], ['OPENING_MISSING']);
  },
  'digest-exchanged': (scratch) => {
    const [from, to] = [REASON, OTHER_REASON].map(
      (of) => openingsOf(scratch).find(({ value }) => value === of)?.digest,
    );
    scratch.changeLine(SEQ.sealed, (line) => line.replace(from ?? '', to ?? ''));
  },
  'disclosed-value-changed': (scratch) => changeDisclosed(scratch, (shown) => ({ ...shown, value: 'moved to Rome' })),
  'disclosed-as-other-row': (scratch) =>
    changeDisclosed(scratch, (shown) => ({ ...shown, seq: SEQ.otherSealed, id: undefined })),
} as const satisfies Plays;

export const INDEX_PLAYS = {
  'index-forged': (scratch) => {
    const database = openDatabase(scratch.path('state', 'index.db'), { readOnly: false, busyMs: 0 });
    database.exec(`UPDATE rows SET run_key = run_key + 1 WHERE seq = ${SEQ.run4Probe}`);
    database.close();
  },
} as const satisfies Plays;

/** What lies under the digest of the first reason is made another; `verify` warns of it. */
async function changeOpening(scratch: Scratch, change: (opening: Opening, all: Opening[]) => Opening): Promise<void> {
  const all = openingsOf(scratch);
  writeOpenings(
    scratch,
    all.map((one) => (one.value === REASON ? change(one, all) : one)),
  );
  const warned = await scratch.must(['verify']);
  if (!warned.includes(NO_OPENING))
    throw new LedgerError('SELFTEST_FAILED', `expected verify to warn of "${NO_OPENING}", found no warning of it`);
}

/** Another opening, sound in its own place, under the digest of the first reason. */
function putInPlace(scratch: Scratch, isOther: (opening: Opening) => boolean): Promise<void> {
  return changeOpening(scratch, ({ digest }, all) => ({ ...(all.find(isOther) as Opening), digest }));
}

function openingsOf(scratch: Scratch): Opening[] {
  const lines = readFileSync(scratch.path('state', 'sealed.jsonl'), 'utf8').split('\n');
  return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as Opening);
}

function writeOpenings(scratch: Scratch, openings: readonly Opening[]): void {
  writeFileSync(scratch.path('state', 'sealed.jsonl'), openings.map((one) => `${JSON.stringify(one)}\n`).join(''));
}

function changeDisclosed(scratch: Scratch, change: (shown: Opening) => object): void {
  const path = scratch.path('opening.json');
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')) as Opening)));
}
