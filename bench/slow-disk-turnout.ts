/**
 * turnout with a disk of which each commit takes longer: `node bench/slow-disk-turnout.ts --config FILE --state-dir DIR
 * --slow-ms MS`. The same parts as `turnout serve`, which has no such option and must never have one.
 */
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startParts } from '../src/cli/parts.ts';
import { readConfig } from '../src/core/config/read.ts';

const { values } = parseArgs({
  options: {
    config: { type: 'string', default: '' },
    'state-dir': { type: 'string', default: '' },
    'slow-ms': { type: 'string', default: '0' },
  },
});
const stateDir = values['state-dir'];
mkdirSync(stateDir, { recursive: true, mode: 0o700 });
const config = await readConfig({ config: values.config });
if ('errors' in config) throw new Error(`cannot read "${values.config}": expected a configuration, got errors`);
const parts = await startParts(config.config, {
  stateDir,
  log: 'sqlite',
  tls: null,
  fault: { slowCommitMs: Number(values['slow-ms']) },
});
const { url } = await parts.api.listen('127.0.0.1:0');
console.log(`listening on ${url}`);
process.once('SIGTERM', () => void parts.stop('SIGTERM'));
