/**
 * The command line: names the subcommands and their flags, and loads the one that is asked for. Everything else is
 * loaded on first use, so that `turnout ps` does not pay for the server.
 */
import { Command, CommanderError, Option } from 'commander';
import { TurnoutError } from '../core/errors.ts';
import { normaliseArgs } from './args.ts';
import { addExport, addLogFile } from './log-commands.ts';
import { fail, type GlobalOptions } from './output.ts';
import { addPolicy } from './policy-commands.ts';
import { VERSION_LINE } from './version.ts';

/** Runs one command line and sets the exit code: 0, 1 = it failed, 2 = it was not understood. */
export async function main(argv: string[]): Promise<void> {
  // `turnout events | head`: the reader has what it wants.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const program = buildProgram();
  try {
    await program.parseAsync(normaliseArgs(argv), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else if (error instanceof TurnoutError) fail(error.message, error.code === 'usage' ? 2 : 1);
    else throw error;
  }
}

function buildProgram(): Command {
  const program = new Command('turnout')
    .description('Starts, stops and swaps inference servers on demand, and explains what it did.')
    .version(VERSION_LINE, '--version', 'print the version')
    .showSuggestionAfterError()
    .exitOverride()
    .enablePositionalOptions();

  addServe(program);
  addDemo(program);
  addFakeModel(program);
  addLog(program);
  addHistory(program);
  addSimulate(program);
  addOperations(program);
  addHolds(program);
  addConfig(program);
  addPolicy(program);
  addLogFile(program, client);
  addExport(program, client);
  return program;
}

function addServe(program: Command): void {
  const serve = (command: Command) =>
    command
      .option('--config <file>', 'configuration file')
      .option('--config-dir <dir>', 'directory whose *.yml and *.yaml files are merged after --config')
      .option('--listen <host:port>', 'address to listen on (default ":8080", ":8443" with TLS)')
      .option('--tls-cert-file <file>', 'certificate; needs --tls-key-file')
      .option('--tls-key-file <file>', 'private key; needs --tls-cert-file')
      .option('--watch-config', 'reload when the configuration changes')
      .option('--state-dir <dir>', 'where the event log and the output of models are kept')
      .addOption(new Option('--log <kind>', 'where events are kept').choices(['sqlite', 'none']).default('sqlite'))
      .action(async (options) => (await import('./commands/serve.ts')).serve(options));
  serve(program.command('serve', { isDefault: true }))
    .description('run the proxy (the default command)')
    .addHelpText('after', '\nExample:\n  turnout serve --config config.yaml --listen 127.0.0.1:8080');
  serve(program.command('start'))
    .description('run the proxy, or the demo when no configuration is named')
    .action(async (options) => {
      if (options.config !== undefined || options.configDir !== undefined) {
        return (await import('./commands/serve.ts')).serve(options);
      }
      return (await import('./commands/demo.ts')).demo(options);
    });
}

function addDemo(program: Command): void {
  program
    .command('demo')
    .description('run the proxy on three small fake models, to try it out')
    .option('--listen <host:port>', 'address to listen on (default "127.0.0.1:8080", or the next free port)')
    .option('--state-dir <dir>', 'where the event log and the output of models are kept')
    .addHelpText('after', '\nExample:\n  turnout demo')
    .action(async (options) => (await import('./commands/demo.ts')).demo(options));
}

function addFakeModel(program: Command): void {
  program
    .command('fake-model')
    .description('serve a model that computes nothing: for trying things and for tests')
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(async (_options, command: Command) => {
      const { runFakeModel } = await import('./fake-model/run.ts');
      await runFakeModel(command.args);
    });
}

/** Flags of every command that talks to a running turnout or to its log. */
function client(command: Command): Command {
  return command
    .option('--url <url>', 'address of the running turnout (default: $TURNOUT_URL, else the one found on this machine)')
    .option('--state-dir <dir>', 'state directory of the turnout that is meant')
    .option('--json', 'print JSON')
    .option('--utc', 'print times in UTC');
}

function addLog(program: Command): void {
  client(program.command('events'))
    .description('print events of the log')
    .option('-f, --follow', 'go on with what comes')
    .option('--model <model>', 'only events of this model')
    .option('--request <id>', 'only events of this request')
    .option('--type <types>', 'only events of these types, separated by commas')
    .option('--since <time>', 'only events since then: 10m, 2h, 1d, or an ISO time')
    .option('-n, --limit <count>', 'at most so many, the newest', '100')
    .addHelpText('after', '\nExample:\n  turnout events --follow --model qwen')
    .action(async (options) => (await import('./commands/events.ts')).events(options));
  client(program.command('explain'))
    .description('say why: what everything waits for now, or what happened to a request or a model')
    .argument('[what]', 'id of a request (x-turnout-request-id), a model, or a position of the log')
    .option('--at <time>', 'of a model: what was decided nearest to 03:00, -2h, "yesterday 3:10" or an ISO time')
    .option('--file <file>', 'an export or a backup in place of the log of a turnout')
    .addHelpText(
      'after',
      '\nExample:\n  turnout explain\n  turnout explain qwen --at 03:00\n  turnout explain req_5kQ2…\n  turnout explain 48213',
    )
    .action(async (what: string | undefined, options) =>
      (await import('./commands/explain.ts')).explain(what, options),
    );
  client(program.command('logs'))
    .description('print what a model wrote')
    .argument('<model>')
    .option('--run <number>', 'an older run, by its number')
    .option('-f, --follow', 'go on with what comes')
    .addHelpText('after', '\nExample:\n  turnout logs qwen -f')
    .action(async (model: string, options) => (await import('./commands/logs.ts')).logs(model, options));
}

/** Flags of commands that look at the past, which may have been brought from elsewhere. */
function past(command: Command): Command {
  return client(command).option('--file <file>', 'an export or a backup in place of the log of a turnout');
}

function addHistory(program: Command): void {
  past(program.command('swaps'))
    .description('list swaps: when, for whom, who had to leave, how long it took, and whether it came back soon')
    .option('--since <time>', 'since then: 24h, 7d, 03:00, or an ISO time', '24h')
    .addOption(new Option('--by <what>', 'sums in place of single swaps').choices(['client', 'model']))
    .option('-n, --limit <count>', 'at most so many, the newest', '1000')
    .addHelpText('after', '\nExample:\n  turnout swaps --since 24h --by client')
    .action(async (options) => (await import('./commands/swaps.ts')).swaps(options));
  past(program.command('state'))
    .description('show models, requests, swaps and devices as they were at a moment of the past')
    .requiredOption('--at <moment>', 'a position of the log, or 03:00, -2h, "yesterday 3:10", an ISO time')
    .option('--diff <moment>', 'show what is different at this moment')
    .addHelpText('after', '\nExample:\n  turnout state --at 03:00\n  turnout state --at -2h --diff now')
    .action(async (options) => (await import('./commands/state.ts')).state(options));
  client(program.command('replay'))
    .description('show the past as it happened: models, queue and decisions; asks no planner and starts nothing')
    .argument('[file]', 'an export or a backup in place of the log of a turnout')
    .option('--from <moment>', 'where to begin: a position, 03:00, -2h, an ISO time (default: the beginning)')
    .option('--to <moment>', 'where to end (default: the end)')
    .option('--speed <factor>', '1 = as fast as it was, 0 = without waiting; silences are cut to 3 s', '1')
    .option('--step', 'one thing for each Enter')
    .addHelpText(
      'after',
      '\nExample:\n  turnout replay --from 03:00 --speed 10\n  turnout replay slice.turnout --speed 0',
    )
    .action(async (file: string | undefined, options) => (await import('./commands/replay.ts')).replay(file, options));
  past(program.command('verify'))
    .description('prove the log whole and ask every recorded decision again; exit code 3: one came out differently')
    .option('--since <moment>', 'only decisions since then: 24h, 03:00, an ISO time, or a position')
    .addHelpText('after', '\nExample:\n  turnout verify --since 7d')
    .action(async (options) => (await import('./commands/verify.ts')).verify(options));
}

function addSimulate(program: Command): void {
  const each = (value: string, before: string[] = []) => [...before, value];
  past(program.command('simulate'))
    .description('say what another planner, or other memory, would have made of the recorded past')
    .option(
      '--policy <policy>',
      'a policy file, builtin:group, builtin:matrix or builtin:budget; may be repeated',
      each,
    )
    .option('--memory <device=size>', 'other memory of a device, such as gpu0=24GiB; may be repeated', each)
    .option('--config <file>', 'configuration that gives policy files their options')
    .option('--since <moment>', 'only what came since then: 24h, 03:00, an ISO time, or a position')
    .option('--until <moment>', 'only what came until then')
    .option('--seed <number>', 'seed of the chance of policies (default: the recorded one)')
    .addHelpText(
      'after',
      '\nExit code 3: recorded decisions did not come out again.' +
        '\n\nExample:\n  turnout simulate --policy keep-hot.js --policy builtin:budget --memory gpu0=24GiB --since 7d',
    )
    .action(async (options) => (await import('./commands/simulate.ts')).simulate(options));
}

function addOperations(program: Command): void {
  client(program.command('ps'))
    .description('show models, waiting requests, swaps, pins and memory')
    .addHelpText('after', '\nExample:\n  turnout ps')
    .action(async (options: GlobalOptions) => (await import('./commands/ps.ts')).ps(options));
  client(program.command('load'))
    .description('load a model now; waits until it is ready')
    .argument('<model>')
    .addHelpText('after', '\nExample:\n  turnout load qwen')
    .action(async (model: string, options) => (await import('./commands/load.ts')).load(model, options));
  client(program.command('unload'))
    .description('unload a model, or all of them; waits until they are gone')
    .argument('[model]')
    .addHelpText('after', '\nExample:\n  turnout unload qwen\n  turnout unload')
    .action(async (model: string | undefined, options) =>
      (await import('./commands/unload.ts')).unload(model, options),
    );
  client(program.command('restart'))
    .description('start the running turnout anew, after an upgrade say: nothing is refused, models stay loaded')
    .addHelpText('after', '\nExample:\n  turnout restart')
    .action(async (options: GlobalOptions) => (await import('./commands/restart.ts')).restart(options));
}

function addHolds(program: Command): void {
  client(program.command('plan'))
    .description('say what a request for a model would lead to now: what would leave, why, and how long it takes')
    .argument('<model>')
    .addHelpText('after', '\nExample:\n  turnout plan qwen')
    .action(async (model: string, options) => (await import('./commands/plan.ts')).plan(model, options));
  client(program.command('pin'))
    .description('pin a model: no request evicts it, and it is not unloaded for idleness')
    .argument('<model>')
    .option('--for <duration>', 'how long: 30m, 2h, 1d (default: until it is unpinned)')
    .option('--reason <text>', 'shown to those whose requests have to wait or are refused for it')
    .addHelpText('after', '\nExample:\n  turnout pin qwen --for 2h')
    .action(async (model: string, options) => (await import('./commands/pin.ts')).pin(model, options));
  client(program.command('unpin'))
    .description('take the pin of a model away')
    .argument('<model>')
    .addHelpText('after', '\nExample:\n  turnout unpin qwen')
    .action(async (model: string, options) => (await import('./commands/pin.ts')).unpin(model, options));
  client(program.command('forget'))
    .description('forget how much memory a model was seen to take')
    .argument('<model>')
    .addHelpText('after', '\nExample:\n  turnout forget qwen')
    .action(async (model: string, options) => (await import('./commands/forget.ts')).forget(model, options));
}

function addConfig(program: Command): void {
  program
    .command('check')
    .description('say what is wrong with configurations, and what they mean')
    .argument('[file...]')
    .option('--config-dir <dir>', 'directory whose *.yml and *.yaml files are merged after the file')
    .option('--json', 'print JSON')
    .addOption(new Option('--format <format>', 'for people, or annotations for GitHub').choices(['text', 'github']))
    .option('--llama-swap', 'list what llama-swap would refuse or ignore')
    .addHelpText('after', '\nExample:\n  turnout check config.yaml')
    .action(async (files: string[], options) => (await import('./commands/check.ts')).check(files, options));
  program
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .addHelpText('after', '\nExample:\n  turnout schema > turnout.schema.json')
    .action(async () => (await import('./commands/schema.ts')).schema());
  program
    .command('doctor')
    .description('look at whatever a start needs, and say what to do')
    .option('--config <file>', 'configuration whose programs, files and ports are looked at')
    .option('--config-dir <dir>', 'directory whose *.yml and *.yaml files are merged after --config')
    .option('--state-dir <dir>', 'state directory to look at')
    .option('--listen <host:port>', 'address to listen on (default ":8080")')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  turnout doctor --config config.yaml')
    .action(async (options) => (await import('./commands/doctor.ts')).doctor(options));
}
