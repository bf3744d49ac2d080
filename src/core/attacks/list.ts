/** Every attack that `ledger selftest` plays, and what nothing catches. */
import { ANCHOR_ATTACKS, HISTORY_ATTACKS } from './anchorAttacks';
import type { Attack } from './attack';
import { BUNDLE_ATTACKS } from './bundleAttacks';
import { CHECKPOINT_ATTACKS, HEAD_ATTACKS } from './checkpointAttacks';
import { KEY_ATTACKS } from './keyAttacks';
import { PROOF_ATTACKS } from './proofAttacks';
import { ROW_ATTACKS, STREAM_ATTACKS, TIME_ATTACKS } from './rowAttacks';
import { INDEX_ATTACKS, SEAL_ATTACKS } from './sealAttacks';
import { HIDDEN_ATTACKS, ORIGIN_ATTACKS, WRITER_ATTACKS } from './writerAttacks';

export const ATTACKS: readonly Attack[] = [
  ...ROW_ATTACKS,
  ...STREAM_ATTACKS,
  ...CHECKPOINT_ATTACKS,
  ...HEAD_ATTACKS,
  ...ANCHOR_ATTACKS,
  ...HISTORY_ATTACKS,
  ...BUNDLE_ATTACKS,
  ...PROOF_ATTACKS,
  ...ORIGIN_ATTACKS,
  ...KEY_ATTACKS,
  ...WRITER_ATTACKS,
  ...HIDDEN_ATTACKS,
  ...SEAL_ATTACKS,
  ...INDEX_ATTACKS,
  ...TIME_ATTACKS,
];

/** What no ledger can see, and what helps. */
export interface Uncaught {
  readonly what: string;
  readonly helps: string;
}

export const UNCAUGHT: readonly Uncaught[] = [
  { what: 'an event that was never logged', helps: 'ledger run: its first row is on disk before the command begins' },
  { what: 'an event that was false when it was logged', helps: 'a second witness: what another party logged of it' },
  {
    what: 'a rewrite of everything by who holds the key and can write every copy of the heads',
    helps: 'an anchor out of their reach: a witness, a time stamp, somebody else’s repository',
  },
  {
    what: 'rows that came since the last checkpoint, written again by who can write the file',
    helps: 'a head noted elsewhere (verify --expect-head), or checkpoints more often',
  },
];
