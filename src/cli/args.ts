/** Makes llama-swap's spellings of flags ours (spec 1.1): `-config x`, `-config=x`, `-watch-config=true`. */

const BOOLEANS = new Set(['--watch-config', '--version']);

export function normaliseArgs(argv: readonly string[]): string[] {
  const args: string[] = [];
  for (const [index, arg] of argv.entries()) {
    if (arg === '--') return [...args, ...argv.slice(index)];
    const long = /^-[a-z][a-z-]+(=|$)/.test(arg) ? `-${arg}` : arg;
    const [name = '', value] = split(long);
    if (!BOOLEANS.has(name) || value === undefined) args.push(long);
    else if (/^(1|t|true)$/i.test(value)) args.push(name);
    else if (!/^(0|f|false)$/i.test(value)) args.push(long);
  }
  return args;
}

function split(arg: string): [string, string | undefined] {
  const at = arg.indexOf('=');
  return at === -1 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}
