/**
 * Where a rollup's sums come from. The lines that the index names, where it can, and the rows behind its watermark; else
 * every line of the ledger: closed segments unpacked as a stream, the live file on both cores.
 *
 * An index that is damaged, busy or not of this file is passed over; one that knows more rows than the file is told of.
 * The live file is opened once, and all that is summed up is of that file, also where a heal puts another in its place.
 */
import { fstatSync } from 'node:fs';
import { basename } from 'node:path';
import { CostLineReader } from '../../core/costLine';
import type { Calendar } from '../../core/day';
import { errnoOf, LedgerError } from '../../core/errors';
import type { RollupSource } from '../../core/rollup';
import { membersOf, Tally } from '../../core/tally';
import type { TallyPlan, TallySums } from '../../core/tally';
import { scanCosts } from './costPool';
import { KEPT_PLACES, scanPlaces, settleTail } from './costScan';
import type { LiveEnd, LiveFile } from './costScan';
import { closeQuietly, openFile, statOf } from '../files';
import { askIndex } from '../index/indexAsk';
import type { StatePaths } from '../paths';
import { presentSegments, segmentBlocks } from '../ledger/segments';
import type { Segment } from '../ledger/segments';
import { countSpilled } from '../spill/spillState';
import { rowsOfWindow } from './wanted';
import type { WantedRows } from './wanted';

const NEWLINE = 0x0a;
/** How often a file that is replaced under the reader is begun anew. */
const MAX_RESTARTS = 3;

export interface BrokenPlace {
  readonly segment: string;
  readonly offset: number;
}

export interface CostReading {
  readonly sums: TallySums;
  readonly source: RollupSource;
  readonly brokenLines: number;
  /** The first of them. */
  readonly brokenAt: readonly BrokenPlace[];
  /** Rows that the index knows and the file has no more. */
  readonly lostRows: number;
  /** Rows that wait in a spill file. */
  readonly spilledRows: number;
  /** Up to where everything of the live file is in; undefined where a row was in flight. */
  readonly end: LiveEnd | undefined;
}

/**
 * Adds up what the plan asks for.
 * @param wanted the rows that can change a sum of the plan; others may be read as well
 * @throws LedgerError LEDGER_MISSING where there is no file at all, UNSAFE_PATH, READ_FAILED
 */
export async function readCosts(
  paths: StatePaths,
  plan: TallyPlan,
  calendar: Calendar,
  wanted: WantedRows = rowsOfWindow(plan),
): Promise<CostReading> {
  try {
    return await readFiles(paths, plan, calendar, wanted);
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw new LedgerError('READ_FAILED', `expected to read ${paths.ledger}, found ${errnoOf(error) ?? String(error)}`, {
      place: { segment: paths.ledger },
      cause: error,
    });
  }
}

async function readFiles(
  paths: StatePaths,
  plan: TallyPlan,
  calendar: Calendar,
  wanted: WantedRows,
): Promise<CostReading> {
  for (let restarts = 0; ; restarts++) {
    const closed = presentSegments(paths).filter(({ kind }) => kind !== 'live');
    const fd = openFile(paths.ledger, 'read');
    try {
      const live = { path: paths.ledger, fd, ino: fstatSync(fd).ino };
      const files = new FilesTally(plan, calendar);
      const reading = await readOnce(paths, { closed, live, wanted }, files);
      if (!files.replaced || restarts === MAX_RESTARTS) return reading;
    } finally {
      closeQuietly(fd);
    }
  }
}

interface OpenFiles {
  readonly closed: readonly Segment[];
  readonly live: LiveFile;
  readonly wanted: WantedRows;
}

async function readOnce(
  paths: StatePaths,
  { closed, live, wanted }: OpenFiles,
  files: FilesTally,
): Promise<CostReading> {
  const spilledRows = countSpilled(paths);
  const indexed = fromIndex(paths, live, wanted, files);
  const lostRows = indexed?.kind === 'ahead' ? indexed.rows : 0;
  const sums = indexed?.kind === 'sums' ? indexed : undefined;
  if (sums !== undefined) files.addSums(sums.sums);
  else for (const segment of closed) await files.addSegment(segment);
  const from = sums?.offset ?? 0;
  const { size } = fstatSync(live.fd);
  if (size > from) await files.addLive(live, from, size);
  const source = sums === undefined ? 'file' : size > from ? 'index+file' : 'index';
  const end = files.hasWholeEnd ? { ino: live.ino, bytes: Math.max(size, from) } : undefined;
  return { ...files.result(), source, spilledRows, lostRows, end };
}

type FromIndex =
  | { readonly kind: 'sums'; readonly sums: TallySums; readonly offset: number }
  | { readonly kind: 'ahead'; readonly rows: number };

/** The sums of the rows that the index knows, and up to which byte of the live file; undefined where it is to be passed over. */
function fromIndex(
  paths: StatePaths,
  { fd, ino }: LiveFile,
  wanted: WantedRows,
  { plan, calendar }: FilesTally,
): FromIndex | undefined {
  const asked = askIndex(paths, fd, wanted.places);
  // It may be the index of a file that has taken the place of this one.
  if (asked === undefined || statOf(paths.ledger)?.ino !== ino) return undefined;
  if (asked.kind === 'ahead') return asked;
  const sums = scanPlaces(fd, { ...asked.places, has: wanted.has }, plan, calendar);
  return sums === undefined ? undefined : { kind: 'sums', sums, offset: asked.offset };
}

/** Adds up files one after the other. */
class FilesTally {
  /** Whether another file has taken the live one's place before its last line was whole. */
  replaced = false;
  /** Whether the live file ended with a whole row when it was read. */
  hasWholeEnd = true;
  private readonly tally: Tally;
  private brokenLines = 0;
  private readonly brokenAt: BrokenPlace[] = [];

  constructor(
    readonly plan: TallyPlan,
    readonly calendar: Calendar,
  ) {
    this.tally = new Tally(plan, calendar);
  }

  addSums(sums: TallySums): void {
    this.tally.merge(sums);
  }

  /** A closed segment: unpacked, or read, as a stream. */
  async addSegment(segment: Segment): Promise<void> {
    const reader = new CostLineReader(membersOf(this.plan));
    for await (const { bytes, offset, overlong } of segmentBlocks(segment)) {
      if (overlong) this.broken(segment.name, [offset], 1);
      else this.addBlock(segment.name, reader, { bytes, offset });
    }
  }

  /** @param from the start of a line */
  async addLive(live: LiveFile, from: number, to: number): Promise<void> {
    const name = basename(live.path);
    const scan = await scanCosts({ fd: live.fd, from, to }, this.plan, this.calendar);
    this.tally.merge(scan.sums);
    this.broken(name, scan.brokenAt, scan.brokenLines);
    this.hasWholeEnd = scan.unsettledAt === undefined;
    if (scan.unsettledAt === undefined) return;
    const tail = await settleTail(live, scan.unsettledAt, this.plan);
    this.replaced = tail.kind === 'replaced';
    if (tail.kind === 'row') this.tally.add(tail.row);
    if (tail.kind === 'broken' || tail.kind === 'replaced') this.broken(name, [scan.unsettledAt], 1);
  }

  result(): Pick<CostReading, 'sums' | 'brokenLines' | 'brokenAt'> {
    return { sums: this.tally.result(), brokenLines: this.brokenLines, brokenAt: this.brokenAt };
  }

  private addBlock(
    name: string,
    reader: CostLineReader,
    block: { readonly bytes: Buffer; readonly offset: number },
  ): void {
    const { bytes, offset } = block;
    for (let start = 0; start < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      const row = reader.read(bytes, start, end);
      if (row === undefined) this.broken(name, [offset + start], 1);
      else this.tally.add(row);
      start = end + 1;
    }
  }

  private broken(segment: string, offsets: readonly number[], count: number): void {
    this.brokenLines += count;
    for (const offset of offsets) if (this.brokenAt.length < KEPT_PLACES) this.brokenAt.push({ segment, offset });
  }
}
