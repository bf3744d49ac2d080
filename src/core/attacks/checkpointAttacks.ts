/** Attacks by somebody who writes the ledger again: signed tree heads stand against them, and copies of those elsewhere. */
import type { Attack } from './attack';

const SIGNED = {
  family: 'checkpoints',
  layer: 'signed checkpoint',
  check: 'verify',
  code: 'DIVERGED',
  row: 8,
  exit: 1,
} as const;
const NO_KEY = 'rows behind the last checkpoint; and whoever has its key: see stolen-key';
const OWN_PROGRAM = 'whoever signs with a program of their own: see stolen-key';

export const CHECKPOINT_ATTACKS: readonly Attack[] = [
  {
    ...SIGNED,
    name: 'signed-row-rewritten',
    what: 'a row is changed and every hash behind it is written again',
    left: NO_KEY,
  },
  {
    ...SIGNED,
    name: 'same-length-suffix',
    what: 'the same for the last signed rows alone, so that there are as many as before',
    row: 11,
    left: NO_KEY,
  },
  {
    ...SIGNED,
    name: 'whole-run-out',
    what: 'all rows of a run are taken out, the others are numbered and chained again',
    left: NO_KEY,
  },
  {
    ...SIGNED,
    name: 'cut-below-checkpoint',
    what: 'rows are cut off the end, signed ones among them',
    code: 'TRUNCATED',
    row: 11,
    also: ['ROLLBACK'],
    left: 'rows behind the last checkpoint: make them often, or note the head elsewhere (--expect-head)',
  },
  {
    ...SIGNED,
    name: 'shrunk-then-signed',
    what: 'the same, and then the ledger is to be signed as it is now, which is refused',
    layer: 'signer, checkpoint',
    code: 'TRUNCATED',
    row: 11,
    also: ['ROLLBACK'],
    left: OWN_PROGRAM,
  },
  {
    ...SIGNED,
    name: 'rewritten-then-signed',
    what: 'a signed row is changed, all is chained again and is to be signed as it is now, which is refused',
    layer: 'signer, checkpoint',
    left: OWN_PROGRAM,
  },
  {
    ...SIGNED,
    name: 'tree-of-other-rows',
    what: 'the stored tree is made one of other rows than the chain, and then the ledger is signed',
    layer: 'signer',
    code: null,
    row: null,
    exit: 0,
    left: 'nothing: the stored tree saves time and proves nothing; it is made anew from the rows, and right ones are signed',
  },
  {
    ...SIGNED,
    name: 'checkpoint-of-others',
    what: 'a checkpoint over rows that are not these is put beside them, signed with the stolen key',
    row: 18,
    left: 'which of the two is right: the one that anchors know, and both notes together prove that the key signed two histories',
  },
  {
    ...SIGNED,
    name: 'checkpoint-edited',
    what: 'the root in a checkpoint is changed',
    code: 'SIGNATURE_INVALID',
    row: 11,
    also: ['DIVERGED'],
    left: 'a checkpoint that is deleted leaves no such trace: see cut-with-checkpoints',
  },
  {
    ...SIGNED,
    name: 'checkpoint-garbled',
    what: 'a checkpoint is cut short',
    code: 'CHECKPOINT_INVALID',
    row: 11,
    left: 'nothing: what is no signed note is said to be none',
  },
  {
    ...SIGNED,
    name: 'checkpoint-of-ledger-x',
    what: 'a checkpoint is one of a ledger of another name',
    code: 'FOREIGN',
    row: 11,
    also: ['UNKNOWN_KEY', 'SIGNATURE_MISSING'],
    left: 'nothing: the name of the ledger is in what is signed',
  },
  {
    ...SIGNED,
    name: 'checkpoint-by-stranger',
    what: 'the ledger is signed by a key that nobody here trusts',
    code: 'UNKNOWN_KEY',
    row: 18,
    left: 'it says that the key is not known, never that a row was changed; where no key is trusted at all, none is checked, and that is said',
  },
];

const REMEMBERED = { ...SIGNED, family: 'remembered head', layer: 'remembered head' } as const;
const ELSEWHERE =
  'whoever can write the home of the account as well: a head that is anchored out of their reach (docs/anchors.md)';

export const HEAD_ATTACKS: readonly Attack[] = [
  {
    ...REMEMBERED,
    name: 'cut-with-checkpoints',
    what: 'rows are cut off the end, and with them the checkpoints that are over them',
    code: 'ROLLBACK',
    row: null,
    left: ELSEWHERE,
  },
  {
    ...REMEMBERED,
    name: 'folder-rolled-back',
    what: 'the whole state folder is exchanged for an older copy of it',
    code: 'ROLLBACK',
    row: null,
    left: ELSEWHERE,
  },
  {
    ...REMEMBERED,
    name: 'stolen-key',
    what: 'all is chained again and signed anew with the stolen key of the ledger, on another machine',
    row: 11,
    left: ELSEWHERE,
  },
  {
    ...REMEMBERED,
    name: 'other-ledger-in-place',
    what: 'another ledger, sound in itself, is put in the place of this one',
    layer: 'signed checkpoint',
    code: 'FOREIGN',
    also: ['TRUNCATED'],
    left: 'whoever takes the checkpoints away, too: an auditor who knows the name of the ledger (origin)',
  },
  {
    ...REMEMBERED,
    name: 'file-emptied',
    what: 'the file is emptied',
    layer: 'never green',
    code: 'NOT_VERIFIABLE',
    row: null,
    also: ['TRUNCATED', 'ROLLBACK'],
    exit: 2,
    left: 'nothing: where there are no rows, nothing was checked',
  },
  {
    ...REMEMBERED,
    name: 'folder-emptied',
    what: 'everything in the state folder is deleted',
    layer: 'never green',
    code: 'NOT_VERIFIABLE',
    row: null,
    exit: 2,
    left: 'what the rows said: keep a copy of the ledger',
  },
  {
    ...REMEMBERED,
    name: 'begun-anew',
    what: 'the same, and then a row is appended, which must not begin another ledger in its place',
    layer: 'writer, never green',
    code: 'NOT_VERIFIABLE',
    row: null,
    exit: 2,
    left: 'the row waits in the spill file; whoever makes the new ledger without this program: see other-ledger-in-place',
  },
];
