/**
 * Records the log that a release leaves behind: a real turnout with fake models that is put through what a log can hold.
 * Run it before a release, as `node test/log/programs/record-log.ts NAME`: it writes test/fixtures/logs/NAME, with other
 * names for everything that tells of this machine. Must never be run on a log that is there.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CASE_FILE, CASE_SLICE } from '../../../src/core/history/export-case.ts';
import { fakeConfig } from '../../support/fake-models.ts';
import { freePorts } from '../../support/ports.ts';
import { BIN, startTurnout, type Turnout } from '../../support/turnout.ts';
import { until } from '../../support/until.ts';

const POLICY = `export default {
  name: 'keeps-coder', apiVersion: 1,
  events: ['swap.finished'],
  initial: () => ({ swaps: 0 }),
  evolve: (state) => ({ swaps: state.swaps + 1 }),
  rank: (view) => Object.keys(view.waitingTotal).sort(),
  plan(view) {
    view.log('after ' + view.state.swaps + ' swaps');
    if (view.target === 'llama' && view.state.swaps === 4) throw new Error('the fourth is one too many');
    return { action: 'delegate', protect: view.target === 'coder' ? [] : ['tiny'], reason: 'tiny stays' };
  },
};
`;
const SHADOW = `export default { name: 'never', apiVersion: 1, plan: () => ({ action: 'wait', forMs: 1000, reason: 'in the shadow' }) };
`;

const name = process.argv[2];
if (name === undefined) throw new Error('name the log: node test/log/programs/record-log.ts 0.1.0');
const target = join(import.meta.dirname, '../../fixtures/logs', name);
const dir = mkdtempSync(join(tmpdir(), 'turnout-record-'));
const port = await freePorts(6);

try {
  writeFileSync(join(dir, 'policy.js'), POLICY);
  writeFileSync(join(dir, 'shadow.js'), SHADOW);
  await firstRun();
  await secondRun();
  const cli = (...args: string[]) => execFileSync(process.execPath, [BIN, ...args], { encoding: 'utf8' });
  process.stdout.write(cli('export', '--as-test', '--policies', '--out', target, '--state-dir', join(dir, 'state')));
  // The same as a log of its own, as this turnout stores it.
  cli('import', join(target, CASE_SLICE), '--state-dir', join(dir, 'kept'));
  for (const file of ['events.db', 'head.json']) renameSync(join(dir, 'kept', file), join(target, file));
  rmSync(join(target, CASE_SLICE));
  process.stdout.write(`wrote ${target}; say in ${CASE_FILE} what it is about\n`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

function configOf(more: object = {}, planner = 'policy'): string {
  const models = {
    qwen: { flags: '--load-ms 30 --tokens 3' },
    llama: { flags: '--load-ms 30 --tokens 3 --tokens-per-second 40', more: ['aliases: [chat]'] },
    coder: { flags: '--load-ms 30 --tokens 3', more: ['ttl: 1'] },
    broken: { flags: '--exit-after-ms 20 --load-ms 5000' },
    ...more,
  };
  const policy = '{ file: ./policy.js, shadow: [./shadow.js] }';
  const turnout = `{ planner: ${planner}, policy: ${policy}, client: { from: [x-user], priority: { anna: 2 } } }`;
  return fakeConfig(port, models, `turnout: ${turnout}`);
}

async function ask(turnout: Turnout, model: string, user = 'ben'): Promise<number> {
  const headers = { 'x-user': user, 'x-session-id': `chat of ${user}` };
  const response = await turnout.post('/v1/chat/completions', { model, messages: [], stream: true }, { headers });
  await response.text();
  return response.status;
}

async function firstRun(): Promise<void> {
  const turnout = await startTurnout({ config: configOf(), dir });
  await until('the policies to be taken', async () => (await turnout.events('policy.loaded')).length === 2);
  await ask(turnout, 'qwen', 'anna');
  await Promise.all([ask(turnout, 'qwen'), ask(turnout, 'chat', 'anna'), ask(turnout, 'llama')]);
  await turnout.post('/api/models/pin/llama', { for: '1h', reason: 'a demo for Clara' });
  const stop = new AbortController();
  const waits = turnout.post('/v1/chat/completions', { model: 'qwen', messages: [] }, { signal: stop.signal });
  waits.catch(() => {}); // it is to be cancelled
  await until('a request to wait for the pin', async () => (await turnout.events('target.blocked')).length > 0);
  await turnout.post('/api/models/unpin/llama', {});
  await waits.then((response) => response.text());
  stop.abort();
  await ask(turnout, 'broken');
  await ask(turnout, 'coder');
  await until('coder to be unloaded', async () =>
    (await turnout.events('process.stopping')).some((one) => one.data.reason === 'ttl'),
  );
  writeFileSync(join(dir, 'config.yaml'), configOf({ tiny: { flags: '--load-ms 20 --tokens 1' } }));
  process.kill(turnout.pid, 'SIGHUP');
  await until('the reload', async () => (await turnout.events('config.applied')).length === 2);
  for (const model of ['tiny', 'llama', 'qwen', 'llama']) await ask(turnout, model, 'anna');
  await turnout.post('/api/models/load/coder', {});
  await turnout.get('/unload');
  const open = ask(turnout, 'llama').catch(() => 0); // it dies with turnout
  await until('a model to start', async () => (await turnout.events('process.spawned')).length > 8);
  await turnout.signal('SIGKILL');
  await open;
}

async function secondRun(): Promise<void> {
  const turnout = await startTurnout({ config: configOf({}, 'group'), dir });
  for (const model of ['coder', 'qwen', 'coder']) await ask(turnout, model, 'clara');
  await turnout.stop();
}
