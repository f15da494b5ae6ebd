/** docs/events.md from the dictionary in src/core/events.ts: its meanings, versions, and the text of its types. */
import { MEANING } from '../src/core/event-meaning.ts';
import { type EventType, VERSION } from '../src/core/events.ts';

const INTRO = `# Events

Everything that turnout knows is folded from these events, in the order of their positions. Each stands in the log as
\`{position, at, type, version, model?, request?, cause?, data}\`:

| field | meaning |
|---|---|
| \`position\` | 1, 2, 3, ... without a gap |
| \`at\` | milliseconds since 1970 on turnout's own clock, which never runs backwards |
| \`model\` | id of the model that it is about |
| \`request\` | position of the \`request.arrived\` that it belongs to |
| \`cause\` | position of the event that led to this one |
| \`data\` | the fields below; \`...Ms\` are durations in milliseconds |

Prompts, answers, keys and header values other than those named in the configuration are never in the log.

This page is made from \`src/core/events.ts\` by \`npm run docs\`.
`;

export function eventsPage(source: string): string {
  const sections = (Object.keys(MEANING) as EventType[]).map((type) => {
    const fields = fieldsOf(source, type);
    const data = fields.trim() === '' ? 'No data.' : `\`\`\`ts\n${fields}\n\`\`\``;
    return `## ${type}\n\n${MEANING[type]} Version ${VERSION[type]}.\n\n${data}\n`;
  });
  return `${INTRO}\n${sections.join('\n')}`;
}

/** The members of an event's type literal, as they stand in the source, with their comments. */
function fieldsOf(source: string, type: EventType): string {
  const start = source.indexOf(`'${type}': `, source.indexOf('export interface EventData'));
  if (start === -1) throw new Error(`find "${type}" in EventData: expected its fields, got nothing`);
  const rest = source.slice(start + type.length + 4);
  if (rest.startsWith('Record<string, never>')) return '';
  let depth = 0;
  for (const [at, char] of [...rest].entries()) {
    if (char === '{') depth++;
    if (char === '}' && --depth === 0) return dedent(rest.slice(1, at));
  }
  throw new Error(`read "${type}" in EventData: expected a closing brace, got the end of the file`);
}

function dedent(text: string): string {
  const lines = text
    .replace(/;\s*$/, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const indent = Math.min(...lines.map((line) => line.length - line.trimStart().length));
  return lines
    .map((line) => line.slice(indent))
    .join('\n')
    .trim();
}
