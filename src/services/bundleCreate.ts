/**
 * `ledger bundle create`: whole streams as evidence for somebody who trusts neither us nor the ledger. What is made is held
 * against every check that its reader will make, before a byte of it goes out.
 */
import { bundleContent, signBundle } from '../core/bundle/build';
import { bundleText } from '../core/bundle/bundle';
import type { Bundle } from '../core/bundle/bundle';
import { checkEvidence } from '../core/bundle/check';
import type { BundleReport } from '../core/bundle/check';
import { envelopeOf } from '../core/bundle/envelope';
import { partsOf, signed, signerLine } from '../core/bundle/folder';
import { publicKeyOf } from '../core/bundle/keys';
import { receiptOf } from '../core/bundle/receipt';
import type { BundleFormat, BundleReceipt } from '../core/bundle/receipt';
import { storiesOf } from '../core/bundle/stories';
import type { PageParts } from '../core/bundle/stories';
import { nameOf } from '../core/bundle/streams';
import { verifyGuide } from '../core/bundle/verifyGuide';
import { EvidenceError, LedgerError } from '../core/errors';
import { signersOf } from '../core/signing/settings';
import type { KeySigner, Signer } from '../core/signing/signer';
import { openContent } from '../store/access/reading';
import type { ReadAsked } from '../store/access/reading';
import { writeBundleFolder } from '../store/bundle/bundleFiles';
import { withGround } from '../store/bundle/ground';
import { createEvidence, refuseTaken } from '../store/evidence/newEvidence';
import { openingsOf } from '../store/bundle/openings';
import type { Shown } from '../store/bundle/openings';
import { rowsOfOrder, rowsOfQuery, rowsOfStreams } from '../store/bundle/streamRows';
import type { StreamRows } from '../store/bundle/streamRows';
import { readIdentity } from '../store/ledger/genesis';
import { locate } from '../store/ledger/locate';
import type { LocatedLedger, Place } from '../store/ledger/locate';
import { presentSegments } from '../store/ledger/segments';
import { nodeHost } from '../store/machine/nodeHost';
import { pageProgram, verifierText } from '../store/machine/parts';
import type { Conditions } from '../store/query/openQuery';
import { hmacSigner } from '../store/signing/hmacFile';
import { signatureJudge } from '../store/signing/judge';
import { openSigner } from '../store/signing/signer';

export type { BundleFormat, BundleReceipt } from '../core/bundle/receipt';
export type { PageParts } from '../core/bundle/stories';

export type BundleWhat =
  | { readonly kind: 'stream'; readonly id: string; readonly as: 'run' | 'decision' | undefined }
  | { readonly kind: 'order'; readonly id: string }
  | { readonly kind: 'query'; readonly conditions: Omit<Conditions, 'place' | 'nowMs'>; readonly takesOpen: boolean };

export interface BundleRequest {
  readonly place: Place;
  readonly what: BundleWhat;
  /** The key; default: the one in the settings. */
  readonly sign: string | undefined;
  readonly hmacKeyFile: string | undefined;
  /** Sealed fields that are shown. */
  readonly disclose: readonly string[];
  readonly format: BundleFormat;
  /** Undefined: the text is handed back. */
  readonly out: string | undefined;
  readonly withVerifier: boolean;
  /** Writes the page, for the format html. */
  readonly page: (parts: PageParts) => string;
  readonly nowMs: number;
  readonly reading: ReadAsked;
}

export interface MadeBundle {
  /** Undefined where it was written. */
  readonly text: string | undefined;
  readonly told: BundleReceipt;
}

/**
 * @returns undefined where there is no such run, decision or order, or no row matches
 * @throws LedgerError USAGE, LEDGER_MISSING, CONFIG_INVALID, KEY_UNUSABLE, READ_FAILED, NOT_WRITABLE, UNSAFE_PATH, TOO_MUCH; NOT_VERIFIABLE
 *   where no checkpoint covers a row; a finding's code where the ledger does not hold; as `openContent`
 */
export async function createBundle(request: BundleRequest): Promise<MadeBundle | undefined> {
  const { place, what, format } = request;
  const located = locate(place);
  if (request.out !== undefined) refuseTaken(request.out, located.paths.dir);
  presentSegments(located.paths);
  const reading = await openContent(place, { command: 'bundle', format, ...asked(what) }, request.reading);
  const signer = await signerOf(request, located);
  const found = await rowsFor(request);
  if (found.rows.length === 0) return undefined;
  const shown = await openingsOf(located.paths, found.rows, request.disclose);
  const bundle = await bundleOf(request, located, found, { signer, disclosed: shown.disclosed });
  const report = sound(bundle, signer);
  const seqs = { first_seq: found.rows[0]?.row.seq ?? null, last_seq: found.rows.at(-1)?.row.seq ?? null };
  await reading.record({ rows: found.rows.length, ...seqs, sha256: bundle.contentHash.replace('sha256:', '') });
  const page = (): string => request.page(pageParts({ request, located, found, bundle, report, signer }));
  return {
    text: await handedOut(request, bundle, signer, page),
    told: receiptOf(bundle, { ...request, erased: shown.erased }),
  };
}

function asked(what: BundleWhat): { readonly sought?: string; readonly terms?: readonly string[] } {
  if (what.kind !== 'query') return { sought: what.id };
  const { terms, where, day, since, until } = what.conditions;
  return { terms, where, day, since, until } as { readonly terms: readonly string[] };
}

async function signerOf({ sign, hmacKeyFile, place, format }: BundleRequest, located: LocatedLedger): Promise<Signer> {
  const { config, paths } = located;
  const word = sign ?? signersOf(config).find(({ what }) => what === 'bundles')?.word;
  if (hmacKeyFile === undefined && word === undefined)
    throw new LedgerError('USAGE', 'expected a key to sign with, found none', {
      hint: '--sign KEY, --hmac-key-file FILE, or "signer" in the config; "ledger key new NAME" makes a key',
    });
  const signer = hmacKeyFile === undefined ? await openSigner(word ?? '', place.env, paths.dir) : hmacSigner(hmacKeyFile, paths.dir); // prettier-ignore
  if (format === 'dir' && !isKeySigner(signer))
    throw new LedgerError('USAGE', 'expected a key for --format dir, found a shared secret', {
      hint: 'ssh-keygen checks the folder, and knows keys alone: --sign KEY, or another format',
    });
  return signer;
}

function isKeySigner(signer: Signer): signer is KeySigner {
  return signer.publicKey !== undefined;
}

async function rowsFor({ place, what, nowMs }: BundleRequest): Promise<StreamRows> {
  const asking = { place, nowMs };
  switch (what.kind) {
    case 'order':
      return rowsOfOrder(asking, what.id);
    case 'query':
      return closedOnly(await rowsOfQuery({ ...asking, ...what.conditions }), what.takesOpen);
    case 'stream': {
      const kinds = what.as === undefined ? (['decision', 'run'] as const) : [what.as];
      const found = await Promise.all(kinds.map((kind) => rowsOfStreams(asking, [{ kind, id: what.id }])));
      const there = found.filter(({ rows }) => rows.length > 0);
      if (there.length > 1)
        throw new LedgerError('USAGE', `expected a run or a decision, found that "${what.id}" is both`, {
          hint: 'say which: --run, --decision',
        });
      return there[0] ?? { rows: [], streams: [] };
    }
  }
}

/** Of what is open nobody can say that it is all of it; of one stream that is asked for by name it is only said. */
function closedOnly(found: StreamRows, takesOpen: boolean): StreamRows {
  const open = found.streams.filter(({ state }) => state === 'open');
  const [first] = open;
  if (takesOpen || first === undefined) return found;
  throw new LedgerError('USAGE', `expected closed streams, found ${open.length} open, ${nameOf(first)} first`, {
    hint: 'rows may follow in them: --open takes them all the same, and the bundle says so',
  });
}

async function bundleOf(
  { what }: BundleRequest,
  { paths }: LocatedLedger,
  { rows, streams }: StreamRows,
  { signer, disclosed }: { readonly signer: Signer; readonly disclosed: Shown['disclosed'] },
): Promise<Bundle> {
  const identity = readIdentity(paths);
  const ledger = { ledger_id: identity?.ledgerId ?? '', origin: identity?.origin ?? '' };
  const content = withGround(paths, rows.at(-1)?.row.seq ?? 0, (ground) =>
    bundleContent({ workflowId: workflowOf(what), ledger, streams, rows, disclosed, ...ground }),
  );
  return signBundle(content, signer);
}

function workflowOf(what: BundleWhat): string {
  if (what.kind !== 'query') return what.id;
  const { terms, where, day, since, until } = what.conditions;
  const flags = Object.entries({ where, day, since, until }).flatMap(([name, text]) => (text === undefined ? [] : [`--${name} ${text}`])); // prettier-ignore
  return ['query', ...terms, ...flags].join(' ');
}

/** What its reader would not take does not go out. */
function sound(bundle: Bundle, { publicKey }: Signer): BundleReport {
  const keys = publicKey === undefined ? [] : [publicKeyOf(publicKey.bytes)];
  const report = checkEvidence({ bundle, layers: [], findings: [] }, keys);
  const [fault] = report.findings;
  if (fault === undefined) return report;
  const at = fault.seq === null ? '' : ` at row ${fault.seq}`;
  throw new EvidenceError(fault.code, `expected ${fault.want}${at}, found ${fault.got}: no bundle is made of that`, {
    hint: 'run "ledger verify": it names what does not hold; where it names nothing, "ledger checkpoint --full" makes the tree anew',
  });
}

async function handedOut(
  request: BundleRequest,
  bundle: Bundle,
  signer: Signer,
  page: () => string,
): Promise<string | undefined> {
  const { format, out } = request;
  if (format === 'dir') {
    await writeFolder(request, bundle, signer as KeySigner);
    return undefined;
  }
  const text = format === 'html' ? page() : await fileOf(format, bundle, signer);
  if (out === undefined) return text;
  createEvidence(out, text);
  return undefined;
}

async function fileOf(format: 'json' | 'dsse', bundle: Bundle, signer: Signer): Promise<string> {
  return format === 'dsse' ? `${JSON.stringify(await envelopeOf(bundle, signer))}\n` : bundleText(bundle);
}

interface Made {
  readonly request: BundleRequest;
  readonly located: LocatedLedger;
  readonly found: StreamRows;
  readonly bundle: Bundle;
  readonly report: BundleReport;
  readonly signer: Signer;
}

function pageParts({ request, located, found, bundle, report, signer }: Made): PageParts {
  const { what, nowMs } = request;
  const rows = found.rows.map(({ row }) => row);
  const order = what.kind === 'order' ? what.id : undefined;
  return {
    bundle,
    file: bundleText(bundle),
    stories: storiesOf(bundle, rows, { order, judge: signatureJudge(located) }),
    signerLine: isKeySigner(signer) ? signerLine(signer).trim() : undefined,
    notProved: report.not_proved,
    program: pageProgram(),
    madeMs: nowMs,
  };
}

async function writeFolder({ out, withVerifier }: BundleRequest, bundle: Bundle, signer: KeySigner): Promise<void> {
  const guide = verifyGuide(bundle, { withVerifier });
  const more = { 'signer.pub': signerLine(signer), 'VERIFY.md': guide };
  const parts = partsOf(bundle, withVerifier ? { ...more, 'verify-bundle.mjs': verifierText() } : more);
  writeBundleFolder(out ?? '', await signed(parts, signer), nodeHost().pid);
}
