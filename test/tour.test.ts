/**
 * The documents' tour, typed as it is printed: a console block of the README must show what it says, each line of a shell
 * block must end well. A stop begins in an empty folder and goes on in it; what is there beforehand comes from the page
 * where the page has it: settings from its json, a script from its shell block that begins with `#!`.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { ensureBuilt } from './support/built';
import { missingTools, run } from './support/process';
import { blocksOf, steady, typeBlock } from './support/tour';
import type { Block } from './support/tour';
import { typingEnvironment } from './support/typed';

interface Stop {
  readonly page: string;
  readonly headings: readonly string[];
  /** What a reader has already: commands. */
  readonly given?: string;
  /** What the page's json is saved as. */
  readonly json?: string;
  /** Of the blocks below the headings those up to the first that is typed; of the README all. */
  readonly firstOnly?: boolean;
}

/** The rows of an incident: of a day that is over, so they say themselves when it was. */
const INCIDENT = `ledger append -q - <<'ROWS'
${[
  '"agent":"coder","action":"model.call","outcome":"success","customer_id":"acme","cost_usd":0.0312,"duration_ms":1998',
  '"agent":"coder","action":"tool.used","outcome":"success","customer_id":"acme","cost_usd":0.0001,"duration_ms":88',
  '"agent":"coder","action":"model.call","outcome":"failure","customer_id":"acme","cost_usd":0.03,"duration_ms":30012,"reason":"timeout"',
  '"agent":"coder","action":"model.call","outcome":"failure","customer_id":"acme","cost_usd":0.0299,"duration_ms":30007,"reason":"timeout"',
  '"agent":"writer","action":"model.call","outcome":"success","customer_id":"globex","cost_usd":0.214,"duration_ms":4120',
  '"agent":"writer","action":"model.call","outcome":"failure","customer_id":"globex","cost_usd":0.094,"duration_ms":510',
  '"agent":"coder","action":"model.call","outcome":"success","customer_id":"acme","cost_usd":0.041,"duration_ms":1500',
]
  .map((members, i) => `{"occurred_at":"2026-11-17T14:2${i}:00Z",${members}}`)
  .join('\n')}
ROWS`;

/** A model whose third call of a night fails. */
const MODEL = `cat > ../bin/call-model <<'END'
#!/bin/sh
[ "$1" != review ] && echo 0.4137
END
chmod +x ../bin/call-model`;

const MAKEFILE = `printf 'test:\\n\\t@echo all 12 tests passed\\n' > Makefile`;

const OPS = `echo '{"signer":"ops"}' > ledger.config.json
ledger init -q
ledger key new ops
ledger key trust ops --actor ops --role checkpoint
ledger key export ops > ops.pub`;

/** A ledger that was signed at 1000 rows and has 2000, and a twin whose keeper signed other 1000 rows by the same name. */
const TWINS = `${OPS}
rows() { seq "$1" | sed 's/.*/{"action":"tool.used","target":"&"}/'; }
cp -r state twin
rows 999 | ledger append -q - && ledger checkpoint -q
rows 999 | ledger --dir twin append -q - && XDG_STATE_HOME=$HOME/elsewhere ledger --dir twin checkpoint -q
cp state/checkpoints/1000.txt one.txt && cp twin/checkpoints/1000.txt other.txt
rows $((2000 - $(wc -l < state/audit.jsonl))) | ledger append -q -`;

const STOPS: readonly Stop[] = [
  { page: 'README.md', headings: ['ledger'], given: MAKEFILE },
  { page: 'README.md', headings: ['After an incident'], given: INCIDENT },
  { page: 'README.md', headings: ['A budget that holds'], given: MODEL },
  { page: 'README.md', headings: ['What may have to go again'] },
  { page: 'README.md', headings: ['A story for a stranger', 'Signed, and kept elsewhere'] },
  { page: 'docs/keys.md', headings: ['Keys'], given: 'ledger init -q', firstOnly: true },
  {
    page: 'docs/anchors.md',
    headings: ["Anchors: the head, kept where the ledger's writer does not reach"],
    given: `${OPS}\nmkdir -p ../stick/heads\ngit init -q ../anchors`,
    firstOnly: true,
  },
  { page: 'docs/proofs.md', headings: ['Proofs'], given: TWINS, firstOnly: true },
  {
    page: 'docs/governance.md',
    headings: ['Signed approvals'],
    given: `ledger append -q decision.created --decision-id d1 --payload '{"action":"pay","context":{},"policy_version":"7"}'`,
    json: 'approval.json',
    firstOnly: true,
  },
];

/** Blocks of the README that nobody types here, and why. */
const LEFT_OUT: ReadonlyMap<string, string> = new Map([
  ['On real input', 'builds this repository and reads the log of another one, which takes the network'],
]);

/** All attacks are played in test/cli/selftest.test.ts: once is enough. */
const PLAYED_ELSEWHERE = /^ledger selftest --attacks/;

function blocksAt({ page, headings, firstOnly }: Stop): Block[] {
  const blocks = blocksOf(page).filter(({ heading }) => headings.includes(heading));
  return firstOnly === true ? blocks.slice(0, blocks.findIndex(({ language }) => language === 'sh') + 1) : blocks;
}

/** A stick that is mounted at another place than the page says: nobody can write to /mnt here. */
const mounted = (block: Block, stick: string): Block => ({
  ...block,
  text: block.text.replaceAll('/mnt/stick', stick),
});

async function walk(stop: Stop): Promise<void> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ledger-tour-')));
  try {
    const [dir, home, env] = [join(root, 'work'), join(root, 'user'), typingEnvironment(root)];
    for (const folder of [dir, home]) mkdirSync(folder);
    writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Kim\n\temail = kim@example.org\n');
    const given = await run(['bash', '-e', '-c', stop.given ?? ''], { cwd: dir, env });
    assert.equal(given.status, 0, given.stderr);
    const blocks = blocksAt(stop);
    assert.ok(
      blocks.some(({ language }) => ['console', 'sh'].includes(language)),
      'something to type',
    );
    for (const block of blocks) await play(mounted(block, join(root, 'stick')), stop, dir, env);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function play(block: Block, stop: Stop, dir: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (block.language === 'json') writeFileSync(join(dir, stop.json ?? 'ledger.config.json'), block.text);
  else if (block.text.startsWith('#!')) writeFileSync(join(dir, 'night.sh'), block.text);
  else if (block.language === 'sh') {
    const { status, stdout } = await typeBlock(block, dir, env, PLAYED_ELSEWHERE);
    assert.equal(status, 0, stdout);
  } else if (block.language === 'console')
    assert.equal(steady((await typeBlock(block, dir, env)).stdout), steady(block.text));
}

const NEEDS = missingTools('bash', 'git', 'jq', 'make');

describe('the tour', { concurrency: 2, skip: process.platform !== 'linux' ? 'it types GNU tools' : NEEDS }, () => {
  before(ensureBuilt);
  for (const stop of STOPS) test(`${stop.page}: ${stop.headings.join('; ')}`, () => walk(stop));
});

test('every console block of the README is on the tour, or left out for a reason', () => {
  const typed = new Set(STOPS.filter(({ page }) => page === 'README.md').flatMap(({ headings }) => headings));
  for (const { heading, language } of blocksOf('README.md'))
    if (language === 'console') assert.ok(typed.has(heading) !== LEFT_OUT.has(heading), heading);
});
