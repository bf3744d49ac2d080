/** What is signed is not read again, neither in the file nor in the index. */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { checkpoint } from '../../src/services/checkpoint';
import { newKey } from '../../src/services/keys';
import { verify } from '../../src/services/verify';
import { rebuildIndex } from '../../src/store/index/indexBuild';
import { openIndexCheck } from '../../src/store/index/indexCheck';
import { quiet } from '../support/heads';
import { makeLedger, sampleRows, testPaths } from '../support/ledgers';
import { temporaryFolder } from '../support/sandbox';

test('verify --since-checkpoint asks the index, and does not compare it; where it reads all it does', async (t) => {
  const root = temporaryFolder(t);
  const paths = testPaths(join(root, 'ledger'));
  makeLedger(paths.dir, sampleRows(50));
  await rebuildIndex(paths);
  const env = { XDG_CONFIG_HOME: join(root, 'config'), XDG_STATE_HOME: join(root, 'state') };
  const place = { dir: paths.dir, configPath: undefined, env };
  await newKey('checkpoint', place, false);
  await checkpoint({ place, full: false, to: [], key: undefined, events: quiet });
  let compared = 0;
  const asked = {
    place,
    sinceCheckpoint: true,
    openIndexCheck: (of: typeof paths) => {
      compared++;
      return openIndexCheck(of);
    },
  };
  const since = await verify(asked);
  assert.deepEqual([since.verdict, since.read, since.rows, since.index], ['intact', 'new', 52, 'not-checked']);
  assert.equal(compared, 0);

  appendFileSync(paths.ledger, '{"torn');
  const torn = await verify({ ...asked, tailWaitMs: 0 });
  assert.deepEqual([torn.verdict, torn.read], ['broken', 'all']);
  assert.equal(compared, 1);
});
