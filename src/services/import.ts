/**
 * `ledger import`: an existing JSON-lines log, brought in row by row. Every line gets a key that is made of it and of its
 * occurrence in the file (importKey.ts), so that a second import, also after one that was cut short, adds only what is
 * missing. A line that can be no row, or that holds what its catalogue refuses (values in a trail), is
 * set aside, bytes and all, and named by a row.
 */
import { LedgerError, orNothing } from '../core/errors';
import type { ErrorCode } from '../core/errors';
import { importRow } from '../core/importRow';
import type { ImportedRow } from '../core/importRow';
import { ImportKeys, isSealedImport } from '../core/importKey';
import type { Json } from '../core/json';
import { FORMAT } from '../core/ownRows';
import { parseJson } from '../core/parseJson';
import { isTraceEvent, TraceCheck, traceRow } from '../core/traceEvent';
import type { AppendEvents } from '../store/append/append';
import { MAX_ASIDE_LINES, setAsideLines } from '../store/import/asideLines';
import type { AsideLine } from '../store/import/asideLines';
import { openSource, readBatch, restDigest } from '../store/import/importSource';
import type { ImportSource, SourceLine } from '../store/import/importSource';
import { Catalogues } from '../store/catalogue/catalogues';
import { committedEnd } from '../store/append/prepare';
import { readyIndex } from '../store/index/indexReady';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { nodeHost } from '../store/machine/nodeHost';
import { Writer } from '../store/append/writer';

export interface ImportProgress {
  readonly lines: number;
  readonly bytes: number;
  readonly totalBytes: number;
}

export const LINE_FORMATS = ['rows', 'trace'] as const;
export type LineFormat = (typeof LINE_FORMATS)[number];

export interface ImportRequest {
  readonly place: Place;
  /** A path, or "-". */
  readonly file: string;
  readonly stdin: AsyncIterable<Buffer>;
  /** What lines are; undefined: each is looked at. */
  readonly format?: LineFormat | undefined;
  readonly events: AppendEvents;
  readonly onProgress: (progress: ImportProgress) => void;
  /** Asked between batches: whether to stop after the one that is under way. */
  readonly stopped: () => boolean;
}

export interface ImportResult {
  readonly file: string;
  /** Lines that were looked at, blank ones left out. */
  readonly lines: number;
  readonly blank: number;
  readonly imported: number;
  /** Lines that were here from an earlier import. */
  readonly duplicates: number;
  /** Broken lines that were set aside now. */
  readonly quarantined: number;
  /** Broken lines by what is wrong with them, those of an earlier import included. */
  readonly broken: Readonly<Record<string, number>>;
  /** Members that hold something else here than there, and stand in `imported_from`; with the number of rows. */
  readonly misfits: Readonly<Record<string, number>>;
  /** Rows whose cost had more than nine places and was rounded; the figure as it was stands in `imported_from`. */
  readonly costs_rounded: number;
  /** Lines that were not imported: a row has their key with another sealed value, or with one that was erased. */
  readonly conflicts: number;
  readonly first_conflict: string | null;
  /** Lines that are events of a trace, those that were set aside included; null where there is none. */
  readonly trace: TraceCheck['counts'] | null;
  /** The file began as an export of this program does, and what followed is what was exported; null: it did not so begin. */
  readonly is_as_exported: boolean | null;
  /** Whether the end of the file was reached. */
  readonly complete: boolean;
}

const BATCH_BYTES = 1 << 20;
/** So many batches may be under way before reading pauses. */
const MAX_BATCHES_AHEAD = 2;

/**
 * @throws LedgerError READ_FAILED, INPUT_UTF8, USAGE, CATALOGUE_INVALID; NOT_OWNER, NOT_WRITABLE, UNSAFE_PATH; and where rows can only be
 *   spilled, why: what is left of the file waits for the next import
 */
export async function importFile(request: ImportRequest): Promise<ImportResult> {
  const located = locate(request.place);
  const { paths, config } = located;
  const catalogues = new Catalogues(located);
  const source = await openSource(request.file, request.stdin, paths);
  const { events } = request;
  const writer = new Writer({ paths, host: nodeHost(), durability: config.durability, events, indexAtEnd: true });
  const committedBytes = (): Promise<number> => writer.exclusively((file) => committedEnd(file, events));
  try {
    await readyIndex(paths, committedBytes, (error) => events.onIndexFault(error));
    return await new Import(request, source, writer, catalogues).run();
  } finally {
    await writer.close();
    source.close();
  }
}

class Import {
  readonly #keys = new ImportKeys();
  readonly #broken = new Map<ErrorCode, number>();
  readonly #misfits = new Map<string, number>();
  readonly #conflicts: string[] = [];
  readonly #trace = new TraceCheck();
  #isAsExported: boolean | null = null;
  readonly #counts = { lines: 0, blank: 0, imported: 0, duplicates: 0, quarantined: 0, costs_rounded: 0 };

  constructor(
    private readonly request: ImportRequest,
    private readonly source: ImportSource,
    private readonly writer: Writer,
    private readonly catalogues: Catalogues,
  ) {}

  async run(): Promise<ImportResult> {
    const { file, stopped } = this.request;
    const { sizeBytes } = this.source;
    const underway: Promise<void>[] = [];
    let at = this.#skipHeader();
    while (at < sizeBytes && !stopped()) {
      const { lines, blank, next } = readBatch(this.source, at, BATCH_BYTES);
      at = next;
      this.#counts.blank += blank;
      underway.push(this.#take(lines, next));
      // Heard of where it is awaited: not every one of them is, once one fails.
      underway.at(-1)?.catch(() => undefined);
      if (underway.length > MAX_BATCHES_AHEAD) await underway.shift();
    }
    for (const batch of underway) await batch;
    const { lines, ...counts } = this.#counts;
    return {
      file,
      lines,
      ...counts,
      broken: Object.fromEntries(this.#broken),
      misfits: Object.fromEntries([...this.#misfits].sort(([, a], [, b]) => b - a)),
      conflicts: this.#conflicts.length,
      first_conflict: this.#conflicts[0] ?? null,
      trace: this.#trace.counts.events > 0 ? this.#trace.counts : null,
      is_as_exported: this.#isAsExported,
      complete: at >= sizeBytes,
    };
  }

  /** Where lines begin: behind the header of an export, which is none. */
  #skipHeader(): number {
    const { lines, next } = readBatch(this.source, 0, 1);
    const exported = exportedDigest(lines[0]?.text ?? '');
    if (exported === undefined) return 0;
    this.#isAsExported = restDigest(this.source, next) === exported;
    return next;
  }

  async #take(lines: readonly SourceLine[], next: number): Promise<void> {
    const rows: ImportedRow[] = [];
    const broken: AsideLine[] = [];
    for (const line of lines) {
      const key = this.#keys.ofLine(line.sha256);
      const read = this.#read(line, key);
      if ('row' in read) rows.push(read);
      else broken.push(read);
    }
    this.#counts.lines += lines.length;
    await this.#append(rows);
    for (let i = 0; i < broken.length; i += MAX_ASIDE_LINES) await this.#setAside(broken.slice(i, i + MAX_ASIDE_LINES));
    this.request.onProgress({ lines: this.#counts.lines, bytes: next, totalBytes: this.source.sizeBytes });
  }

  #read({ text, why, offset, bytes }: SourceLine, key: string): ImportedRow | AsideLine {
    if (text === undefined) return { key, offset, bytes, why };
    try {
      return this.#row(parseJson(text), key);
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code === 'INVARIANT') throw error;
      // What settings or a flag decide may be decided otherwise the next time: the line's own key stays free.
      return {
        key: ALWAYS_BROKEN.has(error.code) ? key : `aside:${error.code}:${key}`,
        offset,
        bytes,
        why: error.code,
      };
    }
  }

  #row(line: Json, lineKey: string): ImportedRow {
    const { format, events } = this.request;
    const isEvent = format !== 'rows' && isTraceEvent(line);
    if (!isEvent && format === 'trace')
      throw new LedgerError('MEMBER_MISSING', 'expected runId, timestamp, type and payload, found another line');
    if (isEvent) this.#trace.step(line);
    const { line: given, foreign } = isEvent ? traceRow(line) : { line, foreign: undefined };
    const plan = given instanceof Map ? this.catalogues.planFor(given) : undefined;
    const cleaned = given instanceof Map ? this.catalogues.cleaned(given, events.onOmitted, false, plan) : given;
    const onSecrets = events.onOmitted ?? (() => undefined);
    const kept = foreign && { ...foreign, members: this.catalogues.secrets.cleaned(foreign.members, onSecrets, false) };
    const hidden = given instanceof Map ? plan?.hidden(given) : undefined;
    // The line's own digest would let anybody find what is sealed by trying.
    const key = hidden === undefined ? lineKey : this.#keys.ofOpen(hidden, kept?.members);
    const isSealed = (member: string): boolean => given instanceof Map && plan?.touches(given, member) === true;
    const read = importRow(cleaned, key, kept, isSealed);
    this.catalogues.refuseUnsigned(read.row.action);
    return plan === undefined ? read : { ...read, row: this.catalogues.sealed(read.row, plan) };
  }

  async #append(rows: readonly ImportedRow[]): Promise<void> {
    const receipts = await this.writer.appendEach(rows.map(({ row }) => row));
    receipts.forEach((receipt, i) => {
      const isTaken = receipt.status === 'refused' && receipt.error.code === 'IDEMPOTENCY_CONFLICT';
      // The key holds the whole line: what stands under it is this line, as an earlier version may have spelled it. But one
      // that leaves out what is sealed may be another line's.
      const known = isTaken && !isSealedImport(rows[i]?.row.idempotencyKey);
      if (isTaken && !known) {
        this.#conflicts.push(receipt.error.message);
        return;
      }
      // A spilled row is safe; but a whole file is not to wait there.
      if (!known && (receipt.status === 'spilled' || receipt.status === 'refused')) throw receipt.error;
      if (receipt.status === 'landed') this.#counts.imported++;
      else this.#counts.duplicates++;
      if (rows[i]?.rounded === true) this.#counts.costs_rounded++;
      for (const name of rows[i]?.misfits ?? []) count(this.#misfits, name);
    });
  }

  async #setAside(lines: readonly AsideLine[]): Promise<void> {
    const { events } = this.request;
    const { secrets } = this.catalogues;
    const fresh = await this.writer.exclusively((file) => setAsideLines(file, events, this.source, lines, secrets));
    this.#counts.quarantined += fresh;
    this.#counts.duplicates += lines.length - fresh;
    for (const { why } of lines) count(this.#broken, why);
  }
}

/** Codes of lines that can be no row, whatever the settings say. */
const ALWAYS_BROKEN: ReadonlySet<string> = new Set<ErrorCode>(['JSON_SYNTAX', 'JSON_DUPLICATE_KEY', 'JSON_SURROGATE', 'JSON_NUMBER', 'JSON_DEPTH', 'INPUT_UTF8', 'ROW_TOO_LONG', 'ROW_NOT_OBJECT']); // prettier-ignore

/** What the header of an export says of all that follows; undefined for another text. */
function exportedDigest(text: string): string | undefined {
  const header = orNothing(() => parseJson(text));
  if (!(header instanceof Map) || header.get('export') !== FORMAT) return undefined;
  const digest = header.get('sha256');
  return typeof digest === 'string' ? digest : undefined;
}

function count<K>(counts: Map<K, number>, name: K): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
