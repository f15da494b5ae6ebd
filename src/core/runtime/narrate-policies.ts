/** What the log lines say of users' policies. Never holds more than the event does. */
import type { PolicyFaultData, TurnoutEvent } from '../events.ts';
import type { Line } from './narrate.ts';

/** Null for events that are not about policies, and for those that are not worth a line. */
export function narratePolicy(event: TurnoutEvent): Line | null {
  switch (event.type) {
    case 'policy.loaded': {
      const { slot, name, file } = event.data;
      const role = slot === 'live' ? 'decides from now on' : 'is asked in the shadow from now on';
      return { level: 'info', text: `policy ${name} (${file}) ${role}` };
    }
    case 'policy.refused': {
      const { slot, fault } = event.data;
      const rest = slot === 'live' ? 'what decides now goes on' : 'it is not asked';
      return { level: 'warn', text: `policy not taken, ${rest}\n${faultText(fault)}` };
    }
    case 'policy.failed': {
      const { slot, fault, strike } = event.data;
      const rest = slot === 'live' ? 'the fallback decided' : 'nobody waited for it';
      const count = strike === 0 ? 'no strike' : `strike ${strike} of 3`;
      return { level: 'warn', text: `policy failed in ${fault.during}(), ${rest} (${count})\n${faultText(fault)}` };
    }
    case 'policy.disabled':
      return { level: 'warn', text: `the policy is not asked any more until it changes: ${event.data.why}` };
    case 'policy.disagreed':
      return { level: 'debug', text: `<${event.model ?? event.data.slot}> in the shadow: ${event.data.reason}` };
    default:
      return null;
  }
}

/** One fault for people: what, where, and the source around it. */
export function faultText({ kind, message, file, line, column, excerpt }: PolicyFaultData): string {
  const place = line === null ? file : `${file}:${line}:${column ?? 1}`;
  return [`error[${kind}]: ${message}`, `  --> ${place}`, ...(excerpt === null ? [] : [excerpt])].join('\n');
}
