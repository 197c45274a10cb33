// The list of blocks: what a press on Up, Down, Copy, Remove or Add does on
// this page at once, where the focus is afterwards, and which change it makes.
import { firstWords, fresh, made, newId, read, show } from "./block_fields.js";
import { composerWords, filled, say } from "./composer_words.js";
import { readable } from "./merge_tags.js";

const LENGTH = 80;
const FIELD = "form :is(input:not([type=hidden], [type=file]), textarea, select)";

export class BlockList {
  /** `changed` hears of every change that is made here. */
  constructor(list, changed) {
    Object.assign(this, { list, changed });
    for (const item of this.items) this.label(item);
  }

  get items() {
    return [...this.list.querySelectorAll(":scope > [data-block]")];
  }

  get order() {
    return this.items.map((item) => item.dataset.block);
  }

  get blocks() {
    return this.items.map(read);
  }

  item(id) {
    return this.items.find((each) => each.dataset.block === id);
  }

  name(item) {
    return composerWords().kinds[item.dataset.type];
  }

  /** Say in the block's line what it holds. */
  label(item) {
    const { tags, words } = composerWords();
    const text = readable(firstWords(read(item)), tags, words.or);
    const place = item.querySelector("[data-said]");
    const short = text.length > LENGTH ? `${text.slice(0, LENGTH).trimEnd()}…` : text;
    if (place.textContent !== short) place.textContent = short;
  }

  before(item) {
    let found = item.previousElementSibling;
    while (found && !found.matches("[data-block]")) found = found.previousElementSibling;
    return found?.dataset.block ?? null;
  }

  place(item, after) {
    const anchor = after === null ? null : this.item(after);
    if (anchor) anchor.after(item);
    else this.list.prepend(item);
  }

  /** Do what a button of a block says. */
  do(what, item) {
    if (what === "remove") return this.remove(item);
    if (what === "copy") return this.insert([{ ...read(item), id: newId() }], item.dataset.block);
    return this.step(item, what === "up" ? -1 : 1);
  }

  step(item, by) {
    this.forgetUndo();
    const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
    const { words } = composerWords();
    if (!other?.matches("[data-block]")) return say(by < 0 ? words.isFirst : words.isLast);
    const focused = document.activeElement;
    // The other one is moved, so that what is written in this one stays as it is.
    if (by < 0) item.after(other);
    else item.before(other);
    focused?.focus();
    item.scrollIntoView({ block: "nearest" });
    this.moved(item);
  }

  /** Tell that a block now stands where it stands. */
  moved(item) {
    const place = this.order.indexOf(item.dataset.block) + 1;
    say(filled(composerWords().words.moved, { name: this.name(item), place, all: this.items.length }));
    this.changed({ op: "move", id: item.dataset.block, after: this.before(item) });
  }

  /** Put blocks behind another one (null: first), open the first of them and go to its first field. */
  insert(blocks, after) {
    let behind = after;
    for (const block of blocks) {
      this.show(block, behind);
      this.changed({ op: "insert", block: read(this.item(block.id)), after: behind });
      behind = block.id;
    }
    const first = this.item(blocks[0].id);
    say(filled(composerWords().words.added, { name: this.name(first) }));
    this.open(first);
  }

  add(type, after) {
    this.insert([fresh(type)], after);
  }

  /** Show a block behind another one, without telling anybody. */
  show(block, after) {
    const known = this.item(block.id);
    if (known) show(known, block);
    else this.place(made(block), after);
    this.label(this.item(block.id));
    return this.item(block.id);
  }

  /** Open a block and go to its first field, or to the named one. */
  open(item, field = null) {
    item.querySelector("details").open = true;
    const named = field && item.querySelector(`[name="${CSS.escape(field)}"]`);
    const first = named ?? item.querySelector(FIELD) ?? item.querySelector("summary");
    item.scrollIntoView({ block: "nearest" });
    (first.closest("lk-richtext") ?? first).focus();
  }

  remove(item) {
    const block = read(item);
    const after = this.before(item);
    const next = item.nextElementSibling ?? item.previousElementSibling;
    this.forgetUndo();
    const undo = document.getElementById("undo").content.firstElementChild.cloneNode(true);
    undo.querySelector("span").textContent = filled(composerWords().words.removed, { name: this.name(item) });
    item.replaceWith(undo);
    undo.querySelector("button").addEventListener("click", () => {
      undo.remove();
      this.insert([{ ...block, id: newId() }], after && this.item(after) ? after : null);
    });
    say(undo.textContent);
    (next?.querySelector("summary") ?? undo.querySelector("button")).focus();
    this.changed({ op: "remove", id: block.id });
  }

  forgetUndo() {
    for (const old of this.list.querySelectorAll(":scope > [data-undo]")) old.remove();
  }

  /** Show another state of the letter; blocks named in `mine` stay even if it lacks them. */
  become(blocks, mine = new Set()) {
    this.forgetUndo();
    const wanted = new Set(blocks.map((block) => block.id));
    for (const item of this.items) if (!wanted.has(item.dataset.block) && !mine.has(item.dataset.block)) item.remove();
    let behind = null;
    for (const block of blocks) {
      const item = this.show(block, behind);
      const stands = behind === null ? this.items[0] === item : this.before(item) === behind;
      if (!stands) this.place(item, behind);
      behind = block.id;
    }
  }

  /** Show on this page what a change does, without telling anybody. */
  apply(change) {
    const item = this.item(change.id ?? change.block?.id);
    if (change.op === "insert" || (change.op === "set" && item)) this.show(change.block, change.after ?? null);
    else if (change.op === "set") this.show(change.block, this.order.at(-1) ?? null);
    else if (change.op === "remove") item?.remove();
    else if (change.op === "move" && item) this.place(item, change.after);
  }
}
