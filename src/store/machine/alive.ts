import { errnoOf } from '../../core/errors';

/** Whether a process with this number is there now, whoever owns it; numbers are given out again. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}
