/** The rows that tell of anchors: written once for each head, target and outcome, and read again. */
import { fstatSync } from 'node:fs';
import { ANCHOR_ACTION, anchorKey, anchorPayload, anchorRecordOf } from '../../core/anchor/anchorRow';
import type { AnchorNews, AnchorRecord } from '../../core/anchor/anchorRow';
import { ToldAnchors } from '../../core/anchor/told';
import { LedgerError } from '../../core/errors';
import type { Json, JsonObject } from '../../core/json';
import { formatNote, parseNote, signatureLine } from '../../core/note/note';
import type { NoteSignature } from '../../core/note/note';
import { ownRow } from '../../core/ownRows';
import type { AppendEvents } from '../append/append';
import type { Placer } from '../append/placer';
import { Writer } from '../append/writer';
import { replaceFile } from '../atomicFile';
import { withFile } from '../files';
import type { LocatedLedger } from '../ledger/locate';
import { listSegments } from '../ledger/segments';
import { nodeHost } from '../machine/nodeHost';
import type { StatePaths } from '../paths';
import { inClosedSegments, rowsOfAction } from '../read/rowsOfAction';
import type { FoundRow } from '../read/rowsOfAction';
import { offsetAfterSeq } from '../read/seek';
import { Secrets } from '../secrets/secrets';
import { readNote } from '../checkpoint/noteFile';
import type { StoredCheckpoint } from '../checkpoint/checkpoints';

/** All such rows that were appended after a row; some of before may be among them. No lock is taken. */
export async function anchorRecords(paths: StatePaths, afterSeq = 0): Promise<AnchorRecord[]> {
  const recordsIn = ({ reading }: FoundRow): readonly AnchorRecord[] => {
    const record = reading.kind === 'row' ? anchorRecordOf(reading.row) : undefined;
    return record === undefined ? [] : [record];
  };
  const hasLive = listSegments(paths).some(({ kind }) => kind === 'live');
  const live = (fd: number): { readonly from: number; readonly records: readonly AnchorRecord[] } => {
    const { size } = fstatSync(fd);
    const from = afterSeq === 0 ? 0 : offsetAfterSeq(fd, size, afterSeq);
    return { from, records: [...rowsOfAction(fd, from, size, ANCHOR_ACTION)].flatMap(recordsIn) };
  };
  const { from, records } = hasLive ? withFile(paths.ledger, 'read', live) : { from: 0, records: [] };
  const before: AnchorRecord[] = [];
  if (from === 0) for await (const found of inClosedSegments(paths, ANCHOR_ACTION)) before.push(...recordsIn(found));
  return [...before, ...records];
}

/** What all rows say of anchors. No lock is taken. */
export async function toldAnchors(paths: StatePaths): Promise<ToldAnchors> {
  const told = new ToldAnchors();
  for (const record of await anchorRecords(paths)) told.add(record);
  return told;
}

export interface AnchorsToRecord {
  readonly located: LocatedLedger;
  readonly checkpoint: StoredCheckpoint;
  readonly news: readonly AnchorNews[];
  /** Of witnesses: they go into the file of the checkpoint, under the same lock. */
  readonly cosignatures: readonly NoteSignature[];
  readonly events: AppendEvents;
}

/**
 * @returns the number of the row that tells of each, in order
 * @throws LedgerError whatever kept the rows from the chain
 */
export async function recordAnchors({
  located,
  checkpoint,
  news,
  cosignatures,
  events,
}: AnchorsToRecord): Promise<number[]> {
  const { paths, config } = located;
  const secrets = new Secrets(config.secrets);
  const writer = new Writer({ paths, host: nodeHost(), durability: config.durability, events });
  try {
    return await writer.appendDecided(async (_, placer) => {
      await addSignatures(checkpoint, cosignatures);
      return news.map((one) => placed(placer, one, secrets));
    });
  } finally {
    await writer.close();
  }
}

function placed(placer: Placer, news: AnchorNews, secrets: Secrets): number {
  const key = anchorKey(news);
  const use = placer.keyUse(key);
  const isOurs = use !== undefined && (use.stored === undefined || use.stored.action === ANCHOR_ACTION);
  if (isOurs) return use.landed.seq;
  // Where somebody else's row has the key, this one has none.
  const more = use === undefined ? { idempotency_key: key } : {};
  return placer.place(ownRow(ANCHOR_ACTION, cleaned(anchorPayload(news), secrets), more)).seq;
}

/** What a command or an authority says may hold what is to be in no row. */
function cleaned(payload: JsonObject, secrets: Secrets): JsonObject {
  const row = new Map<string, Json>([
    ['action', ANCHOR_ACTION],
    ['payload', payload],
  ]);
  return secrets.cleaned(row, () => undefined, true).get('payload') as JsonObject;
}

/** Signatures are only added: whatever else came to the note meanwhile stays. */
async function addSignatures(
  { path, note: { text } }: StoredCheckpoint,
  more: readonly NoteSignature[],
): Promise<void> {
  if (more.length === 0) return;
  const note = parseNote(readNote(path) ?? Buffer.alloc(0));
  if (note?.text !== text)
    throw new LedgerError('NOT_FOUND', `expected the checkpoint in ${path}, found another one, or none`);
  const there = new Set(note.signatures.map(signatureLine));
  const fresh = more.filter((one) => !there.has(signatureLine(one)));
  if (fresh.length === 0) return;
  await replaceFile(path, formatNote({ text, signatures: [...note.signatures, ...fresh] }));
}
