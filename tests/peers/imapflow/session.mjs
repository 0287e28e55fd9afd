// What the test of imapflow has it do; answers one JSON line for each question on standard input.
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { ImapFlow } from 'imapflow';

const { port, address, password, caFile } = JSON.parse(process.argv[2]);
const client = new ImapFlow({
    host: 'localhost',
    port,
    secure: true,
    auth: { user: address, pass: password },
    tls: { ca: readFileSync(caFile) },
    qresync: true,
    logger: false,
});
const heard = [];
client.on('exists', event => heard.push({ exists: event.count }));
client.on('expunge', event => heard.push({ expunge: event.uid ?? event.seq }));
client.on('flags', event => heard.push({ flags: [...event.flags].sort(), uid: event.uid ?? null }));

const actions = {
    enabled: async () => [...client.enabled].sort(),
    list: async () => (await client.list()).map(({ path, specialUse }) => [path, specialUse ?? null]),
    create: async ({ name }) => (await client.mailboxCreate(name)).created,
    rename: async ({ name, to }) => (await client.mailboxRename(name, to)).newPath,
    remove: async ({ name }) => (await client.mailboxDelete(name)).path,
    status: async ({ name }) => {
        const { messages, unseen, uidNext } = await client.status(name, { messages: true, unseen: true, uidNext: true });
        return { messages, unseen, uidNext };
    },
    open: async ({ name }) => {
        const { exists, uidNext, highestModseq } = await client.mailboxOpen(name);
        return { exists, uidNext, modseq: String(highestModseq) };
    },
    download: async () => {
        const found = [];
        for await (const { source, flags } of client.fetch('1:*', { source: true, flags: true })) {
            found.push([source.toString('base64'), [...flags]]);
        }
        return found;
    },
    changed: async ({ since }) => {
        const found = [];
        for await (const { uid, flags } of client.fetch('1:*', { uid: true, flags: true }, { changedSince: BigInt(since) })) {
            found.push([uid, [...flags]]);
        }
        return found;
    },
    search: async ({ query }) => client.search(query, { uid: true }),
    add: async ({ uids, flags }) => client.messageFlagsAdd(uids, flags, { uid: true }),
    move: async ({ uids, to }) => Object.fromEntries((await client.messageMove(uids, to, { uid: true })).uidMap),
    copy: async ({ uids, to }) => Object.fromEntries((await client.messageCopy(uids, to, { uid: true })).uidMap),
    delete: async ({ uids }) => client.messageDelete(uids, { uid: true }),
    append: async ({ name, text, flags }) => (await client.append(name, Buffer.from(text, 'base64'), flags)).uid,
    // IDLE until such an event is heard, which the caller causes; others may come before it.
    hear: async ({ kind }) => {
        const deadline = Date.now() + 20_000;
        const idling = client.idle();
        while (!heard.some(event => kind in event) && Date.now() < deadline) {
            await new Promise(resolve => setTimeout(resolve, 20));
        }
        await client.noop();
        await idling;
        return heard.splice(0);
    },
    logout: async () => client.logout(),
};

await client.connect();
console.log(JSON.stringify('ready'));
for await (const line of createInterface({ input: process.stdin })) {
    const { action, ...given } = JSON.parse(line);
    try {
        console.log(JSON.stringify({ result: (await actions[action](given)) ?? null }));
    } catch (error) {
        console.log(JSON.stringify({ error: `${error.message} ${error.responseText ?? ''}` }));
    }
    if (action === 'logout') {
        break;
    }
}
