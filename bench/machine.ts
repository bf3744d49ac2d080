/** The machine, by its kind and never by its name or its paths; and whether it was quiet while something was measured. */
import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Above this load, or with others on so much of a core, a result is marked as noisy. */
const NOISY_LOAD = 1.5;
const NOISY_CORES = 0.25;
const LOOK_MS = 500;

const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x01021994, 'tmpfs'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlayfs'],
  [0x6969, 'nfs'],
  [0x2fc12fc1, 'zfs'],
]);

export function machineText(): string {
  const magic = statfsSync(tmpdir()).type;
  const files = FILE_SYSTEMS.get(magic) ?? `file system 0x${magic.toString(16)}`;
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  return `${availableParallelism()} cores (${model}), ${memory}, ${type()} ${release()}, ${files}, Node ${process.version}`;
}

export interface Quiet {
  readonly load: number;
  /** Cores that others kept busy while we did nothing. */
  readonly othersCores: number;
}

/** Looks at the machine while nothing of ours runs. The load average alone will not do: it remembers our own last minute. */
export async function lookAround(): Promise<Quiet> {
  const before = busySeconds();
  const startMs = performance.now();
  await sleep(LOOK_MS);
  const othersCores = (busySeconds() - before) / ((performance.now() - startMs) / 1000);
  return { load: loadavg()[0] ?? NaN, othersCores };
}

export function isNoisy(looks: readonly Quiet[], loadAtStart: number): boolean {
  return loadAtStart > NOISY_LOAD || looks.some(({ othersCores }) => othersCores > NOISY_CORES);
}

export function quietText({ load, othersCores }: Quiet): string {
  return `load ${load.toFixed(2)}, others on ${othersCores.toFixed(2)} cores`;
}

function busySeconds(): number {
  let busyMs = 0;
  for (const { times } of cpus()) busyMs += times.user + times.nice + times.sys + times.irq;
  return busyMs / 1000;
}

/** `sha256sum` is the yardstick, so say which: with OpenSSL it is several times as fast on some CPUs. */
export function usesOpenSsl(program: string): boolean {
  try {
    return readFileSync(program).includes('libcrypto.so');
  } catch {
    return false;
  }
}
