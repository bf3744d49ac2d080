/**
 * `ledger sweep`, for cron: reads the whole live file and the spill files, sets torn bytes aside, heals, chains what
 * waits, finishes what was left half-done, and puts the index right. It never touches a row that parses but does not
 * verify: that is evidence, and a person's decision (`--set-aside`). "clean" says that nothing is torn, not that
 * anything was verified.
 */
import { gapText, indexText, linesText, lostText, noted, notedAt } from '../core/damage';
import type { Damage } from '../core/damage';
import { LedgerError } from '../core/errors';
import type { ErrorCode } from '../core/errors';
import { ulidAt, ULID_RANDOM_BYTES } from '../core/ids';
import { attach, detach } from '../store/ledger/attach';
import { lookForDamage } from '../store/heal/lookForDamage';
import { readBroken } from '../store/heal/readBroken';
import type { ReadBroken } from '../store/heal/readBroken';
import type { ReadSoFar } from '../core/progress';
import type { BrokenRange } from '../store/heal/brokenLines';
import { drainSpill, somethingSpilled } from '../store/spill/drain';
import type { Drained } from '../store/spill/drain';
import { statOf } from '../store/files';
import { removeCreationLeftovers } from '../store/ledger/genesis';
import type { Healed } from '../store/heal/heal';
import { isHalfDone, removeReplacements } from '../store/heal/healMiddle';
import { setPlanAside } from '../store/heal/healPlan';
import { tendIndex } from '../store/index/indexTend';
import type { IndexState } from '../store/index/indexTend';
import type { LedgerFile, ReadyLedger } from '../store/ledger/ledger';
import { locate } from '../store/ledger/locate';
import { hasClosedSegments } from '../store/ledger/segments';
import type { Place } from '../store/ledger/locate';
import type { LostRows } from '../store/append/lostRows';
import { nameGoneRows, nameLostRows } from '../store/append/nameLoss';
import { namedEnd, withReadyLedger } from '../store/append/prepare';
import type { PrepareEvents } from '../store/append/prepare';
import { takeOut } from '../store/heal/takeOut';
import type { TakenOut } from '../store/heal/takeOut';
import { countImpossible } from '../store/spill/waiting';

export interface SweepOptions {
  readonly place: Place;
  readonly dryRun: boolean;
  readonly onProgress?: ((done: ReadSoFar) => void) | undefined;
  /** Hears that the last writer here wrote to another ledger than the one that is swept. */
  readonly events?: Pick<PrepareEvents, 'onOtherLedger'> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SweepResult {
  readonly verdict: 'clean' | 'damage';
  readonly lines: number;
  readonly damage: readonly Damage[];
  readonly drained: number;
  readonly records_set_aside: number;
  /** Whether spill files are there that were left (--dry-run, a tail that nothing is built on, a lock that was not to be had). */
  readonly waiting: boolean;
  readonly index: IndexState | 'not-checked';
  readonly removed: readonly string[];
  readonly dry_run: boolean;
}

/** Said of lines that a later sweep will take out. */
const LOCKED_OUT = { kind: 'kept', why: "another process holds the ledger's lock: run the sweep again" } as const;
/** How often a file that is replaced under us is looked at again. */
const MAX_PASSES = 20;
/** How often an index that knows of lost rows is asked which. */
const MAX_INDEX_TRIES = 3;

/** @throws LedgerError LEDGER_MISSING, and whatever keeps a ledger from being read or locked */
export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const located = locate(options.place);
  const file = attach(located);
  try {
    return options.dryRun ? await look(file, options) : await new Sweeper(file, options).run();
  } finally {
    detach(file);
  }
}

/** What a sweep would find; nothing is written, no lock is taken. */
async function look(file: LedgerFile, options: SweepOptions): Promise<SweepResult> {
  const { lines, damage } = await lookForDamage(file, options);
  const impossible = countImpossible(file.paths, file.identity.ledgerId);
  return {
    verdict: damage.length === 0 && impossible === 0 ? 'clean' : 'damage',
    lines,
    damage,
    drained: 0,
    records_set_aside: impossible,
    waiting: somethingSpilled(file.paths),
    index: 'not-checked',
    removed: [],
    dry_run: true,
  };
}

class Sweeper {
  readonly #damage: Damage[] = [];
  #drained: Drained = { chained: 0, setAside: 0, more: false };
  /** Whether the ledger's lock could not be had any more: what was done until then is said, the rest is for the next sweep. */
  #isLockedOut = false;

  constructor(
    private readonly file: LedgerFile,
    private readonly options: SweepOptions,
  ) {}

  async run(): Promise<SweepResult> {
    const { paths } = this.file;
    const sound = await this.#prepare();
    const { lines, indexDiffers } = await this.#healMiddle();
    // Rows in closed segments are found by the index alone, and what waits may go on in their streams.
    const first = sound && hasClosedSegments(paths) ? await this.#tendIndex(indexDiffers) : undefined;
    if (sound) await this.#drain();
    const last = sound ? await this.#tendIndex(first === undefined ? indexDiffers : undefined) : 'not-checked';
    const index = first === 'rebuilt' ? first : last;
    const removed = this.#tidy();
    const { chained, setAside } = this.#drained;
    return {
      verdict: this.#damage.length === 0 && setAside === 0 ? 'clean' : 'damage',
      lines,
      damage: this.#damage,
      drained: chained,
      records_set_aside: setAside,
      waiting: somethingSpilled(paths),
      index,
      removed,
      dry_run: false,
    };
  }

  /** Finishes a pending heal, heals the tail, names lost rows. Returns whether rows can be built on the tail. */
  async #prepare(): Promise<boolean> {
    try {
      await withReadyLedger(this.file, this, (ready) => nameGoneRows(ready, this));
      return true;
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      // It is asked again before it is made anew.
      if (error.code === 'INDEX_BUSY') return true;
      if (error.code === 'HEAL_IMPOSSIBLE' && this.#dropPlan(error)) return this.#prepare();
      if (error.code !== 'TAIL_TAMPERED' && error.code !== 'HEAL_IMPOSSIBLE') throw error;
      this.#damage.push({ ...noted('tampered-tail', 'kept', error.message), offset: error.place?.offset ?? null });
      return false;
    }
  }

  /** A plan that cannot be finished (changed by hand, rows behind the torn bytes) goes into quarantine; the ledger is looked at afresh. */
  #dropPlan(error: LedgerError): boolean {
    const { paths, host } = this.file;
    if (statOf(paths.healPlan) === undefined || isHalfDone(paths)) return false;
    const quarantine = setPlanAside(paths, ulidAt(host.nowMs(), host.random(ULID_RANDOM_BYTES)));
    this.#damage.push({ ...noted('broken-plan', 'healed', error.message), quarantine });
    return true;
  }

  async #tendIndex(known: string | undefined): Promise<SweepResult['index']> {
    const { paths } = this.file;
    const upToBytes = await this.#unlessLockedOut(() => unless('INDEX_BUSY', () => namedEnd(this.file, this)));
    const { differs, ...tended } =
      upToBytes === undefined ? ({ index: 'busy', differs: known } as const) : await tendIndex(paths, upToBytes, known);
    let { index }: Pick<SweepResult, 'index'> = tended;
    // It could not be asked when the tail was looked at: a lock of another's, an error of the moment.
    for (let tries = 0; index === 'ahead' && tries < MAX_INDEX_TRIES; tries++) {
      this.file.index.tryAgain();
      const name = () => withReadyLedger(this.file, this, (ready) => nameLostRows(ready, this));
      const named = await this.#unlessLockedOut(name);
      if (named !== undefined) ({ index } = await tendIndex(paths, named.tail.sizeBytes, undefined));
    }
    // A new one answers what the old one could not.
    this.file.index.tryAgain();
    if (index === 'ahead') this.#damage.push(noted('rows-lost', 'kept', 'the index has rows that the file has not'));
    if (differs !== undefined)
      this.#damage.push(noted('index-differs', index === 'rebuilt' ? 'healed' : 'kept', indexText(differs)));
    return index;
  }

  /** One range after the other, each in the file as it is by then. Returns what the last look at the whole file found. */
  async #healMiddle(): Promise<ReadBroken> {
    const kept = new Set<number>();
    for (let moved = 0; moved < MAX_PASSES;) {
      const found = await readBroken(this.file.paths, this.options);
      const { ino, ranges } = found;
      const left = ranges.filter(({ offset }) => !kept.has(offset));
      if (left.length === 0) return found;
      for (const range of left.reverse()) {
        const take = () => takeOut(this.file, { ...range, ino }, this);
        const taken = (await this.#unlessLockedOut(take)) ?? LOCKED_OUT;
        if (taken.kind === 'moved') {
          moved++;
          break;
        }
        if (taken.kind === 'kept') kept.add(range.offset);
        this.#damage.push(takenDamage(range, taken));
        // The file was replaced: what is left is looked for in the new one.
        if (taken.kind === 'taken-out') break;
      }
    }
    throw new LedgerError('HEAL_FAILED', `expected the ledger to hold still, found it replaced ${MAX_PASSES} times`);
  }

  async #drain(): Promise<void> {
    for (let more = true; more;) {
      const step = () => withReadyLedger(this.file, this, (ready) => this.#drainStep(ready));
      more = (await this.#unlessLockedOut(step)) ?? false;
    }
  }

  /** Undefined where another holds the ledger's lock for too long. Only the first time is that the end of a sweep. */
  async #unlessLockedOut<T>(use: () => Promise<T>): Promise<T | undefined> {
    if (this.#isLockedOut) return undefined;
    const done = await unless('LOCK_TIMEOUT', async () => ({ value: await use() }));
    this.#isLockedOut = done === undefined;
    return done?.value;
  }

  async #drainStep(ready: ReadyLedger): Promise<boolean> {
    if (!somethingSpilled(ready.paths)) return false;
    const { drained } = await drainSpill(ready);
    const { chained, setAside } = this.#drained;
    this.#drained = { chained: chained + drained.chained, setAside: setAside + drained.setAside, more: drained.more };
    return drained.more;
  }

  /** What killed processes left behind. */
  #tidy(): string[] {
    const removed = removeCreationLeftovers(this.file.paths);
    if (statOf(this.file.paths.healPlan) === undefined) removeReplacements(this.file.paths);
    return removed;
  }

  onHeal({ kind, offset, length, healId, quarantine }: Healed): void {
    const middle = kind === 'middle' || kind === 'junk' || kind === 'set-aside';
    const detail = kind === 'newline' ? 'the last row lacked its newline' : `${length} torn bytes (${kind})`;
    const damage = noted(middle ? 'pending-heal' : 'torn-tail', 'healed', detail);
    this.#damage.push({ ...damage, offset, length, heal_id: healId, quarantine: quarantine ?? null });
  }

  onOtherLedger(knownId: string, nowId: string): void {
    this.options.events?.onOtherLedger(knownId, nowId);
  }

  onRowsLost(lost: LostRows): void {
    this.#damage.push(noted('rows-lost', 'healed', `${lostText(lost)}; a row says so`));
  }
}

/** Undefined where `use` fails with this code. */
async function unless<T>(code: ErrorCode, use: () => Promise<T>): Promise<T | undefined> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof LedgerError && error.code === code) return undefined;
    throw error;
  }
}

function takenDamage(range: BrokenRange, taken: Exclude<TakenOut, { readonly kind: 'moved' }>): Damage {
  if (taken.kind === 'kept') return notedAt(range, noted('broken-lines', 'kept', taken.why));
  const { healId, quarantine } = taken.healed;
  const healed = noted('broken-lines', 'healed', `${linesText(range.lines)}; ${gapText(taken)}`);
  return { ...notedAt(range, healed), heal_id: healId, quarantine: quarantine ?? null };
}
