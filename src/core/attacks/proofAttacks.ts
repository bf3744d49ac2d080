/** Attacks on files that are to prove something, by whoever they went through: they are checked by the file and a key alone. */
import type { Attack } from './attack';

const PROOF = {
  family: 'proofs',
  ground: 'anchored',
  layer: 'inclusion proof',
  check: 'evidence',
  code: 'PROOF_WRONG',
  row: null,
  exit: 1,
  left: 'whoever signs another tree with the stolen key: see second-history-signed',
} as const;

export const PROOF_ATTACKS: readonly Attack[] = [
  {
    ...PROOF,
    name: 'proof-row-edited',
    what: 'a character of the row in a proof is changed',
    layer: 'row hash',
    code: 'CONTENT_ALTERED',
    left: 'the row with a right hash: see proof-row-rehashed',
  },
  { ...PROOF, name: 'proof-row-rehashed', what: 'the same, with the hash that is right then' },
  { ...PROOF, name: 'proof-of-other-place', what: 'a row is shown as the one behind it' },
  { ...PROOF, name: 'proof-hash-changed', what: 'a character of a hash in a proof is changed' },
  {
    ...PROOF,
    name: 'proof-garbled',
    what: 'a character of a hash becomes one that is no base64',
    layer: 'form of proofs',
    code: 'EVIDENCE_INVALID',
    exit: 2,
    left: 'nothing: there is one spelling of a proof',
  },
  {
    ...PROOF,
    name: 'proof-root-changed',
    what: 'the root in the checkpoint of a proof is changed',
    layer: 'signed checkpoint',
    code: 'SIGNATURE_INVALID',
    also: ['PROOF_WRONG'],
  },
  {
    ...PROOF,
    name: 'proof-by-stranger',
    what: 'mallory signs the checkpoint of a proof with a key of their own',
    layer: 'key of the auditor',
    code: 'UNKNOWN_KEY',
    left: 'an auditor who takes the key from whoever shows the proof: it must come from elsewhere',
  },
  {
    ...PROOF,
    name: 'report-of-strangers',
    what: 'the ledger is accused of two histories: the second head is signed by mallory',
    layer: 'one key signed both',
    code: 'NO_EQUIVOCATION',
    also: ['UNKNOWN_KEY'],
    left: 'nothing: without the key of the ledger nobody can make two heads of it',
  },
  {
    ...PROOF,
    name: 'report-forged',
    what: 'the same under the name of the right key',
    layer: 'signed checkpoint',
    code: 'SIGNATURE_INVALID',
    left: 'whoever has stolen the key can make the ledger look like a liar: end that key (docs/keys.md)',
  },
];
