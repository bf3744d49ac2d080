/**
 * Runtime events of runs, a line each:
 *
 *   {"id":"01J…","runId":"r1","turnId":"t1","timestamp":"…","type":"tool_executed","payload":{…},"contentHash":"…","parentHash":"…","hash":"…"}
 *
 * `contentHash` is the SHA-256 of the canonical payload, as the row has it: of a row that was changed later it still says
 * what it said. `parentHash` is the `hash` of the row before in the run, whatever type that has; the first one has none.
 */
import { catalogueOf } from '../catalogue';
import { sha256Hex, ZERO_HASH } from '../digest';
import { orNothing } from '../errors';
import { canonicalJson } from '../json';
import { parseJson } from '../parseJson';
import { Entry } from './entry';
import { textIn } from './rawMembers';
import type { RawMembers } from './rawMembers';
import type { Shape } from './shape';

export const traceShape: Shape = { stream: 'run', lines };

function lines(row: RawMembers): string[] {
  if (catalogueOf(textIn(row.get('action')) ?? '') !== 'trace' || textIn(row.get('run_id')) === undefined) return [];
  const parent = row.get('run_prev_hash');
  const event = new Entry(row)
    .member('id')
    .member('run_id', 'runId')
    .member('turn_id', 'turnId')
    .timestamp()
    .member('action', 'type')
    .wholePayload()
    .put('contentHash', row.get('content_hash') ?? hashOf(row.get('payload') ?? '{}'))
    .put('parentHash', textIn(parent) === ZERO_HASH ? undefined : parent)
    .member('hash')
    .labelled()
    .more();
  return [event.toString()];
}

/** Undefined where there is no canonical form, which no writer stores. */
function hashOf(payload: string): string | undefined {
  return orNothing(() => `"${sha256Hex(canonicalJson(parseJson(payload)))}"`);
}
