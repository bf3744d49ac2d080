/**
 * The types of rows that the built-in catalogues describe, one file each in `schemas/`. This list alone tells whether a
 * row is to be held against a schema, so that rows of any other action pay nothing.
 */

export const CATALOGUES = {
  trace: `run_started run_completed turn_started turn_completed context_compiled model_call_started model_call_completed
    tool_proposed policy_decision approval_requested approval_resolved tool_executed memory_proposed memory_written
    memory_retrieved checkpoint_saved handoff policy_violation security_event error`,
  decision: `decision.created decision.evaluated policy.gate risk.scored authority.required approval.added override.added
    enforcement.result decision.executed decision.expired`,
  trail: 'run.invocation tool.call draft.production reviewer.action approval surface.delivery',
  proof: `proof.order proof.revenue proof.webhook proof.crm_activity proof.run proof.run_event proof.tool_call
    proof.model_decision proof.approval proof.artifact proof.audit_event`,
  access: 'access.read access.export',
  plain: '',
} as const;

export type CatalogueName = keyof typeof CATALOGUES;

export const CATALOGUE_NAMES = Object.keys(CATALOGUES) as readonly CatalogueName[];

const OF_ACTION: ReadonlyMap<string, CatalogueName> = new Map(
  CATALOGUE_NAMES.flatMap((name) => actionsIn(name).map((action) => [action, name] as const)),
);

/** The actions of a built-in catalogue, in its order. */
export function actionsIn(name: CatalogueName): readonly string[] {
  return CATALOGUES[name].split(/\s+/).filter((action) => action !== '');
}

/** The built-in catalogue that describes an action. */
export function catalogueOf(action: string): CatalogueName | undefined {
  return OF_ACTION.get(action);
}

/** What commands of the ledger write on a caller's behalf, whatever the catalogues say. */
export const LEDGER_ACTIONS: ReadonlySet<string> = new Set(['cost.refund', 'cost.correction']);
