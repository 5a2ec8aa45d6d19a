import { createServer, type Server, type Socket } from 'node:net';
import type { LeaderPlace } from '../gate.ts';
import { parsePeerAddress } from '../peer-address.ts';
import { Connection, type ConnectionPorts } from './connections.ts';
import { askToTake, readForwarded, sayNotLeader, sayTaken } from './peer.ts';

export interface TcpOptions extends ConnectionPorts {
  /** The application. */
  readonly target: { readonly host: string; readonly port: number };
  readonly standby: 'refuse' | 'forward';
  /** How long a connection may wait for a leader, in milliseconds. */
  readonly forwardWaitMs: number;
  readonly connectionsMax: number;
  readonly proxyProtocol: boolean;
}

/** Dead clients are found by TCP itself: a connection that says nothing may be as it should. */
const KEEP_ALIVE_PROBE_MS = 30_000;

/** The listener for clients: serves while this replica leads; otherwise refuses, or forwards to the leader. */
export function createTcpServer(options: TcpOptions): Server {
  return serverFor(options, (connection) => enter(connection, options));
}

/** The listener for other replicas: serves while this replica leads, and never forwards. So no connection goes in circles. */
export function createTcpPeerServer(options: TcpOptions): Server {
  return serverFor(options, async (connection) => {
    const { client } = connection;
    const forwarded = await readForwarded(client, options.timers);
    if (forwarded === null) return connection.refuse('invalid');
    const taken = await connection.serve({
      target: options.target,
      proxyProtocol: options.proxyProtocol,
      ends: forwarded.ends ?? connection.ends(),
      onServed: () => sayTaken(client),
    });
    if (taken) return;
    connection.outcome = 'refused';
    sayNotLeader(client);
  });
}

function serverFor(options: TcpOptions, serve: (connection: Connection) => Promise<void>): Server {
  const server = createServer(
    {
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
    },
    (client) => void serve(new Connection(client, options)),
  );
  server.maxConnections = options.connectionsMax;
  server.on('drop', () => options.metrics.overLimit());
  return server;
}

/** Goes on until somebody has taken the connection, its time is over, or its client is gone. */
async function enter(connection: Connection, options: TcpOptions): Promise<void> {
  const { gate, clock, standby, target, proxyProtocol, forwardWaitMs } = options;
  const untilMonoMs = clock.now().monoMs + forwardWaitMs;
  let refusedBy: string | null = null;
  while (!connection.ended.aborted) {
    if (await connection.serve({ target, proxyProtocol, ends: connection.ends() })) return;
    if (standby === 'refuse') return connection.refuse('refused');
    const leader = gate.leaderElsewhere();
    if (leader !== null && leader.identity !== refusedBy) {
      const answer = await forward(connection, leader, options);
      if (answer === 'taken') return;
      if (answer === 'unreachable') return connection.refuse('leader-unreachable');
      refusedBy = leader.identity;
      continue;
    }
    const leftMs = untilMonoMs - clock.now().monoMs;
    if (leftMs <= 0) return connection.refuse('no-leader');
    await gate.changed(leftMs, connection.ended);
    refusedBy = null;
  }
}

/** A leader that refuses may be handing over; one that can't be reached is gone, and its time must run out first. */
async function forward(
  connection: Connection,
  { address }: LeaderPlace,
  { timers }: TcpOptions,
): Promise<'taken' | 'not-leader' | 'unreachable'> {
  const target = parsePeerAddress(address);
  if (target === null) return 'unreachable';
  const peer: Socket | string = await connection.connect(target, connection.ended);
  if (typeof peer === 'string') return 'unreachable';
  peer.on('error', () => {});
  const end = () => peer.destroy();
  connection.ended.addEventListener('abort', end);
  const answer = await askToTake(peer, connection.ends(), timers);
  connection.ended.removeEventListener('abort', end);
  if (answer === 'taken') {
    connection.joinPeer(peer);
    return 'taken';
  }
  peer.destroy();
  return answer === 'not-leader' ? 'not-leader' : 'unreachable';
}
