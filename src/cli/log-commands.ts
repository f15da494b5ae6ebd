/**
 * The subcommands about the event log as a thing of its own: what it takes, room given back, backups, exports. Names and
 * flags only; each command is loaded when it is asked for.
 */
import type { Command } from 'commander';

/** Adds flags that several commands have. */
type Flags = (command: Command) => Command;

export function addLogFile(program: Command, client: Flags): void {
  const log = program.command('log').description('look after the event log: its size, room, backups');
  client(log.command('stat'))
    .description('say what the event log holds and what takes the room in it, also while turnout runs')
    .addHelpText('after', '\nExample:\n  turnout log stat')
    .action(async (options) => (await import('./commands/log-stat.ts')).logStat(options));
  client(log.command('compact'))
    .description('let old events go now and give free room back; asks the running turnout, else works on the file')
    .option('--days <days>', 'without a running turnout: let events go that are older')
    .option('--max-bytes <size>', 'without a running turnout: let the oldest events go until it is no larger: 500MiB')
    .addHelpText('after', '\nExample:\n  turnout log compact\n  turnout log compact --state-dir old --max-bytes 100MiB')
    .action(async (options) => (await import('./commands/log-compact.ts')).logCompact(options));
  client(log.command('backup'))
    .description('copy the event log into one file and prove the copy, also while turnout runs')
    .argument('<file>', 'the file to make; it must not be there yet')
    .addHelpText('after', '\nExample:\n  turnout log backup events-$(date +%F).db')
    .action(async (file: string, options) => (await import('./commands/log-backup.ts')).logBackup(file, options));
  client(log.command('restore'))
    .description('put a backup in the place of the event log, which is kept under another name; turnout must not run')
    .argument('<file>', 'a file that "turnout log backup" made')
    .addHelpText('after', '\nExample:\n  turnout log restore events-2026-11-22.db --state-dir /var/lib/turnout')
    .action(async (file: string, options) => (await import('./commands/log-restore.ts')).logRestore(file, options));
}

export function addExport(program: Command, client: Flags): void {
  client(program.command('export'))
    .description(
      'write a slice of the log into one file that can be read anywhere; never holds prompts, answers or keys',
    )
    .requiredOption('--out <file>', 'the file to make; it must not be there yet')
    .option('--since <moment>', 'where to begin: 2h, 03:00, an ISO time, or a position (default: the beginning)')
    .option('--until <moment>', 'where to end (default: the end)')
    .option(
      '--redact',
      'give clients, sessions, addresses and directories other names; leave the sources of policies out',
    )
    .option('--relabel', 'call the models model-1, model-2 and so on')
    .option('--policies', 'with --redact: keep the sources of policies, with the names in them changed')
    .option('--as-test', 'write a folder that is a test case of the repository: test/fixtures/logs/NAME')
    .option('--file <file>', 'an export or a backup in place of the log of a turnout')
    .addHelpText('after', '\nExample:\n  turnout export --since 2h --redact --out slice.turnout')
    .action(async (options) => (await import('./commands/export.ts')).exportLog(options));
  client(program.command('import'))
    .description('check an export and say what it holds; with --state-dir, make it the log of a new state directory')
    .argument('<file>', 'a file that "turnout export" wrote')
    .addHelpText('after', '\nExample:\n  turnout import slice.turnout')
    .action(async (file: string, options) => (await import('./commands/import.ts')).importLog(file, options));
}
