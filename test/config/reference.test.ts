/** What llama-swap would make of a configuration: refused, ignored, or read in another way. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/core/config/load.ts';
import { readConfig } from '../../src/core/config/read.ts';
import { oneLine } from './helpers.ts';

const CORPUS = fileURLToPath(new URL('./corpus/', import.meta.url));
const env = { TURNOUT_KEY: 'corpus-key', HF_TOKEN: 'hf_corpus_token' };
const MODELS = 'models:\n  a: {cmd: "${PORT}", aliases: [x]}\n  b: {cmd: "${PORT}"}\n';

function read(text: string): string[] {
  const result = loadConfig([{ file: 'config.yaml', text }], { reader: 'llama-swap' });
  return 'errors' in result
    ? result.errors.map((error) => `refused ${oneLine(error)}`)
    : result.config.warnings.map(oneLine);
}

describe('llama-swap', () => {
  it.each(readdirSync(CORPUS))('reads %s', async (name) => {
    const result = await readConfig({ config: `${CORPUS}${name}` }, { env, reader: 'llama-swap' });
    expect('errors' in result ? result.errors : []).toEqual([]);
  });

  it.each([
    ['turnout: {maxWait: soon}', ['4:1 llama-swap ignores turnout']],
    ['  c: {cmd: "${PORT}", turnout: {nonsense: 1}}', ['4:23 llama-swap ignores models.c.turnout']],
    ['turnout: {planner: budget}', ['4:1 llama-swap ignores turnout']],
    ['matrix: {sets: {s: a & b}}', []],
    ['matrix: {sets: {s: a & }}', ['refused 4:23 matrix: set "s": unexpected end of the expression']],
    ['filters: 1', ['4:1 unknown key "filters"']],
    ['peers: {p: {proxy: "http://h:1", models: [m]}}', []],
    [
      'upstream: {ignorePaths: []}',
      ['4:25 upstream.ignorePaths: llama-swap takes an empty list for its default, turnout for none'],
    ],
    [
      'routing: {scheduler: {settings: {fifo: {priority: {x: 3}}}}}',
      ['4:52 routing.scheduler.settings.fifo.priority: llama-swap ignores the priority of the alias "x"'],
    ],
    [
      'metricsMaxInMemory: 5\nstore: {path: a.db}',
      ['4:1 llama-swap ignores metricsMaxInMemory when store.path is set'],
    ],
    ['routing: {router: {settings: {matrix: {sets: {s: a}}}}}', ['4:31 routing.router.settings.matrix has no effect']],
    ['logLevel: loud', ['4:11 logLevel: expected one of debug, info, warn, error, got "loud"; info is used']],
    ['healthCheckTimeout: 3', ['4:21 healthCheckTimeout is raised from 3 to 15 seconds, the least there is']],
    ['hooks: {on_startup: {preload: [zz]}}', ['4:32 hooks.on_startup.preload: unknown model "zz" is not loaded']],
    ['logRequests: true', ['4:1 logRequests has no effect']],
    ['groups: {g: {members: [zz]}}', ['refused 4:24 group "g": no model config for "zz"']],
    ['globalTTL: -1', ['refused 4:12 globalTTL must be >= 0']],
  ])('says of %j: %j', (text, expected) => {
    expect(read(MODELS + text)).toEqual(expected);
  });
});
