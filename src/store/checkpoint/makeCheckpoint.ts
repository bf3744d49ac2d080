/**
 * Signs the ledger as it stands. What is on disk after each step:
 *
 *   1. under the ledger's lock: torn bytes healed; all rows up to the end synced. The lock is let go.
 *   2. the rows behind the last signed tree (or all) read and checked in full; `audit.tree` synced up to the last of them
 *   3. what was signed before, here and outside of the folder, is the beginning of that: else nothing is signed
 *   4. the note: whole, in `checkpoints/<size>.txt`
 *   5. the same, outside of the state folder
 *   6. the row `audit.checkpoint`
 *
 * Killed in between, the next one goes on: a note without its row gets it.
 */
import { join } from 'node:path';
import { LedgerError, orNothing } from '../../core/errors';
import { treeHeadText } from '../../core/note/checkpoint';
import type { TreeHead } from '../../core/note/checkpoint';
import { checkNoteSignature, formatNote, noteKeyOf, noteKeysOf, openNote, parseNote } from '../../core/note/note';
import type { NoteKey } from '../../core/note/note';
import { ownRow } from '../../core/ownRows';
import type { Identity } from '../../core/ownRows';
import type { ReadSoFar } from '../../core/progress';
import { fingerprintOf } from '../../core/signing/keys';
import { readRotation } from '../../core/signing/rotation';
import type { KeySigner } from '../../core/signing/signer';
import type { TreeWalk } from '../../core/tree/treeWalk';
import type { Walk } from '../../core/walkState';
import type { AppendEvents } from '../append/append';
import { committedEnd } from '../append/prepare';
import { Writer } from '../append/writer';
import { statOf } from '../files';
import { attach, detach } from '../ledger/attach';
import type { LocatedLedger } from '../ledger/locate';
import { nodeHost } from '../machine/nodeHost';
import { ledgerTrust } from '../signing/ledgerTrust';
import { newestFile, publishCheckpoint, readCheckpoint } from './checkpoints';
import type { CheckpointFile, StoredCheckpoint } from './checkpoints';
import { readRowsToSign } from './readRows';
import type { RowsRead } from './readRows';
import type { StatePaths } from '../paths';
import { headIn, rememberedOf, rememberHead } from './remembered';

/** The hint where a key signs no more. */
export const NAME_THE_ONE_THAT_SIGNS =
  'name the one that signs now with --sign, or as "checkpoints": {"key": …} in the config; "ledger key list" shows them';

export interface CheckpointWish {
  readonly located: LocatedLedger;
  readonly signer: KeySigner;
  /** Read all rows, whatever was signed before. */
  readonly full: boolean;
  readonly events: AppendEvents;
  readonly onProgress: ((done: ReadSoFar) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface MadeCheckpoint {
  /** `current`: nothing but rows about checkpoints came since the last one, which stands. */
  readonly status: 'signed' | 'current';
  readonly checkpoint: StoredCheckpoint;
  /** Of the key that signed it. */
  readonly keyId: string;
  readonly read: RowsRead['read'];
  readonly rowsRead: number;
  /** Of the row that tells of it. */
  readonly seq: number;
  /** Why it is not remembered outside of the state folder. */
  readonly notRemembered: string | undefined;
  /** Every key that signed heads of this ledger, as far as it is known here. */
  readonly keys: readonly NoteKey[];
}

/**
 * @throws LedgerError LEDGER_MISSING, LEDGER_BROKEN, CHECKPOINT_INVALID, ROLLBACK, DIVERGED, KEY_UNUSABLE, and whatever
 *   keeps a row from the chain: nothing is signed then, but where only the row is missing
 */
export async function makeCheckpoint(wish: CheckpointWish): Promise<MadeCheckpoint> {
  const { located, events } = wish;
  const { paths } = located;
  const file = attach(located);
  try {
    const { identity, host } = file;
    // What was signed first, and the rows then: rows that somebody signs meanwhile must not look like rows that are gone.
    const { last, keys, keyId } = await lastSigned(wish, identity);
    const outside = headOutside(paths, identity);
    const toBytes = await committedEnd(file, events);
    const sizes = [last?.head, outside].flatMap((head) => head?.size ?? []);
    const read = await readRowsToSign({ ...wish, file, toBytes, signed: last?.head, sizes });
    if (last !== undefined) refuseOther(read.tree, last.head, `${last.path}`);
    if (outside !== undefined) refuseOther(read.tree, outside, `the head remembered in ${paths.heads}`);
    const isCurrent = last !== undefined && onlyEvidenceSince(read, last.head.size);
    if (!isCurrent) refuseHandedOn(wish.signer, read);
    const checkpoint = isCurrent ? last : await signed(wish, identity, read.tree);
    const by = isCurrent ? keyId : wish.signer.keyId;
    const notRemembered = remember(() => rememberHead(paths, identity.ledgerId, checkpoint, host.nowMs()));
    const told = isCurrent ? toldSeq(read.walk, checkpoint.head) : undefined;
    const seq = told ?? (await tell(wish, checkpoint.head, { key_id: by, read: read.read }));
    const { rowsRead } = read;
    const status = isCurrent ? 'current' : 'signed';
    return {
      status,
      checkpoint,
      keyId: by,
      read: read.read,
      rowsRead,
      seq,
      notRemembered,
      keys,
    };
  } finally {
    detach(file);
  }
}

/** The newest that was signed, as it is remembered outside of the state folder. What is damaged there may say that rows are gone. */
function headOutside(paths: StatePaths, { ledgerId }: Identity): TreeHead | undefined {
  const { heads, fault } = rememberedOf(paths, ledgerId);
  // Of a folder that nobody lets this account into it can be said that nothing is remembered there: that is told later.
  if (fault !== undefined && orNothing(() => statOf(join(paths.heads, ledgerId))) !== undefined) {
    throw new LedgerError('READ_FAILED', `expected the heads that were signed before, found that ${fault}`, {
      place: { segment: paths.heads },
      hint: 'nothing is signed: "ledger verify" tells what else is known. Where the ledger is whole, move that file away, and sign it',
    });
  }
  const here = heads.find(({ dir }) => dir === paths.dir);
  return here && headIn(here)?.head;
}

interface LastSigned {
  readonly last: StoredCheckpoint | undefined;
  /** Of the key that signed it. */
  readonly keyId: string;
  readonly keys: readonly NoteKey[];
}

/** The newest checkpoint, whose signature must hold: on what nobody signed nothing is built. */
async function lastSigned({ located, signer }: CheckpointWish, { origin }: Identity): Promise<LastSigned> {
  const own = noteKeyOf(origin, signer.publicKey.bytes);
  const newest = newestFile(located.paths);
  if (newest === undefined) return { last: undefined, keyId: signer.keyId, keys: [own] };
  const last = newest.checkpoint;
  if (last === undefined) throw invalid(located, newest, 'a signed note of that size', 'another text');
  if (last.head.origin !== origin) throw invalid(located, newest, `the origin ${origin}`, last.head.origin);
  const inSettings = [...located.config.keys.values()].map(({ publicKey }) => publicKey);
  const listed = [own, ...noteKeysOf(origin, inSettings)];
  const opened = openNote(last.note, listed);
  if (opened.kind === 'signed') return { last, keyId: keyIdOf(opened.by), keys: listed };
  if (opened.kind === 'forged') throw invalid(located, newest, `a signature of ${opened.by.name} that holds`, 'none');
  // Keys that handed on what they may: looking for them takes a reading of the file.
  const { trust, rotations } = await ledgerTrust(located);
  const rotatedAway = rotations.flatMap(({ payload }) => readRotation(payload)?.old.bytes ?? []);
  const all = [...listed, ...noteKeysOf(origin, [...trust.publicKeys.values(), ...rotatedAway])];
  const byAny = openNote(last.note, all);
  if (byAny.kind === 'signed') return { last, keyId: keyIdOf(byAny.by), keys: all };
  throw invalid(located, newest, 'a signature of the key that signs now, of one that "keys" has, or of one that was rotated', 'none of these'); // prettier-ignore
}

function keyIdOf([key]: readonly NoteKey[]): string {
  return key === undefined ? '' : fingerprintOf({ bytes: key.publicKey });
}

function invalid({ paths }: LocatedLedger, { name }: CheckpointFile, want: string, got: string): LedgerError {
  return new LedgerError('CHECKPOINT_INVALID', `expected checkpoints/${name} to have ${want}, found ${got}`, {
    place: { segment: paths.checkpoints },
    hint: 'run "ledger verify"; where the key is right and the list lacks it: ledger key trust FILE.pub --actor NAME --role checkpoint',
  });
}

/** A rotation may have come while rows were read: a head by the key of before would count for nobody. */
function refuseHandedOn({ keyId }: KeySigner, { walk, tree }: RowsRead): void {
  if (walk.keyTrust.mayTreeHead(keyId, tree.size) !== 'untrusted') return;
  throw new LedgerError('KEY_UNUSABLE', `expected a key that counts, found ${keyId}, which handed that on or may not`, {
    hint: NAME_THE_ONE_THAT_SIGNS,
  });
}

/** A ledger that shrank, or that is another one, is never signed again. */
function refuseOther(tree: TreeWalk, { size, root }: TreeHead, where: string): void {
  const hint =
    'nothing is signed: run "ledger verify", and bring the ledger back from where it is whole; where nothing can, keep this folder as it is, and begin a ledger in another one';
  if (size > tree.size)
    throw new LedgerError('ROLLBACK', `expected at least the ${size} rows of ${where}, found ${tree.size}`, { hint });
  const own = tree.rootAt(size);
  if (own?.equals(root) === true) return;
  throw new LedgerError('DIVERGED', `expected the first ${size} rows to be those of ${where}, found others`, { hint });
}

/** Rows about checkpoints alone would give a new one every hour, for ever. */
function onlyEvidenceSince({ walk, tree }: RowsRead, size: number): boolean {
  return walk.evidence.filter(({ seq }) => seq > size).length === tree.size - size;
}

function toldSeq({ evidence }: Walk, { size, root }: TreeHead): number | undefined {
  const isIt = (payload: Readonly<Record<string, unknown>> | undefined): boolean =>
    payload?.['size'] === size && payload['root'] === root.toString('base64');
  return evidence.find(({ action, payload }) => action === 'audit.checkpoint' && isIt(payload))?.seq;
}

async function signed(
  { located: { paths }, signer }: CheckpointWish,
  { origin }: Identity,
  tree: TreeWalk,
): Promise<StoredCheckpoint> {
  const { size } = tree;
  const text = treeHeadText({ origin, size, root: tree.root() });
  const key = noteKeyOf(origin, signer.publicKey.bytes);
  const signature = { name: origin, keyHash: key.keyHash, bytes: await signer.sign(Buffer.from(text)) };
  if (!checkNoteSignature(text, signature, key))
    throw new LedgerError('KEY_UNUSABLE', `expected a signature by ${signer.keyId}, found one that is not of this key`);
  const note = Buffer.from(formatNote({ text, signatures: [signature] }));
  const isNew = publishCheckpoint(paths, size, note);
  const stored = readCheckpoint(paths, size);
  const { checkpoint } = stored;
  // Two who sign at once sign the same.
  if (checkpoint === undefined || (!isNew && parseNote(checkpoint.bytes)?.text !== text))
    throw new LedgerError('DIVERGED', `expected checkpoints/${stored.name} to be of these ${size} rows, found another`);
  return checkpoint;
}

function remember(write: () => void): string | undefined {
  try {
    write();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function tell(
  { located, events }: CheckpointWish,
  head: TreeHead,
  more: { readonly key_id: string; readonly read: RowsRead['read'] },
): Promise<number> {
  const { paths, config } = located;
  const { size } = head;
  const root = head.root.toString('base64');
  const host = nodeHost();
  const writer = new Writer({ paths, host, durability: config.durability, events });
  try {
    return await writer.appendDecided((_, placer) => {
      const key = `checkpoint:${size}:${root}`;
      // No row can name the root of these rows but one behind them: mostly there is none yet, and the index is not asked.
      const use = placer.group.head.seq === size ? undefined : placer.keyUse(key);
      const isOurs = use !== undefined && (use.stored === undefined || use.stored.action === 'audit.checkpoint');
      if (isOurs) return Promise.resolve(use.landed.seq);
      // Where somebody else's row has the key, this one has none.
      const own = use === undefined ? { idempotency_key: key } : {};
      const { seq } = placer.place(ownRow('audit.checkpoint', { size, root, ...more }, own));
      return Promise.resolve(seq);
    });
  } finally {
    await writer.close();
  }
}
