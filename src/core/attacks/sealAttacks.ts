/** Attacks on sealed fields and what opens them, and on the index: nothing of them is in a hash but the digest in the row. */
import type { Attack } from './attack';

const SEALED = {
  family: 'sealed fields',
  ground: 'anchored',
  layer: 'digest in the row',
  check: 'disclose',
  code: 'OPENING_MISSING',
  row: null,
  exit: 1,
  left: 'the value, if no copy of sealed.jsonl has it; the row itself is what it was, and verify warns of it',
} as const;
const NOT_THEIRS = { ...SEALED, check: 'disclosed', code: null, left: 'nothing: salt, name and value are in the digest' } as const; // prettier-ignore

export const SEAL_ATTACKS: readonly Attack[] = [
  { ...SEALED, name: 'opening-changed', what: 'the value of a sealed field is changed where it lies' },
  {
    ...SEALED,
    name: 'opening-of-other-field',
    what: 'the opening of one field of a row is put in the place of another',
  },
  {
    ...SEALED,
    name: 'opening-of-other-row',
    what: 'the opening of a field of one row is put in the place of another row’s',
  },
  {
    ...SEALED,
    name: 'opening-deleted',
    what: 'the opening of a sealed field is deleted, and no row says that it was erased',
    layer: 'warning of verify',
    check: 'verify',
    code: null,
    words: 'no opening that fits',
    exit: 0,
  },
  {
    ...SEALED,
    name: 'digest-exchanged',
    what: 'the digest of a sealed field becomes that of another row, whose opening is sound',
    layer: 'row hash',
    check: 'verify',
    code: 'CONTENT_ALTERED',
    row: 19,
    left: 'whoever writes all later hashes again as well: see signed-row-rewritten',
  },
  {
    ...NOT_THEIRS,
    name: 'disclosed-value-changed',
    what: 'the value in what was disclosed is changed on its way',
    words: 'its digest is not that of its salt',
  },
  {
    ...NOT_THEIRS,
    name: 'disclosed-as-other-row',
    what: 'what was disclosed of one row is shown as what another one says',
    words: 'the row holds',
  },
];

export const INDEX_ATTACKS: readonly Attack[] = [
  {
    name: 'index-forged',
    family: 'index',
    ground: 'anchored',
    what: 'the index is made to say that a row is of another run',
    layer: 'index, by the rows',
    check: 'verify',
    code: 'INDEX_DISAGREES',
    row: null,
    exit: 1,
    left: 'an append that asks it before verify or sweep has compared it: it may take a used key again, or begin a stream anew',
  },
];
