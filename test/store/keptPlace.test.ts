/** The place of one row after the other: whatever changes in between, it is the place that a new process would find. */
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KeptPlace, locate } from '../../src/store/ledger/locate';

test('a kept place is looked up again when the folder, a link to it, the settings or the variables change', (t) => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'place-')));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const [dir, link, config] = [join(root, 'a', 'state'), join(root, 'link'), join(root, 'a', 'ledger.config.json')];
  const kept = new KeptPlace();
  let env: Record<string, string> = { HOME: root };
  const check = (what: string): void => {
    for (const given of [dir, link]) {
      const place = { dir: given, configPath: undefined, env };
      for (let again = 0; again < 2; again++) assert.deepEqual(kept.locate(place), locate(place), what);
    }
  };
  check('nothing is there');
  mkdirSync(dir, { recursive: true });
  check('the folder is there');
  symlinkSync(dir, link);
  check('a link to it');
  writeFileSync(config, '{"durability":"os"}');
  check('settings');
  writeFileSync(config, '{"durability":"disk"}');
  check('other settings');
  unlinkSync(config);
  check('none again');
  mkdirSync(join(root, 'b'));
  unlinkSync(link);
  symlinkSync(join(root, 'b'), link);
  check('the link leads elsewhere');
  renameSync(dir, join(root, 'c'));
  check('the folder is gone');
  symlinkSync(join(root, 'c'), dir);
  check('it has another path, and a link where it was');
  env = { HOME: join(root, 'home') };
  check('another home');
});

test('of a place that is as it was nothing is made anew', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'place-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const kept = new KeptPlace();
  const place = { dir: root, configPath: undefined, env: {} };
  assert.equal(kept.locate(place), kept.locate({ ...place }));
});
