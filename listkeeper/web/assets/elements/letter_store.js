// What this device keeps of a letter until the server has it. Each page has a
// record of its own; a record whose page lives no more is taken over by the
// next page that opens the letter.
import { createStore, del, entries, set } from "idb-keyval";

const HELD = "lk-letter:";
const TOO_OLD = 60 * 24 * 3600 * 1000;
let opened = null;
const store = () => (opened ??= createStore("listkeeper-letters", "changes"));

/** A new random name; unlike `crypto.randomUUID` also on plain http. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export class LetterStore {
  constructor(letter) {
    this.letter = letter;
    this.name = `${HELD}${letter}:${uuid()}`;
    this.hold();
  }

  keep(record) {
    return record ? set(this.name, record, store()) : del(this.name, store());
  }

  /** The oldest record of this letter whose page is gone, and its name, by which it is forgotten once it is taken over. */
  async orphan() {
    const all = await entries(store());
    await this.tidy(all);
    const living = await this.living();
    const [found] = all
      .filter(([name]) => name.startsWith(`${HELD}${this.letter}:`) && !living.has(name))
      .sort(([, one], [, other]) => one.at - other.at);
    if (!found) return null;
    const [name, record] = found;
    return { name, record };
  }

  forget(name) {
    return del(name, store());
  }

  async tidy(all) {
    const old = all.filter(([, record]) => Date.now() - record.at > TOO_OLD);
    await Promise.all(old.map(([name]) => del(name, store())));
  }

  // A page holds a lock for as long as it lives. Plain http has no locks: there the other pages are asked by name.
  hold() {
    if (navigator.locks) navigator.locks.request(this.name, () => new Promise(() => {}));
    if (typeof BroadcastChannel === "undefined") return;
    this.channel = new BroadcastChannel(`${HELD}${this.letter}`);
    this.others = new Set([this.name]);
    this.channel.onmessage = ({ data }) => {
      if (data === "who") this.channel.postMessage(this.name);
      else this.others.add(data);
    };
  }

  async living() {
    if (navigator.locks) return new Set((await navigator.locks.query()).held.map((lock) => lock.name));
    this.channel?.postMessage("who");
    await new Promise((resolve) => setTimeout(resolve, 300));
    return this.others ?? new Set([this.name]);
  }
}
