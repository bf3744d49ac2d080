/**
 * The faults that a ledger must survive, numbered. Each stands in a test whose title begins with `case N`; cases.test.ts
 * fails where a number has none. `short` is what every test run does, `full` what `npm run test:faults` does
 * (LEDGER_FAULTS=full) and, for case 48, `npm run test:soak`.
 */

export interface FaultCase {
  readonly number: number;
  readonly title: string;
  /** The test files that hold it. */
  readonly files: readonly string[];
  readonly short: string;
  readonly full: string;
}

const EVERY_CALL = 'before every system call that touches the state';
const CHANGING = 'before every system call that changes something';

type Entry = readonly [title: string, files: string, short: string, full: string];

const ENTRIES: readonly Entry[] = [
  ['kill -9 in a plain append', 'kill', CHANGING, EVERY_CALL],
  ['kill -9 in the first append into an empty folder', 'kill', CHANGING, EVERY_CALL],
  [
    'kill -9 in a heal, four kinds of torn tail and a missing newline',
    'kill',
    `${CHANGING}; some for three kinds`,
    EVERY_CALL,
  ],
  ['kill -9 in a spill, after failed writes and under a held lock', 'kill', CHANGING, EVERY_CALL],
  ['kill -9 in a drain of ten rows, also behind a torn tail', 'kill', CHANGING, EVERY_CALL],
  ['kill -9 in a sweep that replaces the file', 'sweep', 'some calls that change something', EVERY_CALL],
  ['a row cut at a byte', 'torn', '7 bytes, both ends', 'every byte'],
  ['the rest of a row zero-filled from a byte on', 'torn', '4 bytes, both ends', 'every byte'],
  ['a last line of zeros or garbage, with a newline', 'torn', '3 bytes each', 'every byte'],
  ['a complete row without its newline, hash right and wrong', 'torn', 'all', 'all'],
  ['a tail of 1 and 100 MB of zeros', 'torn', 'all', 'all'],
  ['no space for one write', 'disk', '5 writes of an append, 5 of a heal', 'every write'],
  ['no space for good, a second place to spill', 'full', 'all', 'all'],
  ['no space for good, nor in the second place', 'full', 'all', 'all'],
  ['no space to set a torn tail aside', 'full', 'all', 'all'],
  ['no inodes', 'full', 'new ledger, existing ledger, torn tail', 'the same'],
  ['over quota, also for the cut', 'full', 'errno 122 by shim and strace, btrfs quota groups', 'the same'],
  ['a file size limit inside the row', 'disk', '4 lengths', '500 lengths'],
  ['the sync fails, once and for ever', 'disk', 'all', 'all'],
  ['the tail cannot be read', 'errors', 'all', 'all'],
  ['close or unlock fails after the sync', 'errors', '4 closes', 'every close'],
  ['interrupted calls', 'errors', 'open, read, write, sync', 'the same'],
  ['no descriptors, no memory', 'errors', '3 opens for each error, 3 limits', 'every open, 10 limits'],
  ['a power cut right after an acknowledgement', 'power', '4 cuts (image copy)', '200 cuts'],
  ['a power cut at any moment on four file systems', 'power', '2 cuts each (image copy)', '100 cuts each'],
  ['a power cut after the first create', 'power', 'all', 'all'],
  ['the file system is shut down under load', 'power', 'ext4, xfs', 'the same'],
  ['a stopped lock holder', 'locks', 'until the others spill', '60 s'],
  ['a killed lock holder with sixteen waiters', 'locks', '2 rounds', '30 rounds'],
  ['many writers at once', 'locks', '16 on an empty folder, 16 x 25, 12 x 20, 6 x 100', '16 x 25, 50 x 20, 32 x 100'],
  ['leftovers of dead processes', 'locks', 'all', 'all'],
  ['a clock a day behind or ahead, jumps while running', 'locks', 'all', 'all'],
  ['two clocks that differ, on one folder', 'locks', '15 s and a day', 'the same'],
  ['read-only file system, immutable file, folder 0500, foreign owner', 'permissions', 'all', 'all'],
  ['an append-only file with a torn tail', 'permissions', 'all', 'all'],
  ['the ledger or its lock is replaced, deleted or cut while a writer waits', 'replaced', 'all', 'all'],
  ['copy-truncate by a log rotation', 'replaced', 'all', 'all'],
  ['readers during a thousand appends, and a tail that stays torn', 'readers', 'all', 'all'],
  ['verify beside a heal; drains, spills and sweeps at once', 'readers', 'all', 'all'],
  ['SIGTERM, SIGINT, SIGHUP in an append', 'readers', '2 moments each', '20 moments each'],
  ['standard output closed, full, or its reader gone', 'readers', 'all', 'all'],
  ['a big answer into a slow pipe', 'readers', 'all', 'all'],
  ['rows of every length', 'limits', '1 byte to 16 MiB', 'the same'],
  ['a big ledger', 'limits', '30,000 rows', '1,000,000 rows'],
  ['a changed bit anywhere in a small ledger', 'limits', '12 places', '1,000 places'],
  ['rows deleted, swapped, doubled, inserted, cut off', 'limits', '8 edits', 'every edit'],
  ['noise in the ledger and on standard input', 'limits', '2 ledgers, 6 commands', '300 ledgers, 6 commands'],
  ['chaos: 8 writers stopped and killed, a disk that fills up', 'soak', '6 s', '10 min (test:soak)'],
  ['no native lock; the portable lock; this Node', 'platform', 'all', 'all, on each Node'],
  ['a ledger in the lower layer of an overlay', 'platform', 'all', 'all'],
];

export const FAULT_CASES: readonly FaultCase[] = ENTRIES.map(([title, file, short, full], i) => ({
  number: i + 1,
  title,
  files: [`${file}.test.ts`],
  short,
  full,
}));
