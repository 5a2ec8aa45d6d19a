/** `node http-proxy-middleware.ts <port> <target>`: the middleware as its documentation sets it up, for a comparison. */
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';

const [port, target] = process.argv.slice(2);
const proxy = createProxyMiddleware({ target: target!, xfwd: true });
const app = express();
app.use(proxy);
app.listen({ host: '127.0.0.1', port: Number(port), backlog: 4_096 } as never).on('upgrade', proxy.upgrade as never);
