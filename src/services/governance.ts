/** `ledger verify --governance`: whether decisions and runs went as they must, from what the rows say. */
import { Governance } from '../core/governance/governance';
import type { GovernanceReport } from '../core/governance/governance';
import { countsBy } from '../core/governance/signed';
import type { Unread } from '../core/governance/reconstruction';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { signatureJudge } from '../store/signing/judge';
import { streamLines } from '../store/governance/streamLines';

export type { GovernanceFinding } from '../core/governance/finding';

/** With what could not be read as rows: an end may be among it. */
export type GovernanceAnswer = GovernanceReport & { readonly unread: Unread };

export interface GovernanceRequest {
  readonly place: Place;
  /** One stream alone. */
  readonly run?: string | undefined;
  readonly decision?: string | undefined;
  readonly nowMs: number;
}

/** @throws LedgerError LEDGER_MISSING, CONFIG_INVALID, UNSAFE_PATH, READ_FAILED */
export async function governance({ place, run, decision, nowMs }: GovernanceRequest): Promise<GovernanceAnswer> {
  const terms = [
    ...(run === undefined ? [] : [`run_id=${run}`]),
    ...(decision === undefined ? [] : [`decision_id=${decision}`]),
  ];
  const { batches, unread } = await streamLines(place, terms, nowMs);
  const judge = signatureJudge(locate(place));
  const all = new Governance({ run, decision }, countsBy(judge));
  for await (const lines of batches) for (const { row } of lines) all.step(row);
  return { ...all.end(), unread: unread() };
}
