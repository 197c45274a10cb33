// <lk-letter data-address data-letter data-version data-saved-at data-mode data-says>:
// the letter on this page. What a person does becomes a change at once, is kept
// on this device, and goes to the server by itself.
import Sortable from "sortablejs/modular/sortable.core.esm.js";
import { askKind, askName } from "./ask.js";
import { addRow, newId, read } from "./block_fields.js";
import { BlockList } from "./block_list.js";
import { composerWords } from "./composer_words.js";
import { LetterConflict } from "./letter_conflict.js";
import { LetterLine } from "./letter_line.js";
import { LetterQueue } from "./letter_queue.js";
import { LetterState } from "./letter_state.js";
import { LetterStore, uuid } from "./letter_store.js";
import { PlainLines } from "./plain_lines.js";
import { saveSnippet, snippetBlocks } from "./snippets.js";

// After these the server says what the letter is like now.
const WHOLE = new Set(["restore", "fix", "document"]);

class Letter extends HTMLElement {
  connectedCallback() {
    if (this.queue) return;
    this.mode = this.dataset.mode;
    this.line = new LetterLine(this.dataset.address);
    this.store = new LetterStore(this.dataset.letter);
    this.state = new LetterState(this);
    this.queue = new LetterQueue({
      version: Number(this.dataset.version),
      savedAt: this.dataset.savedAt,
      keep: (record) => this.store.keep(record),
      send: (entry) => this.line.send(entry),
      renew: () => this.line.renew(),
      key: uuid,
      told: (said) => this.heard(said),
    });
    this.conflict = new LetterConflict(this);
    this.lines = new PlainLines(this, (sentence) => this.state.note(sentence));
    const list = this.querySelector("[data-blocks]");
    this.blocks = list && new BlockList(list, (change) => this.queue.add(change));
    this.listen();
    this.countChecks();
    if (list) this.makeSortable(list);
    if (location.hash.length > 1) this.jump(location.hash.slice(1), true);
    this.queue.say();
    this.takeUp();
  }

  listen() {
    this.addEventListener("input", (event) => this.typed(event));
    this.addEventListener("submit", (event) => this.submitted(event));
    this.addEventListener("click", (event) => this.clicked(event));
    const checks = this.querySelector("#check").parentElement;
    new MutationObserver(() => this.countChecks()).observe(checks, { childList: true });
    window.addEventListener("online", () => this.queue.kick());
    window.addEventListener("pagehide", () => this.leave());
    window.addEventListener("pageshow", (event) => event.persisted && this.queue.kick());
    window.addEventListener("beforeunload", (event) => this.queue.unsent && !this.queue.device && event.preventDefault());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && this.queue.unsent) this.queue.kick();
    });
    for (const way of document.querySelectorAll("[data-after-save]")) {
      way.addEventListener(way.matches("form") ? "submit" : "click", (event) => this.firstSave(way, event));
    }
  }

  // The grip is for the mouse and for touch; the buttons do the same.
  makeSortable(list) {
    Sortable.create(list, {
      handle: ".grip",
      draggable: "[data-block]",
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
      onEnd: ({ item, oldIndex, newIndex }) => oldIndex !== newIndex && this.blocks.moved(item),
    });
  }

  // --- What the person does ------------------------------------------------------------------------------------------

  typed({ target }) {
    const item = target.closest("[data-block]");
    if (item) {
      this.queue.add({ op: "set", block: read(item) });
      this.blocks.label(item);
    } else {
      const change = this.changeOf(target.closest("form[data-part]"));
      if (change) this.queue.add(change);
    }
  }

  changeOf(form) {
    const fields = form?.elements;
    switch (form?.dataset.part) {
      case "head":
        return { op: "head", subject: fields.subject.value, preheader: fields.preheader.value };
      case "theme":
        return { op: "theme", theme: { colour: fields.own_colour.checked ? fields.colour.value : null, font: fields.font.value } };
      case "body":
        return { op: "body", [this.mode]: fields[this.mode].value };
      default:
        return null;
    }
  }

  // Return in a field, or "Save": everything is saved by itself already, so this only hurries.
  submitted(event) {
    const form = event.target;
    if (form.dataset.part === "switch") {
      event.preventDefault();
      this.switchTo(event.submitter.value);
    } else if (form.matches("[data-part], [data-block] form")) {
      event.preventDefault();
      this.queue.kick();
    }
  }

  clicked(event) {
    const button = event.target.closest("button, a[data-jump]");
    const act = button && this.actOf(button, button.dataset, button.closest("[data-block]"));
    if (!act) return;
    event.preventDefault();
    act();
  }

  actOf(button, data, item) {
    if (data.do) return () => this.blocks.do(data.do, item);
    if ("add" in data) return () => this.add(item?.dataset.block ?? (data.add === "first" ? null : (this.blocks.order.at(-1) ?? null)));
    if (data.tagFor) return () => this.lines.putTag(document.getElementById(data.tagFor));
    if (data.pieceFor) return () => this.lines.putPiece(document.getElementById(data.pieceFor));
    if ("keep" in data) return () => this.keepPiece(item);
    if ("addRow" in data) return () => addRow(button.parentElement.querySelector("[data-rows]"))?.querySelector("input").focus();
    if ("jump" in data) return () => this.jump(data.jump);
    if ("try" in data) return () => this.tryIt();
    if (data.fixCode) return () => this.queue.add({ op: "fix", code: data.fixCode, place: data.place ?? "" });
    return null;
  }

  async add(after) {
    const chosen = await askKind();
    if (chosen?.kind) this.blocks.add(chosen.kind, after);
    const blocks = chosen?.snippet ? snippetBlocks(chosen.snippet) : [];
    if (blocks.length) this.blocks.insert(blocks.map((block) => ({ ...block, id: newId() })), after);
  }

  async keepPiece(item) {
    const name = await askName(item.querySelector("[data-said]").textContent);
    if (!name) return;
    const { sentence, tone } = await saveSnippet(name, [read(item)], this.line.token);
    this.state.note(sentence, tone);
  }

  // --- Checks --------------------------------------------------------------------------------------------------------

  /** Go to the place that a check is about: a field of the letter, or a block, or a field of a block ("b….href"). */
  jump(place, known = false) {
    const [id, ...rest] = place.split(".");
    const item = this.blocks?.item(id);
    const field = this.querySelector(`#${CSS.escape(id === "letter" ? this.mode : id)}:is(input, textarea)`);
    if (known && !item && !field) return;
    this.querySelector("lk-tabs")?.show("write");
    if (item) return this.blocks.open(item, rest.join(".") || null);
    const goal = field ?? this.querySelector("[data-blocks] summary") ?? document.getElementById("subject");
    goal.scrollIntoView({ block: "center" });
    goal.focus();
  }

  tryIt() {
    this.querySelector("lk-tabs")?.show("check");
    const field = this.querySelector("#try :is(input:not([type=hidden]), button)");
    field?.scrollIntoView({ block: "center" });
    field?.focus();
  }

  // How much there is to look at stands on the way to it.
  countChecks() {
    const { count = "0", ready } = this.querySelector("#check")?.dataset ?? {};
    const badge = this.querySelector("[data-count-badge]");
    badge.hidden = count === "0";
    badge.textContent = count;
    badge.classList.toggle("bad", ready === "no");
  }

  async switchTo(mode) {
    if (mode === this.mode) return;
    this.queue.add({ op: "switch", mode });
    await this.queue.settled();
  }

  // --- What becomes of it --------------------------------------------------------------------------------------------

  heard(said) {
    if (said.kind === "state") this.state.say(said, this.queue);
    else if (said.kind === "arrived") this.arrived(said);
    else if (said.kind === "elsewhere") this.conflict.show(said.said);
    else if (said.kind === "refused") this.refused(said);
  }

  arrived({ entry, said, rest }) {
    this.dataset.version = said.version;
    if (entry.change.op === "switch") return this.reload();
    if (said.document && WHOLE.has(entry.change.op)) this.show(said.document);
    // A preview of a letter that is about to change again helps nobody.
    if (!rest) this.dispatchEvent(new CustomEvent("lk:saved", { bubbles: true, detail: { version: said.version } }));
  }

  refused({ entry, said }) {
    const { change } = entry;
    if (["switch", "fix", "restore"].includes(change.op)) {
      // It was asked for and cannot be done; there is nothing to keep.
      this.queue.instead(entry);
      this.state.note(said.detail, "bad");
    } else if (said.code === "block_gone") this.conflict.gone(entry);
  }

  /** Show another state of the letter, with what was not sent yet laid over it. */
  show(document) {
    if (document.mode !== this.mode) return this.reload();
    const changes = [...this.queue.line, ...this.queue.refused].map((entry) => entry.change);
    this.fill(document);
    const mine = changes.flatMap((change) => (change.op === "set" || change.op === "insert" ? [change.block.id] : []));
    this.blocks?.become(document.blocks, new Set(mine));
    for (const change of changes) this.apply(change);
  }

  fill({ subject, preheader, theme, markdown, html }) {
    const text = { markdown, html };
    for (const [id, value] of Object.entries({ subject, preheader, ...text })) {
      const field = document.getElementById(id);
      if (field && value !== undefined && field.value !== value) field.value = value;
    }
    const look = this.querySelector("form[data-part=theme]")?.elements;
    if (!theme || !look) return;
    look.own_colour.checked = theme.colour !== null;
    if (theme.colour) look.colour.value = theme.colour;
    look.font.value = theme.font;
  }

  apply(change) {
    if (change.op === "head" || change.op === "theme" || change.op === "body") this.fill(change);
    else this.blocks?.apply(change);
  }

  /** The letter as it stands on this page. */
  get document() {
    const head = this.changeOf(this.querySelector("form[data-part=head]"));
    const theme = this.changeOf(this.querySelector("form[data-part=theme]"))?.theme;
    const body = this.changeOf(this.querySelector("form[data-part=body]")) ?? {};
    return { ...head, ...body, theme, mode: this.mode, blocks: this.blocks?.blocks ?? [] };
  }

  reload() {
    location.reload();
  }

  // --- Coming and going ----------------------------------------------------------------------------------------------

  // What an earlier page could not send is shown and sent; what it was, a person can see and undo.
  async takeUp() {
    let found = null;
    try {
      found = await this.store.orphan();
    } catch {
      // A browser that keeps nothing has nothing from before.
    }
    // Whoever types already is served first; what is from before waits on the device.
    if (!found || !(await this.queue.settled())) return;
    const { name, record } = found;
    const before = this.queue.version;
    for (const { change } of [...record.line, ...record.refused]) this.apply(change);
    this.state.fromBefore(record, before);
    await this.queue.adopt(record);
    await this.store.forget(name);
  }

  leave() {
    const [entry] = this.queue.line;
    if (!entry || this.queue.stopped) return;
    if (!entry.tried) Object.assign(entry, { tried: true, base: this.queue.version });
    this.line.depart(entry);
  }

  // "Send…" and "Send test" take what is stored, so what was typed a moment ago is stored first.
  async firstSave(way, event) {
    if (this.queue.state === "saved") return;
    event.preventDefault();
    const { submitter } = event;
    if (!(await this.queue.settled())) return this.state.note(composerWords().words.notYet, "bad");
    if (way.matches("form")) way.requestSubmit(submitter);
    else way.click();
  }
}
customElements.define("lk-letter", Letter);
