/** The switches: one table for every command line, checked values. */
import { describe, expect, it } from 'vitest';
import {
  FAKE_MODEL_DEFAULTS,
  FAKE_MODEL_OPTIONS,
  fakeModelHelp,
  fakeModelOptions,
  parseFakeModelArgs,
} from '../../src/cli/fake-model/options.ts';

describe('the options of the fake model', () => {
  it('have a default and a help each', () => {
    for (const option of FAKE_MODEL_OPTIONS) {
      expect(option.help.length, option.name).toBeGreaterThan(10);
      expect(option.default).toBe(FAKE_MODEL_DEFAULTS[option.key]);
    }
  });

  it('all stand in the help', () => {
    const help = fakeModelHelp();
    for (const option of FAKE_MODEL_OPTIONS) expect(help).toContain(`--${option.name}`);
    expect(help).toContain('--load-ms <n>');
  });

  it('are read from arguments', () => {
    expect(parseFakeModelArgs(['--port', '8080', '--model=qwen', '--never-ready', '--load-ms', '1500'])).toEqual({
      ...FAKE_MODEL_DEFAULTS,
      port: 8080,
      model: 'qwen',
      neverReady: true,
      loadMs: 1500,
    });
  });

  it('are read from what a command line library parsed', () => {
    expect(fakeModelOptions({ port: '1', hang: true, exitAfterMs: -1 })).toEqual({
      ...FAKE_MODEL_DEFAULTS,
      port: 1,
      hang: true,
    });
  });

  it.each([['--load-ms', 'x'], ['--load-ms', ''], ['--tokens=-3'], ['--no-such']])('refuse %s %s', (...args) => {
    expect(() => parseFakeModelArgs(args)).toThrowError(expect.objectContaining({ code: 'usage' }));
  });
});
