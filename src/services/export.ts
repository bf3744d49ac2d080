/**
 * `ledger export`: rows for somebody else, with what it takes to see that none is missing: which were asked for, how many
 * there are, from which to which, up to which row of the ledger, and the digest of what follows.
 *
 * The ledger is read twice, up to the same byte: once to count, once to hand out. Memory does not grow with it.
 */
import { createHash } from 'node:crypto';
import { invariant, orNothing } from '../core/errors';
import { rawMembers } from '../core/export/rawMembers';
import type { Shape, ShapeName } from '../core/export/shape';
import { isShape, newShape } from '../core/export/shapes';
import { ShapeTally } from '../core/export/shapeTally';
import type { ShapeCounts } from '../core/export/shapeTally';
import { cellsOf, tableColumns } from '../core/export/tableForm';
import { completeObject, seqOfLine } from '../core/rowText';
import { formatTime } from '../core/time';
import { openContent } from '../store/access/reading';
import type { ReadAsked } from '../store/access/reading';
import { closeQuietly } from '../store/files';
import { identityIn } from '../store/ledger/genesis';
import { matchingLines, newBrokenLines } from '../store/query/matchingLines';
import { countMissing } from '../store/query/missingRows';
import type { MissingRows } from '../store/query/missingRows';
import { countSealed } from '../store/query/sealedRows';
import { everyLine, openQuery } from '../store/query/openQuery';
import type { Conditions, Opened } from '../store/query/openQuery';

export type { ShapeCounts } from '../core/export/shapeTally';

export type ExportFormat = 'jsonl' | 'csv' | ShapeName;

export interface ExportRequest extends Conditions {
  readonly format: ExportFormat;
  /** One record of a table, with its line end. */
  readonly csvRecord: (cells: readonly string[]) => string;
  /** Of this program, as its `--version` says. */
  readonly version: string;
  readonly reading: ReadAsked;
}

/** What stands before the rows; in a shape, also what it took of them. */
export interface ExportHeader extends Partial<ShapeCounts> {
  readonly export: 'ledger/1';
  readonly tool: string;
  readonly exported_at: string;
  readonly ledger_id: string | null;
  readonly origin: string | null;
  readonly query: {
    readonly conditions: readonly string[];
    readonly where: string | null;
    readonly since: string | null;
    readonly until: string | null;
    readonly timezone: string;
  };
  readonly rows: number;
  readonly first_seq: number | null;
  readonly last_seq: number | null;
  /** The row of the ledger up to which was looked. */
  readonly head: { readonly seq: number; readonly hash: string } | null;
  readonly format: ExportFormat;
  /** What the ledger has not, or not whole, and what may have matched: all 0 where nothing is missing. */
  readonly not_among_these: {
    readonly broken_lines: number;
    readonly torn_bytes: number;
    /** Rows that the ledger itself names as gone. */
    readonly rows_in_gaps: number;
    /** Rows that the index knows and the file has no more. */
    readonly lost_rows: number;
    readonly spilled_rows: number;
    /** Rows in which a field that was asked about is sealed. */
    readonly sealed_rows: number;
  };
  /** Of all bytes that follow this line. */
  readonly sha256: string;
}

export interface Export {
  readonly header: ExportHeader;
  /** All that follows the header. */
  readonly body: AsyncIterable<Buffer>;
}

/** @throws LedgerError USAGE, CONFIG_INVALID, LEDGER_MISSING, UNSAFE_PATH, READ_FAILED; the body as well; as `openReading` */
export async function exportRows(request: ExportRequest): Promise<Export> {
  const opened = await openQuery(request, undefined);
  try {
    const { place, format, terms, where, day, since, until } = request;
    const what = { command: 'export', format, terms, where, day, since, until } as const;
    const reading = await openContent(place, what, request.reading);
    const form = await formOf(request, opened);
    const counted = new Pass(opened, form);
    const digest = createHash('sha256');
    for await (const chunk of counted.body()) digest.update(chunk);
    const sha256 = digest.digest('hex');
    const { sinceMs, untilMs } = opened.filter;
    const sealed = await countSealed(everyLine(opened), { terms, sinceMs, untilMs });
    const missing = { ...(await countMissing(everyLine(opened))), sealed };
    const header = headerOf(request, opened, { counted, sha256, missing });
    const { rows, first_seq, last_seq } = header;
    await reading.record({ rows, first_seq, last_seq, sha256 });
    return { header, body: sameAgain(opened, form, sha256) };
  } catch (error) {
    closeQuietly(opened.end.fd);
    throw error;
  }
}

/** How rows are written down. */
type Form =
  | { readonly kind: 'jsonl' }
  | { readonly kind: 'csv'; readonly columns: readonly string[]; readonly record: ExportRequest['csvRecord'] }
  | { readonly kind: 'shape'; readonly shape: Shape };

async function formOf({ format, csvRecord }: ExportRequest, opened: Opened): Promise<Form> {
  if (format === 'jsonl') return { kind: format };
  const first = new Pass(opened, { kind: 'jsonl' });
  if (!isShape(format)) return { kind: format, columns: await first.columns(), record: csvRecord };
  const shape = newShape(format);
  if (shape.learn !== undefined) await first.teach(shape.learn);
  return { kind: 'shape', shape };
}

async function* sameAgain(opened: Opened, form: Form, sha256: string): AsyncGenerator<Buffer> {
  const digest = createHash('sha256');
  try {
    for await (const chunk of new Pass(opened, form).body()) {
      digest.update(chunk);
      yield chunk;
    }
  } finally {
    closeQuietly(opened.end.fd);
  }
  invariant(digest.digest('hex') === sha256, 'the ledger read twice up to the same byte gave two texts');
}

interface Found {
  readonly counted: Pass;
  readonly sha256: string;
  readonly missing: MissingRows & { readonly sealed: number };
}

function headerOf(request: ExportRequest, opened: Opened, { counted, sha256, missing }: Found): ExportHeader {
  const { paths, end, window, zone, notes } = opened;
  // A first row that is broken keeps nobody from the others.
  const identity = orNothing(() => identityIn(paths, end.fd));
  const at = (ms: number | undefined): string | null =>
    ms !== undefined && Number.isFinite(ms) ? formatTime(ms) : null;
  return {
    export: 'ledger/1',
    tool: `ledger ${request.version}`,
    exported_at: formatTime(request.nowMs),
    ledger_id: identity?.ledgerId ?? null,
    origin: identity?.origin ?? null,
    query: {
      conditions: request.terms,
      where: request.where ?? null,
      since: at(window?.sinceMs),
      until: at(window?.untilMs),
      timezone: zone.name,
    },
    rows: counted.rows,
    first_seq: counted.firstSeq,
    last_seq: counted.lastSeq,
    head: end.head === undefined ? null : { seq: end.head.seq, hash: end.head.hash },
    format: request.format,
    not_among_these: {
      broken_lines: missing.brokenLines,
      torn_bytes: notes.tornBytes,
      rows_in_gaps: missing.rowsInGaps,
      lost_rows: notes.lostRows,
      spilled_rows: notes.spilledRows,
      sealed_rows: missing.sealed,
    },
    ...counted.shapeCounts,
    sha256,
  };
}

/** One reading of the rows that were asked for. */
class Pass {
  rows = 0;
  firstSeq: number | null = null;
  lastSeq: number | null = null;
  readonly #tally: ShapeTally | undefined;

  constructor(
    private readonly opened: Opened,
    private readonly form: Form,
  ) {
    this.#tally = form.kind === 'shape' ? new ShapeTally(form.shape.stream) : undefined;
  }

  get shapeCounts(): ShapeCounts | undefined {
    return this.#tally?.counts;
  }

  async columns(): Promise<string[]> {
    const seen = new Set<string>();
    for await (const batch of this.#batches())
      for (const { line } of batch) for (const name in completeObject(line)) seen.add(name);
    return tableColumns(seen);
  }

  async teach(learn: NonNullable<Shape['learn']>): Promise<void> {
    for await (const batch of this.#batches()) for (const { line } of batch) learn(rawMembers(line));
  }

  async *body(): AsyncGenerator<Buffer> {
    const { form } = this;
    if (form.kind === 'csv') yield Buffer.from(form.record(form.columns));
    for await (const batch of this.#batches()) {
      const chunk = Buffer.concat(batch.flatMap(({ line }) => this.#written(line)));
      if (chunk.length > 0) yield chunk;
    }
  }

  #written(line: Buffer): readonly Buffer[] {
    const { form } = this;
    if (form.kind === 'shape') return this.#shaped(line, form.shape);
    this.#count(line);
    return form.kind === 'csv' ? [Buffer.from(form.record(cellsOf(line, form.columns)))] : [line, NEWLINE];
  }

  #shaped(line: Buffer, shape: Shape): readonly Buffer[] {
    const row = rawMembers(line);
    const lines = shape.lines(row);
    if (lines.length === 0) {
      this.#tally?.left(line, row);
      return [];
    }
    this.#count(line);
    this.#tally?.took(line, row);
    return lines.map((one) => Buffer.from(`${one}\n`));
  }

  #batches(): ReturnType<typeof matchingLines> {
    const { wanted, filter } = this.opened;
    return matchingLines(wanted.lines, filter, { backwards: false, broken: newBrokenLines() });
  }

  #count(line: Buffer): void {
    this.rows++;
    const seq = seqOfLine(line);
    this.firstSeq ??= seq ?? null;
    this.lastSeq = seq ?? this.lastSeq;
  }
}

const NEWLINE = Buffer.from('\n');
