// The line of changes, without a browser: `node --test listkeeper/web/assets/tests`.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { LetterQueue, meaning, rebased } from "../elements/letter_queue.js";

const set = (id, html) => ({ op: "set", block: { id, type: "text", html } });
const saved = (version) => ({ status: 200, said: { version, saved_at: "2026-12-01T10:00:00Z" } });
const turn = () => new Promise((resolve) => setImmediate(resolve));

class Server {
  constructor(version = 1) {
    Object.assign(this, { version, known: new Map(), applied: [], asked: [], plan: [] });
  }

  // What a server of ours does with a key, a version and a change; `plan` says where the line breaks.
  async take({ key, base, change }) {
    this.asked.push({ key, base, change });
    const broken = this.plan.shift();
    if (broken === "before") throw new Error("lost before");
    if (broken?.status) return broken;
    const answer = this.answer(key, base, change);
    if (broken === "after") throw new Error("lost after");
    return answer;
  }

  answer(key, base, change) {
    const body = JSON.stringify(change);
    if (this.known.has(key)) {
      const before = this.known.get(key);
      return before.body === body ? before.answer : { status: 422, said: { code: "key_reused" } };
    }
    if (base !== this.version) {
      return { status: 412, said: { code: "changed_elsewhere", version: this.version, document: { blocks: [] } } };
    }
    this.version += 1;
    this.applied.push(change);
    this.known.set(key, { body, answer: saved(this.version) });
    return saved(this.version);
  }
}

function made(server, more = {}) {
  let number = 0;
  const told = [];
  const kept = [];
  const queue = new LetterQueue({
    version: server.version,
    keep: async (record) => void kept.push(record),
    send: (entry) => server.take(structuredClone(entry)),
    key: () => `key-${(number += 1)}`,
    told: (one) => told.push(one),
    random: () => 0.5,
    ...more,
  });
  return { queue, told, kept };
}

async function pass(milliseconds) {
  for (let gone = 0; gone < milliseconds; gone += 50) {
    mock.timers.tick(50);
    for (let turns = 0; turns < 8; turns += 1) await turn();
  }
}

test.beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"] }));
test.afterEach(() => mock.timers.reset());

test("what is typed in one go is one change, and saved is said only after the answer", async () => {
  const server = new Server();
  const { queue, told } = made(server);
  for (const words of ["H", "He", "Hey"]) queue.add(set("a", words));
  assert.equal(queue.state, "saving");
  await pass(600);
  assert.equal(server.asked.length, 0);
  await pass(200);
  assert.deepEqual(server.applied, [set("a", "Hey")]);
  assert.equal(queue.state, "saved");
  assert.equal(told.at(-1).state, "saved");
  assert.equal(queue.version, 2);
});

test("whoever types without a pause is saved all the same", async () => {
  const server = new Server();
  const { queue } = made(server);
  for (let stroke = 0; stroke < 100; stroke += 1) {
    queue.add(set("a", `${stroke}`));
    await pass(100);
  }
  assert.ok(server.applied.length >= 1);
});

test("a change that may have arrived is repeated as it was, and later words go behind it", async () => {
  const server = new Server();
  const { queue } = made(server);
  server.plan = ["after", "before"];
  queue.add(set("a", "first"));
  await pass(750);
  assert.equal(queue.state, "offline");
  queue.add(set("a", "second"));
  await pass(8000);
  assert.deepEqual(server.applied, [set("a", "first"), set("a", "second")]);
  assert.equal(new Set(server.asked.slice(0, 3).map((asked) => `${asked.key} ${asked.base}`)).size, 1);
  assert.equal(queue.state, "saved");
});

test("two hundred edits over a line that loses three in ten, in both directions: none lost, none doubled", async () => {
  const server = new Server();
  const { queue } = made(server);
  let seed = 8;
  const chance = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const wanted = [];
  for (let edit = 0; edit < 200; edit += 1) {
    server.plan = Array.from({ length: 400 }, () => (chance() < 0.3 ? (chance() < 0.5 ? "before" : "after") : undefined));
    const change = { op: "insert", block: { id: `b${edit}` }, after: null };
    wanted.push(change);
    queue.add(change);
    await pass(300);
  }
  await pass(120_000);
  assert.deepEqual(server.applied, wanted);
  assert.equal(queue.state, "saved");
});

test("it tries again after 1, 2, 4, 8 and then every 15 seconds", async () => {
  const server = new Server();
  const { queue } = made(server);
  server.plan = Array(9).fill("before");
  const times = [];
  const asked = server.take.bind(server);
  server.take = (entry) => (times.push(Date.now()), asked(entry));
  queue.add({ op: "remove", id: "a" });
  await pass(70_000);
  const pauses = times.slice(1, 7).map((time, place) => Math.round((time - times[place]) / 1000));
  assert.deepEqual(pauses, [1, 2, 4, 8, 15, 15]);
});

test("everything is on the device before the server is asked, and gone from it afterwards", async () => {
  const server = new Server();
  const kept = [];
  const { queue } = made(server, {
    keep: async (record) => void kept.push(record),
    send: async (entry) => {
      const [first] = kept.at(-1).line;
      assert.deepEqual([first.key, first.base, first.tried], [entry.key, entry.base, true]);
      return server.take(entry);
    },
  });
  queue.add({ op: "remove", id: "a" });
  await pass(200);
  assert.equal(server.applied.length, 1);
  assert.equal(kept.at(-1), null);
});

test("a device that keeps nothing is told of, and the change is sent all the same", async () => {
  const server = new Server();
  const { queue, told } = made(server, { keep: async () => Promise.reject(new Error("refused")) });
  queue.add({ op: "remove", id: "a" });
  await pass(200);
  assert.equal(server.applied.length, 1);
  assert.equal(told.at(-1).device, false);
});

test("a page that died takes up where it was: the lost answer is asked for again, the rest follows", async () => {
  const server = new Server(7);
  const before = made(server);
  server.plan = ["after", "before", "before", "before"];
  before.queue.add(set("a", "one"));
  await pass(750);
  before.queue.add(set("b", "two"));
  await pass(100);
  const record = before.kept.at(-1);
  before.queue.ask = () => new Promise(() => {});
  server.plan = [];
  // The next page is drawn from what is stored by now, which holds the first change already.
  const { queue } = made(server, { key: () => "another" });
  assert.equal(queue.version, 8);
  queue.adopt(record);
  await pass(2000);
  assert.deepEqual(server.applied, [set("a", "one"), set("b", "two")]);
  assert.deepEqual([queue.version, queue.state], [9, "saved"]);
});

test("a page that died before somebody else wrote asks before it lays its words on theirs", async () => {
  const server = new Server(7);
  const record = { version: 7, at: 0, line: [{ key: "old", change: set("a", "mine"), tried: false, at: 0 }], refused: [] };
  server.answer("theirs", 7, set("a", "theirs"));
  const { queue } = made(server);
  queue.adopt(record);
  await pass(100);
  assert.equal(queue.state, "elsewhere");
  assert.deepEqual(server.applied, [set("a", "theirs")]);
});

test("two writers: it stops, keeps mine, and lays it on theirs when the person says so", async () => {
  const server = new Server();
  const { queue, told } = made(server);
  server.answer("theirs", 1, set("z", "theirs"));
  queue.add(set("a", "mine"));
  await pass(750);
  queue.add(set("b", "mine too"));
  await pass(5000);
  assert.equal(queue.state, "elsewhere");
  assert.equal(queue.unsent, 2);
  const { said } = told.find((one) => one.kind === "elsewhere");
  queue.keepMine({ version: said.version, document: { blocks: [{ id: "z" }, { id: "a" }, { id: "b" }] } }, ["a", "b"]);
  await pass(2000);
  assert.deepEqual(server.applied.slice(1), [set("a", "mine"), set("b", "mine too")]);
  assert.equal(queue.state, "saved");
});

test("what is refused is put aside, the others go on, and other words take its place", async () => {
  const server = new Server();
  const { queue, told } = made(server);
  server.plan = [{ status: 422, said: { code: "document_refused", detail: "The link does not fit.", place: "a" } }];
  queue.add({ op: "insert", block: { id: "a", href: "bad" }, after: null });
  await pass(100);
  queue.add(set("b", "other"));
  await pass(1000);
  assert.deepEqual(server.applied, [set("b", "other")]);
  assert.deepEqual([queue.state, told.at(-1).detail], ["refused", "The link does not fit."]);
  queue.add(set("a", "good"));
  await pass(1000);
  assert.deepEqual(server.applied.at(-1), { op: "insert", block: set("a", "good").block, after: null });
  assert.equal(queue.state, "saved");
});

test("an old token is fetched anew once; whoever is signed out is told, and is heard when back", async () => {
  const server = new Server();
  let signedIn = true;
  const { queue, told } = made(server, { renew: async () => signedIn });
  const old = { status: 403, said: { code: "page_too_old", detail: "Old." } };
  server.plan = [old];
  queue.add({ op: "remove", id: "a" });
  await pass(200);
  assert.equal(queue.state, "saved");
  signedIn = false;
  server.plan = [old];
  queue.add({ op: "remove", id: "b" });
  await pass(200);
  assert.deepEqual([queue.state, told.at(-1).detail], ["refused", "Old."]);
  queue.kick();
  await pass(200);
  assert.deepEqual([queue.state, server.applied.length], ["saved", 2]);
});

test("whoever waits for everything to be stored waits for that, and hears no when it cannot be", async () => {
  const server = new Server();
  const { queue } = made(server);
  assert.equal(await queue.settled(), true);
  queue.add(set("a", "typed a moment ago"));
  const heard = queue.settled();
  await pass(100);
  assert.equal(await heard, true);
  server.plan = Array(50).fill("before");
  queue.add(set("a", "typed in a tunnel"));
  const no = queue.settled();
  await pass(20_000);
  assert.equal(await no, false);
});

test("changes are laid on another version without the blocks that are gone there", () => {
  const document = { blocks: [{ id: "x" }, { id: "y" }] };
  const insert = { op: "insert", block: { id: "n" }, after: "gone" };
  const changes = [insert, { op: "move", id: "gone", after: "x" }, { op: "remove", id: "gone" }, set("gone", "words")];
  const laid = rebased(changes, document, ["x", "gone", "n", "y"]);
  assert.deepEqual(laid, [{ ...insert, after: "x" }, set("gone", "words")]);
});

test("every answer means something", () => {
  const means = { 200: "ok", 201: "ok", 412: "elsewhere", 0: "out", 303: "out", 401: "out", 403: "out", 404: "over" };
  for (const [status, word] of Object.entries(means)) assert.equal(meaning(Number(status), ""), word);
  for (const status of [408, 429, 500, 502, 503]) assert.equal(meaning(status, ""), "again");
  for (const status of [400, 413, 415, 422, 428]) assert.equal(meaning(status, "x"), "no");
  assert.equal(meaning(409, "not_a_draft"), "over");
  assert.equal(meaning(403, "page_too_old"), "renew");
  assert.equal(meaning(404, "no_revision"), "no");
  assert.equal(meaning(409, "block_gone"), "no");
  assert.equal(meaning(409, "still_running"), "again");
});
