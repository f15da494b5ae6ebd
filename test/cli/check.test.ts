/** `turnout check` and `turnout schema` as users meet them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meaningOf } from '../../src/cli/commands/check-meaning.ts';
import { meaningText } from '../../src/cli/commands/check-text.ts';
import { load } from '../config/helpers.ts';
import { makePlace, type Place } from './run.ts';

const GOOD = `models:
  qwen: {cmd: "x \${PORT}"}
  llama: {cmd: "x \${PORT}"}
  embed: {cmd: "x \${PORT}"}
groups:
  side: {swap: false, exclusive: false, persistent: true, members: [embed]}
`;
const BAD = 'models:\n  qwen:\n    cmd: x ${PORT}\n    ttl: soon\n    concurency: 4\n';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
  await place.file('good.yaml', GOOD);
  await place.file('bad.yaml', BAD);
});
afterAll(() => place.remove());

describe('turnout check', () => {
  it('says what a good configuration means', async () => {
    const { code, out } = await place.cli(['check', 'good.yaml']);
    expect(code).toBe(0);
    expect(out).toBe(
      `good.yaml: ok: no errors, no warnings

Loaded together (group planner):
  all of embed with one of qwen, llama

When the others run, a request
  for    evicts  keeps
  qwen   llama   embed
  llama  qwen    embed
  embed  -       qwen, llama
`.replace('all of embed', 'embed'),
    );
  });

  it('shows each problem at its place and exits with 1', async () => {
    const { code, out } = await place.cli(['check', 'bad.yaml', 'good.yaml']);
    expect(code).toBe(1);
    expect(out).toContain(`error[wrong-type]: models.qwen.ttl: expected a whole number, got "soon"
  --> bad.yaml:4:10
 4 |     ttl: soon
   |          ^^^^
`);
    expect(out).toContain('^^^^^^^^^^ did you mean "concurrencyLimit"?');
    expect(out).toContain('bad.yaml: refused: 1 error, 1 warning');
    expect(out).toContain('good.yaml: ok: no errors, no warnings');
  });

  it('prints annotations for GitHub', async () => {
    const { code, out } = await place.cli(['check', 'bad.yaml', '--format', 'github']);
    expect(code).toBe(1);
    expect(out.split('\n')).toEqual([
      '::error file=bad.yaml,line=4,col=10,endColumn=14,title=wrong-type::models.qwen.ttl: expected a whole number, got "soon"',
      '::warning file=bad.yaml,line=5,col=5,endColumn=15,title=unknown-key::unknown key "concurency" in models.qwen (did you mean "concurrencyLimit"?)',
      '',
    ]);
  });

  it('prints JSON', async () => {
    const { code, out } = await place.cli(['check', 'good.yaml', 'bad.yaml', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      configs: [
        {
          name: 'good.yaml',
          ok: true,
          meaning: {
            together: [
              [
                { group: 'side', take: 'all', models: ['embed'] },
                { take: 'one', models: ['qwen', 'llama'] },
              ],
            ],
            evictions: [{ model: 'qwen', evicts: ['llama'], keeps: ['embed'] }, {}, {}],
          },
        },
        { name: 'bad.yaml', ok: false, errors: [{ code: 'wrong-type', line: 4 }], meaning: null },
      ],
    });
  });

  it('reads a file and a directory as one configuration', async () => {
    await mkdir(join(place.dir, 'parts'));
    await writeFile(join(place.dir, 'parts', 'more.yaml'), 'models: {extra: {cmd: "x ${PORT}"}}');
    const { code, out } = await place.cli(['check', 'good.yaml', '--config-dir', 'parts']);
    expect(code).toBe(0);
    expect(out).toContain('good.yaml and parts: ok');
    expect(out).toMatch(/^ {2}extra +qwen, llama +embed$/m);
  });

  it('says what llama-swap would do', async () => {
    await place.file('mixed.yaml', `${GOOD}turnout: {maxWait: 60s}\nmystery: 1\n`);
    const mixed = await place.cli(['check', 'mixed.yaml', '--llama-swap']);
    expect(mixed.code).toBe(0);
    expect(mixed.out).toContain('warning[ignored]: llama-swap ignores turnout');
    expect(mixed.out).toContain('unknown key "mystery"');
    expect(mixed.out).toContain('mixed.yaml: llama-swap reads it: no errors, 2 warnings');
    const bad = await place.cli(['check', 'bad.yaml', '--llama-swap']);
    expect(bad.code).toBe(1);
    expect(bad.out).toContain('bad.yaml: llama-swap refuses it: 1 error');
  });

  it.each([
    [['check'], 'give a FILE or --config-dir DIR'],
    [['check', 'a.yaml', 'b.yaml', '--config-dir', 'parts'], 'expected at most one file'],
    [['check', 'good.yaml', '--format', 'xml'], 'Allowed choices are text, github'],
    [['check', 'good.yaml', '--json', '--format', 'github'], 'got both'],
    [['check', '--nonsense'], 'unknown option'],
  ])('exits with 2 when it is not understood: %j', async (args, message) => {
    const { code, err } = await place.cli(args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it('exits with 1 for a file that is not there', async () => {
    const { code, out } = await place.cli(['check', 'lost.yaml']);
    expect(code).toBe(1);
    expect(out).toContain('error[config-unreadable]: cannot read the configuration "lost.yaml"');
  });
});

describe('turnout schema', () => {
  it('prints the JSON Schema', async () => {
    const { code, out } = await place.cli(['schema']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
  });
});

describe('the meaning of a configuration', () => {
  const models = (...ids: string[]) => `models:\n${ids.map((id) => `  ${id}: {cmd: "\${PORT}"}\n`).join('')}`;

  it('without models is none', () => {
    expect(meaningText(meaningOf(load('')))).toBe('No models.');
  });

  it('tells a set for each choice between groups', () => {
    const groups =
      'groups: {big: {members: [a, b]}, small: {swap: false, exclusive: false, members: [c, d]}, kept: {persistent: true, swap: false, exclusive: false, members: [e]}}';
    const { together, evictions } = meaningOf(load(`${models('a', 'b', 'c', 'd', 'e')}${groups}`));
    expect(together.map((set) => set.map(({ take, models: ids }) => `${take} ${ids.join(' ')}`))).toEqual([
      ['one a b', 'all e'],
      ['all c d', 'all e'],
    ]);
    // what an exclusive model evicts may be loaded beside it afterwards
    expect(evictions.find(({ model }) => model === 'a')?.evicts).toEqual(['b', 'c', 'd']);
    expect(evictions.find(({ model }) => model === 'c')?.evicts).toEqual([]);
  });

  it('is told in full for many models and in short to people', () => {
    const ids = Array.from({ length: 500 }, (_, i) => `m${i}`);
    const meaning = meaningOf(load(models(...ids)));
    expect(meaning.evictions[0]?.evicts).toHaveLength(499);
    expect(meaningText(meaning)).toMatch(/^ {2}m0 +m1, m2, .*, m12 and 487 more +-$/m);
  });

  it('has an end where there are more sets than anyone reads', () => {
    const ids = Array.from({ length: 60 }, (_, i) => `m${i}`);
    // every model evicts every other one, so each is a set of its own
    const groups = ids.map((id) => `g-${id}: {members: [${id}]}`).join(', ');
    const { together, togetherMore } = meaningOf(load(`${models(...ids)}groups: {${groups}}`));
    expect(together).toHaveLength(50);
    expect(togetherMore).toBe(true);
  });
});
