import v8 from 'node:v8';
import vm from 'node:vm';
import { expect, test } from 'vitest';
import { decodeSighting } from './member-codec.ts';

const TEXT_BYTES = 200 * 1_024;
const MEMBERS = 50;

v8.setFlagsFromString('--expose_gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;
function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** As it comes off the wire: with texts that nobody else holds. */
function sighting(index: number) {
  const text = `${index}${'x'.repeat(TEXT_BYTES)}`;
  const metadata = {
    ...{ name: `m${index}`, uid: 'u', resourceVersion: '1' },
    annotations: { 'leasegate.dev/version': text },
  };
  return decodeSighting(JSON.parse(JSON.stringify({ metadata, spec: { holderIdentity: text } })))!;
}

test('of long texts that somebody wrote into Leases only the beginning is remembered', () => {
  const beforeBytes = heapBytes();
  const kept = Array.from({ length: MEMBERS }, (_, index) => sighting(index));
  expect(heapBytes() - beforeBytes).toBeLessThan((MEMBERS * TEXT_BYTES) / 5);
  for (const { holder, profile } of kept) expect([holder.length, profile.version?.length]).toEqual([512, 512]);
});
