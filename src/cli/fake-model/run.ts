/**
 * The command `fake-model`: from its arguments to a server that listens, or to its help.
 * Must never load more than it needs: it has to listen within moments of its start.
 */
import { fakeModelHelp, parseFakeModelArgs } from './options.ts';
import { serveFakeModel } from './process.ts';

/**
 * Runs a fake model as the whole of this process; resolves when it listens. Throws TurnoutError `usage` for arguments
 * that are not understood and `port-in-use` when the port is taken.
 */
export async function runFakeModel(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(fakeModelHelp());
    return;
  }
  await serveFakeModel(parseFakeModelArgs(args));
}
