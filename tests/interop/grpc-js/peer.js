// The echo methods of tests/net/echo_server.c with @grpc/grpc-js, bytes in and out.
//   peer.js server [DIRECTORY with cert.pem key.pem roots.pem]   prints its address
//   peer.js client ADDRESS [DIRECTORY]                           prints a line a check
'use strict';
const fs = require('fs');
const path = require('path');
const assert = require('assert');
const grpc = require('@grpc/grpc-js');

const same = (b) => b;
const methods = {};
for (const [name, up, down] of [['Once', 0, 0], ['Fail', 0, 0], ['Hangs', 0, 0], ['Who', 0, 0],
  ['List', 0, 1], ['Sum', 1, 0], ['Chat', 1, 1], ['Hang', 1, 1], ['GiveUp', 1, 1], ['No', 0, 0]]) {
  methods[name] = { path: '/test.Echo/' + name, requestStream: !!up, responseStream: !!down,
    requestSerialize: same, requestDeserialize: same,
    responseSerialize: same, responseDeserialize: same };
}
const Echo = grpc.makeGenericClientConstructor(methods, 'test.Echo');
const options = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

function read(dir, name) {
  const file = path.join(dir, name);
  return fs.existsSync(file) ? fs.readFileSync(file) : null;
}

function fill(size, n) {
  return Buffer.alloc(size, n % 251);
}

// ---- server

const handlers = {
  Once: (call, done) => {
    const echo = new grpc.Metadata();
    for (const name of Object.keys(call.metadata.getMap()).filter((n) => n.startsWith('x-'))) {
      call.metadata.get(name).forEach((value) => echo.add(name, value));
    }
    call.sendMetadata(echo);
    done(null, call.request, echo);
  },
  Fail: (call, done) => {
    const [, code, details] = /^(\d+) ?([^]*)$/.exec(call.request.toString());
    done({ code: Number(code), details });
  },
  Hangs: (call, done) => done(null, Buffer.alloc(0)),
  Who: (call, done) => done(null, Buffer.from(call.getPeer())),
  List: async (call) => {
    const [count, size] = call.request.toString().split(' ').map(Number);
    for (let i = 0; i < count; i++) {
      if (!call.write(fill(size, i))) await new Promise((r) => call.once('drain', r));
    }
    call.end();
  },
  Sum: (call, done) => {
    let count = 0, bytes = 0;
    call.on('data', (m) => { count++; bytes += m.length; });
    call.on('end', () => done(null, Buffer.from(count + ' ' + bytes)));
  },
  Chat: (call) => {
    call.on('data', (m) => {
      if (!call.write(m)) { call.pause(); call.once('drain', () => call.resume()); }
    });
    call.on('end', () => call.end());
  },
  Hang: () => {},
  GiveUp: (call) => call.on('data', () => call.emit('error', { code: 1, details: 'gave up' })),
};

function serve(dir) {
  const server = new grpc.Server(options);
  server.addService(methods, handlers);
  const roots = dir && read(dir, 'roots.pem');
  const credentials = dir ? grpc.ServerCredentials.createSsl(roots,
    [{ private_key: read(dir, 'key.pem'), cert_chain: read(dir, 'cert.pem') }], !!roots)
    : grpc.ServerCredentials.createInsecure();
  server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
    assert.ifError(error);
    server.start();
    console.log('127.0.0.1:' + port);
  });
  process.stdin.on('end', () => process.exit(0)).resume();
}

// ---- client

function unary(client, name, request, extra = {}) {
  return new Promise((resolve) => {
    let trailers = null, headers = null;
    const call = client[name](request, extra.metadata || new grpc.Metadata(), extra.options || {},
      (error, reply) => setImmediate(() => resolve({ error, reply, headers, trailers })));
    call.on('metadata', (m) => { headers = m; });
    call.on('status', (s) => { trailers = s.metadata; });
  });
}

function collect(call) {
  return new Promise((resolve) => {
    const got = [];
    let status = null;
    call.on('data', (m) => got.push(m));
    call.on('error', () => {});
    call.on('status', (s) => { status = s; resolve({ got, status }); });
  });
}

async function chat(client, count, size) {
  const call = client.Chat();
  const all = collect(call);
  for (let i = 0; i < count; i++) {
    if (!call.write(fill(size, i))) await new Promise((r) => call.once('drain', r));
  }
  call.end();
  const { got, status } = await all;
  assert.strictEqual(status.code, 0);
  assert.strictEqual(got.length, count);
  got.forEach((m, i) => assert(m.length === size && (size === 0 || m[size - 1] === i % 251)));
}

const checks = {
  async sizes(client) {
    for (const size of [0, 1, 16379, 16384, 1 << 20, 64 << 20]) {
      const { error, reply } = await unary(client, 'Once', fill(size, 7));
      assert.ifError(error);
      assert(reply.equals(fill(size, 7)));
    }
  },
  many_messages: (client) => chat(client, 5000, 100),
  many_streams: (client) => Promise.all([...Array(100)].map(() => chat(client, 10, 20000))),
  no_messages: (client) => chat(client, 0, 0),
  async server_streams(client) {
    const { got, status } = await collect(client.List(Buffer.from('5000 50')));
    assert.strictEqual(status.code, 0);
    assert.strictEqual(got.length, 5000);
  },
  async client_streams(client) {
    const reply = await new Promise((resolve, reject) => {
      const call = client.Sum((error, r) => (error ? reject(error) : resolve(r)));
      for (let i = 0; i < 100; i++) call.write(fill(1000, i));
      call.end();
    });
    assert.strictEqual(reply.toString(), '100 100000');
  },
  async errors(client) {
    const { error } = await unary(client, 'Fail', Buffer.from('9 n\u00e9 100%'));
    assert.strictEqual(error.code, 9);
    assert.strictEqual(error.details, 'n\u00e9 100%');
    assert.strictEqual((await unary(client, 'No', Buffer.alloc(0))).error.code, 12);
  },
  async metadata(client) {
    const metadata = new grpc.Metadata();
    metadata.set('x-a', '1');
    metadata.set('x-b-bin', Buffer.from([0, 255, 1]));
    metadata.set('x-large', 'v'.repeat(20000));
    const { error, headers, trailers } = await unary(client, 'Once', fill(1, 1), { metadata });
    assert.ifError(error);
    for (const m of [headers, trailers]) {
      assert.deepStrictEqual(m.get('x-a'), ['1']);
      assert.deepStrictEqual(m.get('x-b-bin'), [Buffer.from([0, 255, 1])]);
      assert.strictEqual(m.get('x-large')[0].length, 20000);
    }
  },
  async half_close(client) {
    const call = client.Chat();
    const first = new Promise((resolve) => call.once('data', resolve));
    call.write(fill(5, 1));
    assert((await first).equals(fill(5, 1)));
    const rest = collect(call);
    call.write(fill(6, 2));
    call.end();
    const { got, status } = await rest;
    assert.strictEqual(status.code, 0);
    assert(got.length === 1 && got[0].equals(fill(6, 2)));
  },
  async deadline(client) {
    const call = client.Hang(new grpc.Metadata(), { deadline: Date.now() + 200 });
    assert.strictEqual((await collect(call)).status.code, 4);
  },
  async cancel(client) {
    const call = client.Hang();
    const all = collect(call);
    setTimeout(() => call.cancel(), 50);
    assert.strictEqual((await all).status.code, 1);
  },
  async server_cancels(client) {
    const call = client.GiveUp();
    const all = collect(call);
    call.write(fill(1, 1));
    assert.strictEqual((await all).status.code, 1);
  },
};

async function call(address, dir) {
  const credentials = dir ? grpc.credentials.createSsl(read(dir, 'ca.pem'),
    read(dir, 'client-key.pem'), read(dir, 'client.pem')) : grpc.credentials.createInsecure();
  const client = new Echo(address, credentials, options);
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check(client);
      console.log('ok ' + name);
    } catch (error) {
      failed++;
      console.log('FAILED ' + name + ': ' + (error.stack || error));
    }
  }
  client.close();
  // A client that compresses is another channel.
  const zip = new Echo(address, credentials,
    { ...options, 'grpc.default_compression_algorithm': 2 });
  const { error } = await unary(zip, 'Once', fill(10000, 1));
  console.log(error && error.code === 12 ? 'ok gzip' : 'FAILED gzip: ' + error);
  zip.close();
  process.exit(failed || !error ? 1 : 0);
}

if (process.argv[2] === 'server') serve(process.argv[3]);
else call(process.argv[3], process.argv[4]);
