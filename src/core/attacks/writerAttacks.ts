/** Attacks by the side of writers and crashes, on the beginning of the ledger, and on what may be hidden. */
import type { Attack } from './attack';

const BY_VERIFY = { check: 'verify', exit: 1 } as const;

export const ORIGIN_ATTACKS: readonly Attack[] = [
  {
    ...BY_VERIFY,
    name: 'front-cut',
    family: 'origin',
    what: 'the first rows are cut off',
    layer: 'order of rows',
    code: 'FRONT_TRUNCATED',
    row: 5,
    left: 'nothing: a ledger begins with row 1',
  },
  {
    ...BY_VERIFY,
    name: 'other-ledger-appended',
    family: 'origin',
    what: 'the rows of another ledger are put behind the last one',
    layer: 'order of rows',
    code: 'SEQ_GAP',
    row: 1,
    also: ['TRUNCATED', 'ROLLBACK'],
    left: 'a row of another ledger, chained again, is a forged row at the end: only a signed one says which ledger it is of',
  },
  {
    ...BY_VERIFY,
    name: 'format-downgraded',
    family: 'origin',
    what: 'row 1 names an older format, for which fewer rules might hold, and all is chained again',
    layer: 'genesis row',
    code: 'GENESIS_MISSING',
    row: 1,
    also: ['DIVERGED'],
    left: 'nothing: this program knows one format and reads no other',
  },
];

const CRASH = { ...BY_VERIFY, family: 'writers and crashes' } as const;

export const WRITER_ATTACKS: readonly Attack[] = [
  {
    ...CRASH,
    name: 'two-writers',
    what: 'two writers append at once, each in ignorance of the other',
    layer: 'order of rows',
    code: 'FORK',
    row: 19,
    left: 'nothing is lost and nobody is accused of tampering; the lock keeps it from happening (see "Where it holds")',
  },
  {
    ...CRASH,
    name: 'torn-end',
    what: 'a crash leaves half of the last row',
    layer: 'form of a line',
    code: 'TORN',
    row: 18,
    left: 'whether a crash or a person cut the last row short: what is left of it is set aside, and named',
  },
  {
    ...CRASH,
    name: 'torn-end-healed',
    what: 'the same, and then a row is appended',
    layer: 'heal row',
    code: null,
    row: null,
    exit: 0,
    left: 'no row was acknowledged half: what was set aside lies in quarantine/, and a row says so',
  },
  {
    ...CRASH,
    name: 'torn-middle',
    what: 'a row in the middle is torn, and a sweep sets it aside',
    layer: 'tombstone, heal row',
    code: 'GAP',
    row: 14,
    exit: 3,
    left: 'what the row said: a gap that is named is never called intact',
  },
  {
    ...CRASH,
    name: 'poisoned-tail',
    what: 'the last row is changed, and the next append is to build on it',
    layer: 'writer, row hash',
    code: 'CONTENT_ALTERED',
    row: 18,
    left: 'rows wait in the spill file until somebody has looked (ledger sweep --set-aside)',
  },
  {
    ...CRASH,
    name: 'tombstone-alone',
    what: 'a row is exchanged for a tombstone, and no row says why',
    layer: 'heal row',
    code: 'GAP_UNBACKED',
    row: 14,
    left: 'nothing: a tombstone counts only with a heal row in the chain and the bytes in quarantine/',
  },
  {
    ...CRASH,
    name: 'tombstone-over-row',
    what: 'a whole row is exchanged for a tombstone, with a forged heal row and the row in quarantine/',
    layer: 'quarantine',
    code: 'GAP_UNJUSTIFIED',
    row: 14,
    left: 'see tombstone-over-junk',
  },
  {
    ...CRASH,
    name: 'tombstone-over-junk',
    what: 'the same with junk in quarantine/ in place of the row',
    layer: 'tombstone, heal row',
    code: 'GAP',
    row: 14,
    exit: 3,
    left: 'whether there ever was such junk: the row is gone, and its gap is told for ever; a copy of the ledger tells',
  },
];

export const HIDDEN_ATTACKS: readonly Attack[] = [
  {
    name: 'hidden-row-guessed',
    family: 'hidden rows',
    what: 'a reader of a bundle tries every likely row until its hash is one of those in the proof',
    layer: 'nonce of the row',
    check: 'guess',
    code: null,
    row: null,
    exit: 0,
    left: 'that there is a row, and when the rows around it were appended',
  },
];
