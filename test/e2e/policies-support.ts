/** A turnout with policy files beside its configuration, and what tests of policies ask of it. */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type FakeModelSpec, fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';

export interface PolicySetup {
  models: Record<string, FakeModelSpec>;
  /** Files beside the configuration. */
  files: Record<string, string>;
  /** Lines under `turnout.policy`; default: the file policy.js. */
  policy?: string;
  /** Further lines of the configuration. */
  tail?: string;
  /** Default: policy, and turnout is waited for until it is in charge. */
  planner?: string;
  dir?: string;
  env?: Record<string, string>;
  /** Sent with every request. */
  headers?: Record<string, string>;
}

export interface WithPolicy {
  turnout: Turnout;
  dir: string;
  config: string;
}

/** Directories and processes are removed when the test is over. */
export async function withPolicy(setup: PolicySetup): Promise<WithPolicy> {
  const dir = setup.dir ?? (await mkdtemp(join(tmpdir(), 'turnout-policies-')));
  if (setup.dir === undefined) onTestFinished(() => rm(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(setup.files)) await writeFile(join(dir, name), text);
  const config = configOf(await freePorts(Object.keys(setup.models).length), setup);
  const turnout = await startTurnout({
    config,
    dir,
    ...(setup.env === undefined ? {} : { env: setup.env }),
    ...(setup.headers === undefined ? {} : { headers: setup.headers }),
  });
  onTestFinished(() => turnout.dispose());
  if ((setup.planner ?? 'policy') === 'policy' && setup.files['policy.js'] !== undefined) await taken(turnout);
  return { turnout, dir, config };
}

export function configOf(port: number, { models, policy, tail = '', planner = 'policy' }: Omit<PolicySetup, 'files'>) {
  const block = `turnout:\n  planner: ${planner}\n  policy: ${policy ?? './policy.js'}\n`;
  return fakeConfig(port, models, `${tail}\n${block}`);
}

/** Waits until so many policies were taken for this slot. */
export async function taken(turnout: Turnout, count = 1, slot = 'live'): Promise<void> {
  await until(`policy ${count} of ${slot} to be taken`, async () => {
    const [loaded, refused] = [await turnout.events('policy.loaded'), await turnout.events('policy.refused')];
    const why = refused.find((event) => loaded.length === 0 && event.data.fault.kind !== 'shape');
    if (why !== undefined) throw new Error(`policy ${slot} was refused: ${why.data.fault.message}`);
    return loaded.filter((event) => event.data.slot === slot).length >= count;
  });
}

/** As editors write: another file, renamed over. */
export async function replace(dir: string, name: string, text: string): Promise<void> {
  await writeFile(join(dir, `${name}.new`), text);
  await rename(join(dir, `${name}.new`), join(dir, name));
}

/** A policy of which only `plan` matters. */
export function planning(body: string, more = ''): string {
  return `export default {\n  name: 'test', apiVersion: 1,${more}\n  plan(view) {\n${body}\n  },\n};\n`;
}

/** Evicts whatever is loaded and idle, as the body of `plan`. */
export const EVICT_ALL = `
const loaded = view.models.filter((model) => model.phase === 'ready' || model.phase === 'starting');
return { action: 'swap', evict: loaded.map((model) => model.id), reason: 'one at a time' };`;

/** Asks as this client. */
export function ask(turnout: Turnout, model: string, client = 'tester', more: object = {}, signal?: AbortSignal) {
  return turnout.post(
    '/v1/chat/completions',
    { model, messages: [{ role: 'user', content: 'hi' }], ...more },
    { headers: { 'user-agent': client }, ...(signal === undefined ? {} : { signal }) },
  );
}

export async function status(answer: Promise<Response>): Promise<number> {
  const response = await answer;
  await response.text();
  return response.status;
}

export async function notesOf(turnout: Turnout): Promise<string[]> {
  return ((await (await turnout.get('/api/health')).json()) as { notes: string[] }).notes;
}

/** The policy host of this turnout; it has no other children that run this program. */
export async function hostPid(turnout: Turnout): Promise<number> {
  return until('the policy host to run', async () => {
    const children = await readFile(`/proc/${turnout.pid}/task/${turnout.pid}/children`, 'utf8');
    for (const pid of children.trim().split(' ').filter(Boolean)) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (line.includes('host-main')) return Number(pid);
    }
    return null;
  });
}
