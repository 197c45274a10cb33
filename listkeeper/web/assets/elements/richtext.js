// <lk-richtext><textarea data-rich>…</textarea></lk-richtext>: the textarea holds
// what is stored, and an editor stands in its place once its block is open. The
// textarea changes only when the person changes something.
import { Editor, getSchema } from "@tiptap/core";
import { DOMParser as Reader, Slice } from "@tiptap/pm/model";
import { askLink, askTag } from "./ask.js";
import { composerWords, say } from "./composer_words.js";
import { spoken } from "./merge_tags.js";
import { cleaned, paragraphs } from "./pasted.js";
import { parsed, sound, stored } from "./rich_html.js";
import { schema } from "./rich_schema.js";

// name, sign on the button, what a press does
const BUTTONS = [
  ["bold", "B", (chain) => chain.toggleBold()],
  ["italic", "I", (chain) => chain.toggleItalic()],
  ["underline", "U", (chain) => chain.toggleUnderline()],
  ["strike", "S", (chain) => chain.toggleStrike()],
  ["link", null, null],
  ["bulletList", "•", (chain) => chain.toggleBulletList()],
  ["orderedList", "1.", (chain) => chain.toggleOrderedList()],
  ["mergeTag", null, null],
];

class RichText extends HTMLElement {
  connectedCallback() {
    this.field = this.querySelector("textarea");
    this.details = this.closest("details");
    if (!this.field || this.editor) return;
    // A letter of thirty blocks does not need thirty editors at once.
    if (this.details && !this.details.open) this.details.addEventListener("toggle", () => this.begin(), { once: true });
    else this.begin();
  }

  disconnectedCallback() {
    // Moved within the list, it is connected again at once.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.editor?.destroy();
      this.editor = null;
    });
  }

  get value() {
    return this.field.value;
  }

  /** Show other words: those of the server, of a snippet, or of before. */
  set value(html) {
    if (this.field.value === html) return;
    this.field.value = html;
    this.editor?.chain().setMeta("addToHistory", false).setContent(this.read(html), { emitUpdate: false }).run();
  }

  focus() {
    this.begin();
    this.editor.commands.focus("end");
  }

  begin() {
    if (this.editor || !this.isConnected) return;
    const { words, tags } = composerWords();
    this.words = words;
    const place = document.createElement("div");
    const extensions = schema({
      spoken: (tag) => spoken(tag, tags, words.or),
      askLink: () => this.link(),
      askTag: (_, position, tag) => this.tag(tag, position),
    });
    this.schema = getSchema(extensions);
    this.editor = new Editor({
      element: place,
      injectCSS: false,
      extensions,
      // What stands there is no change, so nobody is told, and it cannot be undone.
      content: this.read(this.field.value),
      editorProps: {
        attributes: this.named(),
        transformPastedHTML: (html) => cleaned(html, this.told),
        clipboardTextParser: (text, _, __, view) => this.slice(paragraphs(text, this.told), view.state.schema),
        handlePaste: (_, event) => this.linked(event),
      },
      onUpdate: () => this.changed(),
      onTransaction: () => this.mark(),
    });
    this.bar = this.toolbar();
    this.note = Object.assign(document.createElement("small"), { className: "hint", hidden: true });
    this.field.hidden = true;
    this.append(this.bar, place, this.note);
    this.mark();
  }

  named() {
    const label = this.ownerDocument.querySelector(`label[for="${this.field.id}"]`);
    label?.addEventListener("click", () => this.focus());
    if (label) label.id ||= `${this.field.id}-label`;
    return {
      role: "textbox",
      "aria-multiline": "true",
      class: "rich",
      ...(label ? { "aria-labelledby": label.id } : {}),
      ...(this.field.lang ? { lang: this.field.lang } : {}),
    };
  }

  read(html) {
    return Reader.fromSchema(this.schema).parse(parsed(html)).toJSON();
  }

  slice(body, of) {
    return new Slice(Reader.fromSchema(of).parse(body).content, 1, 1);
  }

  changed() {
    this.field.value = stored(this.editor.state.doc);
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // The address of a page, pasted over words, makes them a link.
  linked(event) {
    const text = event.clipboardData?.getData("text/plain").trim() ?? "";
    if (this.editor.state.selection.empty || /\s/.test(text) || !sound(text)) return false;
    return this.editor.chain().setMark("link", { href: text }).run();
  }

  told = (foreign, here) => {
    this.heard ??= new Map();
    this.heard.set(foreign, here);
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tell());
  };

  tell() {
    const { tags } = composerWords();
    const said = [...this.heard].map(([foreign, here]) =>
      here ? `${foreign} → ${spoken(here, tags, this.words.or)}` : `${foreign}: ${this.words.unknownTag}`,
    );
    this.heard = null;
    this.tellNote(`${this.words.converted} ${said.join(" · ")}`);
  }

  tellNote(sentence) {
    this.note.textContent = sentence;
    this.note.hidden = false;
    say(sentence);
  }

  toolbar() {
    const bar = document.createElement("div");
    bar.className = "toolbar";
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", this.words.toolbar);
    for (const [name, sign, act] of BUTTONS) bar.append(this.button(name, sign, act));
    bar.addEventListener("keydown", (event) => this.along(event));
    // Pressing a button leaves the cursor where it is.
    bar.addEventListener("pointerdown", (event) => event.preventDefault());
    return bar;
  }

  button(name, sign, act) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: `secondary outline small do-${name}`, textContent: sign ?? this.words[name] });
    button.dataset.name = name;
    button.tabIndex = name === "bold" ? 0 : -1;
    if (sign) {
      button.setAttribute("aria-label", this.words[name]);
      button.title = this.words[name];
    }
    button.addEventListener("click", () => {
      if (act) act(this.editor.chain().focus()).run();
      else if (name === "link") this.link();
      else this.tag();
    });
    return button;
  }

  // One stop for the Tab key, arrows within.
  along(event) {
    const buttons = [...this.bar.children];
    const here = buttons.indexOf(event.target);
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -here, End: buttons.length - 1 - here }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = buttons[(here + step + buttons.length) % buttons.length];
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  }

  mark() {
    for (const button of this.bar?.children ?? []) {
      if (button.dataset.name === "mergeTag") continue;
      button.setAttribute("aria-pressed", String(this.editor.isActive(button.dataset.name)));
    }
  }

  link() {
    const { editor } = this;
    askLink(editor.getAttributes("link").href ?? "").then((href) => {
      const chain = editor.chain().focus().extendMarkRange("link");
      if (href === "") chain.unsetMark("link").run();
      else if (sound(href)) this.lay(chain, href);
      else {
        editor.commands.focus();
        if (href) this.tellNote(this.words.badLink);
      }
    });
    return true;
  }

  lay(chain, href) {
    const bare = this.editor.state.selection.empty && !this.editor.isActive("link");
    if (bare) chain.insertContent({ type: "text", text: href, marks: [{ type: "link", attrs: { href } }] }).run();
    else chain.setMark("link", { href }).run();
  }

  tag(before = null, position = null) {
    const { editor } = this;
    askTag(before).then((tag) => {
      const content = tag && { type: "mergeTag", attrs: { tag } };
      if (tag && position !== null) editor.chain().insertContentAt({ from: position, to: position + 1 }, content).focus().run();
      else if (tag) editor.chain().focus().insertContent(content).run();
      else editor.commands.focus();
    });
    return true;
  }
}
customElements.define("lk-richtext", RichText);
