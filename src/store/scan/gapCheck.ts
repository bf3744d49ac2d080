/**
 * Are the named gaps backed? A tombstone says that rows were broken and set aside. That counts only where a heal row in
 * the chain says so too, the set-aside bytes are still there, and they are no whole row: else a row could be made to
 * vanish by writing a tombstone over it.
 *
 *   backed             GAP, exit 3
 *   not backed         GAP_UNBACKED: no heal row, another digest, quarantine file missing or changed
 *   a good row in it   GAP_UNJUSTIFIED, but for rows that a person set aside by name (audit.set-aside)
 *
 * A line that a person set aside is a GAP, too, where no row is missing since its neighbours link: a gap of no rows.
 */
import { createHash } from 'node:crypto';
import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import { readStoredLine } from '../../core/storedLine';
import type { Row } from '../../core/members';
import type { FindingCode, Gap } from '../../core/verdict';
import { report } from '../../core/walkState';
import type { HealRecord, Walk } from '../../core/walkState';
import { isUlid } from '../../core/ids';
import { errnoOf } from '../../core/errors';
import { readInto, withFile } from '../files';
import { scanLines } from '../read/lines';
import type { StatePaths } from '../paths';

const BLOCK_BYTES = 1 << 20;
const ASIDE_FILE = /^quarantine\/([0-9A-Z]+)\.bin$/;

interface Quarantined {
  readonly sha256: string;
  /** The seq of a whole row with a right hash among the bytes, which should not be there. */
  readonly wholeRow: number | undefined;
}

/** Reports every tombstone of a finished walk, lines set aside by hand, and heals of good rows; returns warnings. */
export function checkGaps(paths: StatePaths, walk: Walk): string[] {
  const warnings: string[] = [];
  const tombstones = new Set(walk.tombstones.map(({ gap }) => gap.heal_id));
  for (const { gap, sha256 } of walk.tombstones) checkTombstone(paths, walk, gap, sha256);
  for (const [healId, heal] of walk.heals) {
    warnings.push(...checkAlso(paths, walk, heal));
    if (tombstones.has(healId)) continue;
    if (heal.kind === 'set-aside') tellSetAside(walk, healId, heal);
    if (heal.sha256 === undefined || !heal.quarantined) continue;
    const quarantined = readQuarantine(paths, healId);
    const file = `quarantine/${healId}.bin`;
    if (quarantined?.sha256 !== heal.sha256) {
      const want = backing(file, heal.sha256);
      // A gap must be backed, if only one of no rows. A healed end is no gap: every row is there, so this is told, not judged.
      if (heal.kind === 'set-aside')
        report(walk, { code: 'GAP_UNBACKED', ...placeOf(heal) }, { want, got: foundIn(quarantined) });
      else warnings.push(lacking(heal, want, quarantined));
    } else if (quarantined.wholeRow !== undefined && heal.kind !== 'set-aside') {
      reportGoodRow(walk, heal, file, quarantined.wholeRow);
    }
  }
  return warnings;
}

/** What a second tear left is judged as the first: but it may hold rows of this very repair, which were written once more. */
function checkAlso(paths: StatePaths, walk: Walk, heal: HealRecord): string[] {
  const warnings: string[] = [];
  for (const { quarantine: file, sha256 } of heal.also) {
    const quarantined = readQuarantine(paths, ASIDE_FILE.exec(file)?.[1] ?? '', (row) => isNamedAgain(walk, row));
    if (quarantined?.sha256 !== sha256) warnings.push(lacking(heal, backing(file, sha256), quarantined));
    else if (quarantined.wholeRow !== undefined) reportGoodRow(walk, heal, file, quarantined.wholeRow);
  }
  return warnings;
}

/** A row of the ledger's own that was cut off again when its writer died in the middle of a heal's rows: the chain has it once more. */
function isNamedAgain({ heals, gaps }: Walk, { id, action, payload }: Row): boolean {
  if (action !== 'audit.rows-lost') return heals.has(id);
  const { from_seq: from, to_seq: to } = payload ?? {};
  return gaps.some(({ kind, from_seq, to_seq }) => kind === 'rows-lost' && from_seq === from && to_seq === to);
}

const placeOf = ({ seq, place }: HealRecord) => ({ seq, place });
const backing = (file: string, sha256: string): string => `the bytes with sha256 ${sha256} in ${file}`;
const foundIn = (quarantined: Quarantined | undefined): string =>
  quarantined === undefined ? 'no such file' : `bytes with sha256 ${quarantined.sha256}`;
const lacking = ({ seq }: HealRecord, want: string, found: Quarantined | undefined): string =>
  `heal row ${seq} set bytes aside: expected ${want}, found ${foundIn(found)}`;

function reportGoodRow(walk: Walk, heal: HealRecord, file: string, seq: number): void {
  const got = `row ${seq}, whole and with a right hash, in ${file}`;
  report(walk, { code: 'GAP_UNJUSTIFIED', ...placeOf(heal) }, { want: 'torn bytes', got });
}

function tellSetAside(walk: Walk, healId: string, { seq, place, covers }: HealRecord): void {
  const { from, to } = covers ?? { from: seq, to: seq - 1 };
  const got = `a line set aside by hand (quarantine/${healId}.bin), named by row ${seq}; no row is missing`;
  report(walk, { code: 'GAP', seq, place }, { want: 'no line taken out', got });
  walk.gaps.push({
    kind: 'set-aside',
    from_seq: from,
    to_seq: to,
    heal_id: healId,
    named_by_seq: seq,
    place,
    checkpoint: null,
  });
}

function checkTombstone(paths: StatePaths, walk: Walk, gap: Gap, sha256: string | undefined): void {
  const at = { seq: gap.from_seq, place: gap.place };
  const heal = gap.heal_id === null ? undefined : walk.heals.get(gap.heal_id);
  const quarantined = gap.heal_id === null ? undefined : readQuarantine(paths, gap.heal_id);
  const judged = judge(gap, sha256, heal, quarantined);
  report(walk, { code: judged.code, ...at }, judged);
  walk.gaps.push({ ...gap, kind: heal?.kind ?? 'tombstone', named_by_seq: heal?.seq ?? null });
}

function judge(
  gap: Gap,
  sha256: string | undefined,
  heal: HealRecord | undefined,
  quarantined: Quarantined | undefined,
): { readonly code: FindingCode; readonly want: string; readonly got: string } {
  const unbacked = (want: string, got: string) => ({ code: 'GAP_UNBACKED', want, got }) as const;
  const file = `quarantine/${gap.heal_id}.bin`;
  if (gap.heal_id === null) return unbacked('a heal_id', 'none');
  if (heal === undefined) return unbacked(`a heal row with id ${gap.heal_id}`, 'none in the chain');
  if (sha256 === undefined || heal.sha256 !== sha256)
    return unbacked(`bytes_sha256 ${heal.sha256}, as heal row ${heal.seq} says`, `bytes_sha256 ${sha256}`);
  const { covers } = heal;
  if (covers === undefined || covers.from !== gap.from_seq || covers.to !== gap.to_seq || heal.seq <= gap.to_seq) {
    const named = covers === undefined ? 'no rows' : `rows ${covers.from} to ${covers.to}`;
    return unbacked(`what heal row ${heal.seq} names as missing: ${named}`, `rows ${gap.from_seq} to ${gap.to_seq}`);
  }
  if (quarantined === undefined) return unbacked(`the set-aside bytes in ${file}`, 'no such file');
  if (quarantined.sha256 !== sha256) return unbacked(`bytes with sha256 ${sha256} in ${file}`, quarantined.sha256);
  if (quarantined.wholeRow !== undefined && heal.kind !== 'set-aside') {
    const got = `row ${quarantined.wholeRow}, whole and with a right hash, in ${file}`;
    return { code: 'GAP_UNJUSTIFIED', want: 'torn bytes', got };
  }
  const rows = gap.from_seq === gap.to_seq ? `row ${gap.from_seq}` : `rows ${gap.from_seq} to ${gap.to_seq}`;
  const how = heal.kind === 'set-aside' ? 'set aside by hand' : 'broken and healed';
  return { code: 'GAP', want: 'no row missing', got: `${rows} ${how}, named by row ${heal.seq}` };
}

/**
 * What lies in quarantine under an id, or undefined where nothing does. The id is a file name here, so only a ULID is one.
 * @param isOwn whether a whole row is to be passed over
 */
function readQuarantine(
  paths: StatePaths,
  healId: string,
  isOwn: (row: Row) => boolean = () => false,
): Quarantined | undefined {
  if (!isUlid(healId)) return undefined;
  try {
    return withFile(join(paths.quarantine, `${healId}.bin`), 'read', (fd) => readQuarantined(fd, isOwn));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function readQuarantined(fd: number, isOwn: (row: Row) => boolean): Quarantined {
  const { size } = fstatSync(fd);
  const digest = createHash('sha256');
  const block = Buffer.allocUnsafe(Math.min(size, BLOCK_BYTES));
  for (let at = 0; at < size;) {
    const bytes = readInto(fd, block, at);
    if (bytes === 0) break;
    digest.update(block.subarray(0, bytes));
    at += bytes;
  }
  let wholeRow: number | undefined;
  scanLines(fd, 0, size, (line) => {
    if (line.cut) return true;
    const read = readStoredLine(line.block.subarray(line.start, line.end), { strict: false });
    if (read.kind === 'row' && !isOwn(read.row)) wholeRow = read.row.seq;
    return wholeRow === undefined;
  });
  return { sha256: digest.digest('hex'), wholeRow };
}
