// fabric-network and fabric-common against an orderer, there being no peer: a gateway
// commits a transaction that we endorse by hand, and follows the channel's blocks.
//
//   node orderer_client.js '{"url": ..., "ca": file, "channel": ..., "client": {mspid, cert, key},
//                            "endorser": {mspid, cert, key}}'
//
// Prints one line a fact.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const {Gateway, Wallets} = require('fabric-network');
const {Eventer} = require('fabric-common');
const protos = require('fabric-protos');

const given = JSON.parse(process.argv[2]);
const read = (path) => fs.readFileSync(path, 'utf8');

function say(...words) {
	console.log(words.join(' '));
}

function profile() {
	return {
		name: 'test', version: '1.0',
		channels: {[given.channel]: {orderers: ['orderer'], peers: {}}},
		organizations: {org: {mspid: given.client.mspid}},
		orderers: {orderer: {url: given.url, tlsCACerts: {pem: read(given.ca)},
			grpcOptions: {'ssl-target-name-override': 'localhost'}}},
	};
}

// ECDSA with the low s that Fabric wants.
function sign(message, key) {
	const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
	for (;;) {
		const signature = crypto.sign('sha256', message, key);
		const s = signature.subarray(4 + signature[3] + 2);
		if (BigInt('0x' + s.toString('hex')) <= order / 2n) {
			return signature;
		}
	}
}

// What a peer would have answered to the proposal.
function endorse(endorsement, endorser) {
	const {ProposalResponsePayload, ChaincodeAction} = protos.protos;
	const results = protos.rwset.TxReadWriteSet.encode({data_model: 0, ns_rwset: []}).finish();
	const action = ChaincodeAction.encode({results, response: {status: 200},
		chaincode_id: {name: 'asset', version: '1.0'}}).finish();
	const hash = crypto.createHash('sha256').update(endorsement._payload).digest();
	const payload = ProposalResponsePayload.encode({proposal_hash: hash, extension: action}).finish();
	const identity = protos.msp.SerializedIdentity.encode({mspid: endorser.mspid,
		id_bytes: Buffer.from(read(endorser.cert))}).finish();
	const signature = sign(Buffer.concat([payload, identity]), read(endorser.key));
	endorsement._proposalResponses = [{response: {status: 200}, payload,
		endorsement: {endorser: identity, signature}}];
}

// The library listens to peers; an orderer's Deliver has the same messages.
class OrdererEventer extends Eventer {
	constructor(name, client, mspid) {
		super(name, client, mspid);
		this.serviceClass = protos.services.orderer.AtomicBroadcast;
	}
}

async function listen(channel, identity, options, onBlock) {
	const client = channel.client;
	const eventer = new OrdererEventer('orderer', client, 'OrdererMSP');
	eventer.setEndpoint(channel.getCommitters()[0].endpoint);
	await eventer.connect();
	const service = channel.newEventService('blocks');
	service.setTargets([eventer]);
	service.build(identity, {blockType: 'full', ...options});
	service.sign(identity);
	service.registerBlockListener((error, event) => onBlock(error, event), {unregister: false});
	await service.send();
	return service;
}

function transaction(channel, identity, text) {
	const endorsement = channel.newEndorsement('asset');
	endorsement.build(identity, {fcn: 'put', args: ['a', text]});
	endorsement.sign(identity);
	endorse(endorsement, given.endorser);
	const commit = endorsement.newCommit();
	commit.build(identity);
	commit.sign(identity);
	return {id: endorsement.getTransactionId(), commit};
}

async function send(channel, commit) {
	const answer = await commit.send({targets: channel.getCommitters(), requestTimeout: 20000});
	return [answer.status, answer.info].filter(Boolean).join(' ');
}

// All blocks that there are: with FAIL_IF_NOT_READY up to the newest.
async function history(channel, identity) {
	const numbers = [];
	await new Promise((resolve) => {
		listen(channel, identity, {startBlock: 0, endBlock: 'newest'}, (error, event) => {
			if (error) {
				resolve();
			} else {
				const first = event.block.data.data[0].payload;
				numbers.push(`${event.blockNumber}:${first.header.channel_header.typeString}`);
			}
		});
	});
	say('history', ...numbers);
}

async function main() {
	const wallet = await Wallets.newInMemoryWallet();
	await wallet.put('user', {type: 'X.509', mspId: given.client.mspid, credentials: {
		certificate: read(given.client.cert), privateKey: read(given.client.key)}});
	const gateway = new Gateway();
	await gateway.connect(profile(), {wallet, identity: 'user', discovery: {enabled: false},
		queryHandlerOptions: {strategy: () => null}, eventHandlerOptions: {strategy: null}});
	const channel = (await gateway.getNetwork(given.channel)).getChannel();
	const user = gateway.identityContext.user;
	const identity = () => channel.client.newIdentityContext(user);

	const committed = transaction(channel, identity(), 'one');
	const seen = new Promise((resolve, reject) => {
		listen(channel, identity(), {startBlock: 1}, (error, event) => {
			if (error) {
				reject(error);
				return;
			}
			for (const {payload} of event.block.data.data) {
				if (payload.header.channel_header.tx_id === committed.id) {
					resolve([event.blockNumber, payload]);
				}
			}
		}).catch(reject);
	});
	say('commit', await send(channel, committed.commit));
	const [number, payload] = await seen;
	const action = payload.data.actions[0].payload;
	say('block', number, payload.header.channel_header.typeString,
		action.action.endorsements[0].endorser.mspid,
		action.action.proposal_response_payload.extension.chaincode_id.name);
	say('envelope', crypto.createHash('sha256').update(committed.commit._payload).digest('hex'));

	const spoilt = transaction(channel, identity(), 'two');
	spoilt.commit._signature = Buffer.alloc(70);
	say('spoilt', await send(channel, spoilt.commit));
	await history(channel, identity());
	gateway.disconnect();
}

main().then(() => process.exit(0), (error) => {
	console.error(error);
	process.exit(1);
});
