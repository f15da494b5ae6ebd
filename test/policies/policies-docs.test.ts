/**
 * docs/policies.md: every policy on it loads and passes the table that stands beside it there, every verdict is one that is
 * understood, every command exists with its flags, every configuration loads, and no field nor limit is left out or wrong.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/core/config/load.ts';
import { readYamlData } from '../../src/core/config/yaml-data.ts';
import { VERSION } from '../../src/core/events.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { bannedUses } from '../../src/policies/checking/banned.ts';
import { BOUNDS } from '../../src/policies/sandbox/bounds.ts';
import { REMOVED } from '../../src/policies/sandbox/lockdown.ts';
import { readAnswer } from '../../src/policies/sandbox/read-answer.ts';
import { runCase } from '../../src/policies/testing/run-case.ts';
import { readTable } from '../../src/policies/testing/table.ts';
import { makePlace } from '../cli/run.ts';
import { loaded, programOf, testHost } from './sandbox/support.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(resolve(ROOT, file), 'utf8');
const page = read('docs/policies.md');
const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, kind = '', text = '']) => ({ kind, text }));
/** Those whose first line names a file. */
const named = (kind: string, name: RegExp) =>
  blocks.flatMap(({ kind: other, text }) => {
    const file = name.exec(text)?.[1];
    return kind === other && file !== undefined ? [{ file, text }] : [];
  });
const policies = named('js', /^\/\/ (\S+\.js)\n/);
const tables = named('yaml', /^# (\S+\.test\.yaml)\n/);

describe('the policies on the page', () => {
  const host = testHost();

  it('are three, each with its table', () => {
    expect(policies.map(({ file }) => file)).toEqual(['night-shift.js', 'morning.js', 'second-chance.js']);
    expect(tables.map(({ file }) => file.replace('.test.yaml', '.js'))).toEqual(policies.map(({ file }) => file));
  });

  it.each(policies)('$file is one that turnout takes', async ({ file, text }) => {
    expect(bannedUses(text, false)).toEqual([]);
    const options = file === 'morning.js' ? { model: 'coder' } : {};
    expect(await loaded(host, programOf(text, { file, options }))).toMatchObject({ name: file.slice(0, -3) });
  });

  it.each(tables)('$file holds', async ({ file, text }) => {
    const policy = policies.find((one) => one.file === file.replace('.test.yaml', '.js'));
    const data = readYamlData(file, text);
    const { cases } = readTable('value' in data ? data.value : null);
    expect(cases.length).toBeGreaterThan(1);
    for (const one of cases) {
      const result = await runCase(host, { file: policy?.file ?? '', source: policy?.text ?? '' }, one);
      expect(result, one.name).toMatchObject({ ok: true, differences: [], fault: null, illegal: null });
    }
  });
});

describe('what the page shows', () => {
  const answers = blocks
    .filter(({ kind, text }) => kind === 'js' && text.startsWith('{'))
    .map(({ text }) => text.trim().split('\n'));

  it('are answers of plan and of idle, all understood', () => {
    const [plan = [], idle = []] = answers;
    const view = { now: 1_000 };
    const json = (line: string) => JSON.stringify(new Function('view', `return ${line}`)(view));
    for (const line of plan) expect(readAnswer('plan', json(line)), line).toMatchObject({ ok: true });
    for (const line of idle) expect(readAnswer('idle', json(line)), line).toMatchObject({ ok: true });
    expect([plan.length, idle.length]).toEqual([8, 4]);
  });

  it('is a configuration that loads', () => {
    const text = blocks.find(({ kind, text }) => kind === 'yaml' && text.startsWith('turnout:'))?.text ?? '';
    const models = 'models:\n  coder: { cmd: "serve ${PORT}", turnout: { memory: 1GiB } }\n';
    const more = text.replace('turnout:\n', 'turnout:\n  devices: { gpu0: 24GiB }\n');
    const result = loadConfig([{ file: '/etc/turnout/config.yaml', text: models + more }], { env: {} });
    expect('errors' in result ? result.errors : []).toEqual([]);
    expect('config' in result ? result.config.turnout.policy : null).toMatchObject({
      file: '/etc/turnout/keep-hot.js',
      options: { keep: ['coder'] },
    });
  });

  it('are commands that exist, with all their flags', async () => {
    const place = await makePlace();
    const lines = blocks.filter(({ kind }) => kind === 'sh').flatMap(({ text }) => text.trim().split('\n'));
    expect(lines.length).toBeGreaterThan(7);
    const help = new Map<string, string>();
    for (const line of lines) {
      const [program, group, command = '', ...rest] = line.split(' ');
      expect([program, group]).toEqual(['turnout', 'policy']);
      if (!help.has(command)) help.set(command, (await place.cli(['policy', command, '--help'])).out);
      expect(help.get(command), line).toContain(`Usage: turnout policy ${command}`);
      for (const flag of rest.filter((word) => word.startsWith('--'))) expect(help.get(command), line).toContain(flag);
    }
    await place.remove();
    const { out } = await makePlace().then(async (one) => {
      const ran = await one.cli(['policy', '--help']);
      await one.remove();
      return ran;
    });
    const all = [...out.matchAll(/^ {2}([a-z-]+) (?:\[options\])/gm)].map((match) => match[1]);
    expect([...help.keys()].sort()).toEqual(all.sort());
  });
});

describe('the page leaves nothing out', () => {
  const says = (word: string) => page.includes(`\`${word}\``) || page.includes(`\`${word}(`);

  it('of the View', () => {
    const fields = [...read('src/policies/published/view.ts').matchAll(/^ {2}(?:readonly )?(\w+)(?:\(|:)/gm)].map(
      (match) => match[1] as string,
    );
    expect(fields.length).toBeGreaterThan(60);
    expect(fields.filter((field) => !says(field))).toEqual([]);
  });

  it('of a policy, its options and its answers', () => {
    const policy = [...read('src/policies/policy.ts').matchAll(/^ {2}(\w+)\??[(:]/gm)].map((match) => match[1] ?? '');
    const option = [...read('src/policies/published/options.ts').matchAll(/^ {2}readonly (\w+)\??:/gm)].map(
      (match) => match[1] ?? '',
    );
    expect([policy.length, option.length]).toEqual([10, 7]);
    expect([...policy, ...option].filter((field) => !says(field) && !page.includes(`\`${field}: `))).toEqual([]);
    for (const action of ['swap', 'wait', 'reject', 'redirect', 'delegate']) expect(says(action)).toBe(true);
  });

  it('of what is not there', () => {
    expect(Object.keys(REMOVED.traps).filter((name) => !says(name))).toEqual([]);
  });

  it('and names events and limits as they are', () => {
    const types = [...page.matchAll(/`((?:policy|plan|swap|request|process|model)\.[a-z-]+)`/g)].map(
      (match) => match[1] as string,
    );
    expect(types.length).toBeGreaterThan(3);
    expect(types.filter((type) => !(type in VERSION))).toEqual([]);
    const figures = [
      `${BOUNDS.policyCallMs} ms; then`,
      `after ${BOUNDS.policyAnswerMs} ms`,
      `for ${BOUNDS.policyKillMs} ms`,
      `up to ${BOUNDS.policyRestartMaxMs / 1_000} s`,
      `${BOUNDS.policyHeapMegabytes} MB for its objects, and ${BOUNDS.policyChildBytesMax / 1024 / 1024} MB`,
      `${LIMITS.policySourceBytesMax / 1024} KiB, ${BOUNDS.policyOptionsBytesMax / 1024} KiB`,
      `${BOUNDS.policyAnswerCharsMax / 1024} K characters, ${BOUNDS.policyIdsMax.toLocaleString('en')} ids`,
      `| ${BOUNDS.policyStateCharsMax / 1024} K characters |`,
      `| ${BOUNDS.policyLogLinesMax}, of ${BOUNDS.policyLogLineCharsMax} characters |`,
      `| ${BOUNDS.policyViewBytesMax / 1024 / 1024} MiB;`,
      `within ${LIMITS.planAnswerMs} ms of the question`,
      `at most ${BOUNDS.policyReasonCharsMax}\ncharacters`,
      `at most ${BOUNDS.policyAlternativesMax} of`,
    ];
    expect(figures.filter((figure) => !page.includes(figure))).toEqual([]);
  });
});
