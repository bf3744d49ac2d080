/** `ledger sweep --set-aside`: a person takes a tampered or forked line out, with a reason, which is itself a row. */
import { gapText, noted, notedAt } from '../core/damage';
import type { Damage } from '../core/damage';
import { LedgerError } from '../core/errors';
import type { Json } from '../core/json';
import type { AppendEvents } from '../store/append/append';
import { attach, detach } from '../store/ledger/attach';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import type { PrepareEvents } from '../store/append/prepare';
import { takeOut } from '../store/heal/takeOut';
import { Secrets } from '../store/secrets/secrets';
import { lineByNumber, lineBySeq } from '../store/read/linePlace';
import type { LinePlace } from '../store/read/linePlace';

export interface SetAsideOptions {
  readonly place: Place;
  /** `57`, a seq that one line has, or `line:N`. */
  readonly target: string;
  /** Default: the OS account. */
  readonly actor: string | undefined;
  readonly reason: string;
  /** Hears of rows that are named as lost on the way, and that the last writer here wrote to another ledger. */
  readonly events?: (Pick<PrepareEvents, 'onOtherLedger' | 'onRowsLost'> & Pick<AppendEvents, 'onOmitted'>) | undefined;
}

/**
 * From then on the ledger has a named gap, unless the rows around the line link to each other.
 * @throws LedgerError USAGE, SECRET, NOT_FOUND, HEAL_FAILED where what stands around it does not tell what would be missing
 */
export async function setAsideLine(options: SetAsideOptions): Promise<Damage> {
  const located = locate(options.place);
  const { actor, reason } = options;
  const given = new Map<string, Json>([
    ...(actor === undefined ? [] : [['actor', actor] as const]),
    ['reason', reason],
  ]);
  const onWarning = options.events?.onOmitted ?? ((): void => undefined);
  const said = new Secrets(located.config.secrets).cleaned(given, onWarning, false);
  const line = findTarget(located.paths.ledger, options.target);
  const file = attach(located);
  try {
    const byHand = {
      actor: (said.get('actor') as string | undefined) ?? file.host.by,
      reason: said.get('reason') as string,
    };
    const events: PrepareEvents = {
      onHeal: () => undefined,
      onRowsLost: (lost) => options.events?.onRowsLost(lost),
      onOtherLedger: (knownId, nowId) => options.events?.onOtherLedger(knownId, nowId),
    };
    const taken = await takeOut(file, { ...line, byHand }, events);
    if (taken.kind !== 'taken-out') {
      const why = taken.kind === 'moved' ? 'the file was replaced meanwhile' : taken.why;
      throw new LedgerError('HEAL_FAILED', `could not set line ${line.line} aside: ${why}`, {
        place: { line: line.line },
      });
    }
    const { healId, quarantine } = taken.healed;
    return {
      ...notedAt(line, noted('by-hand', 'healed', gapText(taken))),
      heal_id: healId,
      quarantine: quarantine ?? null,
    };
  } finally {
    detach(file);
  }
}

function findTarget(ledgerPath: string, target: string): LinePlace {
  const byLine = /^line:([1-9][0-9]*)$/.exec(target);
  if (byLine !== null) return lineByNumber(ledgerPath, Number(byLine[1]));
  if (/^[1-9][0-9]*$/.test(target)) return lineBySeq(ledgerPath, Number(target));
  throw new LedgerError('USAGE', `expected a seq or line:N, found ${JSON.stringify(target)}`);
}
