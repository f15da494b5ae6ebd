/**
 * The fake model on its own: `node main.ts --port 8080 --model qwen`, without the rest of turnout, which starts fastest.
 * Must never do more than run it and say what went wrong.
 */
import { enableCompileCache } from 'node:module';

// Before the import below, which is why that is not at the top: it saves a third of the time until we listen.
enableCompileCache();
const { runFakeModel } = await import('./run.ts');

try {
  await runFakeModel(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`fake-model: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
