/** `node tunnel-server.ts <port>`: agrees to each change of protocols, and then repeats what it hears. */
import { createServer } from 'node:http';
import type { Socket } from 'node:net';

createServer((_req, res) => res.end('ok'))
  .on('upgrade', (_req, socket: Socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.pipe(socket);
  })
  .listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4_096 });
