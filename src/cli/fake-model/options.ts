/**
 * The switches of the fake model: names, defaults and help, so that `turnout fake-model` and main.ts offer the same ones.
 * Must never import anything heavy: a fake model has to listen within moments of its start.
 */
import { parseArgs } from 'node:util';
import { TurnoutError } from '../../core/errors.ts';

/** Times in milliseconds, speeds per second. */
export interface FakeModelOptions {
  host: string;
  port: number;
  model: string;
  loadMs: number;
  tokensPerSecond: number;
  promptPerSecond: number;
  tokens: number;
  slots: number;
  firstByteMs: number;
  closeIdleMs: number;
  errorStatus: number;
  neverReady: boolean;
  hang: boolean;
  hangHealth: boolean;
  crashOnRequest: boolean;
  dieMidStream: number;
  exitAfterMs: number;
  exitCode: number;
  ignoreTerm: boolean;
  termDelayMs: number;
  spawnGrandchild: boolean;
  detachGrandchild: boolean;
  stdoutNoise: number;
  pidFileDir: string;
}

export const FAKE_MODEL_DEFAULTS: Readonly<FakeModelOptions> = {
  host: '127.0.0.1',
  port: 0,
  model: 'fake-model',
  loadMs: 0,
  tokensPerSecond: 100,
  promptPerSecond: 5_000,
  tokens: 24,
  slots: 16,
  firstByteMs: 0,
  closeIdleMs: 0,
  errorStatus: 0,
  neverReady: false,
  hang: false,
  hangHealth: false,
  crashOnRequest: false,
  dieMidStream: 0,
  exitAfterMs: -1,
  exitCode: 1,
  ignoreTerm: false,
  termDelayMs: 0,
  spawnGrandchild: false,
  detachGrandchild: false,
  stdoutNoise: 0,
  pidFileDir: '',
};

const HELP: Record<keyof FakeModelOptions, string> = {
  host: 'address to listen on',
  port: 'port to listen on; 0 takes a free one, which is printed',
  model: 'name of the model, which its answers begin with',
  loadMs: 'time until /health says ok, in ms; 503 until then',
  tokensPerSecond: 'speed of the answer; 0 = as fast as possible',
  promptPerSecond: 'speed of reading the prompt, in tokens; 0 = as fast as possible',
  tokens: 'length of an answer that the request does not cut shorter',
  slots: 'requests answered at the same time; others wait',
  firstByteMs: 'extra time before the first byte of an answer, in ms',
  closeIdleMs: 'close an idle connection after this many ms, unannounced; 0 = as Node does',
  errorStatus: 'answer requests with this HTTP status and an error; 0 = off',
  neverReady: 'say 503 on /health for ever',
  hang: 'accept requests and never answer them (/health still answers)',
  hangHealth: 'accept /health and never answer it',
  crashOnRequest: 'exit when a request arrives',
  dieMidStream: 'exit after this many chunks of a stream; 0 = off',
  exitAfterMs: 'exit this many ms after the start; -1 = off',
  exitCode: 'exit code of every exit that is asked for here',
  ignoreTerm: 'ignore SIGTERM',
  termDelayMs: 'time between SIGTERM and exit, in ms',
  spawnGrandchild: 'start a child that never ends by itself and keeps our output open',
  detachGrandchild: 'with --spawn-grandchild: in a session of its own, out of reach of a signal to our group',
  stdoutNoise: 'write this many bytes a second to the output',
  pidFileDir: 'directory for a file <model>.<pid> that exists while we run',
};

/** One switch, as a command line library wants it. `placeholder` is null for a switch without a value. */
export interface FakeModelOption {
  key: keyof FakeModelOptions;
  /** Without the dashes, e.g. `load-ms`. */
  name: string;
  placeholder: string | null;
  default: string | number | boolean;
  help: string;
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

const KEYS = Object.keys(FAKE_MODEL_DEFAULTS) as (keyof FakeModelOptions)[];

export const FAKE_MODEL_OPTIONS: readonly FakeModelOption[] = KEYS.map((key) => {
  const value = FAKE_MODEL_DEFAULTS[key];
  const placeholder = typeof value === 'boolean' ? null : typeof value === 'number' ? 'n' : 'text';
  return { key, name: kebab(key), placeholder, default: value, help: HELP[key] };
});

function converted(option: FakeModelOption, value: unknown): string | number | boolean {
  if (typeof option.default === 'boolean') return value === true;
  if (typeof option.default === 'string') return String(value);
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(number) || number < Math.min(0, option.default)) {
    throw new TurnoutError('usage', `option "--${option.name}" expects a number, got "${String(value)}"`);
  }
  return number;
}

/**
 * Options from what a command line library parsed: camelCase keys, values as strings or already converted. Absent keys
 * get their default. Throws TurnoutError `usage` for a value that is not a number where one is expected.
 */
export function fakeModelOptions(values: Readonly<Record<string, unknown>>): FakeModelOptions {
  const pairs = FAKE_MODEL_OPTIONS.map((option) => {
    const value = values[option.key];
    return [option.key, value === undefined ? option.default : converted(option, value)] as const;
  });
  return Object.fromEntries(pairs) as unknown as FakeModelOptions;
}

/** Parses arguments without a command line library. Throws TurnoutError `usage` for anything unknown. */
export function parseFakeModelArgs(args: readonly string[]): FakeModelOptions {
  const options = Object.fromEntries(
    FAKE_MODEL_OPTIONS.map((option) => {
      const type: 'boolean' | 'string' = option.placeholder === null ? 'boolean' : 'string';
      return [option.name, { type }] as const;
    }),
  );
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    return fakeModelOptions(Object.fromEntries(FAKE_MODEL_OPTIONS.map((option) => [option.key, values[option.name]])));
  } catch (error) {
    if (error instanceof TurnoutError) throw error;
    throw new TurnoutError('usage', `cannot read the options of fake-model: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The text of `fake-model --help`. */
export function fakeModelHelp(): string {
  const left = FAKE_MODEL_OPTIONS.map(({ name, placeholder }) => {
    return placeholder === null ? `  --${name}` : `  --${name} <${placeholder}>`;
  });
  const width = Math.max(...left.map((text) => text.length));
  const lines = FAKE_MODEL_OPTIONS.map((option, i) => {
    const shown = option.placeholder === null || option.default === '' ? '' : ` (default ${option.default})`;
    return `${left[i]?.padEnd(width)}  ${option.help}${shown}`;
  });
  return [
    'Usage: turnout fake-model [options]',
    '',
    'Serves a model that computes nothing: it loads, answers in every dialect, and misbehaves when told to.',
    '',
    'Options:',
    ...lines,
    '',
    'Example:',
    '  turnout fake-model --port 8081 --model qwen --load-ms 2000 --tokens-per-second 40',
    '',
  ].join('\n');
}
