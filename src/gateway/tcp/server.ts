import { createServer, type Server, type Socket } from 'node:net';
import type { Timers } from '../../ports/clock.ts';
import type { LeaderPlace } from '../gate.ts';
import { parsePeerAddress } from '../peer-address.ts';
import { untilTaken } from '../until-taken.ts';
import { Connection, type ConnectionPorts } from './connections.ts';
import { askToTake, readForwarded, sayNotLeader, sayTaken } from './peer.ts';
import { KEEP_ALIVE } from './upstream.ts';

export interface TcpOptions extends ConnectionPorts {
  /** The application. */
  readonly target: { readonly host: string; readonly port: number };
  readonly standby: 'refuse' | 'forward';
  /** How long a connection may wait for a leader, in milliseconds. */
  readonly forwardWaitMs: number;
  readonly connectionsMax: number;
  readonly proxyProtocol: boolean;
}

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
      ...KEEP_ALIVE,
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
  const { ended } = connection;
  let reached = true;
  const attempt = async () => {
    if (ended.aborted || (await connection.serve({ target, proxyProtocol, ends: connection.ends() }))) return 'over';
    if (standby === 'refuse') {
      connection.refuse('refused');
      return 'over';
    }
    const leader = gate.leaderElsewhere();
    if (leader?.address == null) {
      reached = leader === null;
      return 'no-leader';
    }
    const answer = await forward(connection, leader, leader.address, options);
    reached = answer !== 'unreachable';
    if (answer !== 'application-refuses') return answer === 'taken' ? 'over' : 'unsent';
    connection.refuse('leader-unreachable');
    return 'over';
  };
  if (await untilTaken({ gate, clock, waitMs: forwardWaitMs, signal: ended, attempt })) return;
  connection.refuse(reached ? 'no-leader' : 'leader-unreachable');
}

/**
 * Asks a leader to take the connection. One that says that it does not lead may be handing over, and one that can't be reached
 * may be dead: either way another one will lead.
 */
async function forward(
  connection: Connection,
  leader: LeaderPlace,
  address: string,
  { gate, timers }: TcpOptions,
): Promise<'taken' | 'not-leader' | 'application-refuses' | 'unreachable'> {
  const target = parsePeerAddress(address);
  if (target === null) return 'unreachable';
  const attempt = new AbortController();
  const end = () => attempt.abort();
  // Cut when somebody else leads: one that was stopped in the middle of this says nothing more.
  const pass = gate.enterElsewhere({ cut: end }, leader);
  connection.ended.addEventListener('abort', end);
  const answer = await ask(connection, target, attempt.signal, timers);
  connection.ended.removeEventListener('abort', end);
  if (typeof answer !== 'string' && pass.open()) {
    connection.joinPeer(answer, pass);
    return 'taken';
  }
  pass.leave();
  if (typeof answer === 'string') return answer;
  answer.destroy();
  return 'unreachable';
}

/** The connection to a leader that has taken the client's, or why there is none. */
async function ask(
  connection: Connection,
  target: { host: string; port: number },
  signal: AbortSignal,
  timers: Timers,
): Promise<Socket | 'not-leader' | 'application-refuses' | 'unreachable'> {
  const peer = await connection.connect(target, signal);
  if (typeof peer === 'string') return 'unreachable';
  const end = () => void peer.destroy();
  peer.on('error', () => {});
  signal.addEventListener('abort', end);
  const answer = signal.aborted ? 'unreachable' : await askToTake(peer, connection.ends(), timers);
  signal.removeEventListener('abort', end);
  if (answer === 'taken') return peer;
  peer.destroy();
  return answer;
}
