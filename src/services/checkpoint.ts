/** `ledger checkpoint`: signs the ledger as it stands, and puts the head where it is anchored. */
import { resolve } from 'node:path';
import { isDue } from '../core/checkpointSettings';
import { HOUR_MS } from '../core/day';
import { LedgerError } from '../core/errors';
import type { ReadSoFar } from '../core/progress';
import { signersOf } from '../core/signing/settings';
import type { KeySigner } from '../core/signing/signer';
import { KeyTrust } from '../core/signing/trustWalk';
import { formatTime } from '../core/time';
import type { AppendEvents } from '../store/append/append';
import { anchorCheckpoint, pendingAnchors } from '../store/anchor/anchors';
import type { AnchorResults } from '../store/anchor/anchors';
import { anchorTargets, configuredAnchors } from '../store/anchor/targets';
import { listCheckpoints, newestCheckpoint } from '../store/checkpoint/checkpoints';
import { makeCheckpoint, NAME_THE_ONE_THAT_SIGNS } from '../store/checkpoint/makeCheckpoint';
import type { MadeCheckpoint } from '../store/checkpoint/makeCheckpoint';
import { statOf } from '../store/files';
import { locate } from '../store/ledger/locate';
import type { LocatedLedger, Place } from '../store/ledger/locate';
import { presentSegments } from '../store/ledger/segments';
import { rowsBehind } from '../store/read/rowsBehind';
import { hasKey } from '../store/signing/keyFiles';
import { ledgerTrust } from '../store/signing/ledgerTrust';
import { findSigner } from '../store/signing/signer';
import { openTree } from '../store/tree/treeReader';

export interface CheckpointRequest {
  readonly place: Place;
  /** Read all rows, whatever was signed before. */
  readonly full: boolean;
  /** Anchors besides those of the settings. */
  readonly to: readonly string[];
  /** As `--sign` takes it; undefined: what the settings say. */
  readonly key: string | undefined;
  readonly events: AppendEvents;
  readonly onProgress?: ((done: ReadSoFar) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CheckpointResult {
  readonly status: MadeCheckpoint['status'];
  readonly size: number;
  /** Base64. */
  readonly root: string;
  readonly origin: string;
  readonly key_id: string;
  readonly path: string;
  /** Whether all rows were read, or those since the last one. */
  readonly read: MadeCheckpoint['read'];
  readonly rows_read: number;
  /** Of the row `audit.checkpoint`. */
  readonly seq: number;
  readonly not_remembered: string | null;
  readonly anchors: AnchorResults;
}

/** @throws LedgerError USAGE, CONFIG_INVALID, KEY_UNUSABLE, and as `makeCheckpoint` does */
export async function checkpoint(request: CheckpointRequest): Promise<CheckpointResult> {
  const { place, full, events, onProgress, signal } = request;
  const located = locate(place);
  presentSegments(located.paths);
  const targets = targetsOf(located, request);
  const signer = await signerOf(located, request);
  refuseEnded(located, signer);
  await refuseUntrusted(located, signer);
  const made = await makeCheckpoint({ located, signer, full, events, onProgress, signal });
  const { head, path } = made.checkpoint;
  const anchors = await anchor(located, request, made, targets);
  return {
    status: made.status,
    size: head.size,
    root: head.root.toString('base64'),
    origin: head.origin,
    key_id: made.keyId,
    path,
    read: made.read,
    rows_read: made.rowsRead,
    seq: made.seq,
    not_remembered: made.notRemembered ?? null,
    anchors,
  };
}

function targetsOf(located: LocatedLedger, { to, place }: CheckpointRequest): ReturnType<typeof anchorTargets> {
  const own = configuredAnchors(located.config.checkpoints.anchors, located, place.env);
  return [...own, ...anchorTargets(to, resolve('.'), located.paths, place.env)];
}

/** By the key that is asked for, or that the settings name; else one that is called "checkpoint", which the hint makes. */
async function signerOf({ config }: LocatedLedger, { key, place }: CheckpointRequest): Promise<KeySigner> {
  const word = key ?? signersOf(config).find(({ what }) => what === 'checkpoints')?.word;
  if (word !== undefined || hasKey(DEFAULT_KEY, place.env)) return findSigner(word ?? DEFAULT_KEY, place.env);
  throw new LedgerError('KEY_UNUSABLE', 'expected a key to sign with, found none named', {
    hint: `make one with "ledger key new ${DEFAULT_KEY}", and say that it counts: "ledger key trust ${DEFAULT_KEY} --actor NAME --role checkpoint"; or name yours with --sign`,
  });
}

const DEFAULT_KEY = 'checkpoint';

/** A head by a key that was handed on, or ended, would count for nobody. */
function refuseEnded({ config }: LocatedLedger, { keyId }: KeySigner): void {
  const { untilMs } = config.keys.get(keyId) ?? {};
  if (untilMs === undefined || untilMs > Date.now()) return;
  throw new LedgerError(
    'KEY_UNUSABLE',
    `expected a key that counts, found ${keyId}, which ended at ${formatTime(untilMs)}`,
    {
      hint: NAME_THE_ONE_THAT_SIGNS,
    },
  );
}

/** Where the settings say whose heads count, a head by anybody else would be a finding of the next "verify". */
async function refuseUntrusted(located: LocatedLedger, { keyId }: KeySigner): Promise<void> {
  const inSettings = new KeyTrust(located.config.keys);
  if (inSettings.headSigners.length === 0 || inSettings.mayTreeHead(keyId, Infinity) === 'trusted') return;
  // A key to which another one handed this on: looking for that takes a reading of the file.
  const { trust } = await ledgerTrust(located);
  if (trust.mayTreeHead(keyId, Infinity) === 'trusted') return;
  throw new LedgerError('KEY_UNUSABLE', `expected a key that "keys" trusts with the role checkpoint, found ${keyId}`, {
    hint: 'name another one with --sign, or as "checkpoints": {"key": …} in the config; where this one is right: ledger key trust NAME --actor WHO --role checkpoint',
  });
}

async function anchor(
  located: LocatedLedger,
  { place, events }: CheckpointRequest,
  { status, checkpoint: made, keys }: MadeCheckpoint,
  targets: ReturnType<typeof anchorTargets>,
): Promise<AnchorResults> {
  const { paths } = located;
  const due = status === 'signed' ? targets : await pendingAnchors(paths, made, targets);
  return anchorCheckpoint({
    located,
    env: place.env,
    checkpoint: made,
    targets: due,
    keys,
    openTree: () => openTree(paths),
    earlier: () =>
      listCheckpoints(paths)
        .filter(({ head }) => head.size < made.head.size)
        .reverse(),
    events,
  });
}

/**
 * Whether the settings ask for one by now. Rows about checkpoints alone ask for none; an anchor that failed asks to be tried
 * again.
 */
export async function checkpointIsDue(place: Place, nowMs: number): Promise<boolean> {
  const located = locate(place);
  const { paths, config } = located;
  const { checkpoints } = config;
  if (checkpoints.everyRows === undefined && checkpoints.everyHours === undefined) return false;
  if (statOf(paths.ledger) === undefined) return false;
  const newest = newestCheckpoint(paths);
  const rows = rowsBehind(paths, newest?.head.size ?? 0);
  if (newest === undefined) return rows > 0;
  const madeMs = statOf(newest.path)?.mtimeMs ?? 0;
  if (isDue(checkpoints, { rows, hours: (nowMs - madeMs) / HOUR_MS })) return true;
  const targets = configuredAnchors(checkpoints.anchors, located, place.env);
  return (await pendingAnchors(paths, newest, targets)).length > 0;
}
