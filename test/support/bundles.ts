/** Bundles for tests: a ledger built row by row, its tree, a checkpoint and keys that are the same every time. */
import { createPrivateKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { bundleContent, signBundle } from '../../src/core/bundle/build';
import { bundleText } from '../../src/core/bundle/bundle';
import type { Bundle } from '../../src/core/bundle/bundle';
import { pathText } from '../../src/core/bundle/inclusion';
import type { EvidenceReading } from '../../src/core/bundle/evidence';
import type { BundleJson } from '../../src/core/bundle/read';
import { readEvidence } from '../../src/core/bundle/readEvidence';
import { isIn, streamOf } from '../../src/core/bundle/streams';
import type { StreamKey } from '../../src/core/bundle/streams';
import type { Row } from '../../src/core/members';
import { treeHeadText } from '../../src/core/note/checkpoint';
import { formatNote, noteKeyOf } from '../../src/core/note/note';
import { fingerprintOf } from '../../src/core/signing/keys';
import type { Signer } from '../../src/core/signing/signer';
import { leafHash } from '../../src/core/tree/merkle';
import { GrowingTree, inclusionPath } from '../../src/core/tree/storedTree';
import { readerOf } from './storedTree';
import type { Chain } from './ledgers';

export interface TestKey {
  readonly key: KeyObject;
  readonly publicBytes: Buffer;
  readonly signer: Signer;
}

/** The same key for the same letter. */
export function testKey(letter: string): TestKey {
  const seed = Buffer.alloc(32, letter);
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  const key = createPrivateKey({ key: Buffer.concat([prefix, seed]), format: 'der', type: 'pkcs8' });
  const publicBytes = Buffer.from((key.export({ format: 'jwk' }) as { readonly x: string }).x, 'base64url');
  const publicKey = { bytes: publicBytes, comment: letter };
  const keyId = fingerprintOf(publicKey);
  const signs = (bytes: Uint8Array): Promise<Buffer> => Promise.resolve(sign(null, bytes, key));
  return { key, publicBytes, signer: { alg: 'ed25519', keyId, publicKey, sign: signs } };
}

export interface TestTree {
  readonly size: number;
  readonly root: Buffer;
  readonly pathOf: (index: number) => Buffer[];
  /** As its file holds it. */
  readonly stored: Buffer;
}

/** The tree over the first rows of a chain; all of them, where no number is given. */
export function treeOf(lines: readonly string[], size = lines.length): TestTree {
  const leaves = lines.slice(0, size).map((line) => leafHash(Buffer.from(line.slice(-66, -2), 'hex')));
  const tree = new GrowingTree();
  const stored = tree.grow(Buffer.concat(leaves));
  const read = readerOf(stored);
  return { size, root: tree.root(), pathOf: (index) => inclusionPath(index, size, read), stored };
}

/** A checkpoint's note, signed. */
export function noteOf(
  origin: string,
  { size, root }: Pick<TestTree, 'size' | 'root'>,
  { key, publicBytes }: TestKey,
): string {
  const text = treeHeadText({ origin, size, root });
  const { keyHash } = noteKeyOf(origin, publicBytes);
  return formatNote({ text, signatures: [{ name: origin, keyHash, bytes: sign(null, Buffer.from(text), key) }] });
}

export interface BundleOptions {
  readonly bundleKey?: Pick<TestKey, 'signer'>;
  readonly headKey?: TestKey;
  /** How many rows the checkpoint covers. */
  readonly size?: number;
  readonly workflowId?: string;
}

/** What a file with this text is read as. */
export const readText = (text: string): EvidenceReading => readEvidence(Buffer.from(text));

/** As its file has it. */
export const jsonOf = (bundle: Bundle): BundleJson => JSON.parse(bundleText(bundle)) as BundleJson;

/** Whatever was made of that, as it is. */
export function fromJson(json: object): Bundle {
  const { inclusion } = json as BundleJson;
  const proofs = inclusion.map(({ hashes, index, seq }) => ({ path: pathText(hashes), index, seq }));
  return { ...(json as BundleJson), inclusion: proofs };
}

/** The bundle of some streams of a chain. */
export function bundleOf(chain: Chain, streams: readonly StreamKey[], options: BundleOptions = {}): Promise<Bundle> {
  const { bundleKey = testKey('b'), headKey = testKey('h'), size, workflowId = streams[0]?.id ?? 'none' } = options;
  const all = chain.lines.map((line) => ({ line, row: JSON.parse(line) as Row }));
  const tree = treeOf(chain.lines, size);
  const { ledgerId, origin } = chain.identity;
  const content = bundleContent({
    workflowId,
    ledger: { ledger_id: ledgerId, origin },
    streams: streams.map((key) =>
      streamOf(
        key,
        all.flatMap(({ row }) => (isIn(key, row) ? [row] : [])),
      ),
    ),
    rows: all.filter(({ row }) => streams.some((key) => isIn(key, row))),
    checkpoint: noteOf(origin, tree, headKey),
    pathOf: tree.pathOf,
    disclosed: [],
  });
  return signBundle(content, bundleKey.signer);
}
