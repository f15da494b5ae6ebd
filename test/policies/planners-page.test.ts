/** Examples on the page about planners: each configuration loads, and each answer shown is the one that turnout gives. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { planText } from '../../src/cli/commands/plan-text.ts';
import { loadConfig } from '../../src/core/config/load.ts';
import { settingsOf } from '../../src/core/config/settings.ts';
import { modelId } from '../../src/core/ids.ts';
import { createPolicyHost } from '../../src/policies/sandbox/policy-host.ts';
import { runCase } from '../../src/policies/testing/run-case.ts';
import { readTable } from '../../src/policies/testing/table.ts';
import { kernel } from '../core/harness.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/planners.md'), 'utf8');
const examples = [...page.matchAll(/^## (.+)$[^#]*?^```yaml\n([\s\S]*?)^```$/gm)].map(([, title = '', text = '']) => ({
  title,
  text,
}));

const SECOND = 1_000;

describe('docs/planners.md', () => {
  it('has a worked example of every planner', () => {
    expect(examples.map(({ title }) => title)).toEqual(['budget', 'group', 'matrix', 'A policy of your own']);
  });

  it.each(examples)('has an example of $title that loads', ({ text }) => {
    const result = loadConfig([{ file: 'example.yaml', text }], { env: {} });
    expect('errors' in result ? result.errors : []).toEqual([]);
    const warnings = 'config' in result ? result.config.warnings : [];
    expect(warnings.filter(({ code }) => code !== 'not-supported')).toEqual([]);
  });

  it.each(examples)('has an example of $title that llama-swap reads', ({ text }) => {
    const result = loadConfig([{ file: 'example.yaml', text }], { env: {}, reader: 'llama-swap' });
    expect('errors' in result ? result.errors : []).toEqual([]);
  });
});

/** The example under this heading, running, with each of its models loaded for so many seconds when it is asked for. */
function running(title: string, loadSec: Record<string, number>) {
  const text = examples.find((one) => one.title === title)?.text ?? '';
  const result = loadConfig([{ file: 'example.yaml', text }], { env: {} });
  if ('errors' in result) throw new Error(`the example of ${title} does not load`);
  const k = kernel({ settings: settingsOf(result.config, 'key') }).boot();
  const waitFor = (ms: number) => k.pass(ms);
  /** Asked by somebody, loaded if need be in the place of others (which take 2 s to end), and answered. */
  const ask = (model: string, client = 'agent') => {
    const ticket = k.request(model, { client });
    for (let turn = 0; turn < 4 && ticket.grant === null; turn++) {
      const stopping = Object.keys(loadSec).filter((id) => k.phase(id) === 'stopping');
      if (stopping.length > 0) waitFor(2 * SECOND);
      for (const id of stopping) k.exited(id);
      if (k.phase(model) !== 'starting') continue;
      waitFor((loadSec[model] ?? 0) * SECOND);
      k.ready(model);
    }
    expect(ticket.grant, `grant of ${model}`).toMatchObject({ granted: true });
    k.finish(ticket);
  };
  return { ...k, ask };
}

/** What the page shows `turnout plan MODEL` to print, under this heading. */
function shown(title: string, model: string): string {
  const section = page.slice(page.indexOf(`\n## ${title}\n`));
  const block = section.match(new RegExp(`^\`\`\`\\n\\$ turnout plan ${model}\\n([\\s\\S]*?)\\n\`\`\`$`, 'm'));
  return block?.[1] ?? `nothing under "${title}" about ${model}`;
}

describe('the answers of turnout plan on that page', () => {
  it('under budget', async () => {
    const k = running('budget', { coder: 14, chat: 7, embed: 2, whisper: 3 });
    for (const model of ['whisper', 'coder']) k.ask(model);
    for (let n = 0; n < 2; n++) k.ask('chat', 'open-webui');
    k.ask('embed');
    k.pass(240 * SECOND);
    k.ask('coder');
    k.pass(SECOND);
    expect(planText(await k.preview('whisper'))).toBe(shown('budget', 'whisper'));
  });

  it('under group', async () => {
    const k = running('group', { coder: 14, chat: 7, embed: 2 });
    for (const model of ['coder', 'chat', 'coder', 'chat', 'embed', 'coder']) k.ask(model);
    k.ask('chat', 'open-webui');
    k.pass(2 * SECOND);
    expect(planText(await k.preview('coder'))).toBe(shown('group', 'coder'));
  });

  it('under matrix', async () => {
    const k = running('matrix', { coder: 14, large: 13, chat: 7, embed: 2 });
    for (const model of ['coder', 'embed', 'chat']) k.ask(model);
    k.ask('large', 'open-webui');
    k.pass(10 * SECOND);
    expect(planText(await k.preview('coder'))).toBe(shown('matrix', 'coder'));
  });

  it('under group, while chat is pinned', async () => {
    const k = running('group', { coder: 14, chat: 7, embed: 2 });
    k.ask('chat');
    k.loop.post({ type: 'operator.pin', model: modelId('chat'), owner: 'alice', until: k.now() + 7_200 * SECOND });
    expect(planText(await k.preview('coder'))).toBe(shown('Models that must stay', 'coder'));
  });
});

describe('the policy on that page', () => {
  const host = createPolicyHost();
  afterAll(() => host.close());
  const config = examples.find(({ title }) => title === 'A policy of your own')?.text ?? '';
  const source = page.match(/^```js\n([\s\S]*?)^```$/m)?.[1] ?? '';
  const models = { coder: { phase: 'ready' }, chat: {} };

  it.each([
    ['lets a request for chat wait on a Monday at 10', '2026-01-05T10:00:00+01:00', { action: 'wait' }],
    ['lets it evict coder at 19', '2026-01-05T19:00:00+01:00', { action: 'swap', evict: ['coder'] }],
    ['lets it evict coder on a Sunday', '2026-01-04T10:00:00+01:00', { action: 'swap', evict: ['coder'] }],
  ])('%s', async (name, now, resolved) => {
    const given = { now, target: 'chat', models };
    const [one] = readTable({ cases: [{ name, given, expect: { resolved }, config, fallback: 'budget' }] }).cases;
    if (one === undefined) throw new Error('expected a case, got none');
    const result = await runCase(host, { file: 'working-hours.js', source }, one);
    expect(result).toMatchObject({ ok: true, differences: [], fault: null });
  });
});
