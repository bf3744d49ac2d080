/**
 * All of the index against all of the file, without reading a row of it into JavaScript: SQL sums up the fingerprint of
 * core/indexDigest.ts over the table and over its indexes, and whoever reads the file sums it up row by row.
 */
import { DIGEST_MODULUS, DIGEST_PARTS, emptyDigest, MIX_PRIME } from '../../core/indexDigest';
import { PREFIX_LOW_BITS, sameSum } from '../../core/indexDigest';
import type { IndexDigest } from '../../core/indexDigest';
import type { LedgerIndex } from './indexFile';
import { guarded } from './indexErrors';

export interface IndexDifference {
  readonly what: keyof IndexDigest;
  /** What the file gives, and what the index holds. */
  readonly want: number;
  readonly got: number;
}

const LINE = '(hash_prefix + seq + 3 * offset + 5 * bytes + 7 * effective_ms)';
const ROW_MIX = `((hash_prefix >> ${PREFIX_LOW_BITS}) + 1) * (${LINE} % ${MIX_PRIME})`;

const modulo = (sum: string): string => `ifnull(sum(${sum}), 0) % ${DIGEST_MODULUS}`;

/** Count and sum over one of the indexes that leave out 0. */
function keysSql(part: 'run' | 'decision' | 'key' | 'spill', index: string, column: string): string {
  return `SELECT count(*) AS ${part}Rows, ${modulo(`${column} + seq`)} AS ${part}Mix FROM rows INDEXED BY ${index} WHERE ${column} <> 0`;
}

/** Each reads one b-tree from end to end. */
const QUERIES = [
  `SELECT count(*) AS rows, ${modulo(ROW_MIX)} AS rowMix FROM rows NOT INDEXED WHERE 1`,
  `SELECT ${modulo(`effective_ms % ${MIX_PRIME} + seq`)} AS timeMix FROM rows INDEXED BY rows_time WHERE effective_ms > -9000000000000000`,
  keysSql('run', 'rows_run', 'run_key'),
  keysSql('decision', 'rows_decision', 'decision_key'),
  keysSql('key', 'rows_idempotency_key', 'idempotency_key_key'),
  keysSql('spill', 'rows_spill', 'spill_key'),
];

/**
 * The fingerprint of the rows up to `upToSeq`, of one moment: others may move the index on beyond them. 0.4 s for a
 * million rows.
 * @throws LedgerError INDEX_FAILED where it cannot be read to its end; INDEX_BUSY
 */
export function digestOf(index: LedgerIndex, upToSeq: number): IndexDigest {
  return guarded(index.path, () => {
    const digest = emptyDigest();
    index.database.exec('BEGIN');
    try {
      // Asking every row for its seq costs a fifth: only where there are others.
      const whole = index.watermark().seq <= upToSeq;
      for (const sql of QUERIES) {
        const found = index.database.prepare(whole ? sql : `${sql} AND seq <= ?`).get(whole ? [] : [upToSeq]) ?? {};
        for (const part of DIGEST_PARTS) if (part in found) digest[part] = Number(found[part]);
      }
      return digest;
    } finally {
      index.database.exec('COMMIT');
    }
  });
}

/**
 * What differs; empty: nothing.
 * @param file the fingerprint of the file's rows with a seq up to the snapshot's watermark, and of no others
 * @param index that of the snapshot
 */
export function compareDigests(file: IndexDigest, index: IndexDigest): IndexDifference[] {
  return DIGEST_PARTS.filter((part) => !sameSum(file[part], index[part])).map((part) => ({
    what: part,
    want: file[part],
    got: index[part],
  }));
}

/** What the parts of the fingerprint sum up, for people. */
const WORDS: Readonly<Record<keyof IndexDigest, string>> = {
  rows: 'rows',
  rowMix: 'places or times',
  timeMix: 'times',
  runRows: 'runs',
  runMix: 'runs',
  decisionRows: 'decisions',
  decisionMix: 'decisions',
  keyRows: 'keys',
  keyMix: 'keys',
  spillRows: 'spill ids',
  spillMix: 'spill ids',
};

/** The differences named: "other rows, runs". */
export function inWords(differences: readonly IndexDifference[]): string {
  const parts = differences.map(({ what }) => what);
  // What is wrong with the rows' times shows in both.
  const named = parts.includes('rowMix') ? parts.filter((part) => part !== 'timeMix') : parts;
  return [...new Set(named.map((part) => WORDS[part]))].join(', ');
}
