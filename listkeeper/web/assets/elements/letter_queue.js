// The line of changes of one letter. Nothing here knows a page, a browser or
// a network: `keep` puts the line on the device, `send` asks the server, and
// `told` hears what became of it.
//
// A change gets its key when it is made, is kept on the device, and is then
// sent, one at a time. One that may have reached the server is repeated as it
// is, with the same key and on the same version, until there is an answer.
// One that cannot have reached it takes up what is typed in the meantime.
const PAUSES = [1000, 2000, 4000, 8000, 15000];
const PATIENCE = 4;
const TYPING = 700;
// Whoever types without a pause is saved all the same.
const LONGEST_TYPING = 5000;
const CONTENT = new Set(["set", "head", "body", "theme"]);

/** What a change is about: changes of the same thing replace one another. */
export function aim(change) {
  if (change.op === "set" || change.op === "insert") return `block ${change.block.id}`;
  return CONTENT.has(change.op) ? change.op : null;
}

/** What an answer means: ok, elsewhere, renew, again, out (signed out), over (no draft any more) or no. */
export function meaning(status, code) {
  if (status >= 200 && status < 300) return "ok";
  if (status === 412) return "elsewhere";
  if (code === "page_too_old") return "renew";
  if (status === 409 && code === "still_running") return "again";
  if (status === 409 && !["block_gone", "block_there"].includes(code)) return "over";
  if (status === 404 && code !== "no_revision") return "over";
  if (status === 408 || status === 429 || status >= 500) return "again";
  if (status < 400 || status === 401 || status === 403) return "out";
  return "no";
}

/** The same changes for another version of the letter; `order` is how the blocks stand on this page. */
export function rebased(changes, document, order) {
  const there = new Set(document.blocks.map((block) => block.id));
  const nearest = (id, after) => {
    if (after === null || there.has(after)) return after;
    const before = order.slice(0, Math.max(order.indexOf(id), 0)).reverse();
    return before.find((each) => there.has(each)) ?? null;
  };
  const made = [];
  for (const change of changes) {
    if (change.op === "move" || change.op === "remove") {
      if (!there.has(change.id)) continue;
      if (change.op === "remove") there.delete(change.id);
      made.push(change.op === "move" ? { ...change, after: nearest(change.id, change.after) } : change);
    } else if (change.op === "insert") {
      const { block } = change;
      made.push(there.has(block.id) ? { op: "set", block } : { ...change, after: nearest(block.id, change.after) });
      there.add(block.id);
    } else made.push(change);
  }
  return made;
}

export class LetterQueue {
  constructor({ version, savedAt = null, keep, send, renew = async () => false, key, told = () => {}, random = Math.random }) {
    Object.assign(this, { version, savedAt, keepOnDevice: keep, ask: send, renew, newKey: key, told, random });
    this.shown = version;
    this.line = [];
    this.refused = [];
    this.stopped = null;
    this.failures = 0;
    this.device = true;
    this.due = 0;
    this.waiting = [];
  }

  get unsent() {
    return this.line.length + this.refused.length;
  }

  /** Take up a change that the person has made. */
  add(change) {
    if (!this.merge(change)) this.line.push({ key: this.newKey(), change: this.mended(change), at: Date.now() });
    if (this.stopped?.why === "out") this.stopped = null;
    this.write();
    const first = this.line.find((entry) => !entry.tried)?.at ?? Date.now();
    const patience = CONTENT.has(change.op) ? Math.min(TYPING, first + LONGEST_TYPING - Date.now()) : 0;
    this.due = Date.now() + Math.max(patience, 0);
    if (!this.failures) this.soon();
    this.say();
  }

  merge(change) {
    if (!CONTENT.has(change.op)) return false;
    for (let place = this.line.length - 1; place >= 0; place -= 1) {
      const entry = this.line[place];
      if (entry.tried) return false;
      if (aim(entry.change) === aim(change)) {
        entry.change = entry.change.op === "insert" ? { ...entry.change, block: change.block } : change;
        return true;
      }
      if (!CONTENT.has(entry.change.op)) return false;
    }
    return false;
  }

  // What was refused and is now written otherwise takes the place of what was refused.
  mended(change) {
    const about = change.op === "remove" ? `block ${change.id}` : aim(change);
    const before = about && this.refused.find((entry) => aim(entry.change) === about);
    if (!before) return change;
    this.refused = this.refused.filter((entry) => entry !== before);
    return before.change.op === "insert" && change.op === "set" ? { ...before.change, block: change.block } : change;
  }

  /** Take over what an earlier page of this letter could not send. */
  async adopt(record) {
    this.version = record.version;
    this.line = record.line.map((entry) => ({ ...entry }));
    for (const entry of record.refused) this.line.push({ key: this.newKey(), change: entry.change, at: entry.at });
    await this.write();
    this.kick();
  }

  /** Try now: the line is back, or the person has come back. */
  kick() {
    if (this.stopped?.why === "out") this.stopped = null;
    this.due = this.failures = 0;
    clearTimeout(this.timer);
    this.say();
    return this.pump();
  }

  soon(wait = Math.max(this.due - Date.now(), 0)) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.pump(), wait);
  }

  async pump() {
    if (this.busy || this.stopped || !this.line.length) return;
    this.busy = true;
    clearTimeout(this.timer);
    const [entry] = this.line;
    if (!entry.tried) Object.assign(entry, { tried: true, base: this.version });
    await this.write();
    let answer = null;
    try {
      answer = await this.ask(entry);
    } catch {
      // No answer. Whether it arrived is not known, so it is asked again as it was.
    }
    this.busy = false;
    await this.answered(entry, answer);
  }

  async answered(entry, answer) {
    const said = answer?.said ?? {};
    const means = answer ? meaning(answer.status, said.code) : "again";
    if (means === "renew") return this.renewed(said);
    if (means === "again") return this.again();
    this.failures = 0;
    if (means === "ok") this.arrived(entry, said);
    else if (means === "elsewhere") this.stop("elsewhere", said);
    else if (means === "out" || means === "over") this.stop(means, said);
    else this.refuse(entry, said);
    await this.write();
    this.say();
    if (this.line.length && !this.stopped) this.soon();
  }

  arrived(entry, said) {
    this.line = this.line.filter((each) => each !== entry);
    this.version = said.version;
    // Changes of an earlier page are sent on the version that page knew; with the last of them this page is up to date.
    if (!this.line.length) this.version = this.shown = Math.max(said.version, this.shown);
    this.savedAt = said.saved_at;
    this.askedAgain = false;
    this.told({ kind: "arrived", entry, said, rest: this.line.length });
  }

  refuse(entry, said) {
    this.line = this.line.filter((each) => each !== entry);
    this.refused.push({ ...entry, said });
    this.told({ kind: "refused", entry, said });
  }

  stop(why, said) {
    this.stopped = { why, said };
    this.told({ kind: why, said });
  }

  again() {
    const wait = PAUSES[Math.min(this.failures, PAUSES.length - 1)];
    this.failures += 1;
    this.say();
    this.soon(wait * (0.75 + this.random() / 2));
  }

  // Signed in again in another tab: the session has another token now.
  async renewed(said) {
    if (this.askedAgain) this.stop("out", said);
    else {
      this.askedAgain = true;
      let found = false;
      try {
        found = await this.renew();
      } catch {
        this.askedAgain = false;
        return this.again();
      }
      if (found) return this.soon(0);
      this.stop("out", said);
    }
    this.askedAgain = false;
    this.say();
  }

  /** Lay the unsent changes on what is stored now. */
  keepMine(current, order) {
    const changes = rebased(this.line.map((entry) => entry.change), current.document, order);
    this.line = changes.map((change) => ({ key: this.newKey(), change, at: Date.now() }));
    this.version = this.shown = current.version;
    this.stopped = null;
    this.write();
    return this.kick();
  }

  /** Forget what was not sent. */
  async throwAway() {
    this.line = [];
    this.refused = [];
    this.stopped = null;
    clearTimeout(this.timer);
    await this.write();
    this.say();
  }

  /** Send a refused change as another one, or (without one) let it go. */
  instead(refused, change = null) {
    this.refused = this.refused.filter((entry) => entry.key !== refused.key);
    if (change) this.line.push({ key: this.newKey(), change, at: Date.now() });
    this.write();
    return this.kick();
  }

  /** Send all; true when everything is stored, false when something stands in the way. */
  async settled() {
    if (this.state !== "saved") {
      const done = new Promise((resolve) => this.waiting.push(resolve));
      this.kick();
      return done;
    }
    return true;
  }

  get state() {
    if (this.stopped) return this.stopped.why === "elsewhere" ? "elsewhere" : "refused";
    if (this.line.length) return this.failures ? "offline" : "saving";
    return this.refused.length ? "refused" : "saved";
  }

  say() {
    const { state } = this;
    const about = this.stopped ?? this.refused[0];
    this.told({ kind: "state", state, savedAt: this.savedAt, detail: about?.said?.detail, device: this.device });
    // One that waits for everything to be stored waits through a bad line, but not for ever.
    if (state === "saving" || (state === "offline" && this.failures < PATIENCE)) return;
    for (const resolve of this.waiting.splice(0)) resolve(state === "saved");
  }

  // Writes come one after another; the last one holds what the line is by then.
  write() {
    this.dirty = true;
    this.writing ??= this.writeAll();
    return this.writing;
  }

  async writeAll() {
    while (this.dirty) {
      this.dirty = false;
      const { version, line, refused } = this;
      const record = line.length || refused.length ? { version, line, refused, at: Date.now() } : null;
      try {
        await this.keepOnDevice(record && structuredClone(record));
        this.device = true;
      } catch {
        this.device = false;
      }
    }
    this.writing = null;
  }
}
