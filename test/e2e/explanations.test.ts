/**
 * What `turnout explain` says of situations that happened, each provoked in a running turnout. The texts lie in
 * test/fixtures/explanations and are read by people: whoever changes one must find that it still answers why.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type FakeModelSpec, fakeConfig } from '../support/fake-models.ts';
import { expectGolden } from '../support/golden.ts';
import { freePorts } from '../support/ports.ts';
import { ask, event, place, start, transcript } from './explanations-support.ts';

const config = async (models: Record<string, FakeModelSpec>, tail = '') =>
  fakeConfig(await freePorts(Object.keys(models).length), models, tail);

const QUICK = '--tokens 3 --load-ms 100';
const FAKE_OOM = fileURLToPath(new URL('../fixtures/processes/fake-oom.mjs', import.meta.url));

describe('turnout explain', { timeout: 90_000 }, () => {
  it('tells of a request that was queued behind a busy model', async () => {
    const models = { llama: { flags: '--tokens 30 --tokens-per-second 30' }, qwen: { flags: QUICK } };
    const turnout = await start({ config: await config(models) });
    const busy = ask(turnout, 'llama', 'open-webui');
    await event(turnout, 'request.granted', 'llama');
    const queued = ask(turnout, 'qwen', 'cursor');
    expect(await Promise.all([busy.status, queued.status])).toEqual([200, 200]);
    await expectGolden('explanations/queued-behind-busy.txt', await transcript(turnout, ['explain', await queued.id]));
  });

  it('tells of a swap: to who asked, to who was evicted, and as a thing of its own', async () => {
    const turnout = await start({ config: await config({ llama: { flags: QUICK }, qwen: { flags: QUICK } }) });
    for (const model of ['qwen', 'llama']) expect(await ask(turnout, model, 'open-webui').status).toBe(200);
    const request = ask(turnout, 'qwen', 'cursor');
    expect(await request.status).toBe(200);
    const swap = await event(turnout, 'swap.started', 'qwen', 1);
    const text = await transcript(
      turnout,
      ['explain', await request.id],
      ['explain', 'llama'],
      ['explain', String(swap.position)],
      ['explain', 'llama', '--at', 'now'],
    );
    await expectGolden('explanations/swap.txt', text);
  });

  it('tells what a swap was weighed against, and what that would have cost', async () => {
    const models = {
      coder: { flags: '--tokens 3 --load-ms 3000', more: ['turnout: { memory: 14GiB }'] },
      chat: { flags: '--tokens 3', more: ['turnout: { memory: 8GiB }'] },
      whisper: { flags: '--tokens 3', more: ['turnout: { memory: 5GiB }'] },
    };
    const tail = 'turnout: { planner: budget, devices: { gpu0: 24GiB } }';
    const turnout = await start({ config: await config(models, tail) });
    for (const model of ['chat', 'coder']) expect(await ask(turnout, model, 'open-webui').status).toBe(200);
    const request = ask(turnout, 'whisper', 'home-assistant');
    expect(await request.status).toBe(200);
    const swap = await event(turnout, 'swap.started', 'whisper');
    const stop = await event(turnout, 'process.stopping', 'chat');
    const text = await transcript(
      turnout,
      ['explain', await request.id],
      ['explain', String(swap.position)],
      ['explain', 'chat', '--at', String(stop.position)],
    );
    await expectGolden('explanations/weighed.txt', text);
  });

  it('tells of a model that was unloaded for its ttl', async () => {
    const turnout = await start({ config: await config({ llama: { flags: QUICK, more: ['ttl: 1'] } }) });
    expect(await ask(turnout, 'llama', 'open-webui').status).toBe(200);
    await event(turnout, 'process.exited', 'llama');
    const text = await transcript(turnout, ['explain', 'llama'], ['explain', 'llama', '--at', 'now']);
    await expectGolden('explanations/ttl.txt', text);
  });

  it('tells of a model that an operator unloaded', async () => {
    const turnout = await start({ config: await config({ llama: { flags: QUICK } }) });
    expect(await ask(turnout, 'llama', 'open-webui').status).toBe(200);
    await transcript(turnout, ['unload', 'llama']);
    const text = await transcript(turnout, ['explain', 'llama'], ['explain', 'llama', '--at', 'now']);
    await expectGolden('explanations/unload.txt', text);
  });

  it('tells of a model that crashed under a request', async () => {
    const turnout = await start({ config: await config({ llama: { flags: `${QUICK} --crash-on-request` } }) });
    const request = ask(turnout, 'llama', 'open-webui');
    expect(await request.status).toBe(502);
    await event(turnout, 'process.exited', 'llama');
    const text = await transcript(turnout, ['explain', await request.id], ['explain', 'llama']);
    await expectGolden('explanations/crash.txt', text);
  });

  it('tells of a model that the kernel killed for want of memory', async () => {
    const dir = await place();
    const counter = join(dir, 'vmstat');
    await writeFile(counter, 'oom_kill 0\n');
    const turnout = await start({
      config: await config({ llama: { flags: '--tokens 1000 --tokens-per-second 20' } }),
      // No test may drive a machine out of memory: the counter of the kernel is another file, and the signal is ours.
      env: { NODE_OPTIONS: `--import ${FAKE_OOM}`, FAKE_OOM_COUNTER: counter },
    });
    const request = ask(turnout, 'llama', 'open-webui', { stream: true });
    const { data } = await event(turnout, 'process.spawned', 'llama');
    await request.begun;
    await writeFile(counter, 'oom_kill 1\n');
    process.kill(data.pid, 'SIGKILL');
    await event(turnout, 'process.exited', 'llama');
    await request.status;
    const text = await transcript(turnout, ['explain', await request.id], ['explain', 'llama']);
    await expectGolden('explanations/oom.txt', text);
  });

  it('tells of a model that does not start', async () => {
    const cmd = `sh -c 'echo "load_model: loading llama.gguf"; echo "ggml_cuda: cannot allocate 12 GiB"; exit 7'`;
    const turnout = await start({
      config: `models:\n  llama: { cmd: ${JSON.stringify(cmd)}, proxy: "http://127.0.0.1:${await freePorts(1)}" }\n`,
    });
    const first = ask(turnout, 'llama', 'open-webui');
    expect(await first.status).toBeGreaterThanOrEqual(500);
    const second = ask(turnout, 'llama', 'cursor');
    expect(await second.status).toBe(503);
    const text = await transcript(
      turnout,
      ['explain', await first.id],
      ['explain', await second.id],
      ['explain', 'llama'],
    );
    await expectGolden('explanations/failed-load.txt', text);
  });

  it('tells of a request for which a busy model was drained, and of one that was held back for it', async () => {
    const models = { llama: { flags: '--tokens 60 --tokens-per-second 30' }, qwen: { flags: QUICK } };
    const turnout = await start({ config: await config(models, 'turnout: { maxWait: 500ms }') });
    const first = ask(turnout, 'llama', 'open-webui');
    await event(turnout, 'request.granted', 'llama');
    const overdue = ask(turnout, 'qwen', 'cursor');
    await event(turnout, 'swap.draining', 'qwen');
    const heldBack = ask(turnout, 'llama', 'zed', { max_tokens: 2 });
    expect(await Promise.all([first.status, overdue.status, heldBack.status])).toEqual([200, 200, 200]);
    const text = await transcript(turnout, ['explain', await overdue.id], ['explain', await heldBack.id]);
    await expectGolden('explanations/drained.txt', text);
  });

  it('tells of a request that was refused for a pin', async () => {
    const models = { llama: { flags: QUICK }, qwen: { flags: QUICK } };
    const turnout = await start({ config: await config(models, 'turnout: { queueTimeout: 1s }') });
    expect(await ask(turnout, 'llama', 'open-webui').status).toBe(200);
    await transcript(turnout, ['pin', 'llama', '--for', '2h', '--reason', 'the demo at four']);
    const request = ask(turnout, 'qwen', 'cursor');
    expect(await request.status).toBe(503);
    const text = await transcript(turnout, ['explain', await request.id], ['explain', 'llama'], ['explain', 'qwen']);
    await expectGolden('explanations/pinned-refusal.txt', text);
  });

  it('tells of a decision that the fallback made for a policy that failed', async () => {
    const dir = await place();
    const policy =
      'export default {\n  name: "mine", apiVersion: 1,\n  plan(view) {\n    return view.nothing.at(0);\n  },\n};\n';
    await writeFile(join(dir, 'policy.js'), policy);
    const models = { llama: { flags: QUICK }, qwen: { flags: QUICK } };
    const tail = 'turnout:\n  planner: policy\n  policy: ./policy.js';
    const turnout = await start({ config: await config(models, tail), dir });
    await event(turnout, 'policy.loaded');
    expect(await ask(turnout, 'llama', 'open-webui').status).toBe(200);
    const request = ask(turnout, 'qwen', 'cursor');
    expect(await request.status).toBe(200);
    const decided = await event(turnout, 'plan.decided', 'qwen');
    const text = await transcript(turnout, ['explain', await request.id], ['explain', String(decided.position)]);
    await expectGolden('explanations/policy-fallback.txt', text);
  });

  it('tells of a model whose configuration changed', async () => {
    const before = await config({ llama: { flags: QUICK } });
    const turnout = await start({ config: before });
    expect(await ask(turnout, 'llama', 'open-webui').status).toBe(200);
    await writeFile(join(turnout.dir, 'config.yaml'), before.replace('--tokens 3', '--tokens 4'));
    process.kill(turnout.pid, 'SIGHUP');
    await event(turnout, 'process.exited', 'llama');
    const request = ask(turnout, 'llama', 'open-webui');
    expect(await request.status).toBe(200);
    const text = await transcript(
      turnout,
      ['explain', 'llama'],
      ['explain', await request.id],
      ['explain', String((await event(turnout, 'process.stopping', 'llama')).position)],
    );
    await expectGolden('explanations/reload.txt', text);
  });

  it('tells of a model that outlived its turnout and was stopped by the next one', async () => {
    const dir = await place();
    const before = await config({ llama: { flags: '--tokens 1000 --tokens-per-second 20' } });
    const died = await start({ config: before, dir });
    const cut = ask(died, 'llama', 'open-webui', { stream: true });
    await cut.begun;
    const id = await cut.id;
    await died.signal('SIGKILL');
    await cut.status.catch(() => null); // its connection broke
    // Another command: what runs is not what the configuration asks for now.
    const next = await start({ config: before.replace('--tokens 1000', '--tokens 3'), dir });
    await event(next, 'process.exited', 'llama');
    const text = await transcript(next, ['explain', 'llama'], ['explain', id]);
    await expectGolden('explanations/stopped-at-restart.txt', text);
  });

  it('tells of a model that outlived its turnout and was adopted by the next one', async () => {
    const dir = await place();
    const same = await config({ llama: { flags: '--tokens 3' } });
    const died = await start({ config: same, dir });
    expect(await ask(died, 'llama', 'open-webui').status).toBe(200);
    await event(died, 'request.finished', 'llama');
    await died.signal('SIGKILL');
    const next = await start({ config: same, dir });
    const { position } = await event(next, 'process.adopted', 'llama');
    const request = ask(next, 'llama', 'open-webui');
    expect(await request.status).toBe(200);
    const text = await transcript(
      next,
      ['explain', 'llama'],
      ['explain', String(position)],
      ['explain', await request.id],
    );
    await expectGolden('explanations/adopted-after-restart.txt', text);
  });
});
