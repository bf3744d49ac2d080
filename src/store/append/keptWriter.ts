/** The writer of one ledger, kept open from one request to the next, with what was looked up for it. */
import { environmentDefaults } from '../../core/defaults';
import type { JsonObject } from '../../core/json';
import { Catalogues } from '../catalogue/catalogues';
import { KeptPlace } from '../ledger/locate';
import type { LocatedLedger, Place } from '../ledger/locate';
import { nodeHost } from '../machine/nodeHost';
import type { AppendEvents } from './append';
import { Writer } from './writer';
import type { WriterOptions } from './writer';

/** Keeps the writer of one ledger open from one request to the next; another ledger's takes its place. */
export class KeptWriter {
  readonly host = nodeHost();
  readonly #place = new KeptPlace();
  #catalogues: { readonly of: LocatedLedger; readonly made: Catalogues } | undefined;
  #defaults: { readonly env: Place['env']; readonly members: JsonObject } | undefined;
  #open: { readonly writer: Writer; readonly options: WriterOptions } | undefined;
  #events: AppendEvents | undefined;
  #closing: Promise<void> = Promise.resolve();

  locate(place: Place): LocatedLedger {
    return this.#place.locate(place);
  }

  /** What this environment says of every row; an object of variables stays as it is. */
  defaults(env: Place['env']): JsonObject {
    if (this.#defaults?.env !== env) this.#defaults = { env, members: environmentDefaults(env) };
    return this.#defaults.members;
  }

  catalogues(located: LocatedLedger): Catalogues {
    if (this.#catalogues?.of !== located) this.#catalogues = { of: located, made: new Catalogues(located) };
    return this.#catalogues.made;
  }

  open(options: WriterOptions): Writer {
    this.#events = options.events;
    const { paths, durability } = this.#open?.options ?? {};
    const { dir, secondSpill } = options.paths;
    const isSame = paths?.dir === dir && paths.secondSpill === secondSpill && durability === options.durability;
    if (this.#open !== undefined && isSame) return this.#open.writer;
    void this.close();
    const writer = new Writer({ ...options, events: this.#forwarded() });
    this.#open = { writer, options };
    return writer;
  }

  /** Waits until what was written is in the index, too. */
  close(): Promise<void> {
    const { writer } = this.#open ?? {};
    this.#open = undefined;
    if (writer !== undefined) this.#closing = this.#closing.then(() => writer.close());
    return this.#closing;
  }

  /** What happens is told to who asks at the time. */
  #forwarded(): AppendEvents {
    return {
      onHeal: (healed) => this.#events?.onHeal(healed),
      onRowsLost: (lost) => this.#events?.onRowsLost(lost),
      onOtherLedger: (knownId, nowId) => this.#events?.onOtherLedger(knownId, nowId),
      onDrain: (drained) => this.#events?.onDrain(drained),
      onIndexFault: (error) => this.#events?.onIndexFault(error),
      onWriting: (ids) => this.#events?.onWriting?.(ids),
    };
  }
}
