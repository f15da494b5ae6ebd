/** `npm run demo:real`: fetches llama.cpp's server and two small models if needed, and starts turnout on them. */
import { spawn } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../src/cli/free-ports.ts';
import { ensureRealModels, realModelsConfig } from './real-models.ts';

const MODELS = 3;

const kit = await ensureRealModels();
const file = join(await mkdtemp(join(tmpdir(), 'turnout-demo-')), 'config.yaml');
await writeFile(file, realModelsConfig(kit, { startPort: await freePorts(5_800, MODELS), embeddings: true }));
const port = await freePorts(8_080, 1);
console.log(`
Two real models that take turns, smollm2 and gemma3, configured in ${file}. Try, in another terminal:

    curl -N http://127.0.0.1:${port}/v1/chat/completions -H 'content-type: application/json' \\
      -d '{"model": "gemma3", "stream": true, "messages": [{"role": "user", "content": "Why do trains need a turnout?"}]}'

then ask "smollm2" the same, and:  node bin/turnout.js events --model gemma3
`);
const bin = join(import.meta.dirname, '..', 'bin', 'turnout.js');
const child = spawn(process.execPath, [bin, 'serve', '--config', file, '--listen', `127.0.0.1:${port}`], {
  stdio: 'inherit',
});
// The terminal sends Ctrl-C to both; turnout drains and ends, and so does this.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code) => process.exit(code ?? 1));
