/** The page of a bundle, as the shipped command writes it; and in a real browser, where there is one. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { before } from 'node:test';
import type { TestContext } from 'node:test';
import { opensslCommands } from '../../src/cli/opensslCommands';
import { restored } from '../../src/page/embedded';
import { browserPath, startBrowser } from '../support/browser';
import type { OpenPage } from '../support/browser';
import { ensureBuilt } from '../support/built';
import { runPage } from '../support/scriptedPage';
import { ledger, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

before(ensureBuilt);

const HOSTILE = '</script><script>alert(1)</script><!-- \u2028\u202e\\u003c\\\\u2028 <img src=x onerror=alert(2)>';
const ID = 'r1"><script>alert(3)</script>';
const ROWS = [
  { run_id: ID, action: 'run_started', agent: 'coder', reason: HOSTILE, order_id: 'o1' },
  { run_id: ID, action: 'tool.used', target: HOSTILE, payload: { [HOSTILE]: HOSTILE, '2': 1, '1': 2 } },
  { run_id: ID, action: 'run_completed', outcome: 'success' },
];

async function pages(t: TestContext): Promise<Sandbox> {
  const box = sandbox(t);
  box.env['XDG_CONFIG_HOME'] = join(box.root, 'home');
  const done = async (...args: string[]): Promise<void> => {
    const { status, stderr } = await ledger(box, args, { timeoutMs: 30_000, stdin: ROWS.map((row) => `${JSON.stringify(row)}\n`).join('') }); // prettier-ignore
    assert.equal(status, 0, stderr);
  };
  await done('append', '-q', '-');
  await done('key', 'new', 'ops');
  await done('checkpoint', '--sign', 'ops', '-q');
  for (const [format, file] of [
    ['html', 'page.html'],
    ['json', 'bundle.json'],
  ] as const)
    // prettier-ignore
    await done('bundle', 'create', ID, '--sign', 'ops', '--format', format, '--out', file);
  writeFileSync(join(box.root, 'secret'), 'c0ffee'.repeat(4) + '0123456789abcdef'.repeat(3), { mode: 0o600 });
  await done('bundle', 'create', ID, '--hmac-key-file', 'secret', '--format', 'html', '--out', 'shared.html');
  await done('bundle', 'create', '--order', 'o1', '--sign', 'ops', '--format', 'html', '--out', 'order.html');
  return box;
}

const BUNDLE = /<script type="application\/json" id="bundle">([^<]*)<\/script>/;

test('the page holds the bundle to the byte, and what rows say is text in it', async (t) => {
  const box = await pages(t);
  const page = readFileSync(join(box.root, 'page.html'), 'utf8');
  const [, embedded = ''] = BUNDLE.exec(page) ?? [];
  assert.equal(restored(embedded), readFileSync(join(box.root, 'bundle.json'), 'utf8'));
  assert.deepEqual(page.match(/<(?:script|img|!--)[^>]*>/g), ['<script type="application/json" id="bundle">', '<script>']); // prettier-ignore
  assert.match(page, /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'">/); // prettier-ignore
  assert.doesNotMatch(page, /[\u2028\u202e]|https?:/);
  assert.match(page, /What a stranger asks[^]*Run completed/);
  assert.match(readFileSync(join(box.root, 'order.html'), 'utf8'), /<h1>Order o1<\/h1>[^]*From payment to delivery/);
});

test('the commands in the page are those of docs/bundles.md', () => {
  const docs = readFileSync(resolve(__dirname, '../../docs/bundles.md'), 'utf8');
  for (const line of opensslCommands('bundle.json', 'ed25519')) assert.ok(docs.includes(line), line);
  for (const line of opensslCommands('shared.json', 'hmac-sha256').slice(1)) assert.ok(docs.includes(line), line);
});

test('the page checks itself with what it has: all but the signature, where a shared secret signed', async (t) => {
  const box = await pages(t);
  const textOf = (name: string): string => readFileSync(join(box.root, name), 'utf8');
  const shared = runPage(textOf('shared.html'));
  assert.equal(await shared.verdict(), 'whole', shared.byId('verdict')?.textContent);
  assert.match(shared.byId('verdict')?.textContent ?? '', /^It holds in itself: .*Its signature was not checked: it is by a shared secret/); // prettier-ignore
  assert.match(shared.byId('parts')?.text ?? '', /✓ content .*✓ rows .*✓ streams .*✓ tree head .*\? signature \| not checked/); // prettier-ignore
  const changed = runPage(textOf('shared.html').replace(BUNDLE, (whole) => whole.replace('coder', 'codex')));
  assert.equal(await changed.verdict(), 'broken');
  const page = runPage(textOf('page.html'));
  assert.equal(await page.verdict(), 'whole');
  (page.byId('key') ?? assert.fail('no field for a key')).value = textOf('home/ledger/keys/ops.pub');
  page.byId('check-key')?.click();
  await new Promise((done) => setTimeout(done, 100));
  assert.equal(await page.verdict(), 'holds');
  assert.equal(page.byId('verdict')?.textContent, 'It holds: nothing was changed, and it is signed by the key that you gave.'); // prettier-ignore
});

const browser = browserPath();

async function verdictOf(page: OpenPage): Promise<unknown> {
  for (let i = 0; i < 100; i++) {
    const verdict = await page.evaluate(`document.querySelector('#verdict')?.dataset.verdict`);
    if (verdict !== undefined) return verdict;
    await new Promise((done) => setTimeout(done, 50));
  }
  return undefined;
}

test('in a browser it checks itself', { skip: browser === undefined && 'no browser: CHROME_PATH names one' }, async (t) => {
  const box = await pages(t);
  const { open, close } = startBrowser(browser ?? '');
  try {
    const path = join(box.root, 'page.html');
    const page = await open(path);
    assert.equal(await verdictOf(page), 'whole');
    const by = async (key: string): Promise<unknown> => page.evaluate(`(async () => {
      document.querySelector('#key').value = ${JSON.stringify(key)};
      document.querySelector('#check-key').click();
      await new Promise((done) => setTimeout(done, 300));
      return document.querySelector('#verdict').dataset.verdict;
    })()`);
    assert.equal(await by(readFileSync(join(box.root, 'home/ledger/keys/ops.pub'), 'utf8')), 'holds');
    assert.equal(await by('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g'), 'unknown');
    // By this one anybody can sign: it is no key, and settles nothing.
    assert.equal(await by(`ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'A'.repeat(43)}`), 'whole');
    const saved = await page.evaluate(`(async () => {
      const made = []; URL.createObjectURL = (blob) => (made.push(blob), '#');
      document.querySelector('#save').click();
      return made[0].text();
    })()`);
    assert.equal(saved, readFileSync(join(box.root, 'bundle.json'), 'utf8'));
    assert.deepEqual(await page.evaluate(`[document.scripts.length, document.images.length]`), [2, 0]);
    const shared = await open(join(box.root, 'shared.html'));
    assert.equal(await verdictOf(shared), 'whole');
    assert.match(String(await shared.evaluate(`document.querySelector('#verdict').innerText`)), /not checked/);
    const requests = page.events.filter(({ method }) => method === 'Network.requestWillBeSent');
    assert.equal(requests.length, 1, JSON.stringify(requests));
    assert.ok(!page.events.some(({ method }) => method === 'Page.javascriptDialogOpening'));
    for (const [name, from, to] of [['row', 'coder', 'codex'], ['root', '\\n4\\n', '\\n5\\n'], ['form', '"version":1', '"version":2']] as const) { // prettier-ignore
      const changed = join(box.root, `${name}.html`);
      const text = readFileSync(path, 'utf8');
      writeFileSync(changed, text.replace(BUNDLE, (whole) => whole.replace(from, to)));
      const other = await open(changed);
      assert.equal(await verdictOf(other), 'broken', name);
      assert.match(String(await other.evaluate(`document.querySelector('#findings').innerText`)), /wanted .*\n+found /);
    }
    // A script that somebody adds does not run.
    writeFileSync(path, readFileSync(path, 'utf8').replace('<h1>', '<script>document.title = "run"</script><h1>'));
    const added = await open(path);
    assert.equal(await verdictOf(added), 'whole');
    assert.notEqual(await added.evaluate('document.title'), 'run');
  } finally {
    await close();
  }
}); // prettier-ignore
