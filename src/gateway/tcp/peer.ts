import type { Socket } from 'node:net';
import type { Timers } from '../../ports/clock.ts';
import { endableDelay } from '../../ports/delay.ts';
import { type Ends, formatProxyHeader, readProxyHeader } from './proxy-protocol.ts';

/**
 * What two gateways say to each other before a forwarded connection begins. The forwarder sends a PROXY header, so that the
 * client's address is not lost; the leader answers one byte: whether it has taken the connection. Until then nothing of the
 * client's has been sent, and so it may still be taken elsewhere.
 */
const TAKEN = 0x06;
const NOT_LEADER = 0x15;

/** A peer that says nothing for so long is no peer; the leader's application may take 2 s to accept. */
const WORD_MS_MAX = 5_000;

/** For the leader: the first word of a forwarder, or null when it is none. What came after it stays unread. */
export async function readForwarded(peer: Socket, timers: Timers): Promise<{ ends: Ends | null } | null> {
  let data = Buffer.alloc(0);
  const read = await untilReadable(peer, timers, () => {
    const chunk: Buffer | null = peer.read();
    if (chunk !== null) data = Buffer.concat([data, chunk]);
    const header = readProxyHeader(data);
    return header.kind === 'partial' && data.length > 0 ? null : data.length === 0 ? null : header;
  });
  if (read === null || read.kind !== 'header') return null;
  if (data.length > read.bytes) peer.unshift(data.subarray(read.bytes));
  return { ends: read.ends };
}

export function sayTaken(peer: Socket): void {
  peer.write(Buffer.from([TAKEN]));
}

export function sayNotLeader(peer: Socket): void {
  peer.end(Buffer.from([NOT_LEADER]));
}

/** For the forwarder: asks a leader to take a connection. One that ends it in good order has an application that refuses. */
export async function askToTake(
  peer: Socket,
  ends: Ends | null,
  timers: Timers,
): Promise<'taken' | 'not-leader' | 'application-refuses' | 'unreachable'> {
  peer.write(formatProxyHeader(ends, null));
  const word = await untilReadable(peer, timers, () => peer.read(1) as Buffer | null);
  if (word?.[0] === TAKEN) return 'taken';
  if (word?.[0] === NOT_LEADER) return 'not-leader';
  return peer.readableEnded ? 'application-refuses' : 'unreachable';
}

/** Tries to read whenever there is something; null when the peer ended, failed or let the time pass. */
async function untilReadable<T>(peer: Socket, timers: Timers, read: () => T | null): Promise<T | null> {
  const limit = endableDelay(WORD_MS_MAX, timers);
  let found: T | null = null;
  const attempt = () => {
    found = read();
    if (found !== null) limit.end();
  };
  peer.on('readable', attempt).on('end', limit.end).on('close', limit.end);
  attempt();
  await limit.over;
  peer.off('readable', attempt).off('end', limit.end).off('close', limit.end);
  return found;
}
