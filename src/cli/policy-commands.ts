/**
 * The `turnout policy` subcommands and their flags; each is loaded when it is asked for. Must never do anything itself.
 */
import type { Command } from 'commander';

export function addPolicy(program: Command): void {
  const policy = program.command('policy').description('write, check, test and measure swap policies of your own');
  const configured = (command: Command) =>
    command.option('--config <file>', 'configuration that gives the policy its options').option('--json', 'print JSON');
  const past = (command: Command) =>
    command
      .option('--url <url>', 'address of the turnout whose log is read')
      .option('--state-dir <dir>', 'state directory of the turnout whose log is read')
      .option('--utc', 'print times in UTC');
  policy
    .command('new')
    .description('write a policy with its tests and types')
    .argument('<name>')
    .option('--ts', 'in TypeScript')
    .option('--dir <dir>', 'where (default: here)')
    .option('--config <file>', 'configuration whose names the types know')
    .addHelpText('after', '\nExample:\n  turnout policy new keep-hot --dir policies')
    .action(async (name: string, options) => (await import('./commands/policy-new.ts')).policyNew(name, options));
  policy
    .command('types')
    .description('write the names of a configuration as types for editors')
    .option('--config <file>', 'the configuration')
    .option('--out <file>', 'the file to write (default: turnout-policy.d.ts)')
    .option('--print', 'print it instead')
    .addHelpText('after', '\nExample:\n  turnout policy types --config config.yaml')
    .action(async (options) => (await import('./commands/policy-types.ts')).policyTypes(options));
  configured(policy.command('check'))
    .description('say what is wrong with policies: syntax, what is not available, shape, options')
    .argument('<file...>')
    .addHelpText('after', '\nExample:\n  turnout policy check keep-hot.js --config config.yaml')
    .action(async (files: string[], options) =>
      (await import('./commands/policy-check.ts')).policyCheck(files, options),
    );
  past(configured(policy.command('test')))
    .description('run the test tables of policies, or make a case from a recorded decision')
    .argument('[file...]', 'policies or tables; default: the tables here and in ./policies')
    .option('--from-log <decision>', 'add the decision at this position of the log (or "last") to the table')
    .option('--print', 'with --from-log: print the case and change nothing')
    .addHelpText(
      'after',
      '\nExample:\n  turnout policy test keep-hot.js\n  turnout policy test keep-hot.js --from-log 48213',
    )
    .action(async (files: string[], options) => (await import('./commands/policy-test.ts')).policyTest(files, options));
  past(configured(policy.command('run')))
    .description('say what a policy would decide at a recorded moment, beside what was decided')
    .argument('<file>')
    .requiredOption('--decision <position>', 'position of a plan.decided in the log, or "last"')
    .addHelpText('after', '\nExample:\n  turnout policy run keep-hot.js --decision last')
    .action(async (file: string, options) => (await import('./commands/policy-run.ts')).policyRun(file, options));
  configured(policy.command('bench'))
    .description('measure how long a policy takes')
    .argument('<file>')
    .option('--models <count>', 'models in the view', '20')
    .option('--waiting <count>', 'requests that wait', '50')
    .option('--decisions <count>', 'decisions to make', '1000')
    .addHelpText('after', '\nExample:\n  turnout policy bench keep-hot.js --models 200')
    .action(async (file: string, options) => (await import('./commands/policy-bench.ts')).policyBench(file, options));
  past(policy.command('shadow-report'))
    .description('say how often policies in the shadow would have decided otherwise')
    .option('--since <time>', 'only since then: 30m, 24h, 7d, or an ISO time', '24h')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  turnout policy shadow-report --since 7d')
    .action(async (options) => (await import('./commands/policy-shadow-report.ts')).policyShadowReport(options));
}
