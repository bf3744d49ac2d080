/** Attacks on rows, streams and the clock: the hashes, the links and the order of rows stand against them. */
import type { Attack } from './attack';

const REWRITE = 'whoever writes all later hashes again as well: see signed-row-rewritten';

const ROW_HASH = { family: 'rows', layer: 'row hash', check: 'verify', code: 'CONTENT_ALTERED', row: 14, exit: 1, left: REWRITE } as const; // prettier-ignore

export const ROW_ATTACKS: readonly Attack[] = [
  { ...ROW_HASH, name: 'edit-byte', what: 'one byte of a row is changed' },
  {
    ...ROW_HASH,
    name: 'edit-and-rehash',
    what: 'a row is changed and its own hash written again',
    layer: 'row link',
    code: 'LINK_BROKEN',
    row: 15,
    left: 'the last row of all has no row behind it: a head that is kept elsewhere shows that',
  },
  {
    ...ROW_HASH,
    name: 'payload-exchanged',
    what: 'the last row gets another payload and a new hash, and keeps an old content_hash',
    layer: 'content hash',
    row: 18,
    left: 'whoever writes the content_hash again, too: then it is a rewritten last row',
  },
  {
    ...ROW_HASH,
    name: 'delete-row',
    what: 'a row in the middle is taken out',
    layer: 'order of rows',
    code: 'SEQ_GAP',
    row: 15,
    left: 'rows at the end: see cut-below-checkpoint',
  },
  {
    ...ROW_HASH,
    name: 'swap-rows',
    what: 'two rows change places',
    layer: 'order of rows',
    code: 'SEQ_GAP',
    row: 15,
  },
  {
    ...ROW_HASH,
    name: 'insert-row',
    what: 'a row with a right hash and a right link is put between two others',
    layer: 'order of rows',
    code: 'FORK',
    row: 15,
    left: `a row put behind the last one is a row like any other, said to be by whom it names: signatures show who said it; and ${REWRITE}`,
  },
  {
    ...ROW_HASH,
    name: 'replay-row',
    what: 'an old row is put at the end once more',
    layer: 'order of rows',
    code: 'REPLAY',
    row: 10,
    left: 'the same words in a new row of its own: an idempotency key refuses those when they are appended',
  },
  {
    ...ROW_HASH,
    name: 'member-behind-hash',
    what: 'a member is put behind the hash, where it would not be hashed',
    layer: 'fixed end of a line',
  },
  { ...ROW_HASH, name: 'duplicate-key', what: 'a name stands twice, so that parsers read different values' },
  { ...ROW_HASH, name: 'number-spelling', what: '1 becomes 1.0, which parses to the same' },
  {
    ...ROW_HASH,
    name: 'invalid-utf-8',
    what: 'a U+FFFD becomes a byte that is no UTF-8, which lenient readers read as U+FFFD',
  },
  { ...ROW_HASH, name: 'white-space', what: 'a space is put between two members, which parsers skip' },
];

export const STREAM_ATTACKS: readonly Attack[] = [
  {
    name: 'row-out-of-run',
    family: 'streams',
    what: 'a row of a run is taken out, the others are numbered and chained again',
    layer: 'stream link',
    check: 'verify',
    code: 'STREAM_BROKEN',
    row: 14,
    exit: 1,
    left: 'the last rows of an open run, and whoever numbers the run again, too: a checkpoint or a head kept elsewhere',
  },
  {
    name: 'row-after-close',
    family: 'streams',
    what: 'a row is appended to a run that is over',
    layer: 'rules of runs',
    check: 'governance',
    code: 'ROW_AFTER_CLOSE',
    row: 19,
    exit: 1,
    left: 'it is a true row, so without --governance it is told as a warning alone',
  },
];

export const TIME_ATTACKS: readonly Attack[] = [
  {
    name: 'clock-back',
    family: 'time',
    what: 'a row says that it was appended years before the row in front of it',
    layer: 'order of times',
    check: 'verify',
    code: 'TIME_SUSPECT',
    row: 19,
    exit: 0,
    left: 'clocks do go back, so it is suspect and not broken; one that is wrong and goes forward is not seen: a time stamp (rfc3161) on a checkpoint bounds it',
  },
];
