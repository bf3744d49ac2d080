/**
 * Events of decisions, a line each, those of one decision in its order:
 *
 *   {"decision_id":"d1","seq":2,"type":"policy.gate","timestamp":"…","actor":null,"by":"1000:alice@build-3","payload":{…},"prev_hash":"…","hash":"…","id":"01J…"}
 *
 * Every row of a decision is one, of whatever type: `seq` runs without a gap, and `prev_hash` is the `hash` of the line
 * before it of the same decision, 64 zeros in its first.
 */
import { ACTORS } from '../governance/words';
import { Entry } from './entry';
import { textIn } from './rawMembers';
import type { RawMembers } from './rawMembers';
import type { Shape } from './shape';

export const decisionShape: Shape = { stream: 'decision', lines };

function lines(row: RawMembers): string[] {
  if (textIn(row.get('decision_id')) === undefined || !row.has('decision_seq')) return [];
  const event = new Entry(row).member('decision_id').member('decision_seq', 'seq').member('action', 'type').timestamp();
  putActor(event, row);
  event
    .field('role')
    .member('by')
    .wholePayload()
    .member('decision_prev_hash', 'prev_hash')
    .member('hash')
    .member('id')
    .labelled()
    .more();
  return [event.toString()];
}

/** Who acted, as everywhere: a person before an agent. That it was an agent, `more` says. */
function putActor(event: Entry, row: RawMembers): void {
  const name = ACTORS.find((one) => event.payload.has(one) || row.has(one));
  if (name === undefined) event.put('actor', 'null');
  else if (name === 'agent') event.put('actor', event.payload.get(name) ?? row.get(name));
  else event.field(name, 'actor');
}
