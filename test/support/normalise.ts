/**
 * Takes out of a text what is different each time: times, durations, ids, positions, ports and places. The same thing gets
 * the same number throughout, so that what belongs together still shows.
 */

const RULES: [RegExp, string | ((numbered: (kind: string, value: string) => string, ...groups: string[]) => string)][] =
  [
    [/\b\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3} (?:UTC|[+-]\d{2}:\d{2})/g, '<time>'],
    [/\b\d{2}:\d{2}:\d{2}\.\d{3}\b/g, '<clock>'],
    [/\breq_[\w-]+/g, (numbered, id = '') => `<request ${numbered('request', id)}>`],
    [
      /(\brun|\bposition|\bexplain|--at) (\d+)\b/g,
      (numbered, _, word, n = '') => `${word} <event ${numbered('event', n)}>`,
    ],
    [/\b127\.0\.0\.1:\d+/g, '127.0.0.1:<port>'],
    [/\bport \d+/g, 'port <port>'],
    [/\b(pid|process) \d+/g, (_numbered, _match, word) => `${word} <pid>`],
    [/\/\S*\/turnout-[\w-]+/g, '<dir>'],
    [/\b\d+ bytes\b/g, '<size>'],
    [/\d+\.\d tokens\/s/g, '<rate> tokens/s'],
    [/(?:\babout |\bunder )?\b\d+(?:\.\d)? (?:ms|s|min|h)\b(?: \d+ (?:s|min|h)\b)?/g, '<duration>'],
    // Columns are as wide as what stood in them.
    [/ +(?=<duration>)/g, ' '],
  ];

export function normalise(text: string): string {
  const known = new Map<string, Map<string, number>>();
  const numbered = (kind: string, value: string): string => {
    const values = known.get(kind) ?? new Map<string, number>();
    known.set(kind, values);
    if (!values.has(value)) values.set(value, values.size + 1);
    return String(values.get(value));
  };
  return RULES.reduce((result, [pattern, by]) => {
    return result.replace(pattern, (...groups: string[]) => (typeof by === 'string' ? by : by(numbered, ...groups)));
  }, text);
}
