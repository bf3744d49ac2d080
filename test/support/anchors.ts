/** Anchoring the heads of a test's ledger, as the command does it, and looking at the anchors, as `verify` does. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { judgeAnchors } from '../../src/core/anchor/judge';
import type { AnchorVerdict } from '../../src/core/anchor/judge';
import type { AnchorEvidenceSeen } from '../../src/core/anchor/judge';
import { anchorName } from '../../src/core/anchor/target';
import { anchorCheckpoint } from '../../src/store/anchor/anchors';
import type { AnchorResult, AnchorRun } from '../../src/store/anchor/anchors';
import type { StoredCheckpoint } from '../../src/store/checkpoint/checkpoints';
import { lookAtAnchors } from '../../src/store/anchor/lookAtAnchors';
import { toldAnchors } from '../../src/store/anchor/records';
import { anchorTargets } from '../../src/store/anchor/targets';
import { locate } from '../../src/store/ledger/locate';
import { quiet, TEST_ORIGIN } from './heads';
import type { HeadedLedger } from './heads';

export interface Anchoring {
  readonly run?: Partial<AnchorRun>;
  readonly earlier?: readonly StoredCheckpoint[];
}

export async function anchorAt(
  ledger: HeadedLedger,
  checkpoint: StoredCheckpoint,
  texts: readonly string[],
  { run = {}, earlier = [] }: Anchoring = {},
): Promise<readonly AnchorResult[]> {
  const located = locate(ledger.place);
  const { env } = ledger.place;
  const targets = anchorTargets(texts, ledger.root, located.paths, env);
  const { results, unrecorded } = await anchorCheckpoint({
    located,
    env,
    checkpoint,
    targets,
    keys: [ledger.key.note],
    openTree: () => ledger.tree,
    earlier: () => earlier,
    events: quiet,
    ...run,
  });
  if (unrecorded !== undefined) throw unrecorded;
  return results;
}

export async function judgeAt(
  ledger: HeadedLedger,
  checkpoints: readonly StoredCheckpoint[],
  texts: readonly string[],
  more: Partial<AnchorEvidenceSeen> = {},
): Promise<AnchorVerdict> {
  const { paths, config } = locate(ledger.place);
  const { env } = ledger.place;
  const targets = anchorTargets(texts, ledger.root, paths, env);
  const asked = { paths, env, origin: TEST_ORIGIN, targets, checkpoints, trusted: config.keys, nowMs: Date.now() };
  const looks = await lookAtAnchors(asked);
  const told = await toldAnchors(paths);
  const named = targets.map(anchorName);
  return judgeAnchors({
    named,
    looks,
    told,
    tree: ledger.tree,
    origin: TEST_ORIGIN,
    signers: [ledger.key.note.publicKey],
    ...more,
  });
}

/** What became of one target: "ok", or why not. */
export function outcomeOf(result: AnchorResult | undefined): string {
  if (result === undefined) return 'none';
  return result.outcome === 'ok' ? 'ok' : result.error.message;
}

export type Handler = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;

/** A server on this machine that lives as long as the test; returns its address. */
export async function serve(t: TestContext, handle: Handler): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(request, Buffer.concat(chunks), response));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
