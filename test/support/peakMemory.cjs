/**
 * Preloaded into a measured process: writes its peak resident memory (bytes) and its processor time (milliseconds) to
 * the file that PEAK_FILE names. Processor time says the same on a busy machine as on an idle one.
 */
const { writeFileSync } = require('node:fs');

process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const used = { peakBytes: maxRSS * 1024, cpuMs: (userCPUTime + systemCPUTime) / 1000 };
  writeFileSync(process.env.PEAK_FILE, JSON.stringify(used));
});
