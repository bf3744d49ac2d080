/** Attacks by somebody who has the key and can write the home of the account, too: heads that lie elsewhere stand against them. */
import type { Attack } from './attack';

const ANCHORED = {
  family: 'anchors',
  ground: 'anchored',
  layer: 'anchor, file:',
  check: 'verify',
  code: 'ROLLBACK',
  row: null,
  words: 'stick/ knows of',
  exit: 1,
  left: 'whoever can write where it is anchored as well: see anchored-file-older',
} as const;

export const ANCHOR_ATTACKS: readonly Attack[] = [
  {
    ...ANCHORED,
    name: 'anchored-tail-cut',
    what: 'rows are cut off the end, with the checkpoints over them and the remembered head',
  },
  {
    ...ANCHORED,
    name: 'anchored-rolled-back',
    what: 'the state folder and the remembered head are both exchanged for older copies',
  },
  {
    ...ANCHORED,
    name: 'anchored-stolen-key',
    what: 'all is chained again and signed anew with the stolen key, and the remembered head is deleted',
    code: 'DIVERGED',
    row: 20,
    words: 'stick/ has it',
  },
  {
    ...ANCHORED,
    name: 'anchored-file-older',
    what: 'as anchored-rolled-back, and the head at a file: anchor is exchanged for the older one',
    layer: 'anchor, git:',
    words: 'repository#heads knows of',
    needs: 'git',
    left: 'whoever can write the history of that repository again: what was pushed or signed shows that, and a witness',
  },
];

export const HISTORY_ATTACKS: readonly Attack[] = [
  {
    name: 'second-history-signed',
    family: 'two histories',
    ground: 'anchored',
    what: 'another history of as many rows is signed with the key, while somebody has kept the head of the first',
    layer: 'head that was kept',
    check: 'consistency',
    code: 'DIVERGED',
    row: null,
    exit: 2,
    left: 'which of the two is true; that the key signed both is proved to everybody (ledger prove --equivocation)',
  },
];
