// fabric-network against a peer: a gateway asks its system chaincodes, and listens to blocks,
// filtered blocks and blocks with private data, old ones and a new one.
//
//   node peer_listener.js '{"peer": url, "ca": file, "channel": ..., "client": {mspid, cert, key},
//                           "old": [first, last], "next": number}'
//
// Prints one line a fact; after "listening" it waits for block `next`.
'use strict';
const fs = require('fs');
const {Gateway, Wallets} = require('fabric-network');
const protos = require('fabric-protos');

const given = JSON.parse(process.argv[2]);
const read = (path) => fs.readFileSync(path, 'utf8');

function say(...words) {
	console.log(words.join(' '));
}

function profile() {
	return {
		name: 'test', version: '1.0',
		channels: {[given.channel]: {orderers: [], peers: {peer: {}}}},
		organizations: {org: {mspid: given.client.mspid, peers: ['peer']}},
		peers: {peer: {url: given.peer, tlsCACerts: {pem: read(given.ca)},
			grpcOptions: {'ssl-target-name-override': 'localhost'}}},
	};
}

// What is said of a block: its number, and what its transactions came to.
function facts(type, event) {
	const codes = event.getTransactionEvents().map((t) => `${t.transactionId}:${t.status}`);
	return [type, event.blockNumber.toString(), ...codes].join(' ');
}

// Resolves when both the last old block and the next one were seen; says facts of all.
async function listen(network, type, onOld) {
	const lines = [];
	return new Promise((resolve, reject) => {
		network.addBlockListener(async (event) => {
			const number = Number(event.blockNumber);
			if (number >= given.old[0] && number <= given.old[1]) {
				lines.push(facts(type, event));
			}
			if (number === given.old[1]) {
				lines.forEach((line) => say(line));
				onOld();
			}
			if (number === given.next) {
				say('new', type, number);
				resolve();
			}
		}, {type, startBlock: given.old[0]}).catch(reject);
	});
}

async function ask(network) {
	const qscc = network.getContract('qscc');
	const raw = await qscc.evaluateTransaction('GetBlockByNumber', given.channel, '9');
	const block = protos.common.Block.decode(raw);
	say('qscc', block.header.number.toString(), block.data.data.length);
	try {
		await qscc.evaluateTransaction('GetBlockByNumber', given.channel, '9000');
	} catch (error) {
		say('refused', error.message.split('\n').pop().trim());
	}
}

async function main() {
	const wallet = await Wallets.newInMemoryWallet();
	await wallet.put('user', {type: 'X.509', mspId: given.client.mspid, credentials: {
		certificate: read(given.client.cert), privateKey: read(given.client.key)}});
	const gateway = new Gateway();
	await gateway.connect(profile(), {wallet, identity: 'user', discovery: {enabled: false}});
	const network = await gateway.getNetwork(given.channel);
	await ask(network);
	const all = [];
	for (const type of ['full', 'filtered', 'private']) {
		await new Promise((old) => all.push(listen(network, type, old)));
	}
	say('listening');
	await Promise.all(all);
	gateway.disconnect();
}

setTimeout(() => {
	console.error('nothing more has come');
	process.exit(2);
}, 60000);
main().then(() => process.exit(0), (error) => {
	console.error(error);
	process.exit(1);
});
