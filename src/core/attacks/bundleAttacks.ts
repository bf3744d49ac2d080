/** Attacks on a bundle, by whoever it went through, and by whoever made it and has the key. */
import type { Attack } from './attack';

const BUNDLE = { family: 'bundles', check: 'bundle', code: 'INCOMPLETE_STREAM', row: null, exit: 1 } as const;
const BY_SIGNER = 'who has the key of the ledger can sign another bundle: see the next ones';

export const BUNDLE_ATTACKS: readonly Attack[] = [
  {
    ...BUNDLE,
    name: 'bundle-row-edited',
    what: 'a row in a bundle is changed',
    layer: 'row hash',
    code: 'CONTENT_ALTERED',
    row: 4,
    also: ['INCOMPLETE_STREAM'],
    left: BY_SIGNER,
  },
  {
    ...BUNDLE,
    name: 'bundle-row-rehashed',
    what: 'the same with a new hash, and the bundle is signed anew with the stolen key',
    layer: 'inclusion proof',
    code: 'CHECKPOINT_INVALID',
    row: 6,
    left: 'whoever signs another checkpoint, too: the auditor compares it with one from elsewhere (an anchor, an older bundle)',
  },
  {
    ...BUNDLE,
    name: 'bundle-row-left-out',
    what: 'rows are picked: one in the middle of the run is left out, and the bundle is signed anew',
    layer: 'stream link',
    row: 6,
    left: 'nothing: the rows of a stream are 1 to n',
  },
  {
    ...BUNDLE,
    name: 'bundle-end-left-out',
    what: 'the row that closes the run is left out, and the bundle is signed anew',
    layer: 'closing row',
    left: 'a bundle that says itself that the run is open holds, with exit 3: rows may be missing at its end',
  },
  {
    ...BUNDLE,
    name: 'bundle-unsigned',
    what: 'the signature is taken out of a bundle',
    layer: 'form of bundles',
    code: 'SIGNATURE_MISSING',
    left: 'nothing: what is not signed is no bundle',
  },
  {
    ...BUNDLE,
    name: 'bundle-key-swapped',
    what: 'mallory signs the bundle with a key of their own, and names it in there',
    layer: 'key of the auditor',
    code: 'UNKNOWN_KEY',
    left: 'an auditor who takes the key from the bundle itself: it must come from elsewhere',
  },
  {
    ...BUNDLE,
    name: 'bundle-key-claimed',
    what: 'the same under the name of the right key',
    layer: 'bundle signature',
    code: 'SIGNATURE_INVALID',
    left: 'whoever has stolen the key of the ledger',
  },
  {
    ...BUNDLE,
    name: 'bundle-of-other-run',
    what: 'the rows of a run are shown as those of another one, and the bundle is signed anew',
    layer: 'rows name streams',
    code: 'FOREIGN',
    row: 2,
    also: ['INCOMPLETE_STREAM'],
    left: 'nothing: each row says of which run it is',
  },
  {
    ...BUNDLE,
    name: 'bundle-of-ledger-x',
    what: 'a bundle is shown as one of another ledger, and signed anew',
    layer: 'signed checkpoint',
    code: 'FOREIGN',
    left: 'nothing: the checkpoint says of which ledger it is',
  },
  {
    ...BUNDLE,
    name: 'bundle-downgraded',
    what: 'a bundle names an older version, for which fewer rules might hold, and is signed anew',
    layer: 'form of bundles',
    code: 'MALFORMED',
    left: 'nothing: this program knows one version and reads no other',
  },
];
