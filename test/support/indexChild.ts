/**
 * A process of its own at work on an index. Arguments: what to do, the state folder.
 *   catch-up     opens and catches up to the end of the file, again and again until that changes nothing
 *   half         begins a transaction, writes pages of it to the file, and dies
 *   hold         takes SQLite's write lock, says so, and waits to be killed
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { openIndex } from '../../src/store/index/indexOpen';
import { catchUp } from '../../src/store/index/indexCatchUp';
import { testPaths } from './ledgers';

const [work = '', dir = ''] = process.argv.slice(2);
const paths = testPaths(dir);
const index = openIndex(paths, 'write');
if (index === undefined) throw new Error('expected an index, found none');
const { database } = index;

switch (work) {
  case 'catch-up': {
    const fd = openSync(paths.ledger, 'r');
    const done = catchUp(index, fd, fstatSync(fd).size);
    closeSync(fd);
    process.stdout.write(`${JSON.stringify(done)}\n`);
    break;
  }
  case 'half':
    database.exec(
      'PRAGMA cache_size = 2; BEGIN IMMEDIATE; UPDATE rows SET offset = offset + 1; PRAGMA user_version = 77',
    );
    process.kill(process.pid, 'SIGKILL');
    break;
  case 'hold':
    database.exec('BEGIN IMMEDIATE');
    process.stdout.write('held\n');
    setInterval(() => undefined, 1000);
    break;
  default:
    throw new Error(`expected catch-up, half or hold, found ${work}`);
}
