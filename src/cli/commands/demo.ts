/**
 * `turnout demo`: three small fake models in one swap group on this machine, so that swapping can be seen a minute after
 * the checkout. Prints what it did and what to try.
 */
import { join } from 'node:path';
import { type ConfigResult, loadConfig } from '../../core/config/load.ts';
import { TurnoutError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { programFile, ROOT } from '../../core/platform/program-file.ts';
import { freePorts } from '../free-ports.ts';
import { print } from '../output.ts';
import { beginAsSuccessor, run } from './serve.ts';

const MODELS = [
  { id: 'small', loadMs: 800, tokensPerSecond: 80 },
  { id: 'medium', loadMs: 1_500, tokensPerSecond: 40 },
  { id: 'large', loadMs: 3_000, tokensPerSecond: 15 },
] as const;

export async function demo(options: { listen?: string; stateDir?: string; log?: 'sqlite' | 'none' }): Promise<void> {
  const handover = beginAsSuccessor();
  const given = handover?.listen ?? options.listen;
  const port = given === undefined ? await freePorts(8080, 1) : null;
  const listen = given ?? `127.0.0.1:${port}`;
  const startPort = await freePorts(LIMITS.portStart, MODELS.length);
  const text = demoConfig(startPort);
  const result: ConfigResult = loadConfig([{ file: 'demo.yaml', text }]);
  if ('errors' in result)
    throw new TurnoutError('config', `make the demo's configuration: ${result.errors[0]?.message}`);
  if (port !== null && port !== 8080) print(`Port 8080 is taken, using ${port}.`);
  await run(result.config, {
    ...options,
    listen,
    handover,
    stateName: `demo-${/\d+$/.exec(listen)?.[0] ?? '8080'}`,
    tls: null,
    onListening: (url, stateDir) => print(welcome(url, stateDir, text)),
  });
}

/** Each model is turnout's own fake model server, started by its file: it must listen within moments. */
function demoConfig(startPort: number): string {
  const program = programFile('cli/fake-model/main');
  const lines = MODELS.map(
    ({ id, loadMs, tokensPerSecond }) => `  ${id}:
    cmd: >-
      '${process.execPath}' '${program}' --port \${PORT} --model ${id}
      --load-ms ${loadMs} --tokens-per-second ${tokensPerSecond}
    proxy: http://127.0.0.1:\${PORT}`,
  );
  return `startPort: ${startPort}
models:
${lines.join('\n')}
groups:
  demo:
    members: [${MODELS.map(({ id }) => id).join(', ')}]
`;
}

function welcome(url: string, stateDir: string, config: string): string {
  const bin = join(ROOT, 'bin/turnout.js');
  const turnout = `node ${bin.startsWith(`${process.cwd()}/`) ? bin.slice(process.cwd().length + 1) : bin}`;
  return `
This is a demo: three fake models (small, medium, large) that take turns, for they are one swap group.
Nothing is downloaded and nothing is computed. The configuration is

${config.replace(/^/gm, '    ').trimEnd()}

Try, in another terminal:

    curl -N ${url}/v1/chat/completions -H 'content-type: application/json' \\
      -d '{"model": "small", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'
    ${turnout} events --follow
    ${turnout} explain small

Then ask for "large" while "small" answers, and see what explain says. Your own models:
    npm start -- --config my.yaml
The event log is in ${stateDir}. Ctrl-C stops everything.
`;
}
