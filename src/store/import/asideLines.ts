/**
 * Lines of a foreign file that can be no rows, set aside: bytes into quarantine, a row of the ledger's own that names
 * them. Each once: the row's key is the line's, so a second import finds it.
 *
 *   "action":"audit.heal-truncation","idempotency_key":"import:<sha256>:1","payload":{"kind":"garbage","source":"import",
 *    "file":"audit.jsonl","why":"JSON_SYNTAX","offset":512,"length":57,"sha256":"…","quarantine":"quarantine/01J….bin",…}
 */
import type { ErrorCode } from '../../core/errors';
import { nextUlid, ULID_RANDOM_BYTES } from '../../core/ids';
import { ownRow } from '../../core/ownRows';
import { salvage } from '../../core/salvage';
import { commitBytes } from '../append/commit';
import { tornKind } from '../heal/heal';
import type { LedgerFile } from '../ledger/ledger';
import { Placer } from '../append/placer';
import { withReadyLedger } from '../append/prepare';
import type { PrepareEvents } from '../append/prepare';
import { setAside } from '../heal/quarantine';
import type { Secrets } from '../secrets/secrets';

export interface AsideLine {
  readonly key: string;
  readonly offset: number;
  readonly bytes: number;
  readonly why: ErrorCode;
}

export interface AsideSource {
  readonly fd: number;
  /** The file's name for the row; null for a pipe. */
  readonly name: string | null;
}

/** Every line costs two syncs under the lock: more at once would keep others waiting. */
export const MAX_ASIDE_LINES = 50;

/**
 * @param secrets keeps them out of the rows that name the lines
 * @returns how many were set aside now; the others were before
 */
export function setAsideLines(
  file: LedgerFile,
  events: PrepareEvents,
  source: AsideSource,
  lines: readonly AsideLine[],
  secrets: Secrets,
): Promise<number> {
  const named = secrets.cleaned(new Map([['file', source.name]]), () => undefined, true);
  return withReadyLedger(file, events, async (ready) => {
    const placer = new Placer(ready);
    const fresh = lines.filter((line) => placer.keyUse(line.key) === undefined);
    for (const { key, offset, bytes, why } of fresh) {
      const { host, paths } = ready;
      const id = nextUlid(host.nowMs(), host.random(ULID_RANDOM_BYTES), placer.group.head.id);
      const aside = setAside(paths, id, source.fd, offset, bytes);
      const { length, sha256, quarantine, start } = aside;
      const where = { source: 'import', file: named.get('file'), why, offset, length, sha256, quarantine };
      // What is no JSON may be a cut line; what is refused for another reason is whole.
      const kind = why === 'JSON_SYNTAX' ? tornKind(aside) : 'garbage';
      const payload = { kind, ...where, original: salvage(start) };
      placer.place(ownRow('audit.heal-truncation', payload, { idempotency_key: key }), id);
    }
    if (placer.group.isEmpty) return 0;
    const data = placer.group.bytes();
    await commitBytes({ path: ready.paths.ledger, ...ready }, ready.tail.sizeBytes, data);
    placer.remember(data);
    return fresh.length;
  });
}
