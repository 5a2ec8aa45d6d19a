import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INJECT_OPTIONS } from '../config/inject-options.ts';
import { parseOptions } from '../config/parse.ts';
import { inject } from './inject.ts';
import { type InjectOptions, optionsOf } from './options.ts';
import type { Outcome } from './report.ts';
import { type Settings, settingsOf } from './settings.ts';

export const GOLDEN = join(import.meta.dirname, 'golden');

/** Options of the golden cases that need any; the others have none. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  'label-service': '--publish label --service web',
  'gateway-service': '--gateway 8080:3000 --service web --publish label',
  'gateway-forward': '--gateway 8080:3000 --set LEASEGATE_GATEWAY_STANDBY=forward --set LEASEGATE_GATEWAY_DRAIN=25s',
  members: '--members',
  'json-list': '--publish label --service web',
  endpointslice: '--publish endpointslice --service db-leader --lease-name db-main',
  'readiness-gate': '--publish readiness-gate',
  'readiness-gate-recreate': '--publish readiness-gate,label',
  'refused-stall': '--publish readiness-gate',
  'forced-stall': '--publish readiness-gate --force',
  'refused-statefulset-stall': '--publish readiness-gate',
  'merge-untouched': '--only Deployment/merged',
  'position-first': '--position first --service-account default',
  'only-one': '--only Deployment/release-shop',
  settings:
    '--image registry.example.com/leasegate:0.1.0 --lease-name shop.main --no-rbac --set LEASEGATE_LEASE_DURATION=30s --set LEASEGATE_PRIORITY=5 --set LEASEGATE_PROBE_LISTEN=:9041 --set LEASEGATE_LEAD_UNHEALTHY=true --set LEASEGATE_APP_HEALTH_URL=http://127.0.0.1:8080/health',
  'lease-name-prefix': '--lease-name-prefix worker',
  'refused-prefix-of-pod': '--lease-name-prefix worker',
  'pod-generate-name': '--lease-name workers',
  'refused-shared-lease': '--lease-name both',
  'refused-service-selector': '--publish endpointslice --service web',
  'refused-only-unknown': '--only Deployment/wbe',
};

export interface Case {
  readonly name: string;
  readonly text: string;
  readonly args: readonly string[];
}

export const CASES: readonly Case[] = readdirSync(GOLDEN)
  .filter((file) => file.endsWith('.in.yaml'))
  .sort()
  .map((file) => {
    const name = file.replace('.in.yaml', '');
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(readFileSync(join(GOLDEN, file)));
    return { name, text, args: ARGUMENTS[name]?.split(' ') ?? [] };
  });

export function checked(args: readonly string[]): { readonly options: InjectOptions; readonly settings: Settings } {
  const parsed = parseOptions(INJECT_OPTIONS, { argv: args, env: {} });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const options = optionsOf(parsed.values);
  const settings = settingsOf(options);
  if (!('env' in settings)) throw new Error(JSON.stringify(settings));
  return { options, settings };
}

export function injected(text: string, args: readonly string[] = []): Outcome {
  const { options, settings } = checked(args);
  return inject([{ name: 'stdin', text }], options, settings);
}
