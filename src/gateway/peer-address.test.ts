import { expect, test } from 'vitest';
import { formatPeerAddress, parsePeerAddress } from './peer-address.ts';

test.for(['10.1.2.3:4042', '[fd00::5]:4042'])('%s is read and written back', (text) => {
  expect(formatPeerAddress(parsePeerAddress(text)!)).toBe(text);
});

test.for([null, '', '10.1.2.3', 'fd00::5', '10.1.2.3:0', '10.1.2.3:65536', 'host:4042', '10.1.2.3:4042/x'])(
  '%s is no peer listener',
  (text) => {
    expect(parsePeerAddress(text)).toBeNull();
  },
);
