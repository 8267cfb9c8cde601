// Proxies that people write in Node.js, one for each way to spoil a body: `node proxy.mjs KIND PORT UPSTREAM`.
//
// Each hands a delivery on to the URL UPSTREAM, with its webhook headers, and gives back the answer.

import { createServer, request } from "node:http";
import { gzipSync } from "node:zlib";

const rewritten = (body, indent) => JSON.stringify(JSON.parse(body), null, indent);

// What is sent, given the body and the pieces in which it came.
const kinds = {
  untouched: (body) => body,
  stringified: (body) => rewritten(body),
  indented: (body) => rewritten(body, 2),
  latin1: (body) => body.toString("latin1"),
  concatenated: (_, pieces) => pieces.reduce((text, piece) => text + piece, ""), // each piece becomes text on its own
  gzipped: (body) => gzipSync(rewritten(body)),
  quoted: (body) => JSON.stringify(body.toString()),
  form: (body) => new URLSearchParams({ payload: body }).toString(),
};

const [kind, port, upstream] = process.argv.slice(2);

createServer(async (incoming, outgoing) => {
  const pieces = [];
  for await (const piece of incoming) pieces.push(piece);
  const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => name.startsWith("webhook-")));
  const onwards = request(upstream, { method: "POST", headers }, (answer) => {
    outgoing.writeHead(answer.statusCode);
    answer.pipe(outgoing);
  });
  onwards.end(kinds[kind](Buffer.concat(pieces), pieces));
}).listen(port, "127.0.0.1");
